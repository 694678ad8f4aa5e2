"""What the console's calendar draws and finds, through the REST door, on both engines."""

import re

import pytest

from praxisd.kernel import store as kernel_store
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import view_store

from .calendar_cast import (  # noqa: F401 - fixtures
    DAY,
    EVA,
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)

WEEK = {"from": "2026-11-23T00:00:00+01:00", "to": "2026-11-30T00:00:00+01:00"}


def test_a_day_is_drawn_whole(house, practice, desk, portal):
    one = book(desk, practice.surgery, f"{TUE}09:00:00+01:00", note="bitte leise")
    theirs = book(portal, practice.check, f"{TUE}11:00:00+01:00")
    gone = book(desk, practice.check, f"{TUE}12:00:00+01:00")
    desk("POST", f"/appointments/{gone['id']}/cancel", body={"reason": "krank"})
    held = portal("POST", "/slots/hold", 201, {"service": practice.check, "start": f"{TUE}16:00:00+01:00"})
    block = {"title": "Fortbildung", "schedules": list(practice.chairs), "note": "mit Kaffee"}
    block |= {"start": f"{TUE}13:00:00+01:00", "end": "2026-11-25T10:00:00+01:00"}
    reserved = desk("POST", "/reservations", 201, block)
    away = {"first": "2026-11-20", "last": "2026-11-24", "reason": "Urlaub", "schedule": practice.doctors[1]}
    absent = desk("POST", "/absences", 201, away)["absence"]
    view = desk("POST", "/calendar/view", body=DAY)
    assert (view["zone"], view["now"]) == ("Europe/Berlin", "2026-11-23T09:00:00+01:00")
    assert [s["name"] for s in view["schedules"]] == ["Dr. 1", "Dr. 2", "Stuhl 1", "Stuhl 2"]
    assert view["schedules"][0] | {"id": ""} == {
        "id": "", "name": "Dr. 1", "color": None, "order": 1, "active": True, "practitioner": None, "location": None,
    }  # fmt: skip
    assert [(s["name"], s["duration"]) for s in view["services"]] == [
        ("Kontrolle", 30), ("Eingriff", 60), ("Gespräch", 20),
    ]  # fmt: skip
    day = {"start": f"{TUE}08:00:00+01:00", "end": f"{TUE}18:00:00+01:00"}
    there = (practice.doctors[0], *practice.chairs)
    assert view["open"] == [{"schedule": name} | day for name in there]
    first, second = view["appointments"]
    patient = desk("GET", f"/appointments/{one['id']}")["patient"]
    assert first == {
        "id": one["id"],
        "version": 1,
        "status": "booked",
        "start": one["start"],
        "end": one["end"],
        "service": practice.surgery,
        "schedules": one["schedules"],
        "patient": {"id": patient, "name": "Eva Beispiel"},
        "note": "bitte leise",
        "bufferBefore": 10,
        "bufferAfter": 15,
    }
    assert second["id"] == theirs["id"] and second["portal"] and second["patient"]["id"] == patient
    assert view["reservations"] == [reserved]
    assert [(b["start"], b["until"]) for b in view["busy"]] == [(held["start"], held["expiresAt"])]
    assert view["absences"] == [
        {"id": absent["id"], "version": 1, "first": "2026-11-20", "last": "2026-11-24", "reason": "Urlaub"}
        | {"schedule": practice.doctors[1]}
    ]
    assert view["closed"] == [] and int(view["revision"]) > 0
    with_cancelled = desk("POST", "/calendar/view", body=DAY | {"cancelled": True})["appointments"]
    assert [(a["status"], a.get("cancelReason")) for a in with_cancelled] == [
        ("booked", None), ("booked", None), ("cancelled", "krank"),
    ]  # fmt: skip
    house.clock.advance(3600)  # the hold has run out
    assert desk("POST", "/calendar/view", body=DAY)["busy"] == []


