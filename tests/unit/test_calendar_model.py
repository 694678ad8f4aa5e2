"""The scheduling structs: names on the wire, what they refuse, and which status may follow which."""

from datetime import date

import msgspec
import pytest

from praxisd.model.scheduling import (
    FROZEN,
    OCCUPYING,
    Absence,
    Appointment,
    Busy,
    HealthcareService,
    OpeningException,
    OpeningRule,
    Schedule,
    Slot,
    clock_minutes,
    may_change,
)

STATUSES = ("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow")


def test_names_are_camel_case_and_round_trip() -> None:
    schedule = Schedule(
        id="a",
        no=1,
        name="A",
        hours=(
            OpeningRule(days=(1, 2), start="08:00", end="12:00", valid_from=date(2026, 1, 1), every_weeks=2),
        ),
        exceptions=(OpeningException(date=date(2026, 12, 24), open=(("09:00", "11:00"),)),),
        extra={"planningHorizon": {"start": "2026-01-01"}},
    )
    wire = msgspec.json.encode(schedule)
    assert msgspec.json.decode(wire, type=Schedule) == schedule
    plain = msgspec.json.decode(wire)
    assert plain["observesHolidays"] is True
    assert plain["hours"] == [
        {"days": [1, 2], "start": "08:00", "end": "12:00", "validFrom": "2026-01-01", "everyWeeks": 2}
    ]
    slot = Slot(start=0, end=1800, schedules=("a",), service="k")
    assert msgspec.to_builtins(slot) == {"start": 0, "end": 1800, "schedules": ("a",), "service": "k"}


def test_busy_has_no_room_for_a_patient() -> None:
    assert Busy.__struct_fields__ == ("start", "end")


def test_extras_are_not_shared_between_records() -> None:
    first, second = (Appointment(id=name, status="booked", start=0, end=60) for name in "ab")
    first.extra["x"] = 1
    assert second.extra == {}


@pytest.mark.parametrize(
    "text", ["8:00", "24:01", "25:00", "12:60", "12:5", "12:00:00", "-1:00", "", "١٢:00", "12:00\n"]
)
def test_wall_times_are_strict(text: str) -> None:
    with pytest.raises(ValueError, match="wall time"):
        clock_minutes(text)


def test_wall_times() -> None:
    assert [clock_minutes(text) for text in ("00:00", "08:30", "23:59", "24:00")] == [0, 510, 1439, 1440]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": []}, "days"),
        ({"days": [0]}, "days"),
        ({"days": [8]}, "days"),
        ({"days": [1, 1]}, "days"),
        ({"end": "08:00"}, "after start"),
        ({"end": "07:00"}, "after start"),
        ({"validFrom": "2026-02-01", "validTo": "2026-01-31"}, "validTo"),
        ({"everyWeeks": 0}, "everyWeeks"),
        ({"everyWeeks": 2}, "needs validFrom"),
        ({"valid_from": "2026-01-01"}, "unknown field"),
    ],
)
def test_rules_without_meaning_are_refused(change: dict[str, object], message: str) -> None:
    good = {"days": [1], "start": "08:00", "end": "12:00"}
    assert msgspec.convert(good, OpeningRule).days == (1,)
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(good | change, OpeningRule)


@pytest.mark.parametrize(
    "change",
    [
        {"duration": 0},
        {"duration": 7},
        {"duration": 1445},
        {"bufferBefore": 3},
        {"bufferAfter": -5},
        {"bufferAfter": 725},
        {"startEvery": 0},
        {"startEvery": 12},
        {"minNotice": -1},
        {"maxAhead": -1},
        {"groups": [[]]},
        {"groups": [["a", "a"]]},
        {"groups": [["a"]] * 9},
    ],
)
def test_types_outside_the_grid_are_refused(change: dict[str, object]) -> None:
    good = {"id": "k", "no": 1, "name": "K", "duration": 30, "groups": [["a"]]}
    assert msgspec.convert(good, HealthcareService).groups == (("a",),)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | change, HealthcareService)


def test_a_path_leads_to_the_broken_hour() -> None:
    text = b'{"id":"a","no":1,"name":"A","hours":[{"days":[1],"start":"08:00","end":"8"}]}'
    with pytest.raises(msgspec.ValidationError, match=r"\$\.hours\[0\]"):
        msgspec.json.decode(text, type=Schedule)


def test_dates_cannot_be_reversed_or_doubled() -> None:
    with pytest.raises(ValueError, match="before first"):
        Absence(id="x", first=date(2026, 1, 2), last=date(2026, 1, 1))
    with pytest.raises(ValueError, match="once"):
        Schedule(id="a", no=1, name="A", exceptions=(OpeningException(date=date(2026, 1, 2)),) * 2)


def test_status_changes() -> None:
    allowed = {(old, new) for old in STATUSES for new in STATUSES if old != new and may_change(old, new)}
    assert allowed == {
        ("proposed", "pending"),
        ("proposed", "booked"),
        ("proposed", "cancelled"),
        ("pending", "booked"),
        ("pending", "cancelled"),
        ("booked", "arrived"),
        ("booked", "fulfilled"),
        ("booked", "cancelled"),
        ("booked", "noshow"),
        ("arrived", "booked"),
        ("arrived", "fulfilled"),
        ("arrived", "cancelled"),
        ("fulfilled", "arrived"),
        ("noshow", "booked"),
        ("noshow", "arrived"),
    }
    assert all(may_change(status, status) for status in STATUSES)
    assert not may_change("canceled", "canceled")
    assert not may_change("booked", "waitlist")


def test_who_occupies_and_who_is_frozen() -> None:
    assert set(STATUSES) - OCCUPYING == {"proposed", "cancelled", "noshow"}
    assert {"fulfilled", "cancelled", "noshow"} == FROZEN
