"""What the room „keys“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import EventType, JobType, Operation, Permission, Retention, Route, Setting
from praxisd.services.backups.keys import alphabet, opening, rewrapping

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = (Permission("backups.keys", ("owner",)),)
ROUTES: tuple[Route, ...] = ()
EVENTS: tuple[EventType, ...] = (
    EventType("backup_key.made", Retention.AUDIT),
    EventType("backup_key.moved", Retention.AUDIT),
    EventType("backup_sheet.printed", Retention.AUDIT),
)
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = ()
FIXES: tuple[Fix, ...] = ()
OPERATIONS: tuple[Operation, ...] = ()
PROBLEMS: tuple[str, ...] = (opening.NEEDED, alphabet.MISTYPED, rewrapping.THERE)