def test_the_revision_is_the_event_after_which_to_listen(practice, desk):
    before = desk("POST", "/calendar/view", body=DAY)["revision"]
    one = book(desk, practice.check, f"{TUE}09:00:00+01:00")
    after = desk("POST", "/calendar/view", body=DAY)["revision"]
    assert int(after) > int(before)
    feed = desk("GET", "/appointments", params={"since": f"e{before}"})
    assert [c["id"] for c in feed["changes"]] == [one["id"]] and feed["cursor"] == f"e{after}"


def test_columns_can_be_chosen_and_periods_are_bounded(practice, desk, portal):
    book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=practice.doctors[:1])
    other = book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=practice.doctors[1:])
    chosen = desk("POST", "/calendar/view", body=DAY | {"schedules": practice.doctors[1:]})
    assert [a["id"] for a in chosen["appointments"]] == [other["id"]]
    assert {o["schedule"] for o in chosen["open"]} == set(practice.doctors[1:])
    assert len(chosen["schedules"]) == 4  # all of them, to choose from
    ask = lambda status, **more: desk.code("POST", "/calendar/view", status, DAY | more)  # noqa: E731
    assert ask(422, schedules=["weg"]) == "calendar.schedule_unknown"
    assert ask(400, to=DAY["from"]) == "calendar.range_reversed"
    assert ask(400, to="2027-01-06T00:00:00+01:00") == "calendar.range_too_long"
    desk("POST", "/calendar/view", body=DAY | {"to": "2027-01-05T00:00:00+01:00"})  # 42 days
    assert ask(400, **{"from": "2026-11-24T00:00:00"}) == "clock.naive_time"
    assert portal.code("POST", "/calendar/view", 403, DAY) == "access.forbidden"


def test_closed_days_say_why(practice, desk, owner):
    owner("PUT", "/closings/2026-12-23", body={"closed": True, "name": "Betriebsausflug"})
    week = {"from": "2026-12-21T00:00:00+01:00", "to": "2026-12-28T00:00:00+01:00"}
    view = desk("POST", "/calendar/view", body=week, headers={"Accept-Language": "en"})
    assert [c["date"] for c in view["closed"]] == ["2026-12-23", "2026-12-25", "2026-12-26"]
    assert view["closed"][0]["name"] == "Betriebsausflug" and "Christmas" in view["closed"][1]["name"]
    assert {o["start"][:10] for o in view["open"]} == {"2026-12-21", "2026-12-22", "2026-12-24"}


def test_what_lasts_for_days_is_drawn_on_each_of_them(house, practice, desk):
    """An imported appointment may last longer than a day; it has begun long before the day that is drawn."""
    start = 1_795_420_800
    long = Appointment(
        id="kur", status="booked", start=start, end=start + 9 * 86_400, schedules=practice.chairs[:1]
    )
    homeless = Appointment(id="ohne-spalte", status="booked", start=start + 90_000, end=start + 91_800)

    def work(tx):
        calendar.import_appointment(house, tx, long)
        calendar.import_appointment(house, tx, homeless)

    house.store.run(practice.desk(), work)
    drawn = lambda day: [  # noqa: E731
        a["id"]
        for a in desk(
            "POST",
            "/calendar/view",
            body={"from": f"2026-{day}T00:00:00+01:00", "to": f"2026-{day}T23:00:00+01:00"},
        )["appointments"]
    ]
    assert drawn("11-24") == ["kur", "ohne-spalte"] and drawn("12-01") == ["kur"]
    assert drawn("12-03") == [] and drawn("11-22") == []


def test_names_come_by_one_question_however_many(house, practice, desk, monkeypatch):
    """Statements do not grow with the appointments of the day."""
    asked = []
    real = kernel_store.Tx._execute
    monkeypatch.setattr(
        kernel_store.Tx,
        "_execute",
        lambda tx, statement, params: (asked.append(1), real(tx, statement, params))[1],
    )
    counts = []
    for hour in (8, 10, 12, 14):
        for number in range(2):
            who = EVA | {"given": f"Eva{hour}{number}", "birthDate": f"198{number}-05-{hour:02}"}
            book(desk, practice.check, f"{TUE}{hour:02}:00:00+01:00", patient=who)
        asked.clear()
        view = desk("POST", "/calendar/view", body=DAY)
        assert len({a["patient"]["name"] for a in view["appointments"]}) == len(view["appointments"])
        counts.append(len(asked))
    assert max(counts[1:]) <= counts[0], counts


