"""What take-over and export of data add to the service."""

from praxisd.kernel.console import ConsolePage, Listing
from praxisd.kernel.service import (
    Check,
    EventType,
    Operation,
    Permission,
    Retention,
    Route,
    Setting,
)
from praxisd.services.exchange import (
    takeover_checks,
    takeover_listing,
    takeover_operations,
    takeover_room,
    takeover_routes,
    takeover_store,
)

SETTINGS: tuple[Setting, ...] = (
    Setting(takeover_routes.LARGEST, int, 500, low=1, high=20_000, unit="megabytes"),
    Setting(takeover_room.KEPT, int, 7, low=1, high=365, unit="days"),
)
EVENTS: tuple[EventType, ...] = (
    EventType("takeover.brought", Retention.AUDIT),
    EventType("takeover.look_begun", Retention.ACTIVITY),
    EventType("takeover.looked", Retention.ACTIVITY),
    EventType("takeover.begun", Retention.AUDIT),
    EventType("takeover.stopped", Retention.AUDIT),
    EventType("takeover.done", Retention.AUDIT),
    EventType("takeover.failed", Retention.AUDIT, alert=True),
    EventType("takeover.undo_begun", Retention.AUDIT),
    EventType("takeover.undone", Retention.AUDIT),
    EventType("takeover.deleted", Retention.AUDIT),
    EventType("data.exported", Retention.AUDIT),
)
ROUTES: tuple[Route, ...] = takeover_routes.ROUTES
LISTINGS: tuple[Listing, ...] = takeover_listing.LISTINGS
PAGES: tuple[ConsolePage, ...] = (
    ConsolePage("exchange", "exchange.device.read", "practice", 68, "arrow-left-right"),
)
CHECKS: tuple[Check, ...] = takeover_checks.CHECKS
PERMISSIONS: tuple[Permission, ...] = (Permission(takeover_routes.USE), Permission(takeover_routes.EXPORT))
OPERATIONS: tuple[Operation, ...] = takeover_operations.OPERATIONS
TABLES: tuple[str, ...] = takeover_store.TABLES
PATIENT_REFS: tuple[tuple[str, str], ...] = takeover_store.REFERENCES
PROBLEMS: tuple[str, ...] = (
    "exchange.cannot_say",
    "exchange.crashed",
    "exchange.format_unknown",
    "exchange.not_this_format",
    "exchange.source_gone",
)
