"""Treatments as EpisodeOfCare: on the FHIR door and at import, on both engines."""

import json
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control
from praxisd.kernel.app import House
from praxisd.model.people import Mandator, Patient, Treatment
from praxisd.services.directory import api
from praxisd.services.directory.fhir_shapes import IMPORTED_ID
from praxisd.services.directory.treatment_fhir import MANDATOR
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .fhir_client import XML, Fhir

TYPES = "http://terminology.hl7.org/CodeSystem/episodeofcare-type"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Akte</div>'
NOW = 1_795_430_000
"""2026-11-23, 11:33 in Berlin."""


@pytest.fixture
def practice(house: House) -> Practice:
    house.clock.set(NOW)
    return small_practice(house)


@pytest.fixture
def units(house: House, practice: Practice) -> tuple[str, str]:
    """The default mandator and one with a licence number."""
    with house.store.write(practice.desk()) as tx:
        one = api.create_mandator(tx, Mandator(name="Praxis", default=True))
        two = api.create_mandator(tx, Mandator(name="Labor", licence_number="BSNR-7"))
    return one.id, two.id


@pytest.fixture
def client(house: House) -> Any:
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def pvs(house: House, practice: Practice, client: Any) -> Fhir:
    return Fhir(client, key_for(house, practice, "pvs", "pvs"))


def episode(whose: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "EpisodeOfCare",
        "status": "active",
        "patient": {"reference": f"Patient/{whose}"},
        "period": {"start": "2026-11-20"},
        **more,
    }


def test_an_episode_goes_in_and_out(pvs: Fhir, practice: Practice, units: tuple[str, str]) -> None:
    made = pvs("POST", "EpisodeOfCare", 201, episode(practice.patient))
    assert made == {
        "resourceType": "EpisodeOfCare",
        "id": made["id"],
        "meta": {"versionId": "1"},
        "status": "active",
        "patient": {"reference": f"Patient/{practice.patient}"},
        "managingOrganization": {
            "type": "Organization",
            "identifier": {"system": MANDATOR, "value": units[0]},
            "display": "Praxis",
        },
        "period": {"start": "2026-11-20"},
    }
    assert pvs("GET", f"EpisodeOfCare/{made['id']}") == made
    get_fhir_model_class("EpisodeOfCare").model_validate(made)
    same = pvs("PUT", f"EpisodeOfCare/{made['id']}", 200, made)
    assert same["meta"]["versionId"] == "1"
    done = {**made, "status": "finished", "period": {"start": "2026-11-20", "end": "2026-11-23"}}
    done["managingOrganization"] = {"identifier": {"system": MANDATOR, "value": units[1]}}
    saved = pvs("PUT", f"EpisodeOfCare/{made['id']}", 200, done, **{"If-Match": 'W/"1"'})
    assert (saved["status"], saved["meta"]["versionId"]) == ("finished", "2")
    assert saved["managingOrganization"]["display"] == "Labor"
    assert pvs.code("PUT", f"EpisodeOfCare/{made['id']}", 412, done, **{"If-Match": 'W/"1"'})
    assert pvs.code("PUT", "EpisodeOfCare/nobody", 404, {**done, "id": "nobody"})
    assert pvs("GET", f"EpisodeOfCare/{made['id']}", Accept=XML)["status"] == "finished"


def payer(house: House, practice: Practice) -> dict[str, str]:
    with house.store.read(practice.desk()) as tx:
        return api.last_mandators(tx, [practice.patient], date(2026, 11, 23))


def test_what_our_fields_cannot_say_comes_back(
    house: House, pvs: Fhir, practice: Practice, units: tuple[str, str]
) -> None:
    told = episode(
        practice.patient,
        identifier=[{"system": "https://example.org/fall", "value": "F-1"}],
        type=[{"coding": [{"system": TYPES, "code": "hacc"}]}],
        status="onhold",
        patient={"reference": f"Patient/{practice.patient}", "display": "E. M."},
        period={"start": "2026-11-20T00:30:00+01:00"},
        managingOrganization={"identifier": {"system": "https://example.org/bsnr", "value": "BSNR-7"}},
    )
    made = pvs("POST", "EpisodeOfCare", 201, told)
    for name, value in told.items():
        assert made[name] == value, name
    assert made["id"] != "" and payer(house, practice) == {practice.patient: units[1]}
    # What a person changes on REST is what FHIR says from then on; the rest stays.
    response = pvs.client.patch(
        f"/api/v1/treatments/{made['id']}",
        headers=pvs.headers,
        json={"mandator": units[0], "opened": "2026-11-01", "closed": "2026-11-22"},
    )
    assert response.status_code == 200
    after = pvs("GET", f"EpisodeOfCare/{made['id']}")
    assert after["status"] == "finished" and after["period"] == {"start": "2026-11-01", "end": "2026-11-22"}
    assert after["managingOrganization"]["identifier"] == {"system": MANDATOR, "value": units[0]}
    assert (after["identifier"], after["patient"]) == (told["identifier"], told["patient"])


