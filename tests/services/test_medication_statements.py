"""A patient's list and risks through the REST door: entering, changing, ending, two desks, locks, merges; on both engines."""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.model.people import PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.medication import api
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .calendar_cast import Rest
from .seats_cast import program, session_at

NOW = 1_795_430_000
"""2026-11-23, 11:33 in Berlin."""


@pytest.fixture
def practice(house):
    house.clock.set(NOW)
    return small_practice(house)


@pytest.fixture
def client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def desk(house, practice, client) -> Rest:
    return Rest(client, key_for(house, practice, "desk", "Empfang"))


def line(practice, **more: Any) -> dict[str, Any]:
    return {"patient": practice.patient, "text": "Gingium vom Heilpraktiker", **more}


def told(house, practice):
    """Events of medication: type and names of fields."""
    actor = system("test", practice.organization)
    with house.store.read(actor) as tx:
        found = events.after(tx, 0, 1000)
    return [(e.type.removeprefix("medication."), e.fields) for e in found if e.type.startswith("medication.")]


def test_a_line_from_its_beginning_to_its_end(house, practice, desk):
    made = desk("POST", "/medication/statements", 201, line(practice, dosage="1-0-1", since="2026-03"))
    assert desk.last.headers["etag"] == '"1"'
    assert (made["known"], made["product"], made["substances"]) == (False, None, [])
    assert (made["status"], made["source"], made["recordedAt"]) == (
        "active",
        "practice",
        "2026-11-23T10:33:20+00:00",
    )
    assert made["recordedBy"].startswith("key:")
    place = f"/medication/statements/{made['id']}"
    assert desk("GET", place) == made
    changed = desk("PATCH", place, 200, {"dosage": None, "asNeeded": True}, headers={"If-Match": '"1"'})
    assert (changed["version"], changed["dosage"], changed["asNeeded"]) == (2, None, True)
    assert desk("PATCH", place, 200, {"asNeeded": True})["version"] == 2  # nothing new, nothing saved
    ended = desk("PATCH", place, 200, {"status": "stopped", "until": "2026-11"})
    assert (ended["version"], ended["status"]) == (3, "stopped")
    asked = {"patient": practice.patient}
    assert desk("POST", "/medication/statements/search", 200, asked) == {
        "patient": practice.patient,
        "statements": [],
        "ended": 1,
    }
    (shown,) = desk("POST", "/medication/statements/search", 200, asked | {"ended": True})["statements"]
    assert shown == ended
    assert told(house, practice) == [
        ("statement_added", ()),
        ("statement_changed", ("dosage", "as_needed")),
        ("statement_changed", ("status", "until")),
    ]


def test_a_mistake_stays_readable(house, practice, desk):
    made = desk("POST", "/medication/statements", 201, line(practice))
    place = f"/medication/statements/{made['id']}"
    assert desk.code("DELETE", place, 412, headers={"If-Match": '"7"'}) == "resource.stale"
    gone = desk("DELETE", place, 200, headers={"If-Match": '"1"'})
    assert (gone["status"], gone["version"]) == ("entered-in-error", 2)
    assert desk("DELETE", place)["version"] == 2
    assert desk("GET", place)["text"] == "Gingium vom Heilpraktiker"
    assert told(house, practice)[-1][0] == "statement_removed" and len(told(house, practice)) == 2


def test_what_is_no_line_is_refused(practice, desk):
    post = "/medication/statements"
    for more, code in (
        ({"patient": "nobody"}, "directory.patient_unknown"),
        ({"text": "  "}, "medication.unnamed"),
        ({"text": "a\x07b"}, "medication.text_invalid"),
        ({"since": "2026-02-30"}, "medication.day_invalid"),
        ({"since": "2026-03-10", "until": "2026-03-09"}, "medication.days_reversed"),
        ({"since": "2026-03", "until": "2025"}, "medication.days_reversed"),
    ):
        assert desk.code("POST", post, 422, line(practice, **more)) == code, more
    assert desk.code("POST", post, 409, line(practice, product="p1")) == "medication.no_data"
    for more in ({"status": "entered-in-error"}, {"source": "import"}, {"name": "x"}, {"since": "März"}):
        assert desk("POST", post, 400, line(practice, **more))
    same = desk("POST", post, 201, line(practice, since="2026-03", until="2026"))
    assert same["until"] == "2026"
    place = f"{post}/{same['id']}"
    assert desk.code("PATCH", place, 422, {"text": " "}) == "medication.unnamed"
    assert desk.code("PATCH", place, 422, {"until": "2025-12"}) == "medication.days_reversed"
    assert desk("GET", place)["version"] == 1
    assert desk.code("GET", f"{post}/nobody", 404) == "http.not_found"


def test_a_risk_from_its_beginning_to_its_end(house, practice, desk):
    body = {"patient": practice.patient, "text": "Penicillin", "kind": "allergy", "since": "1998"}
    made = desk("POST", "/medication/risks", 201, body)
    assert (made["known"], made["kind"], made["active"]) == (False, "allergy", True)
    place = f"/medication/risks/{made['id']}"
    over = desk("PATCH", place, 200, {"active": False}, headers={"If-Match": '"1"'})
    asked = {"patient": practice.patient}
    assert desk("POST", "/medication/risks/search", 200, asked)["ended"] == 1
    assert desk("POST", "/medication/risks/search", 200, asked | {"ended": True})["risks"] == [over]
    assert desk.code("PATCH", place, 412, {"note": "x"}, headers={"If-Match": '"1"'}) == "resource.stale"
    assert desk.code("PATCH", place, 409, {"condition": "c"}) == "medication.no_data"
    assert desk.code("DELETE", place, 412, headers={"If-Match": '"1"'}) == "resource.stale"
    desk("DELETE", place, 204, headers={"If-Match": '"2"'})
    assert desk.code("GET", place, 404) == "http.not_found"
    assert [what for what, _ in told(house, practice)] == ["risk_added", "risk_changed", "risk_removed"]


