"""Columns, types, reservations, absences, closings and calendar links through the REST door, on both engines."""

import icalendar

from .calendar_cast import (  # noqa: F401 - fixtures
    DAY,
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_portal,
    the_practice,
)


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
