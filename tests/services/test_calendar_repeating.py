"""Opening hours and absences that repeat by a rule of RFC 5545, through the REST door, on both engines."""

from datetime import date
from typing import Any

import pytest

from praxisd.services.calendar import view_store

from .calendar_cast import (  # noqa: F401 - fixtures
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_portal,
    the_practice,
)

FIRST_SATURDAY = {
    "days": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "10:00",
    "validFrom": "2026-11-01", "rule": "FREQ=MONTHLY;BYDAY=1SA",
}  # fmt: skip


def opened(desk: Any, schedule: str, first: str, last: str) -> list[str]:
    """Dates on which the column is drawn open."""
    period = {"from": f"{first}T00:00:00+01:00", "to": f"{last}T23:59:00+01:00", "schedules": [schedule]}
    return [one["start"][:10] for one in desk("POST", "/calendar/view", body=period)["open"]]


def test_hours_on_the_first_saturday_of_each_month(owner, desk, portal, practice):
    doctor = practice.doctors[0]
    owner("PATCH", f"/schedules/{doctor}", body={"hours": [FIRST_SATURDAY]})
    assert opened(desk, doctor, "2026-11-25", "2027-01-04") == ["2026-12-05", "2027-01-02"]
    slots = desk(
        "GET",
        f"/slots?service={practice.talk}&from=2026-12-05T00:00:00%2B01:00&to=2026-12-06T00:00:00%2B01:00",
    )
    assert {one["start"][:16] for one in slots["slots"]} == {
        "2026-12-05T09:00", "2026-12-05T09:15", "2026-12-05T09:30",
    }  # fmt: skip
    seen = portal("GET", f"/schedules/{doctor}")["hours"]
    assert seen == [FIRST_SATURDAY]
    # Of the weekdays only the dates that the rule names, within the time it is valid.
    only = FIRST_SATURDAY | {"days": [1], "rule": "FREQ=DAILY;INTERVAL=2", "validTo": "2026-12-07"}
    owner("PATCH", f"/schedules/{doctor}", body={"hours": [only]})
    assert opened(desk, doctor, "2026-11-02", "2026-12-13") == ["2026-11-09", "2026-11-23", "2026-12-07"]


