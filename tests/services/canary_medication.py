"""Canaries in what patients take and what speaks against it, beside the sample data sets, which name nobody."""

from typing import TYPE_CHECKING, Any

from praxisd.services.medication import sets_reading
from praxisd.testing import medication

if TYPE_CHECKING:
    from .calendar_cast import Rest
    from .canary_house import Aviary
    from .fhir_client import Fhir


def let_in(nest: "Aviary", desk: "Rest", inside: "Fhir", patient: str) -> None:
    """Lines and risks of a canary by each door."""
    house, bird = nest.house, nest.bird
    medication.install_samples(house)
    medication.confirm(house, nest.practice.desk())
    line = {
        "patient": patient,
        "text": bird("statement.text"),
        "dosage": bird("statement.dosage"),
        "note": bird("statement.note"),
    }
    nest.note("statements", desk("POST", "/medication/statements", 201, line)["id"])
    told = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "subject": {"reference": f"Patient/{patient}", "display": bird("statement.display")},
        "medicationCodeableConcept": {"text": bird("statement.concept")},
        "reasonCode": [{"text": bird("statement.reason")}],
    }
    nest.note("statements", inside("POST", "MedicationStatement", 201, told)["id"])
    risk = {"patient": patient, "text": bird("risk.text"), "note": bird("risk.note")}
    nest.note("risks", desk("POST", "/medication/risks", 201, risk)["id"])
    opened = sets_reading.open_set(house, "medication")
    nest.note("products", str(opened.rows("SELECT min(id) FROM product")[0][0]))
    nest.note("sets", "medication")


def bodies(nest: "Aviary") -> dict[str, Any]:
    """What the operations of medication are asked with on the tour."""
    whose = {"patient": nest.ids["patients"][0]}
    return {
        "statements.search": whose | {"ended": True},
        "risks.search": whose | {"ended": True},
        "medicationCheck.view": whose,
        "medication.search": {"text": "ibu"},
        "medicationTexts.search": {"text": "ibuprofen"},
        "notices.see": {"notices": ["sample"]},
    }
