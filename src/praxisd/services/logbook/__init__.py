"""logbook: what seats and services say of themselves, in one place; it leaves only when a person wants it (SPEC 9.3)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Service
from praxisd.services.logbook import checks, jobs, operations, own, package_routes, routes, settings, store
from praxisd.services.logbook.entries import BAD

SERVICE = Service(
    name="logbook",
    package="praxisd.services.logbook",
    needs=("accounts", "directory", "messaging", "support"),
    settings=settings.SETTINGS,
    events=(*routes.EVENTS, *package_routes.EVENTS),
    jobs=jobs.JOBS,
    checks=checks.CHECKS,
    routes=(*routes.ROUTES, *package_routes.ROUTES),
    pages=(ConsolePage("logbook", routes.READ, "system", 42, "text"),),
    permissions=(*routes.PERMISSIONS, *package_routes.PERMISSIONS),
    tables=store.TABLES,
    problems=(BAD,),
    operations=operations.OPERATIONS,
    commands="praxisd.services.logbook.cli:commands",
    start=own.start,
)
