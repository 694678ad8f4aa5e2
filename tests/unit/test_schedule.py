"""Schedule arithmetic: plain examples, the two clock-change nights, and a naive oracle."""

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.kernel import schedule
from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import After, At, Cron, Daily, Monthly, Once, Plan, Repeat, Weekly

from . import schedule_oracle

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = date(2026, 3, 29)
AUTUMN = date(2026, 10, 25)


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def local(due: int) -> str:
    return datetime.fromtimestamp(due, BERLIN).strftime("%Y-%m-%d %H:%M %Z")


def on(day: date, plan: Plan) -> list[str]:
    """Local times of one day, with the zone's letters so that the repeated hour can be told apart."""
    start = epoch(f"{day}T00:00:00") - 1
    end = epoch(f"{day + timedelta(days=1)}T00:00:00")
    return [local(due)[11:] for due in schedule.coming(plan, BERLIN, start, 2, 5000).times if due < end]


def test_daily_every_few_days_counts_from_the_anchor() -> None:
    plan = Daily(At("06:50"), every=3, anchor=date(2026, 11, 20))
    assert [local(due) for due in schedule.coming(plan, BERLIN, epoch("2026-11-01T00:00:00"), 28).times] == [
        "2026-11-20 06:50 CET",
        "2026-11-23 06:50 CET",
        "2026-11-26 06:50 CET",
    ]


def test_weekly_keeps_to_its_weeks_and_days() -> None:
    plan = Weekly(At("10:00"), days=("mon", "fri"), every=2, anchor=date(2026, 11, 18))
    assert [
        local(due)[:10] for due in schedule.coming(plan, BERLIN, epoch("2026-11-01T00:00:00"), 40).times
    ] == [
        "2026-11-20",
        "2026-11-30",
        "2026-12-04",
    ]


def test_monthly_on_the_31st_is_the_last_day() -> None:
    plan = Monthly(At("12:00"), day=31, every=1)
    assert [
        local(due)[:10] for due in schedule.coming(plan, BERLIN, epoch("2028-01-01T00:00:00"), 125).times
    ] == [
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]


def test_window_includes_both_ends() -> None:
    assert on(date(2026, 11, 23), Daily(Repeat(45, "08:30", "10:45"))) == [
        "08:30 CET",
        "09:15 CET",
        "10:00 CET",
        "10:45 CET",
    ]


def test_daily_0230_runs_exactly_once_in_both_nights() -> None:
    plan = Daily(At("02:30"))
    assert on(SPRING, plan) == ["03:30 CEST"]
    assert on(AUTUMN, plan) == ["02:30 CEST"]
    # Also when the question is asked between the two passes of the repeated hour.
    assert local(schedule.next_due(plan, BERLIN, epoch("2026-10-25T02:30:00")) or 0) == "2026-10-26 02:30 CET"


def test_short_steps_count_elapsed_time() -> None:
    plan = Daily(Repeat(30, "01:00", "04:00"))
    assert on(SPRING, plan) == ["01:00 CET", "01:30 CET", "03:00 CEST", "03:30 CEST", "04:00 CEST"]
    assert on(AUTUMN, plan) == [
        "01:00 CEST",
        "01:30 CEST",
        "02:00 CEST",
        "02:30 CEST",
        "02:00 CET",
        "02:30 CET",
        "03:00 CET",
        "03:30 CET",
        "04:00 CET",
    ]


def test_steps_of_hours_follow_the_clock_face() -> None:
    plan = Daily(Repeat(120, "00:00", "22:00"))
    assert [text[:5] for text in on(AUTUMN, plan)] == [f"{hour:02}:00" for hour in range(0, 24, 2)]
    assert [text[:5] for text in on(SPRING, plan)] == ["00:00", "03:00"] + [
        f"{hour:02}:00" for hour in range(4, 24, 2)
    ]


