"""Due times over clock changes of both hemispheres, month ends and leap years: properties, and days known by heart."""

import calendar
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.kernel import schedule
from praxisd.kernel.schedule import At, Daily, Monthly, Plan, Repeat, Weekly

# North and south, changes at 2, at 0 and at 24 o'clock, by an hour and by half an hour, negative summer time.
ZONES = [
    "Europe/Berlin",
    "Europe/Zurich",
    "Europe/Dublin",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
]


def changes(name: str, first: int = 2024, last: int = 2029) -> list[date]:
    """Every local day of these years on which the zone's offset is not the same all day."""
    zone, day, found = ZoneInfo(name), date(first, 1, 1), []
    while day.year <= last:
        ends = [datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(days=1))]
        if ends[0].utcoffset() != ends[1].utcoffset():
            found.append(day)
        day += timedelta(days=1)
    return found


CHANGES = {name: changes(name) for name in ZONES}
clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


def epoch(day: date, zone: ZoneInfo, hour: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp())


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    name = draw(st.sampled_from(ZONES))
    return ZoneInfo(name), draw(st.sampled_from(CHANGES[name]))


def test_both_hemispheres_change_twice_a_year() -> None:
    assert len(CHANGES["Europe/Berlin"]) == len(CHANGES["Australia/Sydney"]) == 12
    south = [day.month for day in CHANGES["Australia/Sydney"]]
    north = [day.month for day in CHANGES["Europe/Berlin"]]
    assert south == [4, 10] * 6 and north == [3, 10] * 6


@settings(max_examples=300)
@given(around_a_change(), clock_times, st.integers(-2, 2))
def test_once_a_day_is_once_a_day(where: tuple[ZoneInfo, date], time: str, shift: int) -> None:
    """Every local day of the week around a change has one run, and none falls on the same instant as another."""
    zone, day = where
    first = day + timedelta(days=shift - 3)
    due = epoch(first, zone) - 1
    found = []
    for _ in range(8):
        following = schedule.next_due(Daily(At(time)), zone, due)
        assert following is not None and following > due
        found.append(following)
        due = following
    days = [datetime.fromtimestamp(one, zone).date() for one in found]
    assert days == [first + timedelta(days=n) for n in range(8)]
    for one in found:  # the time itself, but for the hour that does not exist
        shown = datetime.fromtimestamp(one, zone).strftime("%H:%M")
        assert shown == time or datetime.fromtimestamp(one, zone).date() == day


@settings(max_examples=300)
@given(around_a_change(), st.integers(1, 59), clock_times, clock_times)
def test_short_steps_are_evenly_spaced(where: tuple[ZoneInfo, date], step: int, one: str, other: str) -> None:
    """Below an hour the distance of two runs is the step, whatever the clocks do; the window's bounds are kept."""
    zone, day = where
    if one == other:
        return
    start, end = sorted((one, other))
    plan = Daily(Repeat(step, start, end))
    found = schedule.coming(plan, zone, epoch(day, zone) - 1, 1, limit=5000).times
    today = [due for due in found if datetime.fromtimestamp(due, zone).date() == day]
    assert today
    assert {later - earlier for earlier, later in pairwise(today)} <= {step * 60}


@settings(max_examples=300)
@given(around_a_change(), st.integers(1, 12), clock_times, clock_times)
def test_hours_follow_the_clock_face(where: tuple[ZoneInfo, date], hours: int, one: str, other: str) -> None:
    """Each time shown in the window runs once; on the day without an hour the times of that hour run once, later."""
    zone, day = where
    if one == other:
        return
    start, end = sorted((one, other))
    found = schedule.coming(
        Daily(Repeat(hours * 60, start, end)), zone, epoch(day, zone) - 1, 1, limit=50
    ).times
    today = [due for due in found if datetime.fromtimestamp(due, zone).date() == day]
    faces = Counter(datetime.fromtimestamp(due, zone).strftime("%H:%M") for due in today)
    assert set(faces.values()) == {1}
    first = int(start[:2]) * 60 + int(start[3:])
    last = int(end[:2]) * 60 + int(end[3:])
    wanted = {f"{minute // 60:02}:{minute % 60:02}" for minute in range(first, last + 1, hours * 60)}
    assert len(today) <= len(wanted)
    missing = wanted - set(faces)
    odd = set(faces) - wanted
    assert len(odd) <= len(missing) <= 1
    for face in missing:  # only what that day's clocks never show
        wall = datetime(day.year, day.month, day.day, int(face[:2]), int(face[3:]), tzinfo=zone)
        assert datetime.fromtimestamp(wall.timestamp(), zone).strftime("%H:%M") != face


@given(st.integers(2000, 2196), st.integers(1, 31), st.sampled_from(ZONES))
def test_every_month_has_its_day_or_its_last(year: int, day: int, name: str) -> None:
    zone = ZoneInfo(name)
    plan = Monthly(At("12:00"), day=day)
    due, found = epoch(date(year, 1, 1), zone) - 1, []
    for _ in range(60):  # five years have a leap year in them, or the one that is none
        following = schedule.next_due(plan, zone, due)
        assert following is not None
        found.append(datetime.fromtimestamp(following, zone).date())
        due = following
    wanted = [
        date(y, m, min(day, calendar.monthrange(y, m)[1]))
        for y in range(year, year + 5)
        for m in range(1, 13)
    ]
    assert found == wanted


@pytest.mark.parametrize(
    ("year", "day", "last"),
    [(2027, 29, 28), (2028, 29, 29), (2028, 31, 29), (2100, 29, 28), (2000, 30, 29)],
)
def test_february(year: int, day: int, last: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    due = schedule.next_due(Monthly(At("03:10"), day=day), zone, epoch(date(year, 2, 1), zone))
    assert due is not None and datetime.fromtimestamp(due, zone).date() == date(year, 2, last)


@given(st.dates(date(2020, 1, 1), date(2104, 1, 1)), st.integers(1, 366))
def test_every_n_days_goes_through_leap_days(anchor: date, every: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    due, found = epoch(anchor, zone) - 1, []
    for _ in range(6):
        following = schedule.next_due(Daily(At("06:00"), every, anchor), zone, due)
        assert following is not None
        found.append(datetime.fromtimestamp(following, zone).date())
        due = following
    assert found == [anchor + timedelta(days=n * every) for n in range(6)]


@given(st.dates(date(2024, 1, 1), date(2029, 12, 31)), st.integers(1, 52), st.sampled_from(schedule.WEEKDAYS))
def test_every_n_weeks_keeps_its_distance(anchor: date, every: int, weekday: schedule.Weekday) -> None:
    zone = ZoneInfo("Australia/Sydney")
    plan: Plan = Weekly(At("02:30"), (weekday,), every, anchor)
    due = schedule.next_due(plan, zone, epoch(anchor, zone) - 1)
    assert due is not None
    following = schedule.next_due(plan, zone, due)
    assert following is not None
    days = [datetime.fromtimestamp(one, zone).date() for one in (due, following)]
    assert (days[1] - days[0]).days == 7 * every
    assert schedule.WEEKDAYS[days[0].weekday()] == weekday and days[0] >= anchor


def test_a_day_that_a_zone_leaves_out_runs_once_with_the_next() -> None:
    """Samoa went from 29 to 31 December 2011: the run of the 30th falls on that of the 31st, and is one run."""
    zone = ZoneInfo("Pacific/Apia")
    found = schedule.coming(Daily(At("10:00")), zone, epoch(date(2011, 12, 28), zone, 12), 4).times
    assert [datetime.fromtimestamp(due, zone).date().day for due in found] == [29, 31, 1]
