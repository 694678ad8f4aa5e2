"""What the engine of online calendars adds to the declaration of the room: events, codes, job, checks, page, table."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Retention
from praxisd.services.portals import (
    engine_checks,
    engine_job,
    engine_listing,
    engine_marks,
    engine_operations,
    engine_routes,
)

EVENTS = (
    *(EventType(f"portal.{what}", Retention.AUDIT) for what in ("created", "changed", "deleted")),
    *(EventType(f"calendar.{what}", Retention.AUDIT) for what in ("linked", "unlinked")),
    EventType("sync.uploaded", Retention.ACTIVITY),
    EventType("sync.failed", alert=True),
    EventType("sync.recovered"),
    *(EventType(f"sync.{what}", Retention.AUDIT) for what in ("started", "stopped")),
    EventType("booking.fetched"),
)
PROBLEMS = (
    *engine_checks.FAULTS,
    "portals.blocker_conflict",
    "portals.none_active",
    "portals.portal_unknown",
)
HANDLERS = engine_marks.HANDLERS
JOBS = engine_job.JOBS
ROUTES = engine_routes.ROUTES
CHECKS = engine_checks.CHECKS
LISTINGS = (engine_listing.CALENDARS,)
PAGES = (ConsolePage("online", "portals.portal.read", "practice", 40, "refresh-cw"),)
OPERATIONS = engine_operations.OPERATIONS
