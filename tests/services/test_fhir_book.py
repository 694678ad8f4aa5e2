"""The calendar through the FHIR door: slots, booking, moving, changing, on both engines."""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .fhir_client import JSON, PATIENT, XML, Fhir, appointment, of_slots

TUE = "2026-11-24T"


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


@pytest.fixture
def pvs(house, practice, client) -> Fhir:
    return Fhir(client, key_for(house, practice, "pvs", "pvs"))


@pytest.fixture
def eva(portal) -> str:
    return portal("POST", "Patient", 201, PATIENT)["id"]


def slots(fhir: Fhir, practice: Any, doctor: int = 0, **more: str) -> list[dict[str, Any]]:
    query = "&".join(f"{k}={v}" for k, v in more.items())
    found = fhir.entries(
        f"Slot?schedule=Schedule/{practice.doctors[doctor]}&start=ge{TUE}09:00:00%2B01:00&{query}"
    )
    own = f"appointment-type|{practice.check}"
    return [s for s in found if own.split("|")[1] in str(s["serviceType"])]


def test_a_slot_is_found_booked_and_no_longer_free(portal, practice, eva):
    free = slots(portal, practice, status="free", _count="20")
    first = free[0]
    assert first["start"] == f"{TUE}09:00:00+01:00" and first["end"] == f"{TUE}09:30:00+01:00"
    booked = portal("POST", "Appointment/$book", 201, of_slots(eva, first))
    assert booked["status"] == "booked" and booked["slot"] == [{"reference": f"Slot/{first['id']}"}]
    assert booked["specialty"][0]["coding"][0]["code"] == "ALLG"
    assert booked["serviceType"][0]["coding"][0]["code"] == practice.check
    assert portal.last.headers["location"].endswith(f"/fhir/R4/Appointment/{booked['id']}")
    assert portal.last.headers["etag"] == 'W/"1"'
    assert portal("GET", f"Slot/{first['id']}")["status"] == "busy"
    assert portal("GET", f"Appointment/{booked['id']}") == booked
    assert first["id"] not in {s["id"] for s in slots(portal, practice, status="free", _count="20")}
    busy = slots(portal, practice, status="busy")
    assert [s["id"] for s in busy] == [first["id"]]
    again = of_slots(eva, first)
    assert portal.code("POST", "Appointment/$book", 422, again) == "calendar.slot_taken"


def test_parameters_form_and_a_schedule_instead_of_slots(portal, practice, eva):
    bare = appointment(eva, f"{TUE}10:00:00+01:00", f"{TUE}10:30:00+01:00")
    bare["serviceType"] = [{"coding": [{"code": practice.check}]}]
    second = {"reference": f"Schedule/{practice.doctors[1]}"}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "appt-resource", "resource": bare},
            {"name": "schedule", "valueReference": second},
        ],
    }
    booked = portal("POST", "Appointment/$book", 201, body)
    slot = portal("GET", booked["slot"][0]["reference"])
    assert slot["schedule"]["reference"] == second["reference"] and slot["status"] == "busy"