def test_a_partner_sees_that_times_are_taken_and_by_nobody(practice, desk, partner):
    one = book(desk, practice.check, f"{TUE}09:00:00+01:00", note="Angstpatientin")
    block = {"title": "Geheimsache", "schedules": list(practice.chairs), "note": "Notiz dazu"}
    desk(
        "POST", "/reservations", 201, block | {"start": f"{TUE}13:00:00+01:00", "end": f"{TUE}14:00:00+01:00"}
    )
    desk("POST", "/absences", 201, {"first": "2026-11-25", "last": "2026-11-25", "reason": "Kur"})
    view = partner("POST", "/calendar/view", body=WEEK)
    assert [(a["id"], a["patient"]) for a in view["appointments"]] == [
        (one["id"], {"id": None, "name": None})
    ]
    assert [r["title"] for r in view["reservations"]] == [None] and len(view["absences"]) == 1
    for word in ("Beispiel", "Eva", "Angst", "Geheim", "Notiz", "Kur"):
        assert not re.search(rf"\b{word}", partner.last.text)
    assert desk("GET", f"/appointments/{one['id']}")["patient"] not in partner.last.text
    assert partner.code("POST", "/calendar/search", 403, {"text": "Eva"}) == "directory.search_masked"


def test_search_by_patient_type_and_both(house, practice, desk):
    eva = book(desk, practice.check, f"{TUE}09:00:00+01:00")
    later = book(desk, practice.surgery, "2026-11-26T09:00:00+01:00")
    karl = EVA | {"family": "Müller-Lüdenscheid", "given": "Karl", "birthDate": "1975-01-02"}
    other = book(desk, practice.check, f"{TUE}10:00:00+01:00", patient=karl)

    def found(text, **more):
        hits = desk("POST", "/calendar/search", body={"text": text} | more)["appointments"]
        return [a["id"] for a in hits]

    assert found("beispiel") == [eva["id"], later["id"]]
    assert found("eva beisp") == [eva["id"], later["id"]] and found("eva karl") == []
    assert found("mueller") == found("ludenscheid") == found("2.1.1975") == [other["id"]]
    assert found("Kontrolle") == [eva["id"], other["id"]] and found("kontr muell") == [other["id"]]
    assert found("eingriff beispiel") == [later["id"]] and found("030 23125 999") == []
    assert found("030 23125 001") == [eva["id"], other["id"], later["id"]]  # they share the number
    assert found("beispiel", **{"from": "2026-11-25T00:00:00+01:00"}) == [later["id"], eva["id"]]
    assert found("beispiel", limit=1) == [eva["id"]] and found("☃") == found("zzz") == found(" ") == []
    house.clock.advance(2 * 86_400)  # between the two
    assert found("beispiel") == [later["id"], eva["id"]]
    hit = desk("POST", "/calendar/search", body={"text": "karl"})["appointments"][0]
    assert hit["patient"]["name"] == "Karl Müller-Lüdenscheid" and hit["service"] == practice.check
    assert desk.code("POST", "/calendar/search", 400, {"text": ""}) == "http.invalid_body"


@pytest.mark.parametrize("name", ["calendar_appointment_time", "calendar_appointment_long"])
def test_a_day_is_read_by_indexes_not_by_walking_the_past(house, practice, name):
    """On SQLite, whose plans do not depend on how many rows there are."""
    if not house.store.alone:
        return
    with house.store.read(practice.desk()) as tx:
        plans = []
        for one in (view_store._ORDINARY, view_store._LASTING):
            sql, constants = one.compiled(house.store.engine, tx)
            values = constants | {"organization": tx.organization, "since": 1, "until": 2}
            plans += [row[-1] for row in tx.raw(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()]
    assert any(f"USING INDEX {name}" in plan for plan in plans), plans
    assert not any(plan.startswith("SCAN") for plan in plans), plans