def test_whose_treatment_in_which_unit_is_never_guessed(
    house: House, pvs: Fhir, practice: Practice, units: tuple[str, str]
) -> None:
    who, own = practice.patient, f"Organization/{practice.organization}"
    told = {"resourceType": "Organization", "id": "kv", "name": "L", "identifier": [{"value": "BSNR-7"}]}
    with house.store.write(practice.desk()) as tx:
        api.import_organization(tx, told)
    for element, unit in (
        ({"reference": own}, units[0]),
        ({"reference": "Organization/kv"}, units[1]),
        ({"identifier": {"value": "BSNR-7"}}, units[1]),
        ({"reference": "Organization/kv", "identifier": {"system": MANDATOR, "value": units[0]}}, units[0]),
    ):
        made = pvs("POST", "EpisodeOfCare", 201, episode(who, managingOrganization=element))
        assert payer(house, practice) == {who: unit}
        if "system" not in element.get("identifier", {}):
            assert made["managingOrganization"] == element
    count = pvs("GET", f"EpisodeOfCare?patient={who}")["total"]
    for wrong in (
        {"managingOrganization": {"reference": "Organization/other"}},
        {"managingOrganization": {"identifier": {"system": MANDATOR, "value": "BSNR-7"}}},
        {"managingOrganization": {"identifier": {"value": "BSNR-8"}}},
        {"managingOrganization": {"display": "Labor"}},
    ):
        code = pvs.code("POST", "EpisodeOfCare", 422, episode(who, **wrong))
        assert code == "directory.mandator_unknown"
    for wrong, code in (
        ({"patient": {"reference": "Patient/nobody"}}, "directory.patient_unknown"),
        ({"patient": {"display": "E. M."}}, "directory.patient_unknown"),
        ({"status": "entered-in-error"}, "directory.treatment_status"),
        ({"status": "cancelled"}, "directory.treatment_status"),
        ({"period": {"start": "2026-11"}}, "directory.treatment_incomplete"),
        ({"period": {"end": "2026-11-20"}}, "directory.treatment_incomplete"),
        ({"status": "finished"}, "directory.treatment_incomplete"),
        ({"period": {"start": "2026-11-20", "end": "2026-11-19"}}, "directory.treatment_reversed"),
    ):
        assert pvs.code("POST", "EpisodeOfCare", 422, episode(who, **wrong)) == code
    assert pvs("GET", f"EpisodeOfCare?patient={who}")["total"] == count == 4


def test_episodes_are_found(house: House, pvs: Fhir, practice: Practice, units: tuple[str, str]) -> None:
    with house.store.write(practice.desk()) as tx:
        other = api.put_patient(tx, Patient(family="Andere"))
    days = (
        (practice.patient, "2026-11-24", None),
        (practice.patient, "2026-11-23", None),
        (other, "2026-05-01", "2026-05-31"),
        (practice.patient, "2025-01-01", "2025-03-01"),
    )
    ids = []
    for who, start, end in days:
        period = {"start": start} | ({"end": end} if end else {})
        ids.append(pvs("POST", "EpisodeOfCare", 201, episode(who, period=period))["id"])

    def found(asked: str) -> list[int]:
        return [ids.index(one["id"]) for one in pvs.entries(f"EpisodeOfCare?{asked}")]

    assert found("") == [0, 1, 2, 3]
    assert found(f"patient={practice.patient}") == found(f"patient=Patient/{practice.patient}") == [0, 1, 3]
    assert found("patient=nobody") == []
    assert [found(f"status={s}") for s in ("planned", "active", "finished", "onhold")] == [
        [0],
        [1],
        [2, 3],
        [],
    ]
    assert found("date=2026-05-15") == []  # equal would be an episode of that day alone
    assert found("date=ge2026-05-30") == [0, 1, 2] and found("date=lt2025-01-02") == [3]
    assert found(f"_id={ids[2]},{ids[0]}&status=finished") == [2]
    page = pvs("GET", "EpisodeOfCare?_count=3")
    assert page["total"] == 4 and len(page["entry"]) == 3
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    rest = pvs("GET", following.split("/fhir/R4/", 1)[1])
    assert [e["resource"]["id"] for e in rest["entry"]] == [ids[3]]
    page = pvs("GET", "EpisodeOfCare?status=planned,active,finished&_count=3")
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert [e["resource"]["id"] for e in pvs("GET", following.split("/fhir/R4/", 1)[1])["entry"]] == [ids[3]]
    assert pvs("GET", "EpisodeOfCare?_summary=count")["total"] == 4
    (included,) = pvs.entries(f"EpisodeOfCare?_id={ids[2]}&_include=EpisodeOfCare:patient", "include")
    assert included["id"] == other
    assert pvs.code("GET", "EpisodeOfCare?patient.family=Andere", 400) == "fhir.search_value"


