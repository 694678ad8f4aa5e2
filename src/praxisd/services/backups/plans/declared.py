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
from praxisd.services.backups.plans import drives, media, planning, sources
from praxisd.services.backups.plans.rights import PERMISSIONS as PERMISSIONS

SETTINGS: tuple[Setting, ...] = ()
ROUTES: tuple[Route, ...] = ()
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
JOBS: tuple[JobType, ...] = ()
CHECKS: tuple[Check, ...] = ()
FIXES: tuple[Fix, ...] = ()
OPERATIONS: tuple[Operation, ...] = ()
PROBLEMS: tuple[str, ...] = (
    *plan_rules.CODES,
    *media_rules.CODES,
    *plan_watch_rules.CODES,
    *whereabouts_rules.REFUSALS,
    *whereabouts_rules.CODES,
    *drives.CODES,
    *sources.CODES,
    media.NOT_AN_IMAGE,
)
