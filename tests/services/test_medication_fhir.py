"""Statements as MedicationStatement on the FHIR door, JSON and XML, on both engines; whose and what is never guessed."""

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from praxisd.kernel.access import system
from praxisd.model.people import PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.medication.fhir_shapes import ATC, PRODUCT, PZN, UNCHECKED
from praxisd.testing.practice import key_for

from .fhir_client import XML, Fhir
from .medication_cast import product
from .medication_cast import the_client as _client  # noqa: F401
from .medication_cast import the_desk as _desk  # noqa: F401
from .medication_cast import the_practice as _practice  # noqa: F401

TYPE = "MedicationStatement"
FREE = {"url": UNCHECKED, "valueCode": "free-text"}


@pytest.fixture
def pvs(house, practice, client) -> Fhir:
    return Fhir(client, key_for(house, practice, "pvs", "pvs"))


def told(practice: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": TYPE,
        "status": "active",
        "subject": {"reference": f"Patient/{practice.patient}"},
        "medicationCodeableConcept": {"text": "Tee gegen alles"},
        **more,
    }


def of_pzn(number: str, **more: Any) -> dict[str, Any]:
    return {"medicationCodeableConcept": {"coding": [{"system": PZN, "code": number}], **more}}


def test_a_free_text_goes_in_and_out_and_says_what_it_is(pvs, practice):
    made = pvs("POST", TYPE, 201, told(practice))
    assert made == {
        "resourceType": TYPE,
        "id": made["id"],
        "meta": {"versionId": "1"},
        "extension": [FREE],
        "status": "active",
        "medicationCodeableConcept": {"text": "Tee gegen alles"},
        "subject": {"reference": f"Patient/{practice.patient}"},
        "dateAsserted": made["dateAsserted"],
    }
    assert made["dateAsserted"].startswith("2026-11-23T11:33")
    assert pvs("GET", f"{TYPE}/{made['id']}") == made == pvs("GET", f"{TYPE}/{made['id']}", Accept=XML)
    get_fhir_model_class(TYPE).model_validate(made)
    assert pvs("PUT", f"{TYPE}/{made['id']}", 200, made)["meta"]["versionId"] == "1"
    assert pvs("GET", f"{TYPE}/{made['id']}")["extension"] == [FREE]  # still once


def test_a_package_number_names_the_product(house, pvs, practice, desk):
    id_, name, pzn = product(house, "Ibuprofen Muster 600")
    made = pvs("POST", TYPE, 201, told(practice, **of_pzn(pzn.lstrip("0"), text="Ibu 600")))
    (edition,) = {one["version"] for one in made["medicationCodeableConcept"]["coding"] if "version" in one}
    assert made["medicationCodeableConcept"]["text"] == "Ibu 600" and "extension" not in made
    assert {"system": PRODUCT, "version": edition, "code": id_} in made["medicationCodeableConcept"]["coding"]
    rest = desk("GET", f"/medication/statements/{made['id']}")
    assert (rest["product"], rest["pzn"], rest["text"]) == (id_, pzn, "Ibu 600")
    assert pvs("PUT", f"{TYPE}/{made['id']}", 200, made)["meta"]["versionId"] == "1"
    # A program that does not know our codes says the same again: the product stays.
    plain = {
        **made,
        "medicationCodeableConcept": {"text": "Ibu 600", "coding": [{"system": PZN, "code": pzn}]},
    }
    assert (
        pvs("PUT", f"{TYPE}/{made['id']}", 200, plain)["medicationCodeableConcept"]["coding"][-1]["code"]
        == id_
    )
    # Another name without our code is something else.
    other = {**made, "medicationCodeableConcept": {"text": "Marcumar"}}
    version = desk("GET", f"/medication/statements/{made['id']}")["version"]
    changed = pvs("PUT", f"{TYPE}/{made['id']}", 200, other, **{"If-Match": f'W/"{version}"'})
    assert changed["extension"] == [FREE]
    assert desk("GET", f"/medication/statements/{made['id']}")["product"] is None
    stale = pvs.code("PUT", f"{TYPE}/{made['id']}", 412, made, **{"If-Match": 'W/"1"'})
    assert stale == "resource.stale"
    by_id = {"coding": [{"system": PRODUCT, "code": id_}]}
    again = pvs("POST", TYPE, 201, told(practice, medicationCodeableConcept={**by_id, "text": name}))
    assert desk("GET", f"/medication/statements/{again['id']}")["product"] == id_
    unknown = {"coding": [{"system": PRODUCT, "code": "s-nichts"}], "text": name}
    body = told(practice, medicationCodeableConcept=unknown)
    assert pvs.code("POST", TYPE, 422, body) == "medication.product_unknown"


