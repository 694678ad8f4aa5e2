"""medication: signed data sets, the search in them, and what a patient takes (SPEC § 10)."""

from praxisd.kernel.service import Service
from praxisd.services.medication import finding_declared, sets_declared, sets_reading, statements_declared

SERVICE = Service(
    name="medication",
    package="praxisd.services.medication",
    needs=("directory", "updates"),
    settings=(*sets_declared.SETTINGS, *finding_declared.SETTINGS, *statements_declared.SETTINGS),
    events=(*sets_declared.EVENTS, *finding_declared.EVENTS, *statements_declared.EVENTS),
    jobs=(*sets_declared.JOBS, *finding_declared.JOBS, *statements_declared.JOBS),
    routes=(*sets_declared.ROUTES, *finding_declared.ROUTES, *statements_declared.ROUTES),
    listings=(*sets_declared.LISTINGS, *finding_declared.LISTINGS, *statements_declared.LISTINGS),
    pages=(*sets_declared.PAGES, *finding_declared.PAGES, *statements_declared.PAGES),
    fhir=(*sets_declared.FHIR, *finding_declared.FHIR, *statements_declared.FHIR),
    checks=(*sets_declared.CHECKS, *finding_declared.CHECKS, *statements_declared.CHECKS),
    fixes=(*sets_declared.FIXES, *finding_declared.FIXES, *statements_declared.FIXES),
    permissions=(*sets_declared.PERMISSIONS, *finding_declared.PERMISSIONS, *statements_declared.PERMISSIONS),
    operations=(*sets_declared.OPERATIONS, *finding_declared.OPERATIONS, *statements_declared.OPERATIONS),
    tables=(*sets_declared.TABLES, *finding_declared.TABLES, *statements_declared.TABLES),
    patient_refs=(
        *sets_declared.PATIENT_REFS,
        *finding_declared.PATIENT_REFS,
        *statements_declared.PATIENT_REFS,
    ),
    start=sets_reading.start,
    problems=(*sets_declared.PROBLEMS, *finding_declared.PROBLEMS, *statements_declared.PROBLEMS),
)
