"""The calendar through the REST door: what an integrator and the desk meet, on both engines."""

from typing import Any

import icalendar
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.services.calendar.view import views
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

TUE = "2026-11-24T"
DAY = {"from": f"{TUE}00:00:00+01:00", "to": f"{TUE}23:59:00+01:00"}
EVA = {"family": "Beispiel", "given": "Eva", "birthDate": "1980-05-17", "phone": "+49 30 23125 001"}


class Rest:
    """A client with one key; every answer is checked to be JSON of the promised kind."""

    def __init__(self, client: TestClient[Any], secret: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        got = self.client.request(method, f"/api/v1{path}", headers=headers, json=body, **more)
        assert got.status_code == status, got.text
        if status >= 400:
            assert got.headers["content-type"].startswith("application/problem+json")
            assert got.json()["title"] and got.json()["solution"]
        self.last = got
        return got.json() if got.content else None

    def code(self, method: str, path: str, status: int, body: Any = None, **more: Any) -> str:
        return self(method, path, status, body, **more)["code"]


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def portal(house, practice, client):
    return Rest(client, key_for(house, practice, "portal", "Portal A"))


@pytest.fixture
def other(house, practice, client):
    return Rest(client, key_for(house, practice, "portal", "Portal B"))


@pytest.fixture
def desk(house, practice, client):
    return Rest(client, key_for(house, practice, "desk", "Empfang"))


@pytest.fixture
def owner(house, practice, client):
    return Rest(client, key_for(house, practice, "owner", "Inhaberin"))


def book(rest: Rest, service: str, start: str, status: int = 201, **more: Any) -> Any:
    return rest("POST", "/appointments", status, {"service": service, "start": start, "patient": EVA} | more)


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


def test_columns_types_and_the_release_switch(practice, portal, owner):
    made = owner(
        "POST",
        "/schedules",
        201,
        {"name": "Prophylaxe", "hours": [{"days": [2], "start": "08:00", "end": "10:00"}]},
    )
    assert made["released"] is False and made["no"] == 5
    assert portal.code("GET", f"/schedules/{made['id']}", 404) == "http.not_found"
    type_ = {"name": "Reinigung", "duration": 45, "groups": [[made["id"]]], "released": True}
    kind = owner("POST", "/healthcare-services", 201, type_)
    assert portal("GET", "/slots", params=DAY | {"service": kind["id"]})["slots"] == []
    changed = owner("PATCH", f"/schedules/{made['id']}", body={"released": True}, headers={"If-Match": '"1"'})
    assert changed["version"] == 2
    assert (
        owner.code("PATCH", f"/schedules/{made['id']}", 412, {"name": "x"}, headers={"If-Match": '"1"'})
        == "resource.stale"
    )
    assert [s["start"][11:16] for s in portal("GET", "/slots", params=DAY | {"service": kind["id"]})["slots"]] == [
        "08:00", "08:15", "08:30", "08:45", "09:00", "09:15",
    ]  # fmt: skip
    names = {s["name"] for s in portal("GET", "/healthcare-services")["healthcareServices"]}
    assert names == {"Kontrolle", "Eingriff", "Reinigung"}
    assert "Gespräch" in {s["name"] for s in owner("GET", "/healthcare-services")["healthcareServices"]}
    assert (
        owner.code("POST", "/healthcare-services", 400, type_ | {"duration": "lang"}) == "http.invalid_body"
    )
    bad = owner.code("POST", "/healthcare-services", 422, type_ | {"duration": 7})
    assert bad == "calendar.type_invalid"
    assert (
        owner.code("POST", "/healthcare-services", 422, type_ | {"groups": [["weg"]]})
        == "calendar.schedule_unknown"
    )
    assert (
        owner.code("POST", "/schedules", 422, {"name": "x", "practitioner": "weg"})
        == "directory.practitioner_unknown"
    )
    assert portal.code("POST", "/schedules", 403, {"name": "x"}) == "access.forbidden"


def test_reservations_absences_and_closings(practice, desk, owner, portal):
    one = book(portal, practice.check, f"{TUE}09:00:00+01:00")
    body = {
        "title": "Fortbildung",
        "schedules": list(practice.doctors),
        "start": f"{TUE}13:00:00+01:00",
        "end": "2026-11-26T12:00:00+01:00",
    }
    made = desk("POST", "/reservations", 201, body)
    assert made["version"] == 1
    slots = portal("GET", "/slots", params=DAY | {"service": practice.check})["slots"]
    assert max(s["start"] for s in slots) == f"{TUE}12:30:00+01:00"
    early = {"start": f"{TUE}09:00:00+01:00"}
    assert desk.code("PATCH", f"/reservations/{made['id']}", 409, early) == "calendar.reservation_overlaps"
    desk("PATCH", f"/reservations/{made['id']}", body={"start": f"{TUE}14:00:00+01:00"})
    assert (
        desk.code("DELETE", f"/reservations/{made['id']}", 412, headers={"If-Match": '"1"'})
        == "resource.stale"
    )
    desk("DELETE", f"/reservations/{made['id']}", 204)
    away = desk("POST", "/absences", 201, {"first": "2026-11-24", "last": "2026-11-24", "reason": "Urlaub"})
    assert away["appointments"] == [one["id"]]
    assert portal("GET", "/slots", params=DAY | {"service": practice.check})["slots"] == []
    desk("DELETE", f"/absences/{away['absence']['id']}", 204)
    assert portal("GET", "/slots", params=DAY | {"service": practice.check})["slots"]
    days = desk("GET", "/closings", params={"year": 2026})
    assert {"date": "2026-12-25", "name": "1. Weihnachtstag"} in days["closed"] or any(
        d["date"] == "2026-12-25" for d in days["closed"]
    )
    owner("PUT", "/closings/2026-11-24", body={"closed": True, "name": "Betriebsausflug"})
    assert portal("GET", "/slots", params=DAY | {"service": practice.check})["slots"] == []
    owner("DELETE", "/closings/2026-11-24", 204)
    assert owner.code("DELETE", "/closings/2026-11-24", 404) == "http.not_found"
    assert owner.code("PUT", "/closings/24.11.2026", 400, {}) == "calendar.date_invalid"


def test_an_icalendar_link_is_valid_secret_and_revocable(practice, portal, owner, client):
    one = book(portal, practice.check, f"{TUE}09:00:00+01:00")
    path = f"/schedules/{one['schedules'][0]}/feeds"
    busy, titled = owner("POST", path, 201, {}), owner("POST", path, 201, {"titles": True})
    get = lambda feed: client.get(feed["url"][feed["url"].index("/ical/") :])  # noqa: E731
    answer = get(busy)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/calendar")
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert [(str(e["SUMMARY"]), e["UID"]) for e in events] == [("Belegt", f"{one['id']}@praxisd")]
    assert events[0].decoded("DTSTART").isoformat() == "2026-11-24T08:00:00+00:00"
    assert "Kontrolle" in get(titled).text
    for text in (answer.text, get(titled).text):
        assert "Beispiel" not in text and "Eva" not in text
    listed = owner("GET", "/feeds")["feeds"]
    assert {f["id"] for f in listed} == {busy["id"], titled["id"]} and all("url" not in f for f in listed)
    owner("DELETE", f"/feeds/{busy['id']}", 204)
    assert get(busy).status_code == 404 and get(titled).status_code == 200
    assert client.get("/ical/geraten.ics").status_code == 404


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


def test_a_portal_meets_nothing_in_a_record_that_is_not_released(practice, portal, owner):
    hidden = owner("POST", "/schedules", 201, {"name": "Notfallspalte"})["id"]
    doctor = owner("POST", "/practitioners", 201, {"family": "Geheim", "given": "Gerd"})["id"]
    place = owner("POST", "/locations", 201, {"name": "Keller", "kind": "room"})["id"]
    rules = [
        {"days": [1], "start": "08:00", "end": "10:00", "services": [practice.talk]},
        {"days": [2], "start": "08:00", "end": "10:00", "services": [practice.talk, practice.check]},
    ]
    open_ = {"name": "Spalte", "released": True, "practitioner": doctor, "location": place, "hours": rules}
    column = owner("POST", "/schedules", 201, open_)["id"]
    groups = [[practice.doctors[0], hidden]]
    kind = owner(
        "POST",
        "/healthcare-services",
        201,
        {"name": "Art", "duration": 30, "groups": groups, "released": True},
    )["id"]
    shown = portal("GET", f"/schedules/{column}")
    assert (shown["practitioner"], shown["location"]) == (None, None)
    assert [(r["days"], r["services"]) for r in shown["hours"]] == [([2], [practice.check])]
    assert portal("GET", f"/healthcare-services/{kind}")["groups"] == [[practice.doctors[0]]]
    assert owner("GET", f"/healthcare-services/{kind}")["groups"] == groups
    for path, name in (("/schedules", "schedules"), ("/healthcare-services", "healthcareServices")):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = portal("GET", path, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
            assert len(page[name]) == 1  # no gap tells of what is hidden
            seen.append(page[name][0]["id"])
            cursor = page["next"]
            if cursor is None:
                break
            assert cursor == seen[-1]
        assert hidden not in seen and practice.talk not in seen
    text = str([portal("GET", "/schedules"), portal("GET", "/healthcare-services")])
    assert not any(one in text for one in (hidden, doctor, place, practice.talk))


def test_dates_no_calendar_reaches_are_refused(owner):
    for day in ("9999-12-31", "0001-01-01"):
        assert owner.code("POST", "/absences", 400, {"first": day, "last": day}) == "calendar.date_invalid"
    assert owner.code("PUT", "/closings/2026-W01-1", 400, {"closed": True}) == "calendar.date_invalid"


def test_a_portal_books_on_the_grid_the_desk_at_any_minute(practice, portal, desk):
    odd = f"{TUE}09:03:00+01:00"
    assert book(portal, practice.check, odd, 422)["code"] == "calendar.off_grid"
    assert book(desk, practice.check, odd)["start"] == odd


def test_holidays_years_ahead_are_closed(owner, practice, portal):
    owner("PATCH", f"/healthcare-services/{practice.check}", body={"maxAhead": 3660})
    far = {"service": practice.check, "from": "2034-12-25T00:00:00+01:00", "to": "2034-12-28T00:00:00+01:00"}
    days = {s["start"][:10] for s in portal("GET", "/slots", params=far)["slots"]}
    assert days == {"2034-12-27"}


def test_a_long_reservation_stays_one_entry_of_the_calendar_link(house, practice, desk, owner, client):
    long = {
        "title": "Umbau",
        "schedules": [practice.chairs[0]],
        "start": f"{TUE}00:00:00+01:00",
        "end": "2027-02-01T00:00:00+01:00",
    }
    desk("POST", "/reservations", 201, long)
    url = owner("POST", f"/schedules/{practice.chairs[0]}/feeds", 201, {})["url"]
    first = client.get(url[url.index("/ical/") :]).content
    house.clock.advance(50 * 86400)
    assert client.get(url[url.index("/ical/") :]).content == first
    event = icalendar.Calendar.from_ical(first).walk("VEVENT")
    assert len(event) == 1 and event[0].decoded("DTSTART").isoformat() == "2026-11-23T23:00:00+00:00"