@pytest.mark.parametrize(
    ("rule", "code", "part"),
    [
        ("FREQ=DAILY;BYHOUR=9", "calendar.rule_unsupported", "BYHOUR"),
        ("FREQ=WEEKLY;UNTIL=20270101T000000Z", "calendar.rule_unsupported", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=1MO", "calendar.rule_invalid", "BYDAY"),
        ("immer", "calendar.rule_invalid", "IMMER"),
    ],
)
def test_a_rule_that_is_not_taken_is_refused_with_its_part(owner, practice, rule, code, part):
    doctor = practice.doctors[0]
    hours = {"hours": [FIRST_SATURDAY | {"rule": rule}]}
    before = owner("GET", f"/schedules/{doctor}")
    absence = {"first": "2026-12-24", "last": "2026-12-24", "rule": rule}
    for method, path, body in (
        ("PATCH", f"/schedules/{doctor}", hours),
        ("POST", "/schedules", {"name": "Neu", **hours}),
        ("POST", "/absences", absence),
        ("POST", "/recurrences/preview", {"rule": rule, "first": "2026-12-24"}),
        ("POST", f"/schedules/{doctor}/preview",
         hours | {"service": practice.talk, "from": f"{TUE}00:00:00+01:00", "to": f"{TUE}23:00:00+01:00"}),
    ):  # fmt: skip
        assert owner.code(method, path, 422, body) == code
        assert part in owner.last.json()["cause"]
    assert owner("GET", f"/schedules/{doctor}") == before
    assert owner("GET", "/absences")["absences"] == []


def test_hours_with_a_rule_need_a_day_to_count_from(owner, practice):
    bare = {k: v for k, v in FIRST_SATURDAY.items() if k != "validFrom"}
    for wrong in (bare, FIRST_SATURDAY | {"everyWeeks": 2}):
        owner("PATCH", f"/schedules/{practice.doctors[0]}", 400, {"hours": [wrong]})


def test_an_absence_of_every_year_and_one_of_every_second_week(house, desk, practice):
    doctor, other = practice.doctors
    standing = book(desk, practice.talk, "2026-12-25T10:00:00+01:00", outsideHours=True)
    xmas = {"first": "2020-12-24", "last": "2020-12-26", "reason": "Weihnachten", "rule": "FREQ=YEARLY"}
    made = desk("POST", "/absences", 201, xmas)
    assert made["absence"]["rule"] == "FREQ=YEARLY" and made["appointments"] == [standing["id"]]
    friday = {"first": "2026-11-27", "last": "2026-11-27", "schedule": doctor}
    desk("POST", "/absences", 201, friday | {"rule": "FREQ=WEEKLY;INTERVAL=2;UNTIL=20261225"})
    fridays = [
        on for on in opened(desk, doctor, "2026-11-23", "2027-01-03") if date.fromisoformat(on).weekday() == 4
    ]
    assert fridays == ["2026-12-04", "2026-12-18"]  # 25 December is a holiday, 1 January too
    assert "2026-12-24" not in opened(desk, other, "2026-12-20", "2026-12-31")
    assert "2027-12-24" not in opened(desk, other, "2027-12-20", "2027-12-30")
    period = {"from": "2026-12-25T00:00:00+01:00", "to": "2027-01-02T00:00:00+01:00"}
    drawn = desk("POST", "/calendar/view", body=period)["absences"]
    assert [(one["first"], one["last"]) for one in drawn] == [
        ("2026-12-24", "2026-12-26"),
        ("2026-12-25", "2026-12-25"),
    ]
    # The database keeps when the last of them ends, so that a period finds those that still go on, and no other.
    with house.store.read(practice.desk()) as tx:
        assert len(view_store.absences(tx, "2026-12-28", "2027-11-30")) == 1
        assert len(view_store.absences(tx, "2150-01-01", "2150-01-02")) == 1
    rows = desk("POST", "/listings/calendar.absences", body={})["rows"]
    assert [one["cells"]["repeats"] for one in rows] == [
        "alle 2 Wochen am Freitag, bis 25.12.2026",
        "jedes Jahr am 24. Dezember",
    ]


def test_an_absence_that_repeats_is_short(desk):
    long = {"first": "2026-07-01", "last": "2026-08-31", "rule": "FREQ=YEARLY"}
    desk("POST", "/absences", 201, long)
    assert desk.code("POST", "/absences", 422, long | {"last": "2026-09-01"}) == "calendar.type_invalid"


@pytest.mark.parametrize(
    ("rule", "german", "english"),
    [
        ("FREQ=DAILY", "jeden Tag", "every day"),
        ("FREQ=DAILY;INTERVAL=3;COUNT=4", "alle 3 Tage, 4-mal", "every 3 days, 4 times"),
        ("FREQ=WEEKLY;BYDAY=FR,MO,WE", "jede Woche am Montag, Mittwoch und Freitag",
         "every week on Monday, Wednesday and Friday"),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20270301", "alle 2 Wochen am Dienstag, bis 1.3.2027",
         "every 2 weeks on Tuesday, until 2027-03-01"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "jeden Monat am letzten Freitag", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,15", "jeden Monat am 15. und letzten Tag", "every month on day 15 and the last day"),
        ("FREQ=YEARLY", "jedes Jahr am 1. Dezember", "every year on 1 December"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=5;BYDAY=1MO", "alle 2 Jahre am 1. Montag im Mai",
         "every 2 years on the 1st Monday of May"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "jedes Jahr am letzten Tag im Februar", "every year on the last day of February"),
        ("FREQ=YEARLY;BYWEEKNO=20", "nach der Regel FREQ=YEARLY;BYWEEKNO=20", "by the rule FREQ=YEARLY;BYWEEKNO=20"),
        ("FREQ=DAILY;BYMONTH=1", "nach der Regel FREQ=DAILY;BYMONTH=1", "by the rule FREQ=DAILY;BYMONTH=1"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "nach der Regel FREQ=MONTHLY;BYMONTHDAY=-2", "by the rule FREQ=MONTHLY;BYMONTHDAY=-2"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", "nach der Regel FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1",
         "by the rule FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1"),
    ],
)  # fmt: skip
def test_rules_in_words(desk, rule, german, english):
    asked = {"rule": rule, "first": "2026-12-01"}
    said = desk("POST", "/recurrences/preview", body=asked, headers={"Accept-Language": "de"})
    assert said["words"] == german
    assert (
        desk("POST", "/recurrences/preview", body=asked, headers={"Accept-Language": "en"})["words"]
        == english
    )
    assert said["dates"] and said["dates"][0] >= "2026-12-01"


def test_a_preview_shows_the_next_days(desk):
    asked = {"rule": "FREQ=WEEKLY", "first": "2020-01-06"}
    shown = desk("POST", "/recurrences/preview", body=asked)
    assert shown["dates"] == ["2026-11-23", "2026-11-30", "2026-12-07", "2026-12-14", "2026-12-21"]
    never = {"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "first": "2026-01-01"}
    assert desk("POST", "/recurrences/preview", body=never)["dates"] == []
