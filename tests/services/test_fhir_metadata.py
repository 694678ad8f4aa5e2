"""What the door says of itself, and whether others understand what it says."""

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from litestar.testing import TestClient

from praxisd import __version__, main
from praxisd.kernel import maintenance
from praxisd.model.fhir_shapes import load_json
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .fhir_client import JSON, PATIENT, XML, Fhir, of_slots

GUIDE = "isik-terminplanung/Resources/fsh-generated/resources/CapabilityStatement-ISiKCapabilityStatementTerminplanungServer.json"
INSIDE = ("EpisodeOfCare", "MedicationStatement")
"""Types that portals never see."""


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def portal(house, practice, client) -> Fhir:
    return Fhir(client, key_for(house, practice, "portal", "portal-a"))


def shall(item: dict[str, Any]) -> bool:
    return any(e.get("valueCode") == "SHALL" for e in item.get("extension", ()))


def test_every_shall_of_the_guide_is_listed(foreign_data, client):
    """Also those of Communication and Binary, which the guide demands of whoever has them at all."""
    wanted = load_json((foreign_data / GUIDE).read_bytes())
    told = Fhir(client, None)("GET", "metadata")
    assert told["kind"] == "instance" and told["software"] == {"name": "praxisd", "version": __version__}
    assert set(wanted["format"]) <= set(told["format"])
    ours = {r["type"]: r for r in told["rest"][0]["resource"]}
    missing = []
    for theirs in wanted["rest"][0]["resource"]:
        own = ours.get(theirs["type"])
        if own is None:
            missing.append(theirs["type"])
            continue
        if theirs["type"] != "Binary":  # its profile belongs to another guide, which is not among our data
            assert set(theirs["supportedProfile"]) <= set(own.get("supportedProfile", ()))
        have = {
            "interaction": {i["code"] for i in own["interaction"]},
            "searchParam": {(p["name"], p["type"]) for p in own.get("searchParam", ())},
            "operation": {(o["name"], o["definition"]) for o in own.get("operation", ())},
        }
        need = {
            "interaction": {i["code"] for i in theirs.get("interaction", ()) if shall(i)},
            "searchParam": {(p["name"], p["type"]) for p in theirs.get("searchParam", ()) if shall(p)},
            "operation": {(o["name"], o["definition"]) for o in theirs.get("operation", ()) if shall(o)},
        }
        for name in ("searchInclude", "searchRevInclude"):
            marks = theirs.get(f"_{name}", [])
            have[name] = set(own.get(name, ()))
            need[name] = {v for v, mark in zip(theirs.get(name, ()), marks, strict=False) if shall(mark)}
        missing += [f"{theirs['type']} {k}: {need[k] - have[k]}" for k in need if need[k] - have[k]]
    assert missing == []


def test_metadata_needs_no_key_and_comes_in_both_formats(client):
    nobody = Fhir(client, None)
    assert nobody("GET", "metadata", Accept=JSON) == nobody("GET", "metadata", Accept=XML)
    assert nobody.code("GET", "Schedule", 401)


def test_what_is_listed_is_there(house, practice, portal, client):
    """Each type answers a search with each of its parameters; nothing is promised that fails."""
    pvs = Fhir(client, key_for(house, practice, "pvs", "pvs"))
    for one in Fhir(client, None)("GET", "metadata")["rest"][0]["resource"]:
        who = pvs if one["type"] in INSIDE else portal
        if "search-type" not in {i["code"] for i in one["interaction"]}:
            continue
        samples = {"token": "x", "string": "x", "date": "2026-11-24", "uri": "urn:x", "composite": "a|b$c|d"}
        for param in one.get("searchParam", ()):
            value = samples.get(param["type"]) or "x"
            if param["type"] == "reference" and param["name"] in ("actor", "recipient", "sender"):
                value = "Practitioner/x"
            who("GET", f"{one['type']}?{param['name']}={value}", 200, Prefer="handling=strict")
        for include in one.get("searchInclude", ()):
            who("GET", f"{one['type']}?_include={include}", 200, Prefer="handling=strict")
        for include in one.get("searchRevInclude", ()):
            who("GET", f"{one['type']}?_revinclude={include}", 200, Prefer="handling=strict")


def test_another_librarys_model_accepts_our_resources(portal, client, practice):
    eva = portal("POST", "Patient", 201, PATIENT)["id"]
    free = portal.entries(f"Slot?schedule={practice.doctors[0]}&status=free&_count=20")
    portal("POST", "Appointment/$book", 201, of_slots(eva, free[0]))
    paths = ["metadata", "Patient/nobody", f"Patient/{eva}"]
    paths += [
        "Schedule?_include=Schedule:actor",
        "Slot?_count=5",
        "Appointment?_include=Appointment:actor",
        "CodeSystem",
    ]
    for path in paths:
        found = portal.client.get(f"/fhir/R4/{path}", headers=portal.headers).json()
        get_fhir_model_class(found["resourceType"]).model_validate(found)


def test_during_maintenance_the_door_says_so(house, client, portal, practice):
    with house.store.write(practice.desk()) as tx:
        maintenance.begin(tx, "test", 60)
    refused = portal("GET", "Schedule", 503)
    assert refused["issue"][0]["details"]["coding"][0]["code"] == "maintenance"
    assert refused["issue"][0]["code"] == "transient" and portal.last.headers["retry-after"]
    Fhir(client, None)("GET", "metadata", 503)
