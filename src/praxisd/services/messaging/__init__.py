"""Messages („Mitteilungen“): the practice's inbox, with attachments. Communication and Binary on the FHIR door."""

from praxisd.kernel.console import ConsolePage, SetupStep
from praxisd.kernel.service import EventType, Permission, Service, Setting
from praxisd.services.messaging import (
    account_routes,
    accounts,
    consent_store,
    credit_routes,
    handlers,
    hook_routes,
    inbox,
    last_look,
    listings,
    outbox_checks,
    outbox_declared,
    outbox_listings,
    outbox_routes,
    outbox_store,
    standing,
    store,
    telling,
    template_routes,
    template_store,
    wishes_listings,
    wishes_routes,
    writing_declared,
)
from praxisd.services.messaging.channels import gateway_files, smtp_form
from praxisd.services.messaging.fhir import FHIR
from praxisd.services.messaging.jobs import JOBS
from praxisd.services.messaging.operations import OPERATIONS
from praxisd.services.messaging.routes import ROUTES

_INSIDE = ("owner", "desk", "pvs")
_ALL = (*_INSIDE, "portal")

SERVICE = Service(
    name="messaging",
    package="praxisd.services.messaging",
    needs=("directory", "calendar"),
    settings=(
        Setting(inbox.ATTACHMENT_KILOBYTES, int, 2048, low=16, high=20_000, unit="kilobytes"),
        Setting(inbox.ATTACHMENTS_PER_DAY, int, 200, low=1, high=10_000),
        *writing_declared.SETTINGS,
        *outbox_declared.SETTINGS,
    ),
    events=(
        EventType("communication.received"),
        EventType("communication.changed"),
        *writing_declared.EVENTS,
        *outbox_declared.EVENTS,
    ),
    jobs=JOBS,
    routes=(
        *ROUTES,
        *outbox_routes.ROUTES,
        *account_routes.ROUTES,
        *credit_routes.ROUTES,
        *hook_routes.ROUTES,
        *wishes_routes.ROUTES,
        *template_routes.ROUTES,
    ),
    listings=(*listings.LISTINGS, *outbox_listings.LISTINGS, *wishes_listings.LISTINGS),
    pages=(
        ConsolePage("inbox", "messaging.inbox.write", "day", 40, "inbox"),
        *outbox_declared.PAGES,
        *writing_declared.PAGES,
    ),
    steps=(SetupStep("messages", 70, accounts.set_up, "messages"),),
    fhir=FHIR,
    permissions=(
        Permission("messaging.communication.read", _ALL),
        Permission("messaging.communication.write", _ALL),
        Permission("messaging.inbox.write", _INSIDE),
        Permission("messaging.binary.read", _ALL),
        Permission("messaging.binary.write", _ALL),
        *writing_declared.PERMISSIONS,
        *outbox_declared.PERMISSIONS,
    ),
    handlers=handlers.HANDLERS,
    tables=(*store.TABLES, *outbox_store.TABLES, *consent_store.TABLES, *template_store.TABLES),
    patient_refs=(*store.REFERENCES, *outbox_store.REFERENCES, *consent_store.REFERENCES),
    checks=(*gateway_files.CHECKS, *outbox_checks.CHECKS),
    operations=OPERATIONS,
    commands="praxisd.services.messaging.cli:commands",
    problems=(
        "messaging.attachment_inline",
        "messaging.attachment_mismatch",
        "messaging.attachment_too_large",
        "messaging.attachment_type",
        "messaging.attachment_unknown",
        "messaging.attachment_unreadable",
        "messaging.attachments_exhausted",
        "messaging.not_author",
        "messaging.sender_not_allowed",
        "messaging.text_too_long",
        *writing_declared.PROBLEMS,
        *outbox_declared.PROBLEMS,
        *last_look.REASONS,
        *telling.REASONS,
        standing.OTHERWISE,
        *gateway_files.PROBLEMS,
        *smtp_form.PROBLEMS,
    ),
)
