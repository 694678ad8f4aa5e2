"""FHIR R4 (4.0.1) front: the resource structs and the few functions that doors and importers need.

Wire values are plain dicts (camelCase names as they came); structs are for building answers with types and as
the declaration that checks, JSON and XML are driven by.
"""

from praxisd.model.fhir_capability import CapabilityStatement
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_exchange import Binary, Bundle, Communication, OperationOutcome, Parameters
from praxisd.model.fhir_medication import MedicationStatement
from praxisd.model.fhir_people import (
    EpisodeOfCare,
    Location,
    Organization,
    Patient,
    Practitioner,
    PractitionerRole,
)
from praxisd.model.fhir_provenance import Provenance
from praxisd.model.fhir_scheduling import Appointment, HealthcareService, Schedule, Slot
from praxisd.model.fhir_shapes import RESOURCES, dump_json, load_json
from praxisd.model.fhir_terminology import CodeSystem, ValueSet
from praxisd.model.fhir_times import format_instant, parse_date, parse_instant
from praxisd.model.fhir_validation import check, parse_json

FHIR_VERSION = "4.0.1"
JSON_TYPE = "application/fhir+json"
XML_TYPE = "application/fhir+xml"

__all__ = [
    "FHIR_VERSION",
    "JSON_TYPE",
    "RESOURCES",
    "XML_TYPE",
    "Appointment",
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "CodeSystem",
    "Communication",
    "EpisodeOfCare",
    "FhirError",
    "HealthcareService",
    "Location",
    "MedicationStatement",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "Schedule",
    "Slot",
    "ValueSet",
    "check",
    "dump_json",
    "format_instant",
    "load_json",
    "parse_date",
    "parse_instant",
    "parse_json",
]
