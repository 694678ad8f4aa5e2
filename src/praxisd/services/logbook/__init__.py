"""logbook: what seats and services say of themselves, in one place; it leaves only when a person wants it (SPEC 9.3)."""

from praxisd.kernel.service import Service
from praxisd.services.logbook import checks, jobs, own, routes, settings, store
from praxisd.services.logbook.entries import BAD

SERVICE = Service(
    name="logbook",
    package="praxisd.services.logbook",
    settings=settings.SETTINGS,
    events=routes.EVENTS,
    jobs=jobs.JOBS,
    checks=checks.CHECKS,
    routes=routes.ROUTES,
    permissions=routes.PERMISSIONS,
    tables=store.TABLES,
    problems=(BAD,),
    start=own.start,
)
