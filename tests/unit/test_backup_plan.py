"""Backup plans: the seed's variants, the calendar of media, backup days across clock changes, which medium is expected."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import WEEKDAYS, Weekday
from praxisd.model.backup import BackupPlan, ImagePlan, Job, PlanJob, Retention, Under, Variant
from praxisd.services.backups import day_rules, plan_rules
from praxisd.services.backups.plan_rules import calendar, due_runs, expected, make, runs_on, slots

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(one) for one in ("Europe/Berlin", "Europe/London", "Africa/Cairo", "America/New_York")]
MONDAY = date(2026, 11, 30)
NONE: frozenset[date] = frozenset()
VARIANTS: list[tuple[Variant, Under | None]] = [
    ("variant1", None),
    ("variant2", None),
    ("variant3", "variant1"),
    ("variant3", "variant2"),
    ("external", None),
]
times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
borders = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(4, 11), st.integers(0, 59))
days_of = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@st.composite
def plans(draw: st.DrawFn) -> BackupPlan:
    variant, under = draw(st.sampled_from(VARIANTS))
    days = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
    border = draw(borders)
    evening = draw(times.filter(lambda one: one >= border))
    image = draw(st.none() | st.just(ImagePlan()))
    return make(
        variant, under=under, days=days, evening=evening, night=draw(times), day_begins=border, image=image
    )


def labels(plan: BackupPlan) -> list[str]:
    return [one.id for one in slots(plan)]


def test_the_variants_of_the_seed() -> None:
    one = [f"{day}_{use}" for day in plan_rules.WORKING for use in ("away", "here")]
    assert labels(make("variant1")) == one and len(one) == 10
    five = [f"{day}_away" for day in plan_rules.WORKING]
    assert labels(make("variant2")) == [*five, "nas"]
    assert labels(make("variant3", under="variant1")) == [*one, "remote"]
    assert labels(make("variant3", under="variant2")) == [*five, "nas", "remote"]
    assert labels(make("external")) == ["folder"]
    assert labels(make("variant2", image=ImagePlan())) == [*five, "nas", "image_1", "image_2"]
    saturday = make("variant2", days=("sat", "mon"))
    assert labels(saturday) == ["mon_away", "sat_away", "nas"] and saturday.days == ("mon", "sat")


def test_a_working_day_of_variant_1() -> None:
    evening, night = runs_on(make("variant1"), MONDAY, NONE)
    assert (evening.slot, evening.start, evening.next_morning) == ("mon_away", "desk", False)
    assert (night.slot, night.start, night.next_morning, night.day) == ("mon_here", "time", True, MONDAY)
    # The night job of Monday runs on Tuesday, and still writes Monday's medium.
    at = day_rules.instant(MONDAY, night.time, BERLIN, "06:00")
    assert datetime.fromtimestamp(at, BERLIN).date() == MONDAY + timedelta(days=1)
    assert day_rules.backup_day(at, BERLIN, "06:00") == MONDAY


def test_who_has_closed_changes_no_medium() -> None:
    plan = make("variant2")
    christmas = date(2026, 12, 25)
    assert [one.slot for one in runs_on(plan, christmas, {christmas})] == ["nas"]
    assert [one.slot for one in runs_on(plan, MONDAY + timedelta(days=5), NONE)] == ["nas"]
    thursday, friday, *_, monday = calendar(plan, date(2026, 12, 24), date(2026, 12, 28), {christmas})
    assert (thursday.take, thursday.bring_next, thursday.next_day) == (
        ("thu_away",),
        ("mon_away",),
        monday.day,
    )
    assert friday.closed and not friday.bring and friday.next_day == monday.day
    assert monday.bring == monday.take == ("mon_away",) and monday.bring_next == ("tue_away",)


@given(plans(), days_of, st.integers(0, 60), st.sets(st.integers(0, 60)))
def test_the_calendar_holds_what_each_day_needs(
    plan: BackupPlan, first: date, length: int, shut: set[int]
) -> None:
    closed = {first + timedelta(days=one) for one in shut}
    found = calendar(plan, first, first + timedelta(days=length), closed)
    assert [one.day for one in found] == [first + timedelta(days=number) for number in range(length + 1)]
    known = set(labels(plan))
    for here, following in pairwise(found):
        assert here.runs == runs_on(plan, here.day, closed)
        assert {one.slot for one in here.runs} <= known
        # What is to be remembered is what the next such day asks for.
        if following.bring:
            assert (here.bring_next, here.next_day) == (following.bring, following.day)
        else:
            assert (here.bring_next, here.next_day) == (following.bring_next, following.next_day)
        if here.closed:
            assert not here.bring and all(one.slot in ("nas", "remote", "folder") for one in here.runs)
    # A part of a span says the same as the whole: it can be printed by the month.
    half = length // 2
    assert found[half:] == calendar(plan, first + timedelta(days=half), found[-1].day, closed)


def test_an_empty_span_is_empty() -> None:
    assert calendar(make("variant1"), MONDAY, MONDAY - timedelta(days=1), NONE) == ()


@given(days_of, times, borders, st.sampled_from(ZONES))
def test_a_run_belongs_to_the_day_it_was_planned_for(day: date, at: str, border: str, zone: ZoneInfo) -> None:
    """Also in the nights in which clocks change, and whatever the border."""
    assert day_rules.backup_day(day_rules.instant(day, at, zone, border), zone, border) == day


@given(st.integers(1_577_836_800, 2_200_000_000), st.integers(0, 200_000), borders, st.sampled_from(ZONES))
def test_days_never_run_backwards(at: int, later: int, border: str, zone: ZoneInfo) -> None:
    assert day_rules.backup_day(at, zone, border) <= day_rules.backup_day(at + later, zone, border)


@given(plans(), st.integers(1_577_836_800, 2_200_000_000), st.integers(0, 40), st.integers(0, 40))
def test_no_run_is_lost_or_doubled_between_two_looks(
    plan: BackupPlan, start: int, first: int, second: int
) -> None:
    middle, end = start + first * 7_200, start + (first + second) * 7_200
    whole = due_runs(plan, start, end, BERLIN, NONE)
    assert whole == (
        *due_runs(plan, start, middle, BERLIN, NONE),
        *due_runs(plan, middle, end, BERLIN, NONE),
    )
    assert len({(one.run.day, one.run.job) for one in whole}) == len(whole)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_each_job_runs_once_in_the_nights_of_the_clock(day: date) -> None:
    plan = make("variant2", night="02:30")
    start = day_rules.instant(day, "12:00", BERLIN, "06:00")
    found = due_runs(plan, start, start + 86_400, BERLIN, NONE)
    assert [(one.run.slot, one.run.day) for one in found] == [("nas", day)]


def test_the_expected_medium_through_a_day() -> None:
    plan = make("variant1")

    def slot(day: date, at: str, *done: tuple[date, Job]) -> str | None:
        found = expected(plan, day_rules.instant(day, at, BERLIN, "06:00"), BERLIN, NONE, done)
        return found.run.slot if found else None

    assert slot(MONDAY, "08:00") == "mon_away"
    assert slot(MONDAY, "20:00") == "mon_away"  # late, and still wanted
    assert slot(MONDAY, "20:00", (MONDAY, "evening")) == "mon_here"
    assert slot(MONDAY, "01:30") == "mon_here"  # the night is due: the evening was missed
    assert slot(MONDAY, "05:59", (MONDAY, "evening"), (MONDAY, "night")) == "tue_away"
    friday = MONDAY + timedelta(days=4)
    assert slot(friday, "05:00", (friday, "evening"), (friday, "night")) == "mon_away"
    tuesday = MONDAY + timedelta(days=1)
    assert slot(tuesday, "07:00") == "tue_away"  # what was missed yesterday asks for nothing
    assert expected(make("external"), 1_796_000_000, BERLIN, NONE, ()) is None


@given(plans(), st.integers(1_700_000_000, 2_000_000_000), st.data())
def test_the_expected_run_is_open_and_not_of_yesterday(
    plan: BackupPlan, now: int, data: st.DataObject
) -> None:
    today = day_rules.backup_day(now, BERLIN, plan.day_begins)
    done: set[tuple[date, Job]] = data.draw(
        st.sets(
            st.tuples(
                st.sampled_from([today, today + timedelta(days=1)]), st.sampled_from(["evening", "night"])
            )
        )
    )
    found = expected(plan, now, BERLIN, NONE, done)
    if plan.variant == "external":
        assert found is None
        return
    assert found is not None and (found.run.day, found.run.job) not in done and found.run.day >= today
    assert found.run.slot in labels(plan) and found.run.slot.endswith(("_away", "_here"))


def refused(code: str, plan: BackupPlan) -> None:
    with pytest.raises(Problem) as caught:
        plan_rules.check(plan)
    assert (caught.value.code, caught.value.status) == (code, 422)


def test_what_cannot_be_kept_is_refused() -> None:
    days: tuple[Weekday, ...] = plan_rules.WORKING
    evening = PlanJob("evening", "away", days, "18:00", "desk")
    good = BackupPlan("variant2", days, (evening,))
    assert plan_rules.check(good) == good

    def but(**changes: object) -> BackupPlan:
        fields = {name: getattr(good, name) for name in good.__struct_fields__}
        return BackupPlan(**{**fields, **changes})  # type: ignore[arg-type]

    for time in ("24:00", "6:00", "18.00", "", "1８:00", "aa:bb", "-1:00"):
        refused("backups.plan_time", but(jobs=(PlanJob("night", "nas", days, time),)))
    refused("backups.plan_time", but(jobs=(PlanJob("evening", "away", days, "05:00", "desk"),)))
    refused("backups.day_begins_range", but(day_begins="03:59"))
    refused("backups.day_begins_range", but(day_begins="12:01"))
    refused("backups.plan_days", but(days=()))
    refused("backups.plan_days", but(jobs=()))
    refused("backups.plan_days", but(jobs=(PlanJob("evening", "away", WEEKDAYS, "18:00"),)))
    refused("backups.plan_days", but(jobs=(PlanJob("night", "here", days, "18:00", closed_too=True),)))
    refused("backups.plan_jobs", but(jobs=(evening, evening)))
    refused("backups.plan_jobs", but(under="variant1"))
    refused("backups.plan_jobs", but(variant="variant3"))
    refused("backups.image_range", but(image=ImagePlan(every_days=13)))
    refused("backups.image_range", but(image=ImagePlan(media=7)))
    refused("backups.retention_range", but(keep=Retention(newest=0)))
    assert plan_rules.check(but(image=ImagePlan(every_days=14)))
