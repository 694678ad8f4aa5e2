"""seats: who works where, and who edits which record (SPEC 9.1, 9.2)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Service
from praxisd.services.seats import checks, declared, desk, listings, live, operations, routes

SERVICE = Service(
    name="seats",
    package="praxisd.services.seats",
    needs=("accounts", "directory", "logbook"),
    settings=declared.SETTINGS,
    events=declared.EVENTS,
    handlers=declared.HANDLERS,
    permissions=declared.PERMISSIONS,
    checks=checks.CHECKS,
    routes=routes.ROUTES,
    listings=listings.LISTINGS,
    pages=(ConsolePage("seats", declared.READ, "practice", 66, "users"),),
    tables=declared.TABLES,
    sockets=live.SOCKETS,
    problems=(*declared.PROBLEMS, *live.PROBLEMS),
    operations=operations.OPERATIONS,
    commands="praxisd.services.seats.cli:commands",
    start=desk.start,
)
