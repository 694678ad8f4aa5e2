"""Which slots of 116117 get another status: against a judge that looks at every second of a small world."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.scheduling import Busy
from praxisd.services.portals.portals.tvs_rules import (
    POLL_S,
    Offered,
    Taken,
    by_name,
    changes,
    due,
    offered_times,
    stamp,
)

END = 60
STATES = ("free", "busy", "busy-unavailable", "busy-tentative")
times = st.tuples(st.integers(0, END), st.integers(0, END))
spans = times.map(lambda pair: Busy(start=min(pair), end=max(pair)))
busy_times = st.lists(spans, max_size=8)


@st.composite
def slots(draw: st.DrawFn) -> list[Offered]:
    """Slots of one Terminprofil, some on top of each other."""
    found = draw(
        st.lists(st.tuples(st.integers(0, END - 1), st.integers(1, 15), st.sampled_from(STATES)), max_size=12)
    )
    return [
        Offered(str(number), "s", start, start + length, status, "1")
        for number, (start, length, status) in enumerate(found)
    ]


def seconds(busy: list[Busy]) -> set[int]:
    """Every second that is taken."""
    return {second for one in busy for second in range(one.start, one.end)}


@given(busy_times, spans)
def test_touching_is_sharing_a_second(busy: list[Busy], span: Busy) -> None:
    shared = seconds(busy) & set(range(span.start, span.end))
    assert Taken(busy).touches(span.start, span.end) == bool(shared)


@given(slots(), busy_times, st.sets(st.integers(0, 11).map(str)), spans)
def test_afterwards_nothing_is_free_where_the_practice_is_busy(
    offered: list[Offered], busy: list[Busy], ours: set[str], period: Busy
) -> None:
    told = {one.slot.id: one.status for one in changes(offered, busy, ours, period.start, period.end)}
    taken = seconds(busy)
    for one in offered:
        covered = bool(taken & set(range(one.start, one.end)))
        inside = one.start < period.end and period.start < one.end
        whole = period.start <= one.start and one.end <= period.end
        after = told.get(one.id, one.status)
        if inside and covered:
            assert after != "free"
        if one.id in told:
            assert inside and after != one.status, "only what differs is told"
            assert one.status in ("free", "busy"), "blocked and reserved ones are left alone"
        if told.get(one.id) == "busy":
            assert covered
        if told.get(one.id) == "free":
            assert one.id in ours and not covered and whole, "booked ones are left alone"
        if one.status == "busy" and one.id in ours and whole and inside and not covered:
            assert after == "free", "what we took is given back"


@given(slots(), busy_times, st.sets(st.integers(0, 11).map(str)), spans)
def test_told_twice_is_told_once(
    offered: list[Offered], busy: list[Busy], ours: set[str], period: Busy
) -> None:
    first = changes(offered, busy, ours, period.start, period.end)
    told = {one.slot.id: one.status for one in first}
    after = [
        Offered(one.id, one.schedule, one.start, one.end, told.get(one.id, one.status), "2")
        for one in offered
    ]
    mine = {id_ for id_ in ours if told.get(id_) != "free"} | {
        id_ for id_, status in told.items() if status == "busy"
    }
    assert changes(after, busy, mine, period.start, period.end) == ()
    assert [one.slot.start for one in first] == sorted(one.slot.start for one in first)


@given(slots(), busy_times, spans)
def test_what_we_took_comes_back_and_nothing_else(
    offered: list[Offered], busy: list[Busy], period: Busy
) -> None:
    wide = Busy(start=0, end=END + 20)
    told = {one.slot.id: one.status for one in changes(offered, busy, (), wide.start, wide.end)}
    assert set(told.values()) <= {"busy"}
    taken = [Offered(o.id, o.schedule, o.start, o.end, told.get(o.id, o.status), "2") for o in offered]
    back = {one.slot.id: one.status for one in changes(taken, [], set(told), wide.start, wide.end)}
    assert back == dict.fromkeys(told, "free")


@given(slots())
def test_offered_times_are_the_seconds_of_what_can_be_booked_or_is(offered: list[Offered]) -> None:
    found = offered_times(offered)
    wanted = {s for one in offered if one.status != "busy-unavailable" for s in range(one.start, one.end)}
    assert seconds(list(found)) == wanted
    assert all(one.end < following.start for one, following in pairwise(found))


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_never_sooner_than_60_minutes(last: int, now: int) -> None:
    assert due(None, now)
    assert due(last, now) == (now - last >= 3_600 == POLL_S)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "Dr. X", "Dr. Y"])), max_size=8))
def test_every_profile_has_a_name_of_its_own(found: list[tuple[str, str]]) -> None:
    listed = [(f"id{number}", name, doctor) for number, (name, doctor) in enumerate(found)]
    named = by_name(listed)
    assert sorted(named.values()) == sorted(id_ for id_, _, _ in listed)
    alone = [name for name, _ in found]
    assert all(named.get(name) == id_ for id_, name, _ in listed if alone.count(name) == 1)


@given(slots(), spans)
def test_a_stamp_changes_with_what_stands_in_the_way(offered: list[Offered], time: Busy) -> None:
    first = stamp("1", offered, time)
    assert first == stamp("1", list(reversed(offered)), time)
    assert first != stamp("2", offered, time)
    beside = [one for one in offered if one.start < time.end and time.start < one.end]
    for one in beside:
        assert first != stamp("1", [each for each in offered if each is not one], time)
    assert first == stamp("1", beside, time)
