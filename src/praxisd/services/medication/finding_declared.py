"""What the search of products adds to the service."""

from praxisd.kernel.service import (
    Operation,
    Permission,
    Route,
)
from praxisd.services.medication import finding_operations, finding_routes, finding_store

ROUTES: tuple[Route, ...] = finding_routes.ROUTES
PERMISSIONS: tuple[Permission, ...] = finding_routes.PERMISSIONS
OPERATIONS: tuple[Operation, ...] = finding_operations.OPERATIONS
TABLES: tuple[str, ...] = finding_store.TABLES
