"""Warnings about jobs that are planned before, or too soon after, what they build on (SPEC 4.1)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel.job_order import Warned, last_starts, stopped_by, warnings
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
        (TEN, Daily(Repeat(10, "09:50", "19:50")), None),  # 10:10 follows
        (TEN, Daily(Repeat(30, "08:10", "18:10")), None),
        (TEN, Daily(Repeat(62, "08:00", "10:04")), "too_close"),  # 08:00, 09:02, 10:04
        (TEN, Daily(Repeat(30, "08:10", "09:40")), "wrong_order"),
        (Daily(Repeat(60, "08:00", "18:00")), Daily(At("12:00")), "wrong_order"),  # what 13:00 prepares stays
        (Daily(Repeat(10, "10:10", "19:50")), Daily(Repeat(10, "10:20", "20:00")), None),
        (Daily(Repeat(60, "08:00", "18:00")), Daily(Repeat(60, "08:03", "18:03")), "too_close"),
        (TEN, Cron("*/10 * * * *"), None),
        (Cron("* * * * *"), Daily(At("23:30")), "wrong_order"),
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


def test_a_job_that_waits_for_one_that_is_off_never_starts() -> None:
    plans: dict[str, Plan] = {"m.greet": FIVE, "m.send": After("m.prepare"), "m.status": After("m.send")}
    pairs = [("m.prepare", "m.send"), ("m.greet", "m.send"), ("m.send", "m.status")]
    off = [Warned("schedule.waits_for_off", "m.prepare", name) for name in ("m.send", "m.status")]
    assert warnings(pairs, plans, BERLIN, START) == off
    assert [stopped_by(name, plans) for name in plans] == [None, "m.prepare", "m.prepare"]
    assert stopped_by("m.prepare", plans) == "m.prepare"
    on = {**plans, "m.prepare": TEN}
    assert warnings(pairs[:1], on, BERLIN, START) == [] and stopped_by("m.status", on) is None


@pytest.mark.parametrize(
    ("plan", "last"),
    [
        (TEN, "10:00"),
        (Daily(Repeat(7, "08:00", "18:00")), "17:55"),
        (Cron("* * * * *"), "23:59"),
        (Cron("*/7 0-11 * * *"), "11:56"),
        (Cron("0 0 * * *"), "00:00"),
        (Weekly(Repeat(90, "00:00", "23:59"), days=("tue",)), "22:30"),
    ],
)
def test_the_last_start_of_each_day(plan: Plan, last: str) -> None:
    starts = last_starts(plan, BERLIN, START)
    assert {datetime.fromtimestamp(due, BERLIN).strftime("%H:%M") for due in starts.values()} == {last}
    assert all(datetime.fromtimestamp(due, BERLIN).date() == day for day, due in starts.items())


def test_last_starts_begin_today_and_end_in_a_month() -> None:
    starts = last_starts(Daily(Repeat(60, "08:00", "18:00")), BERLIN, START)
    assert min(starts) == date(2026, 11, 23) and max(starts) == date(2026, 12, 23) and len(starts) == 31
    assert {datetime.fromtimestamp(due, BERLIN).hour for due in starts.values()} == {18}
    assert last_starts(After("m.a"), BERLIN, START) == {}
