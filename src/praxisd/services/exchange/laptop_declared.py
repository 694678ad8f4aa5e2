"""What the laptop and the export of one patient add to the service."""

from praxisd.kernel.service import (
    Check,
    EventType,
    Operation,
    Permission,
    Retention,
    Route,
)
from praxisd.services.exchange import (
    laptop_checks,
    laptop_operations,
    laptop_routes,
    laptop_store,
    patient_routes,
)

EVENTS: tuple[EventType, ...] = (
    EventType("loan.made", Retention.AUDIT),
    EventType("loan.returned", Retention.AUDIT),
    EventType("loan.revoked", Retention.AUDIT),
    EventType("loan.decided", Retention.AUDIT),
    EventType("laptop.opened", Retention.AUDIT),
    EventType("laptop.packed", Retention.AUDIT),
    EventType("patient.lent", Retention.AUDIT, live=False),
    EventType("patient.exported", Retention.AUDIT, live=False),
)
ROUTES: tuple[Route, ...] = (*laptop_routes.ROUTES, *patient_routes.ROUTES)
CHECKS: tuple[Check, ...] = laptop_checks.CHECKS
PERMISSIONS: tuple[Permission, ...] = (
    Permission(laptop_routes.USE, ("owner",)),
    Permission(patient_routes.USE, ("owner",)),
    Permission(laptop_routes.SEE, ("owner", "desk", "pvs", "partner")),
)
OPERATIONS: tuple[Operation, ...] = (*laptop_operations.OPERATIONS, *patient_routes.OPERATIONS)
TABLES: tuple[str, ...] = laptop_store.TABLES
PATIENT_REFS: tuple[tuple[str, str], ...] = laptop_store.REFERENCES
PROBLEMS: tuple[str, ...] = (
    "exchange.folder_used",
    "exchange.laptop_serving",
    "exchange.record_foreign",
    "exchange.changed_on_both",
)