def test_two_desks_change_one_line(house, practice, client, desk):
    other = Rest(client, key_for(house, practice, "desk", "Zimmer 1"))
    made = desk("POST", "/medication/statements", 201, line(practice))
    place = f"/medication/statements/{made['id']}"
    other("PATCH", place, 200, {"dosage": "1-1-1"}, headers={"If-Match": '"1"'})
    late = {"headers": {"If-Match": '"1"'}}
    assert desk.code("PATCH", place, 412, {"dosage": "2-0-0"}, **late) == "resource.stale"
    assert desk("GET", place)["dosage"] == "1-1-1"


def test_the_list_goes_with_the_lock_of_its_patient(house, practice, desk):
    made = desk("POST", "/medication/statements", 201, line(practice))
    risk = desk("POST", "/medication/risks", 201, {"patient": practice.patient, "text": "Asthma"})
    anna = session_at(house, program(house, practice))
    anna.here()
    fence = anna.lock(f"Patient/{practice.patient}")
    writes = (
        ("POST", "/medication/statements", 201, line(practice)),
        ("PATCH", f"/medication/statements/{made['id']}", 200, {"note": "n"}),
        ("DELETE", f"/medication/statements/{made['id']}", 200, None),
        ("POST", "/medication/risks", 201, {"patient": practice.patient, "text": "Hypertonie"}),
        ("PATCH", f"/medication/risks/{risk['id']}", 200, {"note": "n"}),
        ("DELETE", f"/medication/risks/{risk['id']}", 204, None),
    )
    for method, path, _, body in writes:
        assert desk.code(method, path, 423, body) == "seats.locked", path
        wrong = {"X-Praxisd-Fence": str(fence + 1)}
        assert desk.code(method, path, 423, body, headers=wrong) == "seats.locked", path
    for method, path, status, body in writes:
        desk(method, path, status, body, headers={"X-Praxisd-Fence": str(fence)})
    anna.release(f"Patient/{practice.patient}", fence)
    late = {"X-Praxisd-Fence": str(fence)}
    assert desk.code("POST", "/medication/statements", 423, line(practice), headers=late) == "seats.lock_lost"


def test_a_merge_of_patients_takes_the_list_along_and_back(house, practice, desk):
    actor = system("test", practice.organization)
    claim = PatientClaim(family="Anders", given="Erika", birth_date="1971-03-04")
    second = house.store.run(actor, lambda tx: directory.claim(tx, claim)).patient
    made = desk("POST", "/medication/statements", 201, line(practice, patient=second))
    risk = desk("POST", "/medication/risks", 201, {"patient": second, "text": "Asthma"})
    refs = house.registry.patient_refs
    assert {("medication_statement", "patient"), ("medication_risk", "patient")} <= set(refs)
    id_ = house.store.run(actor, lambda tx: directory.merge(tx, refs, practice.patient, second))
    for asked in (second, practice.patient):
        found = desk("POST", "/medication/statements/search", 200, {"patient": asked})
        assert found["patient"] == practice.patient
        assert [(one["id"], one["patient"], one["version"]) for one in found["statements"]] == [
            (made["id"], practice.patient, 2)
        ]
    late = {"headers": {"If-Match": '"1"'}}
    assert desk.code("PATCH", f"/medication/statements/{made['id']}", 412, {"note": "x"}, **late)
    house.store.run(actor, lambda tx: directory.undo(tx, refs, id_))
    with house.store.read(actor) as tx:
        assert [one.id for one in api.statements(tx, [second])] == [made["id"]]
        assert [one.id for one in api.risks(tx, [second])] == [risk["id"]]
        assert api.statements(tx, [practice.patient]) == []


def test_who_sees_a_list(house, practice, client, desk):
    made = desk("POST", "/medication/statements", 201, line(practice))
    risk = desk("POST", "/medication/risks", 201, {"patient": practice.patient, "text": "Asthma"})
    asked = {"patient": practice.patient}
    for role in ("partner", "portal"):
        who = Rest(client, key_for(house, practice, role, role))
        for method, path, body in (
            ("POST", "/medication/statements/search", asked),
            ("GET", f"/medication/statements/{made['id']}", None),
            ("PATCH", f"/medication/statements/{made['id']}", {"note": "x"}),
            ("POST", "/medication/statements", line(practice)),
            ("POST", "/medication/risks/search", asked),
            ("GET", f"/medication/risks/{risk['id']}", None),
            ("POST", "/medication/check", asked),
        ):
            assert who.code(method, path, 403, body) == "access.forbidden", (role, path)


def test_another_practice_has_nothing_of_it(house, practice, client, desk):
    made = desk("POST", "/medication/statements", 201, line(practice))
    south = Rest(client, key_for(house, small_practice(house), "owner", "Süd"))
    assert south.code("GET", f"/medication/statements/{made['id']}", 404) == "http.not_found"
    asked = {"patient": practice.patient}
    assert south.code("POST", "/medication/statements/search", 422, asked) == "directory.patient_unknown"