def test_a_window_inside_the_missing_hour_still_runs_once() -> None:
    assert on(SPRING, Daily(Repeat(10, "02:30", "02:50"))) == ["03:30 CEST", "03:40 CEST", "03:50 CEST"]
    assert on(SPRING, Daily(Repeat(10, "02:30", "03:00"))) == ["03:30 CEST"]


def test_once() -> None:
    at = epoch("2026-11-23T08:00:00")
    assert schedule.next_due(Once(at), BERLIN, at - 1) == at
    assert schedule.next_due(Once(at), BERLIN, at) is None


def test_after_is_never_due_by_itself() -> None:
    assert schedule.next_due(After("reminders.prepare"), BERLIN, 0) is None
    assert schedule.coming(After("reminders.prepare"), BERLIN, 0).times == []


def test_cron_on_ordinary_days() -> None:
    assert [
        local(due)
        for due in schedule.coming(Cron("30 6 * * MON-FRI"), BERLIN, epoch("2026-11-20T12:00:00"), 4).times
    ] == [
        "2026-11-23 06:30 CET",
        "2026-11-24 06:30 CET",
    ]


def test_cron_in_both_nights() -> None:
    assert on(SPRING, Cron("30 2 * * *")) == ["03:00 CEST"]
    assert on(AUTUMN, Cron("30 2 * * *")) == ["02:30 CEST"]
    assert on(AUTUMN, Cron("*/30 2 * * *")) == ["02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET"]
    assert on(SPRING, Cron("10,40 2 * * *")) == ["03:00 CEST"]


@pytest.mark.parametrize("expression", ["30 2 * * *", "*/20 * * * *", "10,40 2,3 * * *", "0 */2 * * *"])
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_cron_does_not_depend_on_when_it_is_asked(expression: str, day: date) -> None:
    start = epoch(f"{day}T00:00:00")
    plan = Cron(expression)
    listed = schedule.coming(plan, BERLIN, start, 1).times
    asked = {schedule.next_due(plan, BERLIN, instant) for instant in range(start, start + 5 * 3600, 600)}
    assert {due for due in asked if due is not None and due <= start + 5 * 3600} == {
        due for due in listed if due <= start + 5 * 3600
    }


def test_plans_end_instead_of_running_for_ever() -> None:
    late = int(datetime(2200, 12, 31, 23, 0, tzinfo=BERLIN).timestamp())
    assert schedule.next_due(Daily(At("02:30")), BERLIN, late) is None
    assert schedule.next_due(Monthly(At("02:30"), day=1, every=60), BERLIN, late) is None
    assert schedule.next_due(Cron("0 0 29 2 *"), BERLIN, late) is None


