"""Slots and bookings against the naive oracle, for practices and nights that hypothesis invents."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import (
    Absence,
    HealthcareService,
    ImportedSlot,
    OpeningException,
    OpeningRule,
    Schedule,
)
from praxisd.services.calendar.rules import (
    Almanac,
    Held,
    Known,
    busy_bits,
    fits,
    free_slots,
    place,
    span_of,
)

from .calendar_oracle import World

# Clock changes of both hemispheres (also one of 30 minutes, one that skips midnight itself), plain days,
# a turn of the year.
NIGHTS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Zurich", date(2026, 5, 1)),
    ("Europe/Vienna", date(2026, 12, 31)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
]
NAMES = ("a", "b", "c", "d")


_TWISTS = """validity weeks services exceptions closed absences imported held crowded buffers apart inactive
notice ahead raster long odd repeats"""
REPEATS = (
    "FREQ=DAILY;INTERVAL=2",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=SA,SU,TH;INTERVAL=2",
    "FREQ=MONTHLY",
)
TWISTS = _TWISTS.split()
Twists = frozenset[str]


@st.composite
def wall(draw: st.DrawFn, odd: bool) -> tuple[str, str]:
    step = 1 if odd else 30
    start = draw(st.integers(0, 1080 // step)) * step
    end = min(1440, start + draw(st.integers(120 // step, 1440 // step)) * step)
    return f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}"


@st.composite
def rules(draw: st.DrawFn, around: date, twists: Twists) -> OpeningRule:
    start, end = draw(wall("odd" in twists))
    valid_from = valid_to = None
    every = 1
    if "validity" in twists:
        valid_from = draw(st.none() | st.integers(-9, 2).map(lambda n: around + timedelta(days=n)))
        valid_to = draw(
            st.none() | st.integers(0, 3).map(lambda n: (valid_from or around) + timedelta(days=n))
        )
    if "weeks" in twists:
        valid_from = around - timedelta(days=draw(st.integers(-3, 40)))
        every = draw(st.sampled_from([2, 3]))
        valid_to = None
    repeats = None
    if "repeats" in twists and every == 1:
        valid_from = valid_from or around - timedelta(days=draw(st.integers(0, 40)))
        repeats = draw(st.sampled_from([None, *REPEATS]))
    return OpeningRule(
        days=tuple(draw(st.permutations(range(1, 8))))[: draw(st.sampled_from([7, 7, 5, 3]))],
        start=start,
        end=end,
        valid_from=valid_from,
        valid_to=valid_to,
        every_weeks=every,
        rule=repeats,
        services=draw(st.sampled_from([(), ("check",), ("other",), ("x", "check")]))
        if "services" in twists
        else (),
    )


@st.composite
def columns(draw: st.DrawFn, name: str, around: date, twists: Twists) -> Schedule:
    dates = draw(st.sets(st.integers(-1, 3), max_size=3)) if "exceptions" in twists else ()
    odd = "odd" in twists
    return Schedule(
        id=name,
        no=NAMES.index(name) + 1,
        name=name,
        active="inactive" not in twists or draw(st.booleans()),
        hours=tuple(draw(st.lists(rules(around, twists), min_size=1, max_size=2))),
        exceptions=tuple(
            OpeningException(
                date=around + timedelta(days=n), open=tuple(draw(st.lists(wall(odd), max_size=2)))
            )
            for n in dates
        ),
        observes_holidays=draw(st.booleans()),
        order=draw(st.integers(0, 2)),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, int, int, int]:
    """A practice with a few complications, a window (begin, end) and a now."""
    twists: Twists = frozenset(draw(st.sets(st.sampled_from(TWISTS), max_size=4)))
    name, around = draw(st.sampled_from(NIGHTS))
    zone = ZoneInfo(name)
    midnight = int(datetime(around.year, around.month, around.day, tzinfo=zone).timestamp())
    used = NAMES[: draw(st.integers(2, 4))]
    odd = "odd" in twists
    groups = tuple(
        tuple(draw(st.permutations(used))[: draw(st.sampled_from([1, 2, 3, 3, 4]))])
        for _ in range(draw(st.sampled_from([1, 2, 2, 3])))
    )
    if "apart" in twists:
        # Groups that share no schedule go another way through the rules.
        groups = ((used[1],), (used[0], *used[2:]))
    buffers = st.sampled_from([0, 5, 10, 35, 720]) if "buffers" in twists else st.just(0)
    service = HealthcareService(
        id="check",
        no=1,
        name="check",
        duration=draw(st.sampled_from([240, 900, 1440] if "long" in twists else [5, 15, 20, 30, 45, 90])),
        buffer_before=draw(buffers),
        buffer_after=draw(buffers),
        groups=groups,
        start_every=draw(st.sampled_from([5, 10, 20, 25, 45, 90])) if "raster" in twists else 30,
        min_notice=draw(st.sampled_from([45, 1440, 2000])) if "notice" in twists else 0,
        max_ahead=draw(st.integers(0, 3)) if "ahead" in twists else None,
    )

    def period() -> tuple[int, int]:
        step = 60 if odd else 300
        start = midnight + draw(st.integers(-86_400 // step, 3 * 86_400 // step)) * step
        return start, start + draw(st.sampled_from([5, 15, 60, 240, 1500])) * step // 5

    def some(twist: str, most: int) -> range:
        return range(draw(st.integers(1, most)) if twist in twists else 0)

    busy: dict[str, list[tuple[int, int]]] = {}
    for _ in range(draw(st.integers(0, 3)) + 6 * ("crowded" in twists)):
        busy.setdefault(draw(st.sampled_from(used)), []).append(period())
    begin = midnight + draw(st.integers(-5, 10)) * 3600 + (draw(st.integers(0, 3599)) if odd else 0)
    now = begin + draw(st.integers(-2000, 600)) * 60 + (draw(st.integers(0, 59)) if odd else 0)
    world = World(
        zone,
        {each: draw(columns(each, around, twists)) for each in used},
        service,
        busy,
        holds=[
            (draw(st.sampled_from(used)), *period(), now + draw(st.sampled_from([-60, 0, 1, 300])))
            for _ in some("held", 4)
        ],
        closed={around + timedelta(days=draw(st.integers(-1, 3))) for _ in some("closed", 2)},
        absences=[
            Absence(
                id=str(n),
                schedule=draw(st.sampled_from([None, *used, *used])),
                first=(first := around + timedelta(days=draw(st.integers(-2, 2)))),
                last=first + timedelta(days=draw(st.integers(0, 1))),
                rule=draw(st.sampled_from([None, *REPEATS])) if "repeats" in twists else None,
            )
            for n in some("absences", 2)
        ],
        imported=[
            ImportedSlot(
                id=str(n),
                schedule=draw(st.sampled_from(used)),
                start=(at := period())[0],
                end=at[1],
                status=draw(st.sampled_from(["free", "free", "free", "busy"])),
            )
            for n in some("imported", 4)
        ],
    )
    return (
        world,
        begin,
        begin + draw(st.integers(3, 48)) * 3600 + (draw(st.integers(0, 3599)) if odd else 0),
        now,
    )


def almanac_of(world: World) -> Almanac:
    return Almanac(world.zone, world.closed, world.absences, world.imported)


def ours(world: World, begin: int, end: int, now: int, limit: int | None = None, must: tuple[str, ...] = ()):
    over = span_of(begin, end, world.zone)
    return free_slots(
        world.service,
        world.schedules,
        almanac_of(world),
        {name: busy_bits(rows, over) for name, rows in world.busy.items()},
        begin,
        end,
        now,
        limit=limit,
        held=[Held(*row) for row in world.holds],
        must=must,
    )


def plain(found) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(slot.start, slot.end, slot.schedules) for slot in found.slots]


@settings(max_examples=300)
@given(case=worlds(), data=st.data())
def test_slots_equal_the_oracle(case: tuple[World, int, int, int], data: st.DataObject) -> None:
    world, begin, end, now = case
    expected = world.slots(begin, end, now)
    event(f"{min(len(world.service.groups), 3)} groups, slots" if expected else "no slot")
    found = ours(world, begin, end, now)
    assert plain(found) == expected
    assert not found.more
    assert all(slot.service == "check" for slot in found.slots)

    limit = data.draw(st.integers(1, 12))
    first = ours(world, begin, end, now, limit=limit)
    assert plain(first) == expected[:limit]
    assert first.more == (len(expected) > limit)

    must = tuple(data.draw(st.sets(st.sampled_from(NAMES), max_size=2)))
    assert plain(ours(world, begin, end, now, must=must)) == world.slots(begin, end, now, must)


@settings(max_examples=200)
@given(case=worlds(), data=st.data())
def test_a_memory_changes_no_answer(case: tuple[World, int, int, int], data: st.DataObject) -> None:
    world, begin, end, now = case
    over, almanac = span_of(begin, end, world.zone), almanac_of(world)
    known = Known(
        {name: busy_bits(rows, over) for name, rows in world.busy.items()},
        [Held(*row) for row in world.holds],
        {name: {} for name in world.schedules},
        {},
    )
    for _ in range(4):  # the plan is made, then used, then has its owners worked out, then uses them
        limit = data.draw(st.sampled_from([None, 1, 7]))
        later = data.draw(st.integers(now, now + 2 * 86_400))
        must = tuple(data.draw(st.sets(st.sampled_from(NAMES), max_size=1)))
        found = free_slots(
            world.service, world.schedules, almanac, known, begin, end, later, limit=limit, must=must
        )
        assert plain(found) == world.slots(begin, end, later, must)[:limit]
        part = data.draw(st.integers(begin, end - 1))
        if span_of(part, end, world.zone) is over:
            assert plain(
                free_slots(world.service, world.schedules, almanac, known, part, end, later, must=must)
            ) == world.slots(part, end, later, must)
    event("plan kept" if known.plans else "no plan")


@settings(max_examples=100)
@given(case=worlds(), data=st.data())
def test_answer_holds_until_it_says(case: tuple[World, int, int, int], data: st.DataObject) -> None:
    world, begin, end, now = case
    limit = data.draw(st.sampled_from([None, 1, 5]))
    found = ours(world, begin, end, now, limit=limit)
    until = found.stable_until
    last = (until if until is not None else now + 10 * 86_400) - 1
    assert last >= now
    for later in (last, data.draw(st.integers(now, last))):
        assert world.slots(begin, end, later)[:limit] == plain(found)
    if (
        until is not None
        and found.slots
        and until == found.slots[0].start - world.service.min_notice * 60 + 1
    ):
        event("first slot passes")
        assert world.slots(begin, end, until)[:limit] != plain(found)


@settings(max_examples=300)
@given(case=worlds(), data=st.data())
def test_booking_agrees_with_the_oracle(case: tuple[World, int, int, int], data: st.DataObject) -> None:
    world, begin, end, now = case
    almanac = almanac_of(world)
    rows = {name: list(periods) for name, periods in world.busy.items()}
    for name, low, high, expires in world.holds:
        if expires > now:
            rows.setdefault(name, []).append((low, high))
    offered = ours(world, begin, end, now).slots
    for slot in offered[:: max(1, len(offered) // 4)]:
        found = place(
            world.service, world.schedules, almanac, slot.start, slot.end, busy=rows, now=now, must=()
        )
        assert found == slot.schedules
        fits(world.service, world.schedules, found, almanac, slot.start, slot.end, busy=rows, now=now)

    # Any minute at all, on the raster or not, with schedules demanded or not.
    start = data.draw(
        st.integers(begin // 60, end // 60).map(lambda n: n * 60)
        | (st.sampled_from([s.start for s in offered]) if offered else st.nothing())
    )
    must = tuple(data.draw(st.sets(st.sampled_from(NAMES), max_size=2)))
    stop = start + world.service.duration * 60
    expected = world.combination(start, stop, now, must) if world.in_time(start, now) else None
    event("booked" if expected else "refused")
    try:
        chosen = place(world.service, world.schedules, almanac, start, stop, busy=rows, now=now, must=must)
    except Problem as problem:
        assert problem.status == (409 if problem.code == "calendar.slot_taken" else 422)
        chosen = None
    assert chosen == expected


def test_the_oracle_is_not_blind() -> None:
    """An oracle that always said "nothing free" would agree with rules that do so too."""
    zone = ZoneInfo("Europe/Berlin")
    rule = OpeningRule(days=(1,), start="08:00", end="09:00")
    world = World(
        zone,
        {"a": Schedule(id="a", no=1, name="a", hours=(rule,))},
        HealthcareService(id="check", no=1, name="check", duration=30, groups=(("a",),)),
        {"a": [(int(datetime(2026, 11, 23, 7, 45, tzinfo=UTC).timestamp()),) * 2]},
    )
    begin = int(datetime(2026, 11, 23, tzinfo=zone).timestamp())
    starts = [start for start, _, _ in world.slots(begin, begin + 86_400, begin)]
    assert [datetime.fromtimestamp(s, zone).strftime("%H:%M") for s in starts] == ["08:00", "08:15", "08:30"]
    world.busy["a"] = [(starts[1], starts[1] + 60)]
    assert world.slots(begin, begin + 86_400, begin) == [(starts[2], starts[2] + 1800, ("a",))]
    with pytest.raises(Problem):
        place(
            world.service, world.schedules, Almanac(zone), starts[0], starts[0] + 1800, busy=world.busy, now=0
        )
