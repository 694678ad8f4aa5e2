"""Rules of the comparison: when to ask again, what is in the digest, what lies outside the hours, which times are offered."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.scheduling import Busy
from praxisd.services.portals import digest
from praxisd.services.portals.engine_rules import early, night_of, openings, outside, steps, wait_after
from praxisd.services.portals.portal import Period

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda one: (one[0], one[0] + one[1])), max_size=8
)


def units(spans: list[tuple[int, int]]) -> set[int]:
    return {n for start, end in spans for n in range(start, end)}


@given(SPANS, SPANS, SPANS)
def test_outside_is_what_is_offered_and_neither_open_nor_busy(
    offered: list[tuple[int, int]], opened: list[tuple[int, int]], busy: list[tuple[int, int]]
) -> None:
    found = outside(offered, opened, busy)
    assert units(found) == units(offered) - units(opened) - units(busy)
    assert found == sorted(found) and all(start < end for start, end in found)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 9), SPANS)
def test_steps_are_free_of_one_length_and_leave_no_room_for_one_more(
    start: int, length: int, step: int, busy: list[tuple[int, int]]
) -> None:
    end, taken = start + length, units(busy)
    found = steps(start, end, step, busy)
    mine = [set(range(a, b)) for a, b in found]
    assert all(b - a == step and start <= a and b <= end for a, b in found)
    assert all(not one & taken for one in mine)
    assert sum(map(len, mine)) == len(set().union(*mine))
    left = set(range(start, end)) - taken - set().union(*mine)
    assert not any(set(range(at, at + step)) <= left for at in range(start, end - step + 1))


def test_openings_are_cut_to_what_was_asked_and_joined() -> None:
    start = int(datetime(2026, 11, 23, 12, tzinfo=BERLIN).timestamp())

    def hours(on: object) -> list[tuple[int, int]]:
        day = int(datetime.fromisoformat(f"{on}T08:00").replace(tzinfo=BERLIN).timestamp())
        return [(day, day + 4 * 3_600), (day + 4 * 3_600, day + 10 * 3_600)]

    found = openings(start, start + DAY, BERLIN, hours)
    assert found == [(start, start + 6 * 3_600), (start + 20 * 3_600, start + DAY)]


@given(st.integers(60, 3_600), st.integers(0, 200))
def test_waits_grow_up_to_an_hour(interval: int, failures: int) -> None:
    now, following = wait_after(interval, failures, True), wait_after(interval, failures + 1, True)
    assert interval <= now <= following <= 3_600
    assert wait_after(interval, failures, False) == (3_600 if failures else interval)


@given(st.integers(0, 10_000), st.none() | st.integers(0, 10_000), st.integers(0, 10_000))
def test_early_is_never_later_and_never_too_close(due: int, contacted: int | None, dirty: int) -> None:
    found = early(due, contacted, dirty)
    assert found <= due
    assert found == due or (
        found >= dirty + 2 and found >= (contacted or 0) + (60 if contacted is not None else 0)
    )


@pytest.mark.parametrize(
    ("local", "night"),
    [
        ("2026-11-23T02:59", "2026-11-22"), ("2026-11-23T03:00", "2026-11-23"), ("2026-11-23T23:59", "2026-11-23"),
        ("2026-03-29T03:00", "2026-03-29"), ("2026-03-29T01:59", "2026-03-28"), ("2026-10-25T02:30", "2026-10-24"),
    ],
)  # fmt: skip
def test_the_night_begins_at_three_on_the_wall(local: str, night: str) -> None:
    for fold in (0, 1):
        at = datetime.fromisoformat(local).replace(tzinfo=BERLIN, fold=fold)
        assert night_of(int(at.timestamp()), BERLIN) == night


PERIOD = Period(1_795_420_800, 1_795_420_800 + 7 * DAY)


def busy(*spans: tuple[int, int]) -> list[Busy]:
    return [Busy(start=PERIOD.start + a, end=PERIOD.start + b) for a, b in spans]


def test_a_digest_changes_with_the_times_and_with_the_days_of_the_period() -> None:
    first = digest.digest(PERIOD, busy((0, 900)), BERLIN)
    assert first == digest.digest(PERIOD, busy((0, 900)), BERLIN)
    later = Period(PERIOD.start + 3_600, PERIOD.end + 3_600)
    assert first == digest.digest(later, busy((0, 900)), BERLIN)
    others = [
        digest.digest(PERIOD, [], BERLIN),
        digest.digest(PERIOD, busy((0, 901)), BERLIN),
        digest.digest(PERIOD, busy((0, 900), (0, 901)), BERLIN),
        digest.digest(Period(PERIOD.start + DAY, PERIOD.end), busy((0, 900)), BERLIN),
        digest.digest(Period(PERIOD.start, PERIOD.end + DAY), busy((0, 900)), BERLIN),
    ]
    assert len({first, *others}) == 6


def test_a_digest_looks_back_to_the_beginning_of_the_local_day() -> None:
    since = digest.since(PERIOD, BERLIN)
    assert datetime.fromtimestamp(since, BERLIN).isoformat() == "2026-11-23T00:00:00+01:00"
    assert digest.since(PERIOD, UTC) == 1_795_420_800 // DAY * DAY
    # A day that begins later than it should: in Santiago the clock jumps over midnight.
    chile = ZoneInfo("America/Santiago")
    jump = int(datetime(2026, 9, 6, 4, 30, tzinfo=UTC).timestamp())
    assert digest.since(Period(jump, jump + DAY), chile) <= jump


@given(st.lists(st.tuples(st.integers(-DAY, 8 * DAY), st.integers(1, 2 * DAY)), max_size=8))
def test_what_is_uploaded_lies_within_the_period_and_is_told_once(rows: list[tuple[int, int]]) -> None:
    given_ = sorted(
        busy(*((start, start + length) for start, length in rows)), key=lambda one: (one.start, one.end)
    )
    found = digest.within(PERIOD, given_)
    wanted = {
        (max(one.start, PERIOD.start), min(one.end, PERIOD.end))
        for one in given_
        if one.start < PERIOD.end and one.end > PERIOD.start
    }
    assert {(one.start, one.end) for one in found} == wanted
    assert len(found) == len(wanted)