def test_preview_is_bounded() -> None:
    assert len(schedule.coming(Daily(Repeat(1, "00:00", "23:59")), BERLIN, 0, 7, limit=100).times) == 100


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Daily(At("02:30"), every=0), "schedule.bad_step"),
        (Daily(At("02:30"), every=367), "schedule.bad_step"),
        (Weekly(At("02:30"), days=("mon",), every=53), "schedule.bad_step"),
        (Weekly(At("02:30"), days=()), "schedule.no_weekday"),
        (Monthly(At("02:30"), day=0), "schedule.bad_day"),
        (Monthly(At("02:30"), day=32), "schedule.bad_day"),
        (Monthly(At("02:30"), day=1, every=61), "schedule.bad_step"),
        (Daily(At("24:00")), "schedule.bad_time"),
        (Daily(At("2:30")), "schedule.bad_time"),
        (Daily(At("02:3٠")), "schedule.bad_time"),
        (Daily(Repeat(0, "08:00", "18:00")), "schedule.bad_step"),
        (Daily(Repeat(1441, "08:00", "18:00")), "schedule.bad_step"),
        (Daily(Repeat(5, "08:00", "08:00")), "schedule.bad_window"),
        (Daily(Repeat(5, "08:00", "8")), "schedule.bad_time"),
        (Daily(Repeat(120, "22:00", "04:00")), "schedule.window_across_midnight"),
        (Weekly(Repeat(5, "23:59", "00:00"), days=("fri",)), "schedule.window_across_midnight"),
        (Monthly(Repeat(60, "18:00", "17:59"), day=1), "schedule.window_across_midnight"),
        (Once(-1), "schedule.bad_instant"),
        (Once(10**12), "schedule.bad_instant"),
        (After("prepare"), "schedule.bad_job"),
        (After("a.b" * 40), "schedule.bad_job"),
        (Cron(""), "schedule.bad_cron"),
        (Cron("* * * *"), "schedule.bad_cron"),
        (Cron("0 * * * * *"), "schedule.bad_cron"),
        (Cron("61 * * * *"), "schedule.bad_cron"),
        (Cron("0 0 30 2 *"), "schedule.bad_cron"),
        (Cron("0 0 * * 1#2/2"), "schedule.bad_cron"),
        (Cron("0 0 */31 2 1#5"), "schedule.bad_cron"),
        (Cron("9" * 5000 + " * * * *"), "schedule.bad_cron"),
    ],
)
def test_impossible_plans_are_refused(plan: Plan, code: str) -> None:
    with pytest.raises(Problem) as caught:
        schedule.check(plan)
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_json_shape() -> None:
    plan = Weekly(Repeat(30, "08:00", "18:00"), days=("mon", "tue"), every=2, anchor=date(2026, 11, 23))
    text = schedule.to_json(plan)
    assert text == (
        '{"type":"weekly","within":{"type":"repeat","minutes":30,"start":"08:00","end":"18:00"},'
        '"days":["mon","tue"],"every":2,"anchor":"2026-11-23"}'
    )
    assert schedule.from_json(text) == plan


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"hourly"}',
        '{"type":"daily"}',
        '{"type":"daily","within":{"type":"at","time":"08:00"},"colour":1}',
        '{"type":"weekly","within":{"type":"at","time":"08:00"},"days":["Erika"]}',
        '{"type":"once","at":"2026"}',
    ],
)
def test_malformed_json_is_one_problem_that_quotes_nothing(text: str) -> None:
    with pytest.raises(Problem) as caught:
        schedule.from_json(text)
    assert caught.value.code == "schedule.malformed"
    assert "Erika" not in str(caught.value.detail)


def test_chains() -> None:
    schedule.check_chain({"m.a": Daily(At("10:00")), "m.b": After("m.a"), "m.c": After("m.b")})
    with pytest.raises(Problem) as caught:
        schedule.check_chain({"m.a": After("m.c"), "m.b": After("m.a"), "m.c": After("m.b")})
    assert caught.value.code == "schedule.chain_loop"
    with pytest.raises(Problem) as caught:
        schedule.check_chain({"m.a": After("m.a")})
    assert caught.value.code == "schedule.chain_loop"
    with pytest.raises(Problem) as caught:
        schedule.check_chain({"m.a": After("m.x")})
    assert caught.value.code == "schedule.unknown_job"


ZONES = [
    "Europe/Berlin",
    "Europe/Zurich",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",
    "Atlantic/Azores",
]
CHANGES = [
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 10, 4),
    date(2026, 10, 25),
    date(2026, 11, 1),
]
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
night = st.builds("{:02}:{:02}".format, st.integers(0, 4), st.sampled_from([0, 15, 30, 45]))
anchors = st.none() | st.dates(date(2025, 1, 1), date(2026, 12, 1))
withins = st.one_of(
    st.builds(At, times | night),
    st.builds(Repeat, st.integers(7, 1440), times | night, times | night).filter(
        lambda one: one.start < one.end
    ),
)
plans = st.one_of(
    st.builds(Daily, withins, st.integers(1, 9), anchors),
    st.builds(
        Weekly,
        withins,
        st.sets(st.sampled_from(schedule.WEEKDAYS), min_size=1).map(lambda days: tuple(sorted(days))),
        st.integers(1, 4),
        anchors,
    ),
    st.builds(Monthly, withins, st.integers(1, 31), st.integers(1, 5), anchors),
)
starts = st.sampled_from(CHANGES) | st.dates(date(2026, 1, 1), date(2027, 3, 1))


