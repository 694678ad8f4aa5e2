"""What the room „plans“ adds to the declaration of the service."""

from praxisd.kernel.finding import Check, Fix
from praxisd.kernel.service import (
    EventType,
    JobType,
    Operation,
    Retention,
    Route,
    Setting,
)
from praxisd.services.backups import media_rules, plan_rules, plan_watch_rules, whereabouts_rules
from praxisd.services.backups.plans import (
    checks,
    drive_routes,
    drives,
    media,
    media_routes,
    operations,
    plan_routes,
    plan_view,
    planning,
    recognising,
    reminding,
    setting_up,
    source_routes,
    sources,
)
from praxisd.services.backups.plans.rights import MANAGE
from praxisd.services.backups.plans.rights import PERMISSIONS as PERMISSIONS

SETTINGS: tuple[Setting, ...] = reminding.SETTINGS
ROUTES: tuple[Route, ...] = (
    *plan_routes.ROUTES,
    *drive_routes.ROUTES,
    *source_routes.ROUTES,
    *media_routes.ROUTES,
)
EVENTS: tuple[EventType, ...] = tuple(
    EventType(name, Retention.AUDIT)
    for name in (
        planning.CHANGED,
        drives.ADDED,
        drives.CHANGED,
        drives.REMOVED,
        sources.INCLUDED,
        sources.LEFT_OUT,
        sources.REMOVED,
        *media.EVENTS,
    )
)
JOBS: tuple[JobType, ...] = reminding.JOBS
CHECKS: tuple[Check, ...] = checks.CHECKS
FIXES: tuple[Fix, ...] = (Fix(media_rules.UNREADABLE, recognising.again, MANAGE),)
OPERATIONS: tuple[Operation, ...] = operations.OPERATIONS
PROBLEMS: tuple[str, ...] = (
    *plan_rules.CODES,
    *media_rules.CODES,
    *plan_watch_rules.CODES,
    *whereabouts_rules.REFUSALS,
    *whereabouts_rules.CODES,
    *drives.CODES,
    *sources.CODES,
    *setting_up.CODES,
    plan_view.RANGE,
    media.NOT_AN_IMAGE,
    media.BUSY,
)
