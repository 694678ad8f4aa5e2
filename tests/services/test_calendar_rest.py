"""Free slots and booking through the REST door: what an integrator and the desk meet, on both engines."""

from typing import Any

from praxisd.services.calendar.view import views

from .calendar_cast import (  # noqa: F401 - fixtures
    DAY,
    EVA,
    TUE,
    book,
    the_client,
    the_desk,
    the_other,
    the_portal,
    the_practice,
)


def test_the_contract_of_slots_and_booking(practice, portal):
    found = portal("GET", "/slots", params=DAY | {"service": practice.check})
    assert found["next"] is None and len(found["slots"]) == 39  # 08:00 to 17:30, every quarter of an hour
    first = found["slots"][0]
    assert first == {
        "start": f"{TUE}08:00:00+01:00",
        "end": f"{TUE}08:30:00+01:00",
        "schedules": [practice.doctors[0]],
        "service": practice.check,
    }
    one = book(portal, practice.check, first["start"])
    assert one["status"] == "booked" and one["version"] == 1 and one["schedules"] == [practice.doctors[0]]
    assert portal.last.headers["location"] == f"/api/v1/appointments/{one['id']}"
    assert portal.last.headers["etag"] == '"1"'
    assert book(portal, practice.check, first["start"])["schedules"] == [practice.doctors[1]]
    refused = book(portal, practice.check, first["start"], 409)
    assert refused["code"] == "calendar.slot_taken" and refused["status"] == 409
    left = portal("GET", "/slots", params=DAY | {"service": practice.check})["slots"]
    assert first["start"] not in {s["start"] for s in left}
    feed = portal("GET", "/appointments")
    assert {c["id"] for c in feed["changes"]} >= {one["id"]} and feed["cursor"]
    assert portal("GET", f"/appointments/{one['id']}") == one


def test_slots_page_by_cursor_and_answer_from_memory_while_nothing_changes(house, practice, portal):
    ask = DAY | {"service": practice.surgery, "limit": 10}
    pages, cursor = [], None
    while True:
        page = portal("GET", "/slots", params=ask | ({"cursor": cursor} if cursor else {}))
        pages += page["slots"]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == portal("GET", "/slots", params=ask | {"limit": 200})["slots"]
    assert all(len(s["schedules"]) == 2 for s in pages)
    portal("GET", "/slots", params=ask)
    tag = portal.last.headers["etag"]
    portal("GET", "/slots", 304, params=ask, headers={"If-None-Match": tag})
    book(portal, practice.surgery, pages[0]["start"])
    book(portal, practice.surgery, pages[0]["start"])
    portal("GET", "/slots", params=ask, headers={"If-None-Match": tag})
    assert portal.last.headers["etag"] != tag
    house.clock.advance(86400 + 2 * 3600)  # time alone takes slots away: 11:00 on the day asked for
    later = portal("GET", "/slots", params=ask | {"limit": 200})["slots"]
    assert later[0]["start"] >= f"{TUE}11:00:00+01:00"
    assert views(house).answers


def test_bad_questions_have_clear_answers(practice, portal):
    def ask(status: int, **more: Any) -> str:
        return portal.code("GET", "/slots", status, params=DAY | {"service": practice.check} | more)

    assert ask(status=400, **{"from": "2026-11-24T08:00:00"}) == "clock.naive_time"
    assert ask(status=400, **{"from": "gestern"}) == "clock.bad_time"
    assert ask(status=400, to=DAY["from"]) == "calendar.range_reversed"
    assert ask(status=400, to="2036-11-24T00:00:00Z") == "calendar.range_too_long"
    assert ask(status=400, cursor="x") == "calendar.cursor_invalid"
    assert ask(status=422, service="gibt-es-nicht") == "calendar.service_unknown"
    assert ask(status=422, service=practice.talk) == "calendar.service_unknown"
    assert ask(status=422, schedule="fremd") == "calendar.schedule_unknown"
    assert portal.code("GET", "/appointments/unbekannt", 404) == "http.not_found"
    assert portal.code("GET", "/appointments", 400, params={"since": "zzz"}) == "calendar.cursor_invalid"
    body = {"service": practice.check, "start": f"{TUE}09:00:00+01:00", "patient": {}}
    assert portal.code("POST", "/appointments", 422, body) == "directory.patient_incomplete"
    body["patient"] = {"id": "fremd"}
    assert portal.code("POST", "/appointments", 422, body) == "directory.patient_unknown"
    assert portal.code("POST", "/appointments", 400, body | {"farbe": "rot"}) == "http.invalid_body"
    body["patient"] = EVA
    night = body | {"start": f"{TUE}03:00:00+01:00"}
    assert portal.code("POST", "/appointments", 422, night) == "calendar.outside_hours"
    assert portal.code("POST", "/appointments", 403, night | {"outsideHours": True}) == "access.forbidden"
    assert portal.code("GET", "/reservations", 403) == "access.forbidden"