def test_moves_by_the_same_id_and_by_cancelled_appt_id(portal, practice, eva):
    free = slots(portal, practice, status="free", _count="40")
    one = portal("POST", "Appointment/$book", 201, of_slots(eva, free[0]))
    moved = portal("POST", "Appointment/$book", 201, of_slots(eva, free[1], id=one["id"]))
    assert (
        moved["id"] == one["id"] and moved["start"] == free[1]["start"] and moved["meta"]["versionId"] == "2"
    )
    assert portal("GET", f"Slot/{free[0]['id']}")["status"] == "busy"  # a quarter of an hour of it is taken

    def replace(slot: dict[str, Any], status: int) -> Any:
        parts = [
            {"name": "appt-resource", "resource": of_slots(eva, slot)},
            {"name": "cancelled-appt-id", "valueUri": f"Appointment/{one['id']}"},
        ]
        return portal("POST", "Appointment/$book", status, {"resourceType": "Parameters", "parameter": parts})

    # Overlaps its own time: it gives way to itself.
    new = replace(free[2], 201)
    assert new["id"] != one["id"]
    assert new["extension"][0]["valueReference"] == {"reference": f"Appointment/{one['id']}"}
    assert portal("GET", f"Appointment/{one['id']}")["status"] == "cancelled"
    assert portal("GET", f"Slot/{free[0]['id']}")["status"] == "free"
    # What does not fit leaves everything as it was.
    portal("POST", "Appointment/$book", 201, of_slots(eva, free[6]))
    one = new
    before = portal("GET", f"Appointment/{one['id']}")
    assert replace(free[6], 422)["issue"][0]["details"]["coding"][0]["code"] == "calendar.slot_taken"
    assert portal("GET", f"Appointment/{one['id']}") == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "booked"}, "calendar.book_status"),
        ({"end": f"{TUE}08:00:00+01:00"}, "calendar.range_reversed"),
        ({"end": f"{TUE}10:15:00+01:00"}, "calendar.slot_mismatch"),
        ({"slot": [{"reference": "Slot/c-1-99-zzzz"}]}, "calendar.slot_unknown"),
        ({"participant": [{"status": "accepted", "actor": {"display": "x"}}]}, "calendar.book_incomplete"),
        (
            {"participant": [{"status": "accepted", "actor": {"reference": "Patient/nobody"}}]},
            "directory.patient_unknown",
        ),
        (
            {"serviceType": [{"coding": [{"system": "urn:x", "code": "nope"}]}]},
            "calendar.service_type_unknown",
        ),
    ],
)
def test_what_cannot_be_booked_is_422(portal, practice, eva, change, code):
    wish = of_slots(eva, slots(portal, practice, status="free", _count="20")[0]) | change
    assert portal.code("POST", "Appointment/$book", 422, wish) == code


def test_an_unknown_own_id_is_replaced_and_remembered(portal, practice, eva):
    free = slots(portal, practice, status="free", _count="20")
    wish = of_slots(eva, free[0], id="my-own-id", meta={"tag": [{"system": "urn:t", "code": "external"}]})
    wish["_priority"] = {"extension": [{"url": "urn:p", "valueCodeableConcept": {"text": "urgent"}}]}
    wish["patientInstruction"] = "nüchtern"
    booked = portal("POST", "Appointment/$book", 201, wish)
    assert booked["id"] != "my-own-id"
    assert booked["identifier"][0]["value"] == "my-own-id"
    assert booked["_priority"] == wish["_priority"] and booked["patientInstruction"] == "nüchtern"
    assert {"system": "urn:t", "code": "external"} in booked["meta"]["tag"]


