"""Answers of the FHIR door: valid by our own rules, in JSON and XML."""

from typing import Any

from praxisd.model.fhir import FhirError, check
from praxisd.model.fhir_bundle import (
    PROBLEM_SYSTEM,
    issue,
    outcome,
    outcome_of,
    searchset,
    unknown_parameters,
)
from praxisd.model.fhir_errors import ISSUE_TYPES
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml

BASE = "http://x/fhir/R4"


def valid(resource: dict[str, Any]) -> dict[str, Any]:
    check(resource)
    assert parse_xml(to_xml(resource)) == resource
    return resource


def schedule(key: str) -> dict[str, Any]:
    return {"resourceType": "Schedule", "id": key, "actor": [{"display": "x"}]}


def test_searchset() -> None:
    bundle = valid(
        searchset(
            [schedule("a"), schedule("b")],
            base=BASE,
            self_url=f"{BASE}/Schedule",
            next_url=f"{BASE}/Schedule?_cursor=x",
            total=7,
            included=[schedule("c"), schedule("a"), schedule("c")],
            outcome=unknown_parameters(["foo"]),
        )
    )
    assert bundle["total"] == 7
    assert [link["relation"] for link in bundle["link"]] == ["self", "next"]
    assert [(e.get("fullUrl"), e["search"]["mode"]) for e in bundle["entry"]] == [
        (f"{BASE}/Schedule/a", "match"),
        (f"{BASE}/Schedule/b", "match"),
        (f"{BASE}/Schedule/c", "include"),
        (None, "outcome"),
    ]


def test_empty_searchset_has_no_empty_array() -> None:
    bundle = valid(searchset([], base=BASE, self_url=f"{BASE}/Slot", total=0))
    assert "entry" not in bundle and bundle["total"] == 0


def test_outcomes() -> None:
    error = FhirError("fhir.invalid", "Slot.status", "not a code")
    built = valid(outcome_of(error, "Der Inhalt ist ungültig"))
    assert built["issue"] == [
        {
            "severity": "error",
            "code": "value",
            "details": {
                "coding": [{"system": PROBLEM_SYSTEM, "code": "fhir.invalid"}],
                "text": "Der Inhalt ist ungültig",
            },
            "diagnostics": "not a code",
            "expression": ["Slot.status"],
        }
    ]
    two = valid(
        outcome(
            issue("calendar.slot_taken", "conflict"), issue("x.y", "informational", severity="information")
        )
    )
    assert [item["severity"] for item in two["issue"]] == ["error", "information"]
    assert unknown_parameters([]) is None


def test_every_code_has_a_valid_issue_type() -> None:
    for code in ISSUE_TYPES:
        valid(outcome_of(FhirError(code)))