@settings(max_examples=150)
@given(plans, st.sampled_from(ZONES), starts, st.integers(-2 * 86400, 86400))
def test_equals_the_naive_oracle(plan: Plan, name: str, day: date, shift: int) -> None:
    zone = ZoneInfo(name)
    schedule.check(plan)
    start = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) + shift
    found = schedule.coming(plan, zone, start, 4, limit=10_000).times
    end = start + 3 * 86400
    assert [due for due in found if due <= end] == schedule_oracle.dues(plan, zone, start, end)
    assert all(one < other for one, other in pairwise(found))


@settings(max_examples=100)
@given(plans, st.sampled_from(ZONES), starts, st.lists(st.integers(0, 3 * 86400), min_size=1, max_size=10))
def test_next_is_the_same_whoever_asks_when(plan: Plan, name: str, day: date, shifts: list[int]) -> None:
    zone = ZoneInfo(name)
    start = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
    found = schedule.coming(plan, zone, start - 1, 400, limit=400).times
    for instant in [start + shift for shift in shifts] + found[:20] + [due - 1 for due in found[:20]]:
        later = [due for due in found if due > instant]
        if later:
            assert schedule.next_due(plan, zone, instant) == later[0]


@given(plans)
def test_json_round_trip(plan: Plan) -> None:
    assert schedule.from_json(schedule.to_json(plan)) == plan


def rules(path: Path) -> list[tuple[dict[str, str], date, list[date]]]:
    """The recurrence rules of the foreign file that our plans can express: (parts, start, days)."""
    found = []
    pattern = r"^RRULE:(.+)\nDTSTART:(\d{8}).*\nINSTANCES:([0-9T,Z]+)$"
    for match in re.finditer(pattern, path.read_text(), re.MULTILINE):
        parts = dict(part.split("=") for part in match[1].strip(";").split(";"))
        days = [datetime.strptime(one[:8], "%Y%m%d").date() for one in match[3].split(",")]
        kind, keys = parts["FREQ"], set(parts) - {"FREQ", "INTERVAL", "COUNT", "UNTIL"}
        monthly = kind == "MONTHLY" and re.fullmatch(r"[1-9]|1[0-9]|2[0-8]|-1", parts.get("BYMONTHDAY", ""))
        weekly = kind == "WEEKLY" and keys <= {"BYDAY", "WKST"} and parts.get("WKST", "MO") == "MO"
        if (kind == "DAILY" and not keys) or (monthly and keys == {"BYMONTHDAY"}) or weekly:
            found.append((parts, datetime.strptime(match[2], "%Y%m%d").date(), days))
    return found


def as_plan(parts: dict[str, str], start: date) -> Plan:
    every = int(parts.get("INTERVAL", "1"))
    if parts["FREQ"] == "DAILY":
        return Daily(At("09:00"), every, start)
    if parts["FREQ"] == "WEEKLY":
        codes = parts["BYDAY"].split(",") if "BYDAY" in parts else [schedule.WEEKDAYS[start.weekday()]]
        days = [day for day in schedule.WEEKDAYS if day[:2] in {code[:2].lower() for code in codes}]
        return Weekly(At("09:00"), tuple(days), every, start)
    return Monthly(At("09:00"), 31 if parts["BYMONTHDAY"] == "-1" else int(parts["BYMONTHDAY"]), every, start)


@pytest.mark.foreign_data
def test_days_equal_those_of_libical(foreign_data: Path) -> None:
    cases = rules(foreign_data / "recurrence" / "icalrecur_test.txt")
    assert len(cases) >= 8
    for parts, start, days in cases:
        plan = as_plan(parts, start)
        after = int(datetime(start.year, start.month, start.day, tzinfo=BERLIN).timestamp()) - 1
        found = []
        for _ in days:
            due = schedule.next_due(plan, BERLIN, after)
            assert due is not None
            found.append(datetime.fromtimestamp(due, BERLIN).date())
            after = due
        assert found == days, parts
