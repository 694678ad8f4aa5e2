"""What take-over and export of data add to the service."""

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

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventType, ...] = ()
JOBS: tuple[JobType, ...] = ()
ROUTES: tuple[Route, ...] = ()
LISTINGS: tuple[Listing, ...] = ()
PAGES: tuple[ConsolePage, ...] = ()
FHIR: tuple[FhirResource, ...] = ()
CHECKS: tuple[Check, ...] = ()
FIXES: tuple[Fix, ...] = ()
PERMISSIONS: tuple[Permission, ...] = ()
OPERATIONS: tuple[Operation, ...] = ()
TABLES: tuple[str, ...] = ()
PATIENT_REFS: tuple[tuple[str, str], ...] = ()
PROBLEMS: tuple[str, ...] = ("exchange.cannot_say", "exchange.format_unknown", "exchange.not_this_format")
