"""What the room „protocol“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import EventType, JobType, Operation, Permission, Route, Setting

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = ()
ROUTES: tuple[Route, ...] = ()
EVENTS: tuple[EventType, ...] = ()
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = ()
FIXES: tuple[Fix, ...] = ()
OPERATIONS: tuple[Operation, ...] = ()
PROBLEMS: tuple[str, ...] = ()
