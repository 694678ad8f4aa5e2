"""Warnings about jobs that are planned before, or too soon after, what they build on (SPEC 4.1)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel.job_order import Warned, first_starts, warnings
from praxisd.kernel.schedule import After, At, Cron, Daily, Monthly, Plan, Repeat, Weekly

BERLIN = ZoneInfo("Europe/Berlin")
START = int(datetime(2026, 11, 23, 15, tzinfo=BERLIN).timestamp())
TEN, THREE, FIVE = Daily(At("10:00")), Daily(At("10:03")), Daily(At("10:05"))


def found(earlier: Plan, later: Plan, **others: Plan) -> str | None:
    plans = {"m.a": earlier, "m.b": later, **{f"m.{name}": plan for name, plan in others.items()}}
    said = warnings([("m.a", "m.b")], plans, BERLIN, START)
    assert all((one.earlier, one.later) == ("m.a", "m.b") for one in said)
    return said[0].code.removeprefix("schedule.") if said else None


@pytest.mark.parametrize(
    ("earlier", "later", "code"),
    [
        (TEN, FIVE, None),
        (TEN, THREE, "too_close"),
        (FIVE, TEN, "wrong_order"),
        (TEN, TEN, "wrong_order"),
        (TEN, Weekly(At("09:00"), days=("mon",)), "wrong_order"),
        (TEN, Monthly(At("10:04"), day=31), "too_close"),
        (Weekly(At("10:00"), days=("mon",)), Weekly(At("09:00"), days=("tue",)), None),  # never on one day
        (TEN, Daily(Repeat(10, "10:10", "19:50")), None),
        (TEN, Daily(Repeat(10, "09:50", "19:50")), "wrong_order"),
        (Cron("0 10 * * *"), Cron("4 10 * * *"), "too_close"),
    ],
)
def test_fixed_times(earlier: Plan, later: Plan, code: str | None) -> None:
    assert found(earlier, later) == code


def test_chains_count_with_the_time_of_their_first_job() -> None:
    assert found(TEN, After("m.a")) is None
    assert found(TEN, After("m.c"), c=After("m.a")) is None
    assert found(After("m.b"), TEN) == "wrong_order"  # the earlier one waits for the later one
    assert found(TEN, After("m.c"), c=Daily(At("09:00"))) == "wrong_order"
    assert found(TEN, After("m.c"), c=THREE) == "too_close"
    assert found(TEN, After("m.c"), c=Daily(At("11:00"))) is None
    assert found(After("m.c"), After("m.c"), c=TEN) == "wrong_order"  # beside each other
    assert found(TEN, After("m.gone")) is None  # the one before is off: it never starts
    assert found(After("m.b"), After("m.a")) is None  # a loop is refused elsewhere


def test_the_night_the_clocks_change_may_turn_the_order() -> None:
    before = int(datetime(2027, 3, 20, tzinfo=BERLIN).timestamp())
    plans: dict[str, Plan] = {"m.a": Daily(At("02:58")), "m.b": Daily(At("03:30"))}
    # 02:58 does not exist on 28 March and is 03:58 there: after 03:30.
    assert warnings([("m.a", "m.b")], plans, BERLIN, before) == [Warned("schedule.wrong_order", "m.a", "m.b")]
    assert warnings([("m.a", "m.b")], plans, BERLIN, START) == []


def test_pairs_without_a_plan_are_passed_over_and_params_fill_the_sentence() -> None:
    assert warnings([("m.a", "m.x"), ("m.x", "m.a")], {"m.a": TEN}, BERLIN, START) == []
    (one,) = warnings([("m.a", "m.b")], {"m.a": TEN, "m.b": THREE}, BERLIN, START)
    assert one.params == {"earlier": "m.a", "later": "m.b", "minutes": 5}


def test_first_starts_begin_today_and_end_in_a_month() -> None:
    starts = first_starts(Daily(Repeat(60, "08:00", "18:00")), BERLIN, START)
    assert min(starts) == date(2026, 11, 23) and max(starts) == date(2026, 12, 23) and len(starts) == 31
    assert {datetime.fromtimestamp(due, BERLIN).hour for due in starts.values()} == {8}
    assert first_starts(After("m.a"), BERLIN, START) == {}
