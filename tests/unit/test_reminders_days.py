"""Days searched by the reminders: clock changes, month ends, leap years, 29 February."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.reminders.day_rules import birthdays, has_birthday, midnight, period

ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Europe/Zurich", "America/Havana", "Asia/Kathmandu")]
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 30))


@given(DAYS, st.sampled_from(ZONES))
def test_each_instant_lies_in_the_day_the_wall_clock_shows(day: date, zone: ZoneInfo) -> None:
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    assert 23 * 3600 <= end - start <= 25 * 3600
    for instant in (start, start + 1, (start + end) // 2, end - 1):
        assert datetime.fromtimestamp(instant, UTC).astimezone(zone).date() == day
    assert datetime.fromtimestamp(start - 1, UTC).astimezone(zone).date() == day - timedelta(days=1)


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)])
def test_days_of_a_clock_change_are_whole(day: tuple[int, int, int], hours: int) -> None:
    start, end = period(date(*day) - timedelta(days=1), 1, 1, ZONES[0])
    assert end - start == hours * 3600


def test_the_period_begins_so_many_days_ahead() -> None:
    start, end = period(date(2026, 10, 23), 1, 3, ZONES[0])
    shown = [datetime.fromtimestamp(one, ZONES[0]).isoformat() for one in (start, end)]
    assert shown == ["2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00"]
    assert period(date(2026, 10, 23), 0, 1, ZONES[0])[0] == midnight(date(2026, 10, 23), ZONES[0])


def test_periods_of_following_days_leave_no_gap_and_do_not_overlap() -> None:
    day = date(2026, 3, 20)
    for _ in range(400):
        assert period(day, 1, 1, ZONES[0])[1] == period(day + timedelta(days=1), 1, 1, ZONES[0])[0]
        day += timedelta(days=1)


@pytest.mark.parametrize("leap_day", ["march_1", "february_28"])
@pytest.mark.parametrize("year", [1900, 2000, 2024, 2026, 2100])
def test_each_date_of_birth_has_one_birthday_a_year(leap_day: str, year: int) -> None:
    every = [(date(2000, 1, 1) + timedelta(days=n)).strftime("%m-%d") for n in range(366)]
    first = date(year, 1, 1)
    found = [
        one for n in range(366) if (first + timedelta(days=n)).year == year
        for one in birthdays(first + timedelta(days=n), leap_day)
    ]  # fmt: skip
    assert sorted(found) == sorted(every)


def test_29_february() -> None:
    assert birthdays(date(2028, 2, 29)) == ("02-29",)
    assert birthdays(date(2027, 3, 1)) == ("03-01", "02-29") and birthdays(date(2027, 2, 28)) == ("02-28",)
    assert birthdays(date(2028, 3, 1)) == ("03-01",) and birthdays(date(2028, 2, 28), "february_28") == (
        "02-28",
    )
    assert birthdays(date(2027, 2, 28), "february_28") == ("02-28", "02-29")
    assert birthdays(date(2027, 3, 1), "february_28") == ("03-01",)
    assert "02-29" in birthdays(date(2100, 3, 1)), "2100 is no leap year"


def test_the_day_of_birth_is_no_birthday() -> None:
    day = date(2026, 11, 27)
    assert not has_birthday("2026-11-27", day) and not has_birthday("2027-11-27", day)
    assert has_birthday("2025-11-27", day)
    assert has_birthday("1980", day) and has_birthday(None, day), "what is not known is decided elsewhere"