def test_patch_changes_some_things_and_never_time_or_patient(portal, practice, eva):
    booked = portal(
        "POST", "Appointment/$book", 201, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    path = f"Appointment/{booked['id']}"

    def operation(type_: str, place: str, value: dict[str, Any]) -> dict[str, Any]:
        parts = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": place}]
        return {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": [*parts, {"name": "value", **value}]}],
        }

    for place, value in (
        ("Appointment.start", {"valueInstant": f"{TUE}17:00:00+01:00"}),
        ("Appointment.slot[0].reference", {"valueString": "Slot/c-1-1-1"}),
        ("Appointment.participant[0].actor.reference", {"valueString": "Patient/other"}),
    ):
        assert portal.code("PATCH", path, 400, operation("replace", place, value)) == "calendar.patch_frozen"
    noted = portal("PATCH", path, 200, b'[{"op":"add","path":"/comment","value":"kommt sp\\u00e4ter"}]',
                   Content_Type="application/json-patch+json")  # fmt: skip
    assert noted["comment"] == "kommt später"
    stale = operation("replace", "Appointment.status", {"valueCode": "canceled"})
    assert portal.code("PATCH", path, 412, stale, If_Match='W/"1"') == "resource.stale"
    gone = portal("PATCH", path, 200, stale, If_Match='W/"2"')
    assert gone["status"] == "cancelled" and gone["comment"] == "kommt später"
    assert portal("GET", gone["slot"][0]["reference"])["status"] == "free"
    assert portal.code(
        "PATCH", path, 400, operation("replace", "Appointment.nope", {"valueCode": "x"})
    ).startswith("fhir.")


def test_pending_when_the_practice_must_confirm(house, portal, practice, eva):
    from praxisd.services.calendar import api

    with house.store.write(practice.desk()) as tx:
        api.edit_service(house, tx, practice.check, None, confirm=True)
    booked = portal(
        "POST", "Appointment/$book", 202, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    assert booked["status"] == "pending"


def test_portals_see_only_what_is_released_and_their_own(house, client, practice, portal, pvs, eva):
    booked = portal(
        "POST", "Appointment/$book", 201, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    other = Fhir(client, key_for(house, practice, "portal", "portal-b"))
    assert other.code("GET", f"Appointment/{booked['id']}", 404) == "http.not_found"
    assert other.entries("Appointment") == []
    assert other.code("GET", f"Patient/{eva}", 404) == "http.not_found"
    assert [a["id"] for a in portal.entries("Appointment")] == [booked["id"]]
    inside = pvs("GET", f"Appointment/{booked['id']}")
    mine = next(p for p in inside["participant"] if "Patient/" in p["actor"].get("reference", ""))
    assert mine["actor"]["reference"] != f"Patient/{eva}"
    assert pvs.entries(f"Appointment?patient={mine['actor']['reference']}")[0]["id"] == booked["id"]
    assert portal.entries(f"Appointment?actor=Patient/{eva}")[0]["id"] == booked["id"]
    assert len(portal.entries("HealthcareService")) == 2 and len(pvs.entries("HealthcareService")) == 3


def test_xml_all_the_way(client, practice, portal):
    fhir = Fhir(client, None, XML)
    fhir.headers = portal.headers
    eva = fhir("POST", "Patient", 201, PATIENT)["id"]
    free = slots(fhir, practice, status="free")
    booked = fhir("POST", "Appointment/$book", 201, of_slots(eva, free[0]))
    assert fhir("GET", f"Appointment/{booked['id']}") == portal(
        "GET", f"Appointment/{booked['id']}", Accept=JSON
    )
    assert fhir.code("POST", "Appointment/$book", 422, of_slots(eva, free[0])) == "calendar.slot_taken"


def test_several_columns_are_booked_at_once(portal, practice, eva):
    start, end = f"{TUE}10:00:00+01:00", f"{TUE}11:00:00+01:00"
    found = portal.entries(f"Slot?start={TUE}10:00:00%2B01:00&_count=200")
    mine = [s for s in found if s["schedule"]["reference"] == f"Schedule/{practice.chairs[1]}"]
    wish = appointment(eva, start, end, slot=[{"reference": f"Slot/{mine[0]['id']}"}])
    booked = portal("POST", "Appointment/$book", 201, wish)
    kinds = {p["actor"].get("reference", "").split("/")[0] for p in booked["participant"]}
    assert "HealthcareService" in kinds
    rest = portal.entries(f"Slot?start={TUE}10:00:00%2B01:00&status=busy&_count=200")
    columns = {s["schedule"]["reference"] for s in rest}
    assert f"Schedule/{practice.chairs[1]}" in columns and len(columns) == 2


def test_booked_on_one_door_seen_on_the_other(client, portal, practice, eva):
    booked = portal(
        "POST", "Appointment/$book", 201, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    rest = client.get(f"/api/v1/appointments/{booked['id']}", headers=portal.headers).json()
    assert rest["start"] == booked["start"] and rest["patient"] == eva
    body = {"service": practice.check, "start": f"{TUE}15:00:00+01:00", "patient": {"id": eva}}
    made = client.post("/api/v1/appointments", json=body, headers=portal.headers).json()
    seen = portal("GET", f"Appointment/{made['id']}")
    assert seen["start"] == made["start"] and seen["slot"]


def test_each_side_reads_only_its_own_words_for_the_patient(portal, pvs, practice, eva):
    """What the practice calls a patient, and its id, never reaches a portal, even after the practice changed the booking."""
    booked = portal(
        "POST", "Appointment/$book", 201, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    path = f"Appointment/{booked['id']}"
    inside = pvs("GET", path)
    ours = next(p["actor"] for p in inside["participant"] if "Patient/" in p["actor"]["reference"])
    assert ours["display"] == "Eva Beispiel"
    pvs(
        "PATCH",
        path,
        200,
        b'[{"op":"add","path":"/comment","value":"ok"}]',
        Content_Type="application/json-patch+json",
    )
    told = portal("GET", path)
    assert ours["reference"].split("/")[1] not in str(told)
    actor = next(p["actor"] for p in told["participant"] if "Patient/" in p["actor"]["reference"])
    assert actor == {"reference": f"Patient/{eva}", "display": "Test Patient"} and told["comment"] == "ok"


def test_patch_takes_no_unknown_participants_and_no_other_type(portal, practice, eva):
    booked = portal(
        "POST", "Appointment/$book", 201, of_slots(eva, slots(portal, practice, status="free")[0])
    )
    path, kind = f"Appointment/{booked['id']}", {"Content_Type": "application/json-patch+json"}
    nobody = b'[{"op":"add","path":"/participant/-","value":{"status":"accepted","actor":{"reference":"Practitioner/x"}}}]'
    assert portal.code("PATCH", path, 422, nobody, **kind) == "calendar.reference_unknown"
    other = b'[{"op":"replace","path":"/serviceType","value":[{"coding":[{"system":"urn:x","code":"y"}]}]}]'
    assert portal.code("PATCH", path, 422, other, **kind) == "calendar.service_type_unknown"
    reason = (
        b'[{"op":"replace","path":"/status","value":"cancelled"},'
        b'{"op":"add","path":"/cancelationReason","value":{"text":"x"}}]'
    )
    assert portal.code("PATCH", path, 422, reason, **kind) == "calendar.cancel_reason_unknown"
    coded = reason.replace(b'{"text":"x"}', b'{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/'
                           b'appointment-cancellation-reason","code":"pat"}],"text":"krank"}')  # fmt: skip
    gone = portal("PATCH", path, 200, coded, **kind)
    assert (
        gone["cancelationReason"]["text"] == "krank"
        and gone["cancelationReason"]["coding"][0]["code"] == "pat"
    )


def test_absolute_references_to_this_server_are_its_own(portal, practice, eva):
    base = portal("GET", "Schedule")["link"][0]["url"].split("/Schedule")[0]
    free = slots(portal, practice, status="free")[0]
    wish = of_slots(eva, free)
    wish["slot"][0]["reference"] = f"{base}/Slot/{free['id']}"
    wish["participant"][0]["actor"]["reference"] = f"{base}/Patient/{eva}"
    booked = portal("POST", "Appointment/$book", 201, wish)
    assert booked["slot"] == [{"reference": f"Slot/{free['id']}"}]
    assert booked["participant"][0]["actor"]["reference"] == f"Patient/{eva}"
    wish["participant"][0]["actor"]["reference"] = f"https://elsewhere.example/fhir/Patient/{eva}"
    assert portal.code("POST", "Appointment/$book", 422, wish) == "calendar.book_incomplete"


def test_what_is_not_released_cannot_be_booked_by_a_portal(house, portal, pvs, practice, eva):
    own = {"system": "https://praxisd.org/fhir/CodeSystem/appointment-type", "code": practice.talk}
    wish = appointment(eva, f"{TUE}10:00:00+01:00", f"{TUE}10:20:00+01:00", serviceType=[{"coding": [own]}])
    assert portal.code("POST", "Appointment/$book", 422, wish) == "calendar.service_type_unknown"
    hidden = pvs.entries(f"Slot?schedule={practice.doctors[0]}&service-type={practice.talk}&_count=1")[0]
    assert portal.code("GET", f"Slot/{hidden['id']}", 404) == "http.not_found"
    assert portal.code("POST", "Appointment/$book", 422, of_slots(eva, hidden)) == "calendar.slot_unknown"


def test_ambiguous_types_are_not_guessed(house, portal, practice, eva):
    from praxisd.services.calendar import api

    with house.store.write(practice.desk()) as tx:
        api.add_service(house, tx, name="Zweite", duration=30, groups=(practice.doctors,), released=True)
    wish = appointment(eva, f"{TUE}10:00:00+01:00", f"{TUE}10:30:00+01:00")
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "appt-resource", "resource": wish},
            {"name": "schedule", "valueReference": {"reference": f"Schedule/{practice.doctors[0]}"}},
        ],
    }
    assert portal.code("POST", "Appointment/$book", 422, body) == "calendar.service_ambiguous"
    wish["participant"].append(
        {"status": "accepted", "actor": {"reference": f"HealthcareService/{practice.check}"}}
    )
    assert portal("POST", "Appointment/$book", 201, body)["status"] == "booked"
