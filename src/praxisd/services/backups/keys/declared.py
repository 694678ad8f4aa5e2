"""What the room „keys“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import EventType, JobType, Operation, Permission, Retention, Route, Setting
from praxisd.services.backups.keys import alphabet, changing, checks, opening, operations, rewrapping, routes
from praxisd.services.backups.keys.rights import PERMISSIONS as _PERMISSIONS

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = _PERMISSIONS
ROUTES: tuple[Route, ...] = routes.ROUTES
EVENTS: tuple[EventType, ...] = (
    EventType("backup_key.made", Retention.AUDIT),
    EventType(changing.MOVED, Retention.AUDIT),
    EventType("backup_sheet.printed", Retention.AUDIT),
)
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = checks.CHECKS
FIXES: tuple[Fix, ...] = ()
OPERATIONS: tuple[Operation, ...] = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (
    opening.NEEDED,
    opening.LATER,
    alphabet.MISTYPED,
    rewrapping.THERE,
    changing.WEAK,
    changing.UNDER_WAY,
    routes.UNCONFIRMED,
)
