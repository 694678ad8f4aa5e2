"""What the room „moving“ adds to the declaration of the service."""

from praxisd.kernel.service import JobType, Setting
from praxisd.services.backups.moving import (
    arrival,
    arriving,
    arriving_database,
    carrying,
    checks,
    leaving,
    operations,
    returning,
    routes,
    steps,
    tickets,
)

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS = routes.PERMISSIONS
ROUTES = routes.ROUTES
EVENTS = routes.EVENTS
JOBS: tuple[JobType, ...] = ()
CHECKS = checks.CHECKS
FIXES = checks.FIXES
OPERATIONS = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (
    tickets.NO_COPY, tickets.NO_TICKET, tickets.TAKEN, tickets.DAMAGED,
    leaving.BUSY, leaving.ALREADY, leaving.RUNNING, leaving.PLACE,
    returning.NOT_MOVED, returning.ASKS, returning.BEGUN,
    arriving.NOT_EMPTY, arriving.SPACE, arriving.NEWER, arriving.CONFIG, arriving.FAILED,
    arriving_database.NEEDED, arriving_database.NOT_EMPTY, arriving_database.REFUSED, arriving_database.OTHER,
    arrival.NOT_ARRIVING, steps.UNKNOWN, carrying.UNKNOWN, carrying.LOCKED, carrying.NO_SHEET,
)  # fmt: skip
