"""What a portal must not learn, looked for at the doors it may use (SPEC 1.2, 1.12), on both engines."""

import json
import threading
import time

import msgspec
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.events import Dispatcher
from praxisd.model.people import PatientClaim
from praxisd.model.places import Location
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import importing
from praxisd.services.calendar.booking import Wish
from praxisd.services.directory import api as directory
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .fhir_client import Fhir

NINE = 1795593600  # 2026-11-25T09:00:00+01:00
DAY = "start=ge2026-11-25T00:00:00%2B01:00&start=lt2026-11-26T00:00:00%2B01:00"


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def portal(house, practice):
    with TestClient(build(house, main.doors(house))) as client:
        yield Fhir(client, key_for(house, practice, "portal", "Portal A"))


def booked(house, practice, actor, start=NINE, patient=None, **more):
    def work(tx):
        wish = Wish(service=practice.check, start=start, patient=patient or practice.patient, **more)
        return calendar.book(house, tx, wish)

    return house.store.run(actor, work)


def test_what_others_came_for_is_no_busy_slot_of_a_portal(house, practice, portal):
    one = booked(house, practice, practice.desk(), schedules=practice.doctors[:1])
    assert portal.entries(f"Slot?status=busy&{DAY}") == []
    desk = Fhir(portal.client, key_for(house, practice, "desk", "Empfang"))
    (slot,) = desk.entries(f"Slot?status=busy&{DAY}")
    assert portal("GET", f"Slot/{slot['id']}")["status"] == "busy"  # as any other time that is not free
    house.clock.set(one.end + 86_400)
    assert desk("GET", f"Slot/{slot['id']}")["status"] == "busy"
    assert portal.code("GET", f"Slot/{slot['id']}", 404) == "http.not_found"


def test_two_people_of_a_portal_stay_two_after_the_practice_merged_them(house, practice, portal):
    answers = []
    for hour, family in enumerate(("Schmidt", "Meier")):
        body = {
            "service": practice.check,
            "start": f"2026-11-25T1{hour}:00:00+01:00",
            "patient": {
                "family": family,
                "given": "Anna",
                "birthDate": "1980-01-02",
                "phone": f"030 23125 10{hour}",
            },
        }
        got = portal.client.post("/api/v1/appointments", headers=portal.headers, json=body)
        assert got.status_code == 201, got.text
        answers.append(got.json()["id"])
    desk = practice.desk()

    def merge(tx):
        first, second = (calendar.get(tx, id_).patient for id_ in answers)
        assert first != second
        directory.merge(tx, house.registry.patient_refs, first, second)

    def feed(headers, since):
        got = portal.client.get(
            "/api/v1/appointments", headers=headers, params={"since": since} if since else {}
        )
        assert got.status_code == 200, got.text
        return got.json()

    inside = {"Authorization": f"Bearer {key_for(house, practice, 'desk', 'Empfang')}"}
    before = [feed(headers, None)["cursor"] for headers in (inside, portal.headers)]
    house.store.run(desk, merge)
    Dispatcher(house, house.registry.handlers).step()
    changed = feed(inside, before[0])["changes"]
    assert {(c["id"], c["version"]) for c in changed} >= {(answers[1], 2)}
    assert len({c["patient"] for c in changed}) == 1
    assert feed(portal.headers, before[1])["changes"] == []
    ahead = {"since": "e999999999"}  # from before a backup was restored
    assert portal.client.get("/api/v1/appointments", headers=inside, params=ahead).status_code == 410

    names = [portal("GET", f"Appointment/{id_}")["participant"][0]["actor"]["display"] for id_ in answers]
    assert names == ["Anna Schmidt", "Anna Meier"]
    found = portal.entries("Appointment?_count=10")
    assert {a["participant"][0]["actor"]["display"] for a in found} == set(names)


def test_a_portal_reads_of_a_practitioner_what_our_fields_say(house, practice, portal):
    resource = {
        "resourceType": "Practitioner",
        "id": "from-outside",
        "name": [{"family": "Beispiel", "given": ["Bea"]}],
        "birthDate": "1971-02-03",
    }

    def take(tx):
        return directory.import_practitioner(tx, resource, released=True)[0]

    id_ = house.store.run(practice.desk(), take)
    desk = Fhir(portal.client, key_for(house, practice, "desk", "Empfang"))
    assert desk("GET", f"Practitioner/{id_}")["birthDate"] == "1971-02-03"
    assert "birthDate" not in portal("GET", f"Practitioner/{id_}")
    assert all("birthDate" not in one for one in portal.entries("Practitioner"))


def test_a_merge_does_not_undo_a_change_that_is_being_saved(house, practice):
    desk = practice.desk()

    def second(tx):
        claim = PatientClaim(family="Zweit", given="Zoe", birth_date="1990-03-04", phone="+4930231259")
        return directory.claim(tx, claim).patient

    drop = house.store.run(desk, second)
    one = booked(house, practice, desk, patient=drop)
    failed = []

    def merge():
        try:
            house.store.run(
                desk, lambda tx: directory.merge(tx, house.registry.patient_refs, practice.patient, drop)
            )
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=merge)
    with house.store.write(desk) as tx:
        calendar.cancel(house, tx, one.id, "krank")
        thread.start()
        time.sleep(0.3)  # the merge has read what it can read by now
    thread.join(10)
    assert not failed
    with house.store.read(desk) as tx:
        after = calendar.get(tx, one.id)
    assert (after.status, after.cancel_reason, after.patient) == ("cancelled", "krank", practice.patient)


def test_free_words_of_imported_columns_and_places_stay_inside(house, practice, portal):
    words = {
        "contained": [{"resourceType": "Basic", "id": "x", "code": {"text": "intern"}}],
        "comment": "Chef nie vor 9",
    }
    column = {
        "resourceType": "Schedule",
        "id": "col-1",
        "active": True,
        "actor": [{"display": "Dr. Gast"}],
        **words,
    }
    slot = {
        "resourceType": "Slot",
        "id": "slot-1",
        "schedule": {"reference": "Schedule/col-1", "display": "Zimmer Chef"},
        "status": "free",
        "start": "2026-11-25T09:00:00+01:00",
        "end": "2026-11-25T11:00:00+01:00",
        "comment": "nur für Privatpatienten",
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in (column, slot)],
    }
    importing.import_files(house, practice.desk(), [json.dumps(bundle)], release=True)
    site = Location(name="Verwaltung", kind="site")
    room = Location(name="Raum 1", kind="room", released=True)

    def places(tx):
        above = directory.create_location(tx, site).id
        return above, directory.create_location(tx, msgspec.structs.replace(room, part_of=above)).id

    above, below = house.store.run(practice.desk(), places)
    desk = Fhir(portal.client, key_for(house, practice, "desk", "Empfang"))
    inside = [desk("GET", path) for path in ("Schedule/col-1", "Slot/slot-1", f"Location/{below}")]
    assert "Chef" in str(inside) and "Privatpatienten" in str(inside) and above in str(inside)
    outside = str([portal("GET", path) for path in ("Schedule/col-1", "Slot/slot-1", f"Location/{below}")])
    for word in ("Chef", "Privatpatienten", "intern", above):
        assert word not in outside
