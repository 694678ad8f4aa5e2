"""medication: signed data sets, the search in them, and what a patient takes (SPEC § 10)."""

from praxisd.kernel.service import Service
from praxisd.services.medication import finding_declared, sets_declared, starting, statements_declared

SERVICE = Service(
    name="medication",
    package="praxisd.services.medication",
    needs=("directory", "updates"),
    events=(*sets_declared.EVENTS, *statements_declared.EVENTS),
    routes=(*sets_declared.ROUTES, *finding_declared.ROUTES, *statements_declared.ROUTES),
    pages=sets_declared.PAGES,
    fhir=statements_declared.FHIR,
    checks=sets_declared.CHECKS,
    permissions=(*sets_declared.PERMISSIONS, *finding_declared.PERMISSIONS, *statements_declared.PERMISSIONS),
    operations=(*sets_declared.OPERATIONS, *finding_declared.OPERATIONS, *statements_declared.OPERATIONS),
    tables=(*sets_declared.TABLES, *finding_declared.TABLES, *statements_declared.TABLES),
    patient_refs=statements_declared.PATIENT_REFS,
    start=starting.start,
    problems=(*sets_declared.PROBLEMS, *statements_declared.PROBLEMS),
)