def test_what_our_fields_cannot_say_comes_back(pvs, practice, desk):
    body = told(
        practice,
        identifier=[{"system": "https://example.org/medi", "value": "M-1"}],
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Tee</div>'},
        category={"coding": [{"code": "outpatient"}]},
        medicationCodeableConcept={
            "coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "Kräutertee"}],
        },
        subject={"reference": f"Patient/{practice.patient}", "display": "E. M."},
        effectivePeriod={"start": "2026-03", "end": "2026-11-20T00:30:00+01:00"},
        dateAsserted="2026-10",
        reasonCode=[{"text": "Husten"}],
        note=[{"text": "eins"}, {"text": "zwei", "time": "2026-10-01"}],
        dosage=[
            {"sequence": 1, "text": "morgens", "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}},
            {"text": "abends", "asNeededBoolean": True},
        ],
    )  # fmt: skip
    made = pvs("POST", TYPE, 201, body)
    for name, value in body.items():
        assert made[name] == value, name
    get_fhir_model_class(TYPE).model_validate(made)
    place = f"/medication/statements/{made['id']}"
    rest = desk("GET", place)
    assert (rest["text"], rest["since"], rest["until"]) == ("Kräutertee", "2026-03", "2026-11-20")
    assert (rest["dosage"], rest["asNeeded"], rest["note"]) == ("morgens; abends", True, "eins\nzwei")
    desk("PATCH", place, 200, {"dosage": "1-0-0", "asNeeded": False, "note": None, "until": "2026-12"})
    after = pvs("GET", f"{TYPE}/{made['id']}")
    assert after["dosage"] == [{"text": "1-0-0"}] and "note" not in after
    assert after["effectivePeriod"] == {"start": "2026-03", "end": "2026-12"}
    assert "text" not in after, "the narrative would say what is no longer true"
    assert (after["identifier"], after["reasonCode"]) == (body["identifier"], body["reasonCode"])


def test_a_medicine_that_is_enclosed_or_only_named(pvs, practice, desk):
    inside = {
        "resourceType": "Medication",
        "id": "m",
        "code": {"coding": [{"system": ATC, "code": "B01AA03"}], "text": "Coumadin"},
    }
    body = told(practice, contained=[inside], medicationReference={"reference": "#m"})
    del body["medicationCodeableConcept"]
    made = pvs("POST", TYPE, 201, body)
    assert made["medicationReference"] == {"reference": "#m"} and made["contained"] == [inside]
    rest = desk("GET", f"/medication/statements/{made['id']}")
    assert (rest["text"], rest["atc"], rest["known"]) == ("Coumadin", "B01AA03", False)
    named = {**body, "medicationReference": {"reference": "Medication/7", "display": "Tropfen"}}
    made = pvs("POST", TYPE, 201, named)
    assert desk("GET", f"/medication/statements/{made['id']}")["text"] == "Tropfen"
    for odd in ({"reference": "Medication/7"}, {"reference": "#x"}):
        assert (
            pvs.code("POST", TYPE, 422, {**body, "medicationReference": odd}) == "medication.subject_unnamed"
        )
    broken = [{"resourceType": "Medication", "id": "m", "code": {"coding": "x", "text": "Odd"}}]
    made = pvs("POST", TYPE, 201, {**body, "contained": broken})
    assert desk("GET", f"/medication/statements/{made['id']}")["text"] == "Odd"


def test_whose_it_is_is_never_guessed(house, pvs, practice):
    actor = system("test", practice.organization)
    claim = PatientClaim(family="Anders", given="Erika", birth_date="1971-03-04")
    second = house.store.run(actor, lambda tx: directory.claim(tx, claim)).patient
    for subject in ({"reference": "Patient/nobody"}, {"display": "Frau Muster"}, {"reference": "Group/1"}):
        assert pvs.code("POST", TYPE, 422, told(practice, subject=subject)) == "directory.patient_unknown"
    made = pvs("POST", TYPE, 201, told(practice))
    moved = {**made, "subject": {"reference": f"Patient/{second}"}}
    assert pvs.code("PUT", f"{TYPE}/{made['id']}", 422, moved) == "medication.other_patient"
    assert pvs.code("PUT", f"{TYPE}/nobody", 404, {**made, "id": "nobody"}) == "http.not_found"
    refs = house.registry.patient_refs
    house.store.run(actor, lambda tx: directory.merge(tx, refs, second, practice.patient))
    for asked in (practice.patient, second):
        (found,) = pvs.entries(f"{TYPE}?patient={asked}")
        assert pvs.entries(f"{TYPE}?patient={asked}&effective:missing=true") == [found]
        assert found["subject"] == {"reference": f"Patient/{second}"}


def test_searches(pvs, practice, house):
    pzn = product(house, "Warfarin")[2]
    one = pvs("POST", TYPE, 201, told(practice, effectivePeriod={"start": "2026-03-01"}))
    two = pvs("POST", TYPE, 201, told(practice, status="stopped", **of_pzn(pzn)))
    three = pvs("POST", TYPE, 201, told(practice, identifier=[{"value": "M-3"}], effectiveDateTime="2024"))
    ids = [one["id"], two["id"], three["id"]]

    def asked(query: str) -> list[int]:
        return [ids.index(found["id"]) for found in pvs.entries(f"{TYPE}?{query}")]

    who = practice.patient
    assert asked(f"patient={who}") == asked(f"subject=Patient/{who}") == [0, 1, 2]
    assert asked("patient=nobody") == []
    assert asked("status=active") == [0, 2] and asked("status=stopped,completed") == [1]
    assert asked(f"patient={who}&status=stopped") == [1]
    assert asked(f"code={PZN}|{pzn}") == [1] and asked("identifier=M-3") == [2]
    assert asked("effective=ge2026-01-01") == [0] and asked("effective=2024") == [2]
    assert asked(f"_id={ids[1]},{ids[2]}") == [1, 2]
    assert pvs("GET", f"{TYPE}?patient={who}&_summary=count")["total"] == 3
    page = pvs("GET", f"{TYPE}?status:not=entered-in-error&_count=2")
    assert [e["resource"]["id"] for e in page["entry"]] == ids[:2]
    (link,) = [one["url"] for one in page["link"] if one["relation"] == "next"]
    rest = pvs("GET", link.partition("/fhir/R4/")[2])
    assert [e["resource"]["id"] for e in rest["entry"]] == ids[2:]
    (included,) = pvs.entries(f"{TYPE}?_id={ids[0]}&_include={TYPE}:patient", "include")
    assert included["id"] == who
    assert pvs.code("GET", f"{TYPE}?patient.family=Muster", 400) == "fhir.search_value"


def test_who_may_not_see_patients_sees_no_statement(house, pvs, practice, client):
    made = pvs("POST", TYPE, 201, told(practice))
    for role in ("partner", "portal"):
        who = Fhir(client, key_for(house, practice, role, role))
        assert who.code("GET", f"{TYPE}/{made['id']}", 403) == "access.forbidden"
        assert who.code("GET", TYPE, 403) == "access.forbidden"
        assert who.code("POST", TYPE, 403, told(practice)) == "access.forbidden"
        assert who.code("PUT", f"{TYPE}/{made['id']}", 403, made) == "access.forbidden"
    (ours,) = [one for one in pvs("GET", "metadata")["rest"][0]["resource"] if one["type"] == TYPE]
    assert {one["code"] for one in ours["interaction"]} >= {"read", "search-type", "create", "update"}
