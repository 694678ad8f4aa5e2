"""The directory: who the practice is, who works there, where, and who its patients are."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Permission, Retention, Scope, Service, Setting
from praxisd.services.directory import checks, imports, listings, operations, store
from praxisd.services.directory.fhir import FHIR
from praxisd.services.directory.routes import ROUTES
from praxisd.services.directory.treatment_fhir import EPISODE
from praxisd.services.directory.treatment_listing import TREATMENTS

_ALL = ("owner", "desk", "pvs", "partner", "portal")
_INSIDE = ("owner", "desk", "pvs", "partner")
_WORK = ("owner", "desk", "pvs")

SERVICE = Service(
    name="directory",
    package="praxisd.services.directory",
    settings=(Setting(checks.WARN_DAYS, int, 30, Scope.ORGANIZATION, low=1, high=365, unit="days"),),
    events=(
        EventType("organization.changed"),
        EventType("mandator.changed"),
        EventType("practitioner.changed"),
        EventType("location.changed"),
        EventType("treatment.opened"),
        EventType("treatment.changed"),
        EventType("treatment.deleted"),
        EventType("patient.created"),
        EventType("patient.changed"),
        EventType("patient.seen", Retention.AUDIT, live=False),
        EventType("patient.match_open"),
        EventType("patient.match_decided", Retention.AUDIT),
        EventType("patient.merged", Retention.AUDIT),
        EventType("patient.unmerged", Retention.AUDIT),
        EventType("patient.removed", Retention.AUDIT),
    ),
    routes=ROUTES,
    listings=(*listings.LISTINGS, TREATMENTS),
    pages=(
        ConsolePage("patients", listings.PATIENTS_ALLOWED, "day", 30, "users"),
        ConsolePage("practice", "directory.organization.read", "practice", 40, "building"),
    ),
    fhir=(*FHIR, EPISODE),
    checks=checks.CHECKS,
    permissions=(
        Permission("directory.organization.read", _ALL),
        Permission("directory.organization.write", _WORK),
        Permission("directory.mandator.read", _INSIDE),
        Permission("directory.mandator.write", _WORK),
        Permission("directory.practitioner.read", _ALL),
        Permission("directory.practitioner.write", _WORK),
        Permission("directory.location.read", _ALL),
        Permission("directory.location.write", _WORK),
        Permission("directory.treatment.read", _INSIDE),
        Permission("directory.treatment.write", _WORK),
        Permission("directory.patient.read", _ALL),
        Permission("directory.patient.create", (*_WORK, "portal")),
        Permission("directory.patient.write", _WORK),
        Permission("directory.patient.merge", ("owner", "desk")),
    ),
    operations=operations.OPERATIONS,
    commands="praxisd.services.directory.cli:commands",
    tables=store.TABLES,
    patient_refs=store.REFERENCES,
    problems=(
        "directory.merge_chain",
        "directory.organization_exists",
        "directory.patient_inactive",
        "directory.patient_unknown",
        "directory.practice_exists",
        "directory.practitioner_unknown",
        "directory.treatment_incomplete",
        "directory.treatment_status",
        *imports.WARNINGS,
    ),
)
