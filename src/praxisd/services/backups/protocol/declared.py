"""What the room „protocol“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import EventType, JobType, Operation, Permission, Retention, Route, Setting
from praxisd.services.backups.protocol import (
    checks,
    coverage,
    coverage_routes,
    log_keeping,
    log_routes,
    operations,
    proof,
    question_keeping,
    question_routes,
    question_rules,
)

SETTINGS: tuple[Setting, ...] = ()
PERMISSIONS: tuple[Permission, ...] = ()
ROUTES: tuple[Route, ...] = (*log_routes.ROUTES, *question_routes.ROUTES, *coverage_routes.ROUTES)
EVENTS: tuple[EventType, ...] = (
    EventType(log_keeping.CHECKED, Retention.AUDIT),
    EventType(question_keeping.CHANGED, Retention.AUDIT),
    EventType(coverage.COVERED, Retention.AUDIT),
)
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = checks.CHECKS
FIXES: tuple[Fix, ...] = checks.FIXES
OPERATIONS: tuple[Operation, ...] = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (*log_keeping.CODES, *question_rules.CODES, *coverage.REFUSED)
START = proof.start
