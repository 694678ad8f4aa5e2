"""What the search of products adds to the service."""

from praxisd.kernel.console import ConsolePage, Listing
from praxisd.kernel.service import (
    Check,
    EventType,
    FhirResource,
    Fix,
    JobType,
    Operation,
    Permission,
    Route,
    Setting,
)
from praxisd.services.medication import finding_operations, finding_routes, finding_store

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventType, ...] = ()
JOBS: tuple[JobType, ...] = ()
ROUTES: tuple[Route, ...] = finding_routes.ROUTES
LISTINGS: tuple[Listing, ...] = ()
PAGES: tuple[ConsolePage, ...] = ()
FHIR: tuple[FhirResource, ...] = ()
CHECKS: tuple[Check, ...] = ()
FIXES: tuple[Fix, ...] = ()
PERMISSIONS: tuple[Permission, ...] = finding_routes.PERMISSIONS
OPERATIONS: tuple[Operation, ...] = finding_operations.OPERATIONS
TABLES: tuple[str, ...] = finding_store.TABLES
PATIENT_REFS: tuple[tuple[str, str], ...] = ()
PROBLEMS: tuple[str, ...] = ()
