"""What the data sets add to the service: which are here, how old, taken into use and back."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import (
    Check,
    EventType,
    Operation,
    Permission,
    Retention,
    Route,
)
from praxisd.services.medication import (
    sets_checks,
    sets_looking,
    sets_operations,
    sets_routes,
    sets_store,
    sets_view,
)

EVENTS: tuple[EventType, ...] = (EventType(sets_view.CONFIRMED, Retention.AUDIT),)
ROUTES: tuple[Route, ...] = sets_routes.ROUTES
PAGES: tuple[ConsolePage, ...] = (ConsolePage("medication", "medication.product.read", "day", 50, "pill"),)
CHECKS: tuple[Check, ...] = sets_checks.CHECKS
PERMISSIONS: tuple[Permission, ...] = sets_routes.PERMISSIONS
OPERATIONS: tuple[Operation, ...] = sets_operations.OPERATIONS
TABLES: tuple[str, ...] = sets_store.TABLES
PROBLEMS: tuple[str, ...] = (
    *sets_looking.FAULTS,
    "medication.no_data",
    "medication.no_version",
    "medication.unconfirmed",
    "medication.data_expired",
    "medication.build_refused",
    "medication.build_source",
    *(
        f"medication.import_{what}"
        for what in ("not_zip", "missing", "too_large", "not_text", "columns", "line", "mapping")
    ),
)
