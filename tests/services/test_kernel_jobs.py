"""Jobs and runs on both engines: due times, missed runs, overlap, chains, cancel, checkpoints, the run
log.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel import events, jobs, schedule
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.jobs import Run, Worker
from praxisd.kernel.service import JobType, Scope
from praxisd.testing.trials import HOURLY, NIGHTLY, job, with_jobs, worker_of

Make = Callable[..., House]
ACTOR = system("test")


def work(house: House, worker: Worker | None = None) -> Worker:
    """Step until there is nothing to do and no run is at work."""
    worker = worker or worker_of(house)
    for _ in range(100):
        busy = worker.step()
        assert worker.wait_idle(10)
        if not busy:
            return worker
    raise AssertionError("the worker never comes to rest")


def log(house: House, name: str = "trial.one", organization: str = INSTALLATION, **filters: Any) -> list[Run]:
    """The run log, oldest first."""
    with house.store.read(system("test", organization)) as tx:
        return jobs.runs(house, tx, name, limit=500, **filters)[::-1]


def noted(house: House, organization: str = INSTALLATION) -> list[str]:
    with house.store.read(system("test", organization)) as tx:
        return [e.type for e in events.since(tx, 0)]


def done(_run: RunContext) -> None:
    """A job that has nothing to do."""


def test_a_due_run_happens_once_and_on_time(make_house: Make, clock: FrozenClock) -> None:
    seen: list[tuple[int, str]] = []
    house = make_house(with_jobs(job("trial.one", lambda r: seen.append((r.due_at, r.actor.label)))))
    work(house)
    assert log(house) == []  # enabled at 09:00: the run of 09:00 itself is not owed
    clock.advance(3599)
    work(house)
    assert seen == []
    clock.advance(1)
    work(house)
    work(house)
    assert seen == [(clock.now(), "job:trial.one")]
    (run,) = log(house)
    assert (run.state, run.triggered_by, run.attempt, run.code) == ("success", "schedule", 1, None)
    assert (run.started_at, run.ended_at) == (clock.now(), clock.now())
    assert noted(house) == ["run.finished"]


def test_a_job_that_is_off_does_nothing_until_it_is_switched_on(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, enabled=False)))
    work(house)
    clock.advance(7200)
    work(house)
    assert log(house) == []
    with house.store.write(ACTOR) as tx:
        changed = jobs.change(house, tx, "trial.one", enabled=True, expected=1)
    assert changed.next_at == clock.now() + 3600
    clock.advance(3600)
    work(house)
    assert [r.state for r in log(house)] == ["success"]


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
    work(house)
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", max_age_s=3 * 3600)
    clock.advance(5 * 3600 + 1800)  # five times were due while the machine was off, 30 min to 4 h 30 min ago
    work(house)
    found = log(house)
    assert [r.state for r in found] == states
    assert {r.code for r in found if r.state == "missed"} == {"jobs.missed"}
    assert "run.missed" in noted(house)


def test_once_never_makes_up_for_what_is_too_old(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, NIGHTLY, missed="once")))
    work(house)
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", max_age_s=3600)
    clock.advance(24 * 3600)  # 02:30 was six and a half hours ago
    work(house)
    assert [r.state for r in log(house)] == ["missed"]


def test_many_missed_times_are_handled_in_chunks(make_house: Make, clock: FrozenClock) -> None:
    every_minute = schedule.Daily(schedule.Repeat(10, "00:00", "23:50"))
    house = make_house(with_jobs(job("trial.one", done, every_minute, missed="none")))
    work(house)
    clock.advance(3 * 24 * 3600 + 300)
    work(house)
    assert len(log(house)) == 3 * 24 * 6
    assert {r.state for r in log(house)} == {"missed"}


def test_runs_of_one_job_never_overlap(make_house: Make, clock: FrozenClock) -> None:
    gate, started = threading.Event(), threading.Semaphore(0)
    at_work: list[int] = []
    most: list[int] = []

    def slow(run: RunContext) -> None:
        at_work.append(run.due_at)
        most.append(len(at_work))
        started.release()
        gate.wait(10)
        at_work.remove(run.due_at)

    house = make_house(with_jobs(job("trial.one", slow)), job_threads=3)
    worker = worker_of(house)
    worker.step()
    clock.advance(3600)
    worker.step()
    assert started.acquire(timeout=5)
    for _ in range(3):
        clock.advance(3600)
        worker.step()
    assert [r.state for r in log(house)] == ["running", "waiting", "missed", "missed"]
    assert {r.code for r in log(house, states=("missed",))} == {"jobs.overlap"}
    gate.set()
    worker.wait_idle(5)
    work(house, worker)
    assert max(most) == 1
    assert [r.state for r in log(house)] == ["success", "success", "missed", "missed"]


def test_jobs_run_beside_each_other_only_as_declared(make_house: Make) -> None:
    gate, started = threading.Event(), threading.Semaphore(0)
    at_work: set[str] = set()
    pairs: set[frozenset[str]] = set()

    def slow(run: RunContext) -> None:
        at_work.add(run.job)
        pairs.update(frozenset((run.job, other)) for other in at_work if other != run.job)
        started.release()
        gate.wait(10)
        at_work.discard(run.job)

    declared = [
        job("trial.free", slow),
        job("trial.other", slow),
        job("trial.shy", slow, beside=("trial.nothing",)),
    ]
    house = make_house(with_jobs(*declared), job_threads=3)
    worker = worker_of(house)
    worker.step()
    with house.store.write(ACTOR) as tx:
        for one in declared:
            jobs.run_now(house, tx, one.name)
    worker.step()
    assert started.acquire(timeout=5) and started.acquire(timeout=5)
    worker.step()
    assert at_work == {"trial.free", "trial.other"}
    gate.set()
    worker.wait_idle(5)
    work(house, worker)
    assert pairs == {frozenset(("trial.free", "trial.other"))}
    assert [r.state for r in log(house, "trial.shy")] == ["success"]


def test_a_job_starts_when_another_ended_well(make_house: Make, clock: FrozenClock) -> None:
    outcome: list[Exception | None] = [None, Problem("clock.bad_time")]

    def first(_run: RunContext) -> None:
        fault = outcome.pop(0)
        if fault is not None:
            raise fault

    house = make_house(
        with_jobs(job("trial.one", first), job("trial.two", done, schedule.After("trial.one")))
    )
    work(house)
    clock.advance(3600)
    work(house)
    assert [r.triggered_by for r in log(house, "trial.two")] == ["after:trial.one"]
    clock.advance(3600)
    work(house)
    assert [r.state for r in log(house)] == ["success", "failed"]
    assert len(log(house, "trial.two")) == 1


def test_failures_carry_their_code_and_never_a_message(make_house: Make, clock: FrozenClock) -> None:
    def crash(_run: RunContext) -> None:
        raise ValueError("Erika Mustermann")

    def refuse(_run: RunContext) -> None:
        raise Problem("settings.unknown", 404, key="x")

    house = make_house(with_jobs(job("trial.one", crash), job("trial.two", refuse)))
    work(house)
    clock.advance(3600)
    work(house)
    assert [(r.state, r.code) for r in log(house)] == [("failed", "jobs.crashed")]
    assert [(r.state, r.code) for r in log(house, "trial.two")] == [("failed", "settings.unknown")]
    with house.store.read(ACTOR) as tx:
        found = events.since(tx, 0)
    assert {e.type for e in found} == {"run.failed"}
    assert "Mustermann" not in repr(found)


def test_run_now_and_cancel(make_house: Make, clock: FrozenClock) -> None:
    gate, started = threading.Event(), threading.Event()

    def slow(run: RunContext) -> None:
        for item in range(1000):
            started.set()
            gate.wait(10)
            run.checkpoint(item, items=1)

    house = make_house(with_jobs(job("trial.one", slow, enabled=False)))
    worker = worker_of(house)
    worker.step()
    with house.store.write(ACTOR) as tx:
        waiting = jobs.run_now(house, tx, "trial.one")
        assert (waiting.state, waiting.triggered_by) == ("waiting", ACTOR.label)
        with pytest.raises(Problem, match="already_running"):
            jobs.run_now(house, tx, "trial.one")
    with house.store.write(ACTOR) as tx:
        assert jobs.cancel(house, tx, "trial.one", waiting.id).state == "cancelled"
    with house.store.write(ACTOR) as tx:
        with pytest.raises(Problem, match="already_ended"):
            jobs.cancel(house, tx, "trial.one", waiting.id)
        second = jobs.run_now(house, tx, "trial.one")  # in the same second: it takes the next free one
    assert second.due_at == clock.now() + 1
    clock.advance(1)
    worker.step()
    assert started.wait(5)
    with house.store.write(ACTOR) as tx:
        assert jobs.cancel(house, tx, "trial.one", second.id).state == "running"
    gate.set()
    assert worker.wait_idle(5)
    found = log(house)[-1]
    assert (found.state, found.counts) == ("cancelled", {"items": 1})
    assert "run.cancel_requested" in noted(house)


def test_effect_and_cursor_commit_together(make_house: Make, clock: FrozenClock) -> None:
    done_items: list[int] = []
    attempts: list[Any] = []

    def fragile(run: RunContext) -> None:
        attempts.append(run.cursor)
        for item in range((run.cursor or 0) + 1, 6):
            with run.write() as tx:
                events.note(tx, "job.changed", "Item", str(item))
                run.checkpoint(item, tx=tx, items=1)
                if item == 3 and len(attempts) == 1:
                    raise RuntimeError("power cut between effect and commit")
            done_items.append(item)

    house = make_house(with_jobs(job("trial.one", fragile)))
    work(house)
    clock.advance(3600)
    work(house)
    (run,) = log(house)
    assert (run.state, run.counts) == ("failed", {"items": 2})
    assert done_items == [1, 2]
    with house.store.read(ACTOR) as tx:
        assert [e.subject_id for e in events.since(tx, 0, subject_type="Item")] == ["1", "2"]


def test_two_checkpoints_in_one_transaction_add_up(make_house: Make, clock: FrozenClock) -> None:
    def twice(run: RunContext) -> None:
        with run.write() as tx:
            run.checkpoint("a", tx=tx, items=1)
            run.checkpoint(tx=tx, items=2, others=1)
        assert run.cursor == "a"

    house = make_house(with_jobs(job("trial.one", twice)))
    work(house)
    clock.advance(3600)
    work(house)
    (run,) = log(house)
    assert (run.state, run.counts) == ("success", {"items": 3, "others": 1})


def test_stopping_gives_the_run_back_and_the_next_start_goes_on(make_house: Make, clock: FrozenClock) -> None:
    started, seen = threading.Event(), []

    def long(run: RunContext) -> None:
        seen.append(run.cursor)
        for item in range((run.cursor or 0) + 1, 100):
            run.checkpoint(item)
            started.set()
            if item == 3:
                while not run.cancelled:
                    started.wait(0.01)
                    break_after = run.attempt
                    if break_after > 1:
                        return

    house = make_house(with_jobs(job("trial.one", long)))
    worker = worker_of(house)
    worker.step()
    clock.advance(3600)
    worker.step()
    assert started.wait(5)
    worker.stop()
    (run,) = log(house)
    assert run.state == "interrupted"
    assert "run.interrupted" in noted(house)
    again = Worker(house)
    work(house, again)
    (run,) = log(house)
    assert (run.state, run.attempt) == ("success", 2)
    assert seen[1] is not None and seen[1] >= 1


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
    work(house)
    clock.set(datetime(2026, 11, 24, 2, 31, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
    work(house)
    assert sorted(ran) == ["berlin", INSTALLATION]
    clock.set(datetime(2026, 11, 24, 2, 31, tzinfo=ZoneInfo("Europe/Lisbon")).timestamp())
    work(house)
    assert ran[-1] == "lisbon" and len(ran) == 3
    assert [r.organization for r in log(house, organization="lisbon")] == ["lisbon"]
    with house.store.read(system("test", "lisbon")) as tx:
        assert [(j.name, j.organization) for j in jobs.list_jobs(house, tx)] == [
            ("trial.all", INSTALLATION),
            ("trial.one", "lisbon"),
        ]
    zones["lisbon"] = "Europe/Berlin"  # the practice moved: its next due time moves with it
    work(house)
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
    work(house)
    for _ in range(24 * 4):
        own.advance(900)
        work(house)
    assert seen == runs_utc, day
    assert [r.state for r in log(house)] == ["success"]


def test_a_clock_set_back_repeats_no_run(make_house: Make, clock: FrozenClock) -> None:
    seen: list[int] = []
    house = make_house(with_jobs(job("trial.one", lambda r: seen.append(r.due_at))))
    work(house)
    clock.advance(3600)
    work(house)
    clock.set(clock.now() - 3600)
    work(house)
    clock.advance(3600)
    work(house)
    assert len(seen) == 1


def test_changing_a_job_names_its_version_and_is_checked(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done), job("trial.two", done)))
    work(house)
    with house.store.write(ACTOR) as tx:
        after = jobs.change(house, tx, "trial.one", plan=NIGHTLY, missed="none", expected=1)
        assert (after.version, after.plan, after.missed) == (2, NIGHTLY, "none")
    for fault, arguments in {
        "resource.stale": {"enabled": False, "expected": 1},
        "jobs.bad_policy": {"missed": "sometimes"},
        "schedule.bad_step": {"plan": schedule.Daily(schedule.At("10:00"), every=0)},
        "schedule.unknown_job": {"plan": schedule.After("trial.three")},
        "schedule.chain_loop": {"plan": schedule.After("trial.one")},
    }.items():
        with pytest.raises(Problem) as caught, house.store.write(ACTOR) as tx:
            jobs.change(house, tx, "trial.one", **arguments)
        assert caught.value.code == fault
    with pytest.raises(Problem, match="not_found"), house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.nothing", enabled=True)
    with house.store.read(ACTOR) as tx:
        due = jobs.preview(house, tx, HOURLY)
    assert (len(due), due[0], due[-1]) == (7 * 24, clock.now() + 3600, clock.now() + 7 * 24 * 3600)


def test_the_run_log_is_filtered_and_purged_by_age_and_number(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, missed="all")))
    work(house)
    start = clock.now()
    clock.advance(10 * 3600)
    work(house)
    assert len(log(house)) == 10
    assert [r.due_at for r in log(house, since=start + 7200, until=start + 4 * 3600)] == [
        start + 7200,
        start + 10800,
    ]
    assert log(house, states=("failed",)) == []
    with house.store.write(ACTOR) as tx:
        assert jobs.purge_runs(tx, "trial.one", clock.now(), keep=3) == 0  # none ended before now
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3, limit=4) == 4
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3) == 3
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3) == 0
    assert [r.due_at for r in log(house)] == [start + n * 3600 for n in (8, 9, 10)]


def test_per_says_whose_job_it_is(make_house: Make) -> None:
    house = make_house(with_jobs(JobType("trial.one", done, HOURLY, per=Scope.INSTALLATION)))
    house.shared["organizations"] = lambda _tx: ["a", "b"]
    work(house)
    with house.store.read(system("test", "a")) as tx:
        assert [j.organization for j in jobs.list_jobs(house, tx)] == [INSTALLATION]
