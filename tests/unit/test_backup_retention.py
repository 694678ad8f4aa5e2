"""Which states of a medium are kept: against a plain oracle, over years, with wrong clocks and over clock changes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.backup import Keeping, Retention, State
from praxisd.services.backups import retention_rules
from praxisd.services.backups.day_rules import backup_day, instant

BERLIN = ZoneInfo("Europe/Berlin")
SMALL = st.builds(
    Retention, st.integers(1, 6), st.integers(0, 5), st.integers(0, 4), st.integers(0, 4)
)  # small numbers, so that short histories reach their ends


@st.composite
def histories(draw: st.DrawFn) -> list[State]:
    """States in the order in which they were written; the clock may jump either way."""
    one_in_ten = st.integers(0, 9).map(lambda one: one == 0)
    rows = draw(st.lists(st.tuples(st.integers(0, 200), st.booleans(), one_in_ten, one_in_ten), max_size=40))
    start = 1_774_000_000
    return [
        State(f"s{no}", no, start + jump * 6 * 3600, good, held, behind)
        for no, (jump, good, held, behind) in enumerate(rows)
    ]


def kept(states: list[State], retention: Retention) -> Keeping:
    return retention_rules.keep(states, retention, BERLIN, "06:00")


def left(states: list[State], retention: Retention) -> list[State]:
    found = kept(states, retention)
    return [one for one in states if one.id in found.keep]


def daily(first: date, count: int, at: str = "18:00") -> list[State]:
    return [
        State(f"s{no}", no, instant(first + timedelta(days=no), at, BERLIN, "06:00")) for no in range(count)
    ]


def day(one: State) -> date:
    return backup_day(one.at, BERLIN, "06:00")


@given(histories(), SMALL)
def test_nothing_that_must_stay_is_dropped(states: list[State], retention: Retention) -> None:
    found = kept(states, retention)
    assert sorted([*found.keep, *found.drop]) == sorted(one.id for one in states)
    assert all(found.keep.values()) and not set(found.keep) & set(found.drop)
    for one in states:
        if one.held:
            assert "held" in found.keep[one.id]
    good = [one for one in states if one.good]
    if not good:
        assert found.drop == ()
        return
    assert "last_good" in found.keep[good[-1].id]
    for one in good[-retention.newest :]:
        assert "newest" in found.keep[one.id]
    dropped = [one for one in states if one.id in found.drop]
    assert [one.id for one in dropped] == list(found.drop)  # oldest first
    for one in dropped:  # one that is not good goes only when enough good ones came after it
        assert sum(other.no > one.no for other in good) >= retention.newest


@given(histories(), SMALL)
def test_each_day_week_and_month_keeps_its_newest(states: list[State], retention: Retention) -> None:
    """The oracle: walk from the newest, note each name the first time it comes, stop at so many names."""
    found = kept(states, retention)
    good = [one for one in reversed(states) if one.good]
    names: dict[str, tuple[int, Callable[[State], date]]] = {
        "daily": (retention.daily, day),
        "weekly": (retention.weekly, lambda one: day(one) - timedelta(days=day(one).weekday())),
        "monthly": (retention.monthly, lambda one: day(one).replace(day=1)),
    }
    for reason, (most, name) in names.items():
        first: dict[tuple[bool, date], str] = {}
        for one in good:
            first.setdefault((one.behind, name(one)), one.id)
        wanted = set(list(first.values())[:most])
        assert {one for one, why in found.keep.items() if reason in why} == wanted


@given(histories(), SMALL)
def test_a_second_look_drops_nothing(states: list[State], retention: Retention) -> None:
    assert kept(left(states, retention), retention).drop == ()


@given(histories(), SMALL, st.randoms())
def test_order_of_listing_and_of_pruning_do_not_matter(
    states: list[State], retention: Retention, order: Random
) -> None:
    mixed = list(states)
    order.shuffle(mixed)
    assert kept(mixed, retention) == kept(states, retention)
    step: list[State] = []
    for one in states:
        step = left([*step, one], retention)
    assert step == left(states, retention)


@given(histories(), SMALL, st.integers(1, 20))
def test_more_is_never_less(states: list[State], retention: Retention, more: int) -> None:
    larger = Retention(
        retention.newest + more, retention.daily + more, retention.weekly + more, retention.monthly + more
    )
    assert set(kept(states, retention).keep) <= set(kept(states, larger).keep)


def test_eleven_years_every_evening() -> None:
    states = daily(date(2015, 1, 1), 11 * 365)
    step: list[State] = []
    for number in range(0, len(states), 5):  # pruned each fifth day
        step = left([*step, *states[number : number + 5]], Retention())
    last = day(states[-1])
    found = [day(one) for one in step]
    assert found[-20:] == [last - timedelta(days=number) for number in range(19, -1, -1)]
    months = {(one.year, one.month) for one in found}
    assert len(months) == 120
    for year, month in sorted(months)[:-1]:
        end = max(one for one in found if (one.year, one.month) == (year, month))
        assert (end + timedelta(days=1)).day == 1  # each month by its last day
    assert len(step) <= 20 + 4 + 120


def test_a_medium_of_one_weekday_keeps_seven_of_its_days() -> None:
    weekly = [
        State(f"s{no}", no, instant(date(2020, 1, 6) + timedelta(weeks=no), "18:00", BERLIN, "06:00"))
        for no in range(300)
    ]
    found = kept(weekly, Retention(newest=1))
    assert sum("daily" in why for why in found.keep.values()) == 7
    assert sum("monthly" in why for why in found.keep.values()) == 69


@given(st.integers(-300 * 24, 4_000 * 24))
def test_a_clock_that_was_wrong_once_drops_no_month(hours: int) -> None:
    """One run in the wrong year or hour, then right again: all months of before are still there, and so are the new days."""
    states = daily(date(2024, 1, 1), 150)
    for no, at in enumerate([hours * 3600, 0, 86_400, 2 * 86_400], start=len(states)):
        at += states[149].at + 3600
        states.append(State(f"s{no}", no, at, behind=retention_rules.behind(at, states)))
    retention = Retention(newest=1, daily=7, weekly=4, monthly=120)
    step: list[State] = []
    for number in range(0, len(states), 10):
        step = left([*step, *states[number : number + 10]], retention)
    names = {one.id for one in step}
    assert {"s30", "s59", "s90", "s120"} <= names  # the last days of January to April
    assert {"s151", "s152", "s153"} <= names
    assert retention_rules.behind(states[150].at, states[:150]) == states[150].behind


def test_the_night_belongs_to_the_month_before() -> None:
    """Night runs of 01:30: the one on 1 February is January's last, also over clock changes."""
    states = daily(date(2026, 1, 1), 365, "01:30")
    found = kept(states, Retention(newest=1, daily=0, weekly=0, monthly=12))
    ends = [day(one) for one in states if "monthly" in found.keep.get(one.id, ())]
    assert len(ends) == 12 and all((one + timedelta(days=1)).day == 1 for one in ends)
    first = states[30]
    assert datetime.fromtimestamp(first.at, UTC).month == 2 and "monthly" in found.keep[first.id]


@pytest.mark.parametrize("change", [date(2026, 3, 28), date(2026, 10, 24)])
def test_a_day_of_23_or_25_hours_is_one_day(change: date) -> None:
    start = instant(change, "06:00", BERLIN, "06:00")
    end = instant(change + timedelta(days=1), "06:00", BERLIN, "06:00")
    hours = [State(f"s{no}", no, at) for no, at in enumerate(range(start, end, 3600))]
    assert len(hours) in (23, 25)
    found = kept(hours, Retention(newest=1, daily=7, weekly=0, monthly=0))
    assert list(found.keep) == [hours[-1].id]


@pytest.mark.parametrize(
    "bad",
    [
        Retention(newest=0),
        Retention(newest=1001),
        Retention(daily=-1),
        Retention(weekly=521),
        Retention(monthly=601),
    ],
)
def test_what_cannot_be_kept_is_refused(bad: Retention) -> None:
    assert retention_rules.check(Retention(newest=1, daily=0, weekly=0, monthly=0))
    with pytest.raises(Problem) as caught:
        retention_rules.check(bad)
    assert caught.value.code == "backups.retention_range"