def test_a_masked_caller_and_a_portal(
    house: House, client: Any, pvs: Fhir, practice: Practice, units: tuple[str, str]
) -> None:
    told = episode(practice.patient, identifier=[{"value": "F-1"}], text={"status": "generated", "div": DIV})
    made = pvs("POST", "EpisodeOfCare", 201, told)
    assert made["text"]["div"] == DIV
    partner = Fhir(client, key_for(house, practice, "partner", "partner"))
    (seen,) = partner.entries("EpisodeOfCare?status=active")
    assert seen["patient"] == {"display": "•••"} and not {"identifier", "text"} & set(seen)
    for asked in (f"patient={practice.patient}", "identifier=F-1"):
        assert partner.code("GET", f"EpisodeOfCare?{asked}", 403) == "directory.search_masked"
    assert partner.code("PUT", f"EpisodeOfCare/{made['id']}", 403, seen) == "access.forbidden"
    portal = Fhir(client, key_for(house, practice, "portal", "portal-a"))
    assert portal.code("GET", f"EpisodeOfCare/{made['id']}", 403) == "access.forbidden"
    assert portal.code("POST", "EpisodeOfCare", 403, told) == "access.forbidden"


@pytest.fixture
def take(house: House, practice: Practice) -> Any:
    """Import resources of one Bundle as the command does."""

    def run(*resources: dict[str, Any]) -> dict[str, Any]:
        bundle = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": r} for r in resources],
        }
        args = {"files": [json.dumps(bundle)], "organization": practice.organization}
        house.shared["organizations"] = lambda _tx: [practice.organization]
        return control.perform(house, "calendar.import_bundle", args)

    return run


def test_a_bundle_brings_treatments_after_their_patients(
    house: House, pvs: Fhir, practice: Practice, units: tuple[str, str], take: Any
) -> None:
    person = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Neu"}], "birthDate": "1990-01-01"}
    organization = {
        "resourceType": "Organization",
        "id": "o1",
        "name": "L",
        "identifier": [{"value": "BSNR-7"}],
    }
    first = episode("p1", id="e1", managingOrganization={"reference": "Organization/o1"})
    bad = episode("p1", id="e2", status="entered-in-error")
    report = take(first, bad, person, organization)
    assert (report["created"], [e["code"] for e in report["errors"]]) == (3, ["directory.treatment_status"])
    assert "EpisodeOfCare/e2" in report["lines"][-1]
    with house.store.read(practice.desk()) as tx:
        assert api.last_mandators(tx, ["p1"], date(2026, 11, 23)) == {"p1": units[1]}
    assert pvs("GET", "EpisodeOfCare/e1")["managingOrganization"] == {"reference": "Organization/o1"}
    again = take(first, person, organization)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)
    closed = {**first, "status": "finished", "period": {"start": "2026-11-20", "end": "2026-11-21"}}
    assert take(closed)["updated"] == 1
    assert pvs("GET", "EpisodeOfCare/e1")["status"] == "finished"


def test_an_id_that_is_taken_elsewhere_is_replaced_once(
    house: House, pvs: Fhir, practice: Practice, units: tuple[str, str], take: Any
) -> None:
    other = small_practice(house)
    with house.store.write(other.desk()) as tx:
        unit = api.create_mandator(tx, Mandator(name="X"))
        api.open_treatment(
            tx, Treatment(id="e1", patient=other.patient, mandator=unit.id, opened=date(2026, 1, 1))
        )
    told = episode(practice.patient, id="e1")
    report = take(told)
    (replaced,) = report["replacedIds"]
    assert report["created"] == 1 and replaced["from"] == "e1" and replaced["to"] != "e1"
    shown = pvs("GET", f"EpisodeOfCare/{replaced['to']}")
    assert shown["identifier"] == [{"system": IMPORTED_ID, "value": "e1"}]
    assert take(told)["unchanged"] == 1
    assert take({**told, "period": {"start": "2026-11-19"}})["updated"] == 1
    assert pvs("GET", "EpisodeOfCare")["total"] == 1
