"""What a patient's list of medication adds to the service: statements, risks, interactions, notices."""

from praxisd.kernel.service import (
    EventType,
    FhirResource,
    Operation,
    Permission,
    Route,
)
from praxisd.services.medication import (
    check_routes,
    fhir,
    statement_operations,
    statement_routes,
    statement_store,
)
from praxisd.services.medication.check_routes import NOTICE, USE
from praxisd.services.medication.statement_routes import READ, WRITE

_WORK = ("owner", "desk", "pvs")

EVENTS: tuple[EventType, ...] = tuple(
    EventType(f"medication.{what}_{done}")
    for what in ("statement", "risk")
    for done in ("added", "changed", "removed")
)
ROUTES: tuple[Route, ...] = (*statement_routes.ROUTES, *check_routes.ROUTES)
FHIR: tuple[FhirResource, ...] = (fhir.STATEMENT,)
PERMISSIONS: tuple[Permission, ...] = (
    Permission(READ, _WORK),
    Permission(WRITE, _WORK),
    Permission(USE, _WORK),
    Permission(NOTICE, (*_WORK, "partner")),
)
OPERATIONS: tuple[Operation, ...] = statement_operations.OPERATIONS
TABLES: tuple[str, ...] = statement_store.TABLES
PATIENT_REFS: tuple[tuple[str, str], ...] = statement_store.REFERENCES
PROBLEMS: tuple[str, ...] = ("medication.other_patient", "medication.subject_unnamed")