def test_a_key_of_idempotency_books_once(practice, portal):
    key = {"Idempotency-Key": "buchung-1"}
    start = f"{TUE}10:00:00+01:00"
    body = {"service": practice.check, "start": start, "patient": EVA}
    one = portal("POST", "/appointments", 201, body, headers=key)
    again = portal("POST", "/appointments", 201, body, headers=key)
    assert again == one and portal.last.headers["idempotent-replayed"] == "true"
    assert (
        portal.code("POST", "/appointments", 422, body | {"note": "x"}, headers=key)
        == "http.idempotency_mismatch"
    )


def test_move_change_cancel_with_etags(practice, portal, other, desk):
    one = book(portal, practice.check, f"{TUE}09:00:00+01:00", note="bitte leise")
    path = f"/appointments/{one['id']}"
    moved = portal("PATCH", path, body={"start": f"{TUE}11:00:00+01:00"}, headers={"If-Match": '"1"'})
    assert moved["id"] == one["id"] and moved["version"] == 2 and moved["end"] == f"{TUE}11:30:00+01:00"
    assert portal.code("PATCH", path, 412, {"note": "x"}, headers={"If-Match": '"1"'}) == "resource.stale"
    assert portal("PATCH", path, body={"note": None}).get("note") is None
    assert portal.code("PATCH", path, 409, {"status": "arrived"}) == "calendar.status_change"
    assert other.code("PATCH", path, 404, {"note": "x"}) == "http.not_found"
    assert other.code("POST", f"{path}/cancel", 404, {}) == "http.not_found"
    longer = desk("PATCH", path, body={"end": f"{TUE}12:00:00+01:00"})
    assert longer["end"] == f"{TUE}12:00:00+01:00" and longer["start"] == moved["start"]
    assert desk("PATCH", path, body={"status": "arrived"})["status"] == "arrived"
    assert desk.code("PATCH", path, 422, {"status": "weg"}) == "calendar.status_unknown"
    assert portal("POST", f"{path}/cancel", body={"reason": "krank"})["cancelReason"] == "krank"
    assert portal.code("PATCH", path, 409, {"start": f"{TUE}14:00:00+01:00"}) == "calendar.frozen"
    feed = portal("GET", "/appointments")
    assert [c["status"] for c in feed["changes"]] == ["cancelled"]
    assert other("GET", "/appointments")["changes"] == []
    # Searches go by POST, so that no id of a patient stands in an address.
    found = desk("POST", "/appointments/search", body=DAY | {"status": "cancelled"})["appointments"]
    assert [a["id"] for a in found] == [one["id"]]
    assert found[0]["patient"] != one["patient"]  # the portal knows the patient by an alias


