"""FHIR search: matching resources in memory."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from praxisd.model.fhir import FhirError
from praxisd.model.fhir_matching import matches
from praxisd.model.fhir_search import SearchQuery, parse_search
from praxisd.model.fhir_search_values import Composite, Token

BERLIN = ZoneInfo("Europe/Berlin")
BASE = "https://praxis.example/fhir/R4"
NOW = int(datetime(2026, 11, 22, 12, tzinfo=BERLIN).timestamp())


def search(resource: str, query: str) -> SearchQuery:
    return parse_search(parse_qsl(query), resource, BERLIN, now=NOW, base=BASE)


def hit(resource: dict[str, Any], query: str, **options: Any) -> bool:
    return matches(resource, search(resource["resourceType"], query), BERLIN, base=BASE, **options)


SERVICE = {
    "resourceType": "HealthcareService",
    "id": "h1",
    "meta": {
        "lastUpdated": "2026-11-22T09:00:00Z",
        "profile": ["http://p"],
        "tag": [{"system": "t", "code": "c"}],
    },
    "active": True,
    "name": "Allgemeine Prüfung  Größe",
    "type": [{"coding": [{"system": "http://s", "code": "124"}, {"code": "plain"}]}, {"text": "only text"}],
    "identifier": [{"system": "http://i", "value": "7"}],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("active=true", True),
        ("active=false", False),
        ("service-type=124", True),
        ("service-type=http://s%7C124", True),
        ("service-type=http://x%7C124", False),
        ("service-type=%7C124", False),
        ("service-type=%7Cplain", True),
        ("service-type=http://s%7C", True),
        ("service-type=x,124", True),
        ("service-type=124&service-type=plain", True),
        ("service-type=124&service-type=x", False),
        ("service-type:not=124", False),
        ("service-type:not=x", True),
        ("specialty:not=x", True),
        ("specialty=x", False),
        ("specialty:missing=true", True),
        ("service-type:missing=true", False),
        ("service-type:missing=false", True),
        ("identifier=http://i%7C7", True),
        ("identifier=7", True),
        ("identifier=8", False),
        ("name=allgemeine", True),
        ("name=ALLGEMEINE PRUFUNG GROSSE", True),
        ("name=prüfung", False),
        ("name:contains=prüf", True),
        ("name:exact=Allgemeine Prüfung  Größe", True),
        ("name:exact=allgemeine Prüfung  Größe", False),
        ("_id=h1", True),
        ("_id=h2,h1", True),
        ("_id=h2", False),
        ("_lastUpdated=gt2026", False),
        ("_lastUpdated=2026-11", True),
        ("_profile=http://p", True),
        ("_profile=http://q", False),
        ("_tag=t%7Cc", True),
    ],
)
def test_matching_tokens_and_strings(query: str, expected: bool) -> None:
    assert hit(SERVICE, query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date=2026-11-23", True),
        ("date=2026-11-23T09:00:00%2B01:00", True),
        ("date=2026-11-23T09:00:01%2B01:00", False),
        ("date=ne2026-11-23", False),
        ("date=ne2026-11-24", True),
        ("date=gt2026-11-23", False),
        ("date=ge2026-11-23", True),
        ("date=lt2026-11-23", False),
        ("date=le2026-11-23", True),
        ("date=lt2026-11-24", True),
        ("date=sa2026-11-22", True),
        ("date=sa2026-11-23", False),
        ("date=eb2026-11-24", True),
        ("date=eb2026-11-23", False),
        ("date=ap2026-11-23", True),
        ("date=ap2027-06-01", False),
        ("date=2026-11-24,2026-11-23", True),
        ("actor=Patient/p", True),
        ("actor=p", True),
        ("actor=Practitioner/p", False),
        ("actor:Practitioner=d", True),
        ("patient=p", True),
        ("patient=d", False),
        (f"actor={BASE}/Practitioner/d", True),
        ("actor=urn:x:1", True),
        ("actor=urn:x:2", False),
        ("status=http://hl7.org/fhir/appointmentstatus%7Cbooked", True),
        ("status=http://other%7Cbooked", False),
        ("status:not=cancelled", True),
        ("slot:missing=true", True),
    ],
)
def test_matching_dates_and_references(query: str, expected: bool) -> None:
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-11-23T09:00:00+01:00",
        "participant": [
            {"actor": {"reference": "Patient/p"}},
            {"actor": {"reference": f"{BASE}/Practitioner/d"}},
            {"actor": {"reference": "urn:x:1"}},
            {"actor": {"display": "nobody"}},
        ],
    }
    assert hit(appointment, query) is expected


def test_matching_partial_dates_and_periods() -> None:
    born = {"resourceType": "Patient", "birthDate": "1970-03"}
    assert (
        hit(born, "birthdate=1970")
        and not hit(born, "birthdate=1970-03-05")
        and hit(born, "birthdate=lt1970-03-05")
    )
    schedule = {"resourceType": "Schedule", "planningHorizon": {"start": "2026-11-01"}}
    assert (
        hit(schedule, "date=gt2030")
        and not hit(schedule, "date=lt2026-10")
        and not hit(schedule, "date=2026")
    )
    assert not hit({"resourceType": "Patient", "birthDate": "broken"}, "birthdate=ne1970")


def test_matching_people() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [
            {
                "use": "official",
                "family": "Müller-Lüdenscheidt",
                "given": ["Zoë", None],
                "period": {"start": "2020"},
            }
        ],
        "telecom": [{"system": "phone", "value": "+49 1"}, {"system": "email", "value": "a@b"}],
        "gender": "female",
    }
    assert hit(patient, "name=muller") and hit(patient, "name=zoe") and hit(patient, "family=Mü&given=Zo")
    assert not hit(patient, "name=official") and not hit(patient, "name=2020")
    assert hit(patient, "phone=%2B49 1") and not hit(patient, "phone=a@b") and hit(patient, "email=a@b")


def test_chains_of_the_guide() -> None:
    query = (
        "schedule.actor:HealthcareService.type=http://dicom.nema.org/resources/ontology/DCM%7CCT"
        "&schedule.actor:Location.name=RaumXYZ"
    )
    slot = {"resourceType": "Slot", "schedule": {"reference": "Schedule/1"}}
    ct = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]}
    store: dict[tuple[str, str], dict[str, Any]] = {
        ("Schedule", "1"): {"actor": [{"reference": "HealthcareService/h"}, {"reference": "Location/l"}]},
        ("HealthcareService", "h"): {"type": [ct]},
        ("Location", "l"): {"name": "RaumXYZ 2"},
    }

    def follow(kind: str, key: str) -> dict[str, Any] | None:
        return store.get((kind, key))

    assert hit(slot, query, follow=follow)
    assert not hit(slot, query.replace("RaumXYZ", "Raum7"), follow=follow)
    assert not hit(slot, query.replace("%7CCT", "%7CMR"), follow=follow)
    assert not hit({**slot, "schedule": {"reference": "Schedule/2"}}, query, follow=follow)
    chain = search("Slot", "schedule.actor:Location.name:exact=x").params[0].chain
    assert chain is not None and chain.chain is not None
    assert (chain.target, chain.chain.name, chain.chain.modifier) == ("Location", "name", "exact")
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        hit(slot, query)


def test_context_type_value_of_the_guide() -> None:
    def use(kind: str, value: str) -> dict[str, Any]:
        return {
            "code": {"system": "c", "code": kind},
            "valueCodeableConcept": {"coding": [{"system": "r", "code": value}]},
        }

    system = {"resourceType": "CodeSystem", "useContext": [use("Usage", "Schedule"), use("Other", "Slot")]}
    asked = search("CodeSystem", "context-type-value=c%7CUsage$r%7CSchedule").params[0]
    assert asked.values == (Composite((Token("c", "Usage"), Token("r", "Schedule"))),)
    assert hit(system, "context-type-value=c%7CUsage$r%7CSchedule")
    assert not hit(system, "context-type-value=c%7CUsage$r%7CSlot")
    assert not hit({"resourceType": "CodeSystem"}, "context-type-value=c%7CUsage$r%7CSlot")
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        search("CodeSystem", "context-type-value=c%7CUsage")
