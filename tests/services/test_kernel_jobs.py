"""Jobs and runs on both engines: due times, missed runs, overlap, chains, cancel, checkpoints, the run
log.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from praxisd.kernel import events, jobs, schedule
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.jobs import Worker
from praxisd.kernel.service import Scope
from praxisd.testing.trials import HOURLY, NIGHTLY, done, job, noted, run_log, settle, with_jobs, worker_of

Make = Callable[..., House]
ACTOR = system("test")


def test_a_due_run_happens_once_and_on_time(make_house: Make, clock: FrozenClock) -> None:
    seen: list[tuple[int, str]] = []
    house = make_house(with_jobs(job("trial.one", lambda r: seen.append((r.due_at, r.actor.label)))))
    settle(house)
    assert run_log(house) == []  # enabled at 09:00: the run of 09:00 itself is not owed
    clock.advance(3599)
    settle(house)
    assert seen == []
    clock.advance(1)
    settle(house)
    settle(house)
    assert seen == [(clock.now(), "job:trial.one")]
    (run,) = run_log(house)
    assert (run.state, run.triggered_by, run.attempt, run.code) == ("success", "schedule", 1, None)
    assert (run.started_at, run.ended_at) == (clock.now(), clock.now())
    assert noted(house) == ["run.finished"]


def test_a_job_that_is_off_does_nothing_until_it_is_switched_on(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, enabled=False)))
    settle(house)
    clock.advance(7200)
    settle(house)
    assert run_log(house) == []
    with house.store.write(ACTOR) as tx:
        changed = jobs.change(house, tx, "trial.one", enabled=True, expected=1)
    assert changed.next_at == clock.now() + 3600
    clock.advance(3600)
    settle(house)
    assert [r.state for r in run_log(house)] == ["success"]


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
    assert started.acquire(timeout=30)
    for _ in range(3):
        clock.advance(3600)
        worker.step()
    assert [r.state for r in run_log(house)] == ["running", "waiting", "missed", "missed"]
    assert {r.code for r in run_log(house, states=("missed",))} == {"jobs.overlap"}
    gate.set()
    worker.wait_idle(30)
    settle(house, worker)
    assert max(most) == 1
    assert [r.state for r in run_log(house)] == ["success", "success", "missed", "missed"]


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
    assert started.acquire(timeout=30) and started.acquire(timeout=30)
    worker.step()
    assert at_work == {"trial.free", "trial.other"}
    gate.set()
    worker.wait_idle(30)
    settle(house, worker)
    assert pairs == {frozenset(("trial.free", "trial.other"))}
    assert [r.state for r in run_log(house, "trial.shy")] == ["success"]


def test_a_job_starts_when_another_ended_well(make_house: Make, clock: FrozenClock) -> None:
    outcome: list[Exception | None] = [None, Problem("clock.bad_time")]

    def first(_run: RunContext) -> None:
        fault = outcome.pop(0)
        if fault is not None:
            raise fault

    house = make_house(
        with_jobs(job("trial.one", first), job("trial.two", done, schedule.After("trial.one")))
    )
    settle(house)
    clock.advance(3600)
    settle(house)
    assert [r.triggered_by for r in run_log(house, "trial.two")] == ["after:trial.one"]
    clock.advance(3600)
    settle(house)
    assert [r.state for r in run_log(house)] == ["success", "failed"]
    assert len(run_log(house, "trial.two")) == 1


def test_a_chain_goes_on_behind_a_run_that_has_looked_for_the_last_time(
    make_house: Make, clock: FrozenClock
) -> None:
    gate, looked = threading.Event(), threading.Semaphore(0)

    def slow(_run: RunContext) -> None:
        looked.release()
        gate.wait(10)

    house = make_house(
        with_jobs(job("trial.one", done), job("trial.two", slow, schedule.After("trial.one"))), job_threads=2
    )
    worker = settle(house)
    with house.store.write(ACTOR) as tx:
        jobs.run_now(house, tx, "trial.two")
    worker.step()
    assert looked.acquire(timeout=30)
    for states in (["running", "waiting"], ["running", "waiting"]):  # the one that waits will find it all
        clock.advance(3600)
        worker.step()
        for _ in range(200):
            if all(r.state == "success" for r in run_log(house)):
                break
            time.sleep(0.02)
        assert [r.state for r in run_log(house, "trial.two")] == states
    gate.set()
    settle(house, worker)
    assert [(r.state, r.triggered_by) for r in run_log(house, "trial.two")] == [
        ("success", ACTOR.label),
        ("success", "after:trial.one"),
    ]
    assert len(run_log(house)) == 2


def test_failures_carry_their_code_and_never_a_message(make_house: Make, clock: FrozenClock) -> None:
    def crash(_run: RunContext) -> None:
        raise ValueError("Erika Mustermann")

    def refuse(_run: RunContext) -> None:
        raise Problem("settings.unknown", 404, key="x")

    house = make_house(with_jobs(job("trial.one", crash), job("trial.two", refuse)))
    settle(house)
    clock.advance(3600)
    settle(house)
    assert [(r.state, r.code) for r in run_log(house)] == [("failed", "jobs.crashed")]
    assert [(r.state, r.code) for r in run_log(house, "trial.two")] == [("failed", "settings.unknown")]
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
    assert started.wait(30)
    with house.store.write(ACTOR) as tx:
        assert jobs.cancel(house, tx, "trial.one", second.id).state == "running"
    gate.set()
    assert worker.wait_idle(30)
    found = run_log(house)[-1]
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
    settle(house)
    clock.advance(3600)
    settle(house)
    (run,) = run_log(house)
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
    settle(house)
    clock.advance(3600)
    settle(house)
    (run,) = run_log(house)
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
    assert started.wait(30)
    worker.stop()
    (run,) = run_log(house)
    assert run.state == "interrupted"
    assert "run.interrupted" in noted(house)
    again = Worker(house)
    settle(house, again)
    (run,) = run_log(house)
    assert (run.state, run.attempt) == ("success", 2)
    assert seen[1] is not None and seen[1] >= 1


def test_changing_a_job_names_its_version_and_is_checked(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done), job("trial.two", done)))
    settle(house)
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
        due = jobs.preview(house, tx, HOURLY).times
    assert (len(due), due[0], due[-1]) == (7 * 24, clock.now() + 3600, clock.now() + 7 * 24 * 3600)


def test_the_run_log_is_filtered_and_purged_by_age_and_number(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done, missed="all")))
    settle(house)
    start = clock.now()
    clock.advance(10 * 3600)
    settle(house)
    assert len(run_log(house)) == 10
    assert [r.due_at for r in run_log(house, since=start + 7200, until=start + 4 * 3600)] == [
        start + 7200,
        start + 10800,
    ]
    assert run_log(house, states=("failed",)) == []
    with house.store.write(ACTOR) as tx:
        assert jobs.purge_runs(tx, "trial.one", clock.now(), keep=3) == 0  # none ended before now
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3, limit=4) == 4
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3) == 3
        assert jobs.purge_runs(tx, "trial.one", clock.now() + 1, keep=3) == 0
    assert [r.due_at for r in run_log(house)] == [start + n * 3600 for n in (8, 9, 10)]


def test_a_job_that_never_comes_to_a_checkpoint_holds_up_no_stop(
    make_house: Make, clock: FrozenClock
) -> None:
    gate, started = threading.Event(), threading.Event()

    def deaf(_run: RunContext) -> None:
        started.set()
        gate.wait(30)

    house = make_house(with_jobs(job("trial.one", deaf)))
    worker = settle(house)
    clock.advance(3600)
    worker.step()
    assert started.wait(30)
    begun = time.monotonic()
    house.stop(patience_s=0.4)
    assert time.monotonic() - begun < 20
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("praxisd-job"))
    gate.set()


def test_one_of_several_practices_does_not_change_a_job_of_them_all(
    make_house: Make, clock: FrozenClock
) -> None:
    house = make_house(
        with_jobs(
            job("trial.all", done, per=Scope.INSTALLATION), job("trial.own", done, per=Scope.ORGANIZATION)
        )
    )
    owner = Actor(Kind.USER, "u1", "p1", frozenset({"kernel.jobs.write", "kernel.jobs.run"}))
    practices = ["p1"]
    house.shared["organizations"] = lambda _tx: practices
    settle(house)
    with house.store.write(owner) as tx:
        alone = jobs.change(house, tx, "trial.all", missed="none")
    assert alone.missed == "none"
    practices.append("p2")
    for forbidden in (
        lambda tx: jobs.change(house, tx, "trial.all", enabled=False),
        lambda tx: jobs.run_now(house, tx, "trial.all"),
        lambda tx: jobs.cancel(house, tx, "trial.all", "any"),
    ):
        with house.store.write(owner) as tx, pytest.raises(Problem) as refused:
            forbidden(tx)
        assert (refused.value.code, refused.value.status) == ("jobs.shared", 403)
    with house.store.write(owner) as tx:
        assert not jobs.change(house, tx, "trial.own", enabled=False).enabled
    with house.store.write(system("cli", "p1")) as tx:
        assert not jobs.change(house, tx, "trial.all", enabled=False).enabled