def test_holding_a_slot(practice, portal, other):
    start = f"{TUE}15:00:00+01:00"
    held = portal("POST", "/slots/hold", 201, {"service": practice.surgery, "start": start, "seconds": 60})
    assert held["expiresAt"] and len(held["schedules"]) == 2
    portal("POST", "/slots/hold", 201, {"service": practice.surgery, "start": start})
    assert book(other, practice.surgery, start, 409)["code"] == "calendar.slot_taken"
    one = book(portal, practice.surgery, start, hold=held["id"])
    assert one["schedules"] == held["schedules"]
    second = portal("POST", "/slots/hold", 201, {"service": practice.check, "start": f"{TUE}08:00:00+01:00"})
    portal("DELETE", f"/slots/hold/{second['id']}", 204)
    assert portal.code("DELETE", f"/slots/hold/{second['id']}", 404) == "http.not_found"


def test_a_portal_meets_its_patients_under_the_ids_it_was_given(practice, portal, other, desk):
    first = book(portal, practice.check, f"{TUE}09:00:00+01:00")
    spelled = book(portal, practice.check, f"{TUE}10:00:00+01:00", patient=EVA | {"family": "BEISPIEL"})
    foreign = book(other, practice.check, f"{TUE}11:00:00+01:00")
    assert len({first["patient"], spelled["patient"], foreign["patient"]}) == 3
    for rest, one in ((portal, first), (portal, spelled), (other, foreign)):
        assert rest("GET", f"/appointments/{one['id']}")["patient"] == one["patient"]
    again = book(portal, practice.check, f"{TUE}13:00:00+01:00", patient={"id": spelled["patient"]})
    assert again["patient"] == spelled["patient"]
    assert {c["patient"] for c in portal("GET", "/appointments")["changes"]} == {
        first["patient"],
        spelled["patient"],
    }
    inside = desk("POST", "/appointments/search", body=DAY)["appointments"]
    assert len({a["patient"] for a in inside}) == 1  # one person, whoever tells of her
    theirs = {"service": practice.check, "start": f"{TUE}14:00:00+01:00", "patient": {"id": first["patient"]}}
    assert other.code("POST", "/appointments", 422, theirs) == "directory.patient_unknown"


def test_what_was_booked_for_somebody_inactive_is_still_found(practice, desk):
    made = book(desk, practice.check, f"{TUE}09:00:00+01:00", patient={"id": practice.patient})
    desk("PATCH", f"/patients/{practice.patient}", body={"active": False})
    asked = {"patient": practice.patient}
    assert [a["id"] for a in desk("POST", "/appointments/search", body=asked)["appointments"]] == [made["id"]]
    assert (
        desk.code("POST", "/appointments/search", 422, {"patient": "nobody"}) == "directory.patient_unknown"
    )


def test_a_portal_cannot_stretch_an_appointment(practice, portal):
    start = f"{TUE}09:00:00+01:00"
    body = {"service": practice.check, "start": start, "end": f"{TUE}10:00:00+01:00", "patient": EVA}
    assert portal.code("POST", "/appointments", 422, body) == "calendar.wrong_duration"
    one = book(portal, practice.check, start, end=f"{TUE}09:30:00+01:00")
    longer = {"end": f"{TUE}10:00:00+01:00"}
    assert portal.code("PATCH", f"/appointments/{one['id']}", 422, longer) == "calendar.wrong_duration"


def test_a_move_stays_with_its_practitioner_unless_another_is_named(practice, portal):
    first, second = practice.doctors
    one = book(portal, practice.check, f"{TUE}09:00:00+01:00", schedules=[second])
    path = f"/appointments/{one['id']}"
    at = {"start": f"{TUE}10:00:00+01:00"}
    assert portal("PATCH", path, body=at)["schedules"] == [second]
    other_one = book(portal, practice.check, f"{TUE}11:00:00+01:00", schedules=[second])
    assert portal.code("PATCH", path, 409, {"start": other_one["start"]}) == "calendar.slot_taken"
    anyone = portal("PATCH", path, body={"start": other_one["start"], "schedules": []})
    assert anyone["schedules"] == [first]


def test_a_portal_books_on_the_grid_the_desk_at_any_minute(practice, portal, desk):
    odd = f"{TUE}09:03:00+01:00"
    assert book(portal, practice.check, odd, 422)["code"] == "calendar.off_grid"
    assert book(desk, practice.check, odd)["start"] == odd
