"""What the room „restoring“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import EventType, JobType, Operation, Permission, Retention, Route, Setting
from praxisd.services.backups.restoring import (
    after,
    bare,
    exchange,
    manifest,
    opening,
    operations,
    own_place,
    restoring,
    rights,
    routes,
    targets,
    working,
)
from praxisd.services.backups.sources import postgres_exchange

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = rights.PERMISSIONS
ROUTES: tuple[Route, ...] = routes.ROUTES
EVENTS: tuple[EventType, ...] = tuple(
    EventType(name, Retention.AUDIT) for name in (*after.EVENTS, "backup_restore.undone")
)
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = after.CHECKS
FIXES: tuple[Fix, ...] = after.FIXES
OPERATIONS: tuple[Operation, ...] = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (
    *exchange.CODES, *postgres_exchange.CODES, *manifest.CODES, *opening.CODES, *own_place.CODES, *targets.CODES,
    *restoring.CODES, *working.CODES, *bare.CODES,
)  # fmt: skip
