"""What the room „runs“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import (
    EventType,
    Handler,
    JobType,
    Operation,
    Permission,
    Retention,
    Route,
    Setting,
)
from praxisd.services.backups.runs import (
    asking,
    backing,
    checks,
    jobs,
    operations,
    proving,
    queueing,
    routes,
    running,
    starting,
    watching,
)

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = ()
ROUTES: tuple[Route, ...] = routes.ROUTES
EVENTS: tuple[EventType, ...] = (
    EventType("backup.asked", Retention.AUDIT),
    EventType("backup.started", Retention.AUDIT),
    EventType("backup.finished", Retention.AUDIT),
    EventType("backup.warned", Retention.AUDIT, alert=True),
    EventType("backup.failed", Retention.AUDIT, alert=True),
    EventType("backup.interrupted", Retention.AUDIT, alert=True),
    EventType("backup.stopped", Retention.AUDIT),
)
JOBS: tuple[JobType, ...] = jobs.JOBS
CHECKS: tuple[Check, ...] = checks.CHECKS
FIXES: tuple[Fix, ...] = checks.FIXES
HANDLERS: tuple[Handler, ...] = watching.HANDLERS
START = watching.start
OPERATIONS: tuple[Operation, ...] = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (
    *asking.CODES,
    *running.CODES,
    *queueing.CODES,
    *backing.CODES,
    *proving.CODES,
    *starting.CODES,
)
