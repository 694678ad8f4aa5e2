"""When jobs run, on both engines: missed runs, practices with zones of their own, clock changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel import jobs, schedule
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.service import JobType, Scope
from praxisd.testing.trials import HOURLY, NIGHTLY, done, job, noted, run_log, settle, with_jobs

Make = Callable[..., House]
ACTOR = system("test")


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        ("none", ["missed"] * 5),
        ("once", ["missed"] * 4 + ["success"]),
        ("all", ["missed"] * 2 + ["success"] * 3),
    ],
)
def test_missed_runs_follow_the_policy_and_stay_visible(
    make_house: Make, clock: FrozenClock, policy: str, states: list[str]
) -> None:
    house = make_house(with_jobs(job("trial.one", done, missed=policy)))
    settle(house)
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", max_age_s=3 * 3600)
    clock.advance(5 * 3600 + 1800)  # five times were due while the machine was off, 30 min to 4 h 30 min ago
    settle(house)
    found = run_log(house)
    assert [r.state for r in found] == states
    assert {r.code for r in found if r.state == "missed"} == {"jobs.missed"}
    assert "run.missed" in noted(house)


def test_once_never_makes_up_for_what_is_too_old(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, NIGHTLY, missed="once")))
    settle(house)
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", max_age_s=3600)
    clock.advance(24 * 3600)  # 02:30 was six and a half hours ago
    settle(house)
    assert [r.state for r in run_log(house)] == ["missed"]


@pytest.mark.parametrize(
    ("policy", "days", "states"),
    [
        ("none", 0, ["success"]),
        ("none", 3, ["missed"] * 3 + ["success"]),
        ("once", 0, ["success"]),
        ("once", 3, ["missed"] * 3 + ["success"]),
        ("all", 1, ["success"] * 2),
        ("all", 3, ["missed"] * 2 + ["success"] * 2),
    ],
)
def test_a_run_that_was_planned_and_never_begun_follows_the_policy_too(
    make_house: Make, clock: FrozenClock, policy: str, days: int, states: list[str]
) -> None:
    daily = schedule.Daily(schedule.At("10:00"))
    house = make_house(with_jobs(job("trial.one", done, daily, missed=policy)))
    settle(house)
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", max_age_s=25 * 3600)
    clock.advance(3600)
    Planner(house).step()
    assert [r.state for r in run_log(house)] == ["waiting"]  # the machine goes off before it begins
    clock.advance(days * 24 * 3600 + 30)
    settle(house)
    found = run_log(house)
    assert [r.state for r in found] == states
    assert {r.code for r in found if r.state == "missed"} <= {"jobs.missed"}
    assert ("run.missed" in noted(house)) == ("missed" in states)


@pytest.mark.parametrize(("policy", "state"), [("none", "missed"), ("once", "success")])
def test_a_run_that_waited_too_long_is_judged_when_it_could_begin(
    make_house: Make, clock: FrozenClock, policy: str, state: str
) -> None:
    daily = schedule.Daily(schedule.At("10:00"))
    house = make_house(with_jobs(job("trial.one", done, daily, missed=policy)))
    worker = settle(house)
    clock.advance(3600)
    Planner(house).step()
    clock.advance(2 * 3600)  # no thread was free
    settle(house, worker)
    assert [r.state for r in run_log(house)] == [state]
    assert noted(house) == ["run.missed" if state == "missed" else "run.finished"]
    with house.store.write(ACTOR) as tx:
        jobs.run_now(house, tx, "trial.one")
    clock.advance(2 * 3600)  # what a person started has no due time to miss
    settle(house, worker)
    assert [r.state for r in run_log(house)] == [state, "success"]


def test_many_missed_times_are_handled_in_chunks(make_house: Make, clock: FrozenClock) -> None:
    every_minute = schedule.Daily(schedule.Repeat(10, "00:00", "23:50"))
    house = make_house(with_jobs(job("trial.one", done, every_minute, missed="none")))
    settle(house)
    clock.advance(3 * 24 * 3600 + 300)
    settle(house)
    assert len(run_log(house)) == 3 * 24 * 6
    assert {r.state for r in run_log(house)} == {"missed"}


def test_each_practice_has_its_own_jobs_and_time_zone(make_house: Make, clock: FrozenClock) -> None:
    ran: list[str] = []
    zones = {"berlin": "Europe/Berlin", "lisbon": "Europe/Lisbon"}
    house = make_house(
        with_jobs(
            JobType("trial.one", lambda r: ran.append(r.organization), NIGHTLY, enabled=True),
            job("trial.all", lambda r: ran.append(r.organization), NIGHTLY),
        )
    )
    house.shared["organizations"] = lambda _tx: list(zones)
    house.shared["zone"] = lambda tx: zones[tx.organization]
    settle(house)
    clock.set(datetime(2026, 11, 24, 2, 31, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
    settle(house)
    assert sorted(ran) == ["berlin", INSTALLATION]
    clock.set(datetime(2026, 11, 24, 2, 31, tzinfo=ZoneInfo("Europe/Lisbon")).timestamp())
    settle(house)
    assert ran[-1] == "lisbon" and len(ran) == 3
    assert [r.organization for r in run_log(house, organization="lisbon")] == ["lisbon"]
    with house.store.read(system("test", "lisbon")) as tx:
        assert [(j.name, j.organization) for j in jobs.list_jobs(house, tx)] == [
            ("trial.all", INSTALLATION),
            ("trial.one", "lisbon"),
        ]
    zones["lisbon"] = "Europe/Berlin"  # the practice moved: its next due time moves with it
    settle(house)
    with house.store.read(system("test", "lisbon")) as tx:
        due = jobs.get_job(house, tx, "trial.one").next_at
    assert due == int(datetime(2026, 11, 25, 1, 30, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("before", "day", "runs_utc"),
    [
        ((2027, 3, 27), "spring", ["2027-03-28T01:30"]),  # 02:30 does not exist: 03:30 summer time
        ((2026, 10, 24), "autumn", ["2026-10-25T00:30"]),  # 02:30 comes twice: the first one
    ],
)
def test_the_clock_change_nights_lose_and_double_nothing(
    make_house: Make, before: tuple[int, int, int], day: str, runs_utc: list[str]
) -> None:
    own = FrozenClock(datetime(*before, 12, tzinfo=UTC).timestamp())
    seen: list[str] = []
    house = make_house(
        with_jobs(
            job(
                "trial.one",
                lambda r: seen.append(datetime.fromtimestamp(r.due_at, UTC).isoformat()[:16]),
                NIGHTLY,
            )
        ),
        own,
    )
    settle(house)
    for _ in range(24 * 4):
        own.advance(900)
        settle(house)
    assert seen == runs_utc, day
    assert [r.state for r in run_log(house)] == ["success"]


def test_a_clock_set_back_repeats_no_run(make_house: Make, clock: FrozenClock) -> None:
    seen: list[int] = []
    house = make_house(with_jobs(job("trial.one", lambda r: seen.append(r.due_at))))
    settle(house)
    clock.advance(3600)
    settle(house)
    clock.set(clock.now() - 3600)
    settle(house)
    clock.advance(3600)
    settle(house)
    assert len(seen) == 1


def test_per_says_whose_job_it_is(make_house: Make) -> None:
    house = make_house(with_jobs(JobType("trial.one", done, HOURLY, per=Scope.INSTALLATION)))
    house.shared["organizations"] = lambda _tx: ["a", "b"]
    settle(house)
    with house.store.read(system("test", "a")) as tx:
        assert [j.organization for j in jobs.list_jobs(house, tx)] == [INSTALLATION]
