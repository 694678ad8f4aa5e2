"""Free times by example: buffers, several schedules, nights, holds, lead time, how long an answer holds."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import HealthcareService, OpeningRule, Schedule, Slot
from praxisd.services.calendar.rules import Almanac, Found, Held, busy_bits, free_slots, free_starts, span_of
from praxisd.services.calendar.slots import positions

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)


def at(clock: str, on: date = MONDAY) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    return int(datetime(on.year, on.month, on.day, hour, minute, tzinfo=BERLIN).timestamp())


def column(name: str, no: int, start: str = "08:00", end: str = "10:00", order: int = 0) -> Schedule:
    hours = (OpeningRule(days=(1, 2, 3, 4, 5, 6, 7), start=start, end=end),)
    return Schedule(id=name, no=no, name=name, hours=hours, order=order)


def kind(*groups: Sequence[str], duration: int | None = 30, **more: object) -> HealthcareService:
    fixed = {"id": "k", "no": 1, "name": "k", "duration": duration, "groups": tuple(map(tuple, groups))}
    return HealthcareService(**(fixed | {"start_every": 30} | more))  # type: ignore[arg-type]


def ask(
    service: HealthcareService,
    columns: Sequence[Schedule],
    busy: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    begin: int | None = None,
    end: int | None = None,
    now: int | None = None,
    **more: object,
) -> Found:
    begin = at("00:00") if begin is None else begin
    end = begin + 86_400 if end is None else end
    over = span_of(begin, end, BERLIN)
    return free_slots(
        service,
        {each.id: each for each in columns},
        Almanac(BERLIN),
        {name: busy_bits(rows, over) for name, rows in (busy or {}).items()},
        begin,
        end,
        begin if now is None else now,
        **more,  # type: ignore[arg-type]
    )


def clocks(slots: Sequence[Slot]) -> list[str]:
    return [datetime.fromtimestamp(slot.start, BERLIN).strftime("%H:%M") for slot in slots]


@given(st.sets(st.integers(0, 300)), st.integers(1, 40))
def test_free_starts_are_runs_of_free_units(free: set[int], units: int) -> None:
    bits = sum(1 << n for n in free)
    expected = [n for n in range(301) if all(n + k in free for k in range(units))]
    assert positions(free_starts(bits, units)) == expected


@given(st.sets(st.integers(0, 9000)), st.integers(0, 20))
def test_positions_are_ascending_and_limited(wanted: set[int], limit: int) -> None:
    bits = sum(1 << n for n in wanted)
    assert positions(bits) == sorted(wanted)
    assert positions(bits, limit) == sorted(wanted)[:limit]


def test_a_run_needs_a_unit() -> None:
    with pytest.raises(ValueError, match="at least one"):
        free_starts(7, 0)


def test_starts_lie_on_the_raster_and_the_duration_inside_the_hours() -> None:
    found = ask(kind("a", start_every=45), [column("a", 1)])
    assert clocks(found.slots) == ["08:15", "09:00"]
    assert found.slots[0] == Slot(start=at("08:15"), end=at("08:45"), schedules=("a",), service="k")
    assert not found.more


def test_busy_time_is_not_offered() -> None:
    taken = {"a": [(at("08:29"), at("08:31"))]}
    assert clocks(ask(kind("a"), [column("a", 1)], taken).slots) == ["09:00", "09:30"]


def test_buffers_need_be_free_but_not_open() -> None:
    service = kind("a", buffer_before=30, buffer_after=15)
    assert clocks(ask(service, [column("a", 1)]).slots) == ["08:00", "08:30", "09:00", "09:30"]
    taken = {"a": [(at("07:30"), at("07:35")), (at("10:10"), at("11:00"))]}
    assert clocks(ask(service, [column("a", 1)], taken).slots) == ["08:30", "09:00"]
    exact = {"a": [(at("07:00"), at("07:30")), (at("10:15"), at("11:00"))]}
    assert clocks(ask(service, [column("a", 1)], exact).slots) == ["08:00", "08:30", "09:00", "09:30"]


def test_one_of_each_group_lowest_order_then_number_first() -> None:
    columns = [column("a", 3), column("b", 2), column("c", 1, order=5), column("x", 9)]
    service = kind(["a", "b", "c"], ["x"])
    assert [slot.schedules for slot in ask(service, columns).slots] == [("b", "x")] * 4
    taken = {
        "b": [(at("08:00"), at("08:30"))],
        "a": [(at("08:00"), at("08:05"))],
        "x": [(at("09:00"), at("10:00"))],
    }
    assert [slot.schedules for slot in ask(service, columns, taken).slots] == [("c", "x"), ("b", "x")]


def test_a_schedule_serves_one_group_at_a_time() -> None:
    columns = [column("a", 1), column("b", 2)]
    service = kind(["a", "b"], ["a"])
    # The first group must leave "a" to the second, which knows no other.
    assert [slot.schedules for slot in ask(service, columns).slots] == [("b", "a")] * 4
    assert ask(service, columns, {"b": [(at("00:00"), at("23:00"))]}).slots == []
    assert ask(kind(["a"], ["a"]), columns).slots == []


def test_demanded_schedules_are_part_of_each_combination() -> None:
    columns = [column("a", 1), column("b", 2), column("x", 3)]
    service = kind(["a", "b"], ["x"])
    assert {slot.schedules for slot in ask(service, columns, must=("b",)).slots} == {("b", "x")}
    assert {slot.schedules for slot in ask(service, columns, must=("b", "x")).slots} == {("b", "x")}
    assert ask(service, columns, must=("a", "b")).slots == []
    assert ask(service, columns, must=("unknown",)).slots == []
    shared = kind(["a", "b"], ["b", "x"])
    assert {slot.schedules for slot in ask(shared, columns, must=("x",)).slots} == {("a", "x")}
    assert ask(shared, columns, must=("a", "b", "x")).slots == []


def test_inactive_or_hidden_schedules_and_types_offer_nothing() -> None:
    resting = Schedule(id="a", no=1, name="a", active=False, hours=column("a", 1).hours)
    assert ask(kind("a"), [resting]).slots == []
    assert ask(kind("a"), []).slots == []
    assert ask(kind("a", active=False), [column("a", 1)]).slots == []
    assert ask(kind(), [column("a", 1)]).slots == []


def test_nights_pass_over_midnight() -> None:
    night = Schedule(
        id="a",
        no=1,
        name="night",
        hours=(
            OpeningRule(days=(1, 2), start="22:00", end="24:00"),
            OpeningRule(days=(2, 3), start="00:00", end="01:00"),
        ),
    )
    service = kind("a", duration=90, buffer_before=30)
    found = ask(service, [night])
    assert clocks(found.slots) == ["22:00", "22:30", "23:00", "23:30"]
    # The busy row lies on the day before the window; the buffer of a start at midnight would meet it.
    taken = {"a": [(at("23:50"), at("23:55"))]}
    tuesday = at("00:00", date(2026, 11, 24))
    service = kind("a", duration=30, buffer_before=15)
    assert clocks(ask(service, [night], taken, begin=tuesday).slots)[:2] == ["00:30", "22:00"]


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 29), 2), (date(2026, 10, 25), 4), (MONDAY, 3)])
def test_clock_changes_shorten_and_lengthen_the_night(on: date, hours: int) -> None:
    found = ask(
        kind("a", duration=60, start_every=60),
        [column("a", 1, "01:00", "04:00")],
        begin=at("00:00", on),
    )
    assert len(found.slots) == hours
    assert [b.start - a.start for a, b in zip(found.slots, found.slots[1:], strict=False)] == [3600] * (
        hours - 1
    )


def test_lead_time_and_horizon() -> None:
    service = kind("a", min_notice=60, max_ahead=1)
    two_days = {"end": at("00:00", date(2026, 11, 26))}
    found = ask(service, [column("a", 1)], now=at("07:31"), **two_days)  # type: ignore[arg-type]
    assert clocks(found.slots) == ["09:00", "09:30", "08:00", "08:30", "09:00", "09:30"]
    assert found.stable_until == at("08:00") + 1
    assert clocks(ask(service, [column("a", 1)], now=at("08:00")).slots) == ["09:00", "09:30"]
    assert clocks(ask(service, [column("a", 1)], now=at("08:00") + 1).slots) == ["09:30"]


def test_the_horizon_admits_a_day_at_its_midnight() -> None:
    service = kind("a", max_ahead=2)
    tuesday, thursday = date(2026, 11, 24), date(2026, 11, 26)
    window = {"begin": at("00:00", thursday), "end": at("23:00", thursday)}
    found = ask(service, [column("a", 1)], now=at("09:00"), **window)
    assert (found.slots, found.stable_until) == ([], at("00:00", tuesday))
    later = ask(service, [column("a", 1)], now=at("00:00", tuesday), **window)
    assert len(later.slots) == 4
    assert len(ask(kind("a", max_ahead=None), [column("a", 1)], now=0, **window).slots) == 4


def test_holds_occupy_until_they_expire() -> None:
    hold = Held("a", at("08:00"), at("09:00"), expires=at("07:10"))
    found = ask(kind("a"), [column("a", 1)], now=at("07:00"), held=[hold])
    assert (clocks(found.slots), found.stable_until) == (["09:00", "09:30"], at("07:10"))
    found = ask(kind("a"), [column("a", 1)], now=at("07:10"), held=[hold])
    assert (clocks(found.slots)[0], found.stable_until) == ("08:00", at("08:00") + 1)


def test_an_answer_that_nothing_can_change_is_stable_for_ever() -> None:
    assert ask(kind("a"), [column("a", 1)], {"a": [(at("00:00"), at("23:00"))]}).stable_until is None


def test_a_limit_cuts_and_says_so() -> None:
    found = ask(kind("a"), [column("a", 1)], limit=3)
    assert (clocks(found.slots), found.more) == (["08:00", "08:30", "09:00"], True)
    assert not ask(kind("a"), [column("a", 1)], limit=4).more
    # Beyond the limit a later horizon changes nothing; within it, it does.
    window = {"end": at("00:00", date(2026, 11, 26)), "now": at("00:00")}
    service = kind("a", max_ahead=0, min_notice=0)
    assert ask(service, [column("a", 1)], limit=3, **window).stable_until == at("08:00") + 1  # type: ignore[arg-type]


def test_a_type_without_duration_takes_the_callers() -> None:
    service = kind("a", duration=None)
    assert clocks(ask(service, [column("a", 1)], duration=90).slots) == ["08:00", "08:30"]
    for wrong in (None, 7):
        with pytest.raises(Problem) as refused:
            ask(service, [column("a", 1)], duration=wrong)
        assert (refused.value.code, refused.value.status) == ("calendar.wrong_duration", 422)


def test_an_empty_window_has_no_slots() -> None:
    assert ask(kind("a"), [column("a", 1)], begin=at("08:00"), end=at("08:00")).slots == []
    assert clocks(ask(kind("a"), [column("a", 1)], begin=at("08:00"), end=at("08:01")).slots) == ["08:00"]
    assert ask(kind("a"), [column("a", 1)], begin=at("08:00") + 1, end=at("08:30")).slots == []
