"""Previews of columns and types that are not saved, and what is released, through the REST door, on both engines."""

from .calendar_cast import (  # noqa: F401 - fixtures
    DAY,
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)

WEEK = {"from": "2026-11-24T00:00:00+01:00", "to": "2026-11-30T00:00:00+01:00"}


def starts(answer):
    return [s["start"] for s in answer["slots"]]


def test_hours_of_a_column_before_they_are_saved(practice, desk, owner, portal):
    first = practice.doctors[0]
    book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=[first])
    before, events = owner("GET", f"/schedules/{first}"), owner("GET", "/events", params={"limit": 200})
    slots = desk("GET", "/slots", params=DAY | {"service": practice.check, "schedule": first})
    path = f"/schedules/{first}/preview"
    ask = DAY | {"service": practice.check}
    assert owner("POST", path, body=ask) == slots  # nothing given: as it is
    hours = {"hours": [{"days": [2], "start": "08:30", "end": "10:00"}]}
    seen = owner("POST", path, body=ask | hours)
    assert [s[11:16] for s in starts(seen)] == ["08:30", "09:30"]
    assert {tuple(s["schedules"]) for s in seen["slots"]} == {(first,)}
    closed = {"exceptions": [{"date": "2026-11-24", "open": []}]}
    assert starts(owner("POST", path, body=ask | closed)) == []
    christmas = {"from": "2026-12-25T00:00:00+01:00", "to": "2026-12-26T00:00:00+01:00"}
    assert starts(owner("POST", path, body=ask | christmas)) == []
    assert len(starts(owner("POST", path, body=ask | christmas | {"observesHolidays": False}))) == 39
    pages, cursor = [], None
    while True:
        page = owner("POST", path, body=ask | WEEK | {"limit": 50} | ({"cursor": cursor} if cursor else {}))
        pages += starts(page)
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == starts(owner("POST", path, body=ask | WEEK)) and len(pages) > 100
    # Nothing was saved, nothing was said, and nothing of it is remembered in later answers.
    assert owner("GET", f"/schedules/{first}") == before
    assert owner("GET", "/events", params={"limit": 200}) == events
    assert desk("GET", "/slots", params=DAY | {"service": practice.check, "schedule": first}) == slots
    saved = owner("PATCH", f"/schedules/{first}", body=hours)
    assert saved["version"] == 2
    again = desk("GET", "/slots", params=DAY | {"service": practice.check, "schedule": first})
    assert again["slots"] == seen["slots"]


def test_a_preview_is_refused_like_saving(practice, desk, owner):
    path = f"/schedules/{practice.doctors[0]}/preview"
    ask = DAY | {"service": practice.check}
    same = {"exceptions": [{"date": "2026-11-24"}, {"date": "2026-11-24"}]}
    assert owner.code("POST", path, 422, ask | same) == "calendar.type_invalid"
    assert owner.code("PATCH", f"/schedules/{practice.doctors[0]}", 422, same) == "calendar.type_invalid"
    reversed_ = {"hours": [{"days": [2], "start": "10:00", "end": "08:30"}]}
    assert owner.code("POST", path, 400, ask | reversed_) == "http.invalid_body"
    assert owner.code("POST", path, 422, ask | {"service": "weg"}) == "calendar.service_unknown"
    assert owner.code("POST", path, 400, ask | {"cursor": "x"}) == "calendar.cursor_invalid"
    assert owner.code("POST", path, 400, ask | {"to": DAY["from"]}) == "calendar.range_reversed"
    assert owner.code("POST", "/schedules/weg/preview", 404, ask) == "http.not_found"
    assert desk.code("POST", path, 403, ask) == "access.forbidden"
    type_ = {"name": "Neu", "duration": 30, "groups": [list(practice.doctors)]}
    new = lambda **more: DAY | {"service": type_ | more}  # noqa: E731
    kinds = "/healthcare-services/preview"
    assert owner.code("POST", kinds, 422, new(duration=7)) == "calendar.type_invalid"
    assert owner.code("POST", kinds, 422, new(groups=[["weg"]])) == "calendar.schedule_unknown"
    assert owner.code("POST", kinds, 422, new(duration=None)) == "calendar.wrong_duration"
    assert owner.code("POST", kinds, 422, new() | {"id": "weg"}) == "calendar.service_unknown"
    assert owner.code("POST", kinds, 400, new(farbe="rot")) == "http.invalid_body"
    assert desk.code("POST", kinds, 403, new()) == "access.forbidden"


def test_a_type_before_it_is_saved(practice, desk, owner, portal):
    book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=practice.doctors[:1])
    held = {"service": practice.check, "start": f"{TUE}10:00:00+01:00", "schedules": practice.doctors[:1]}
    portal("POST", "/slots/hold", 201, held)
    type_ = {"name": "Neu", "duration": 60, "groups": [[practice.doctors[0]]], "startEvery": 60}
    seen = owner("POST", "/healthcare-services/preview", body=DAY | {"service": type_})
    assert [s[11:16] for s in starts(seen)] == [
        "08:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00", "17:00"
    ]  # fmt: skip
    assert {s["service"] for s in seen["slots"]} == {""}
    assert owner("GET", "/healthcare-services")["healthcareServices"][-1]["name"] != "Neu"
    # Hours kept for one type open for its changed form too, because it says which one it is.
    rule = {"days": [2], "start": "19:00", "end": "20:00", "services": [practice.talk]}
    column = owner("POST", "/schedules", 201, {"name": "Abend", "hours": [rule]})["id"]
    changed = {"name": "Gespräch", "duration": 30, "groups": [[column]]}
    body = DAY | {"service": changed}
    assert starts(owner("POST", "/healthcare-services/preview", body=body)) == []
    known = owner("POST", "/healthcare-services/preview", body=body | {"id": practice.talk})
    assert [s[11:16] for s in starts(known)] == ["19:00", "19:15", "19:30"]
    saved = owner("POST", "/healthcare-services", 201, type_)
    slots = desk("GET", "/slots", params=DAY | {"service": saved["id"]})
    assert starts(slots) == starts(seen)


def test_what_is_released_is_what_a_portal_reads(practice, owner, desk, partner, portal):
    hidden = owner("POST", "/schedules", 201, {"name": "Notfallspalte"})["id"]
    doctor = owner("POST", "/practitioners", 201, {"family": "Still", "given": "Karl"})["id"]
    owner("POST", "/practitioners", 201, {"family": "Arzt", "given": "Walter", "released": True})
    site = owner("POST", "/locations", 201, {"name": "Verwaltung", "kind": "site"})["id"]
    room = {"name": "Raum 1", "kind": "room", "partOf": site, "released": True}
    owner("POST", "/locations", 201, room)
    owner("PATCH", f"/schedules/{practice.doctors[0]}", body={"practitioner": doctor, "location": site})
    owner("PATCH", f"/healthcare-services/{practice.check}", body={"groups": [[practice.doctors[0], hidden]]})
    seen = {
        "schedules": portal("GET", "/schedules")["schedules"],
        "healthcareServices": portal("GET", "/healthcare-services")["healthcareServices"],
        "locations": portal("GET", "/locations")["locations"],
        "practitioners": portal("GET", "/practitioners")["practitioners"],
    }
    assert len(seen["locations"]) == len(seen["practitioners"]) == 1 and len(seen["schedules"]) == 4
    for who in (owner, desk, partner, portal):
        assert who("GET", "/released") == seen
        assert hidden not in who.last.text and doctor not in who.last.text and site not in who.last.text
