"""reminders: who is due for a reminder or a birthday greeting, who not, and why. It prepares; messaging sends."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Permission, Service
from praxisd.services.reminders import (
    checks,
    conditions,
    handlers,
    jobs,
    listings,
    operations,
    routes,
    rules,
    store,
)

SERVICE = Service(
    name="reminders",
    package="praxisd.services.reminders",
    needs=("directory", "calendar", "messaging"),
    settings=conditions.SETTINGS,
    jobs=jobs.JOBS,
    handlers=handlers.HANDLERS,
    routes=routes.ROUTES,
    listings=listings.LISTINGS,
    pages=(ConsolePage("reminders", routes.READ, "day", 46, "bell-ring"),),
    checks=checks.CHECKS,
    permissions=(
        Permission(routes.READ, ("owner", "desk")),
        Permission(listings.READ, ("owner", "desk", "partner")),
    ),
    operations=operations.OPERATIONS,
    commands="praxisd.services.reminders.cli:commands",
    tables=store.TABLES,
    patient_refs=store.REFERENCES,
    problems=(*rules.CODES, *listings.CONSENT, jobs.OFF, jobs.GREETINGS_OFF, handlers.CHANGED),
)
