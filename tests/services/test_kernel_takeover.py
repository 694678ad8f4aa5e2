"""Runs whose runner is gone, and two nodes on one PostgreSQL: each due run once, nothing done twice (SPEC
4.6).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from praxisd.kernel import events, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock, SystemClock
from praxisd.kernel.config import Config
from praxisd.kernel.job_claim import ATTEMPTS
from praxisd.kernel.job_run import LeaseLost, RunContext
from praxisd.kernel.jobs import Run, Worker
from praxisd.testing import killed_worker
from praxisd.testing.houses import Houses
from praxisd.testing.trials import job, with_jobs, worker_of

Make = Callable[..., House]
ACTOR = system("test")
LEASE_S = Config().job_lease_s


def log(house: House, name: str = "trial.one") -> list[Run]:
    with house.store.read(ACTOR) as tx:
        return jobs.runs(house, tx, name, limit=500)[::-1]


class Stuck:
    """A job that does items until it is held before the third; it can be let go when its lease is long
    gone.
    """

    def __init__(self) -> None:
        self.done: list[tuple[int, int]] = []
        self.held, self.free = threading.Event(), threading.Event()
        self.lost = threading.Event()

    def __call__(self, run: RunContext) -> None:
        for item in range((run.cursor or 0) + 1, 6):
            if item == 3 and run.attempt == 1:
                self.held.set()
                assert self.free.wait(20)
            try:
                with run.write() as tx:
                    events.note(tx, "job.changed", "Item", str(item))
                    run.checkpoint(item, tx=tx, items=1)
            except LeaseLost:
                self.lost.set()
                raise
            self.done.append((run.attempt, item))


def items(house: House) -> list[str]:
    with house.store.read(ACTOR) as tx:
        return [e.subject_id for e in events.since(tx, 0, subject_type="Item")]


def test_a_run_without_sign_of_life_is_taken_over_at_its_cursor(houses: Houses, clock: FrozenClock) -> None:
    stuck = Stuck()
    first = houses.open(with_jobs(job("trial.one", stuck)), clock)
    second = houses.twin(first)
    one, two = worker_of(first), worker_of(second)
    one.step()
    clock.advance(3600)
    one.step()
    assert stuck.held.wait(30)
    if houses.engine == "postgresql":  # on SQLite there is only one process: a second one is its successor
        two.step()
        assert [r.state for r in log(second)] == ["running"]
        clock.advance(LEASE_S)
    two.step()  # finds the lapsed lease
    if not two.wait_idle(0):
        assert two.wait_idle(30)
    for _ in range(3):
        two.step()
        assert two.wait_idle(30)
    (run,) = log(second)
    assert (run.state, run.attempt, run.counts) == ("success", 2, {"items": 5})
    stuck.free.set()  # the late first runner wakes up: its write is refused as a whole
    assert stuck.lost.wait(30)
    assert one.wait_idle(30)
    assert stuck.done == [(1, 1), (1, 2), (2, 3), (2, 4), (2, 5)]
    assert items(second) == ["1", "2", "3", "4", "5"]
    assert log(second) == [run]


def test_the_interruption_is_visible_before_the_run_goes_on(houses: Houses, clock: FrozenClock) -> None:
    stuck = Stuck()
    first = houses.open(with_jobs(job("trial.one", stuck)), clock)
    second = houses.twin(first, job_threads=1)
    one, two = worker_of(first), worker_of(second)
    one.step()
    clock.advance(3600)
    one.step()
    assert stuck.held.wait(30)
    clock.advance(LEASE_S)
    two.step()
    assert [r.state for r in log(second)] == ["interrupted"]
    with second.store.read(ACTOR) as tx:
        assert "run.interrupted" in [e.type for e in events.since(tx, 0)]
    stuck.free.set()
    assert stuck.lost.wait(30) and one.wait_idle(30)


def test_a_run_that_kills_its_runner_again_and_again_is_given_up(houses: Houses, clock: FrozenClock) -> None:
    gate = threading.Event()
    house = houses.open(with_jobs(job("trial.one", lambda _r: gate.wait(30))), clock)
    node = house
    for attempt in range(ATTEMPTS + 1):
        worker = worker_of(node)
        worker.step()
        if attempt == 0:
            clock.advance(3600)
        else:
            clock.advance(LEASE_S)
        worker.step()
        worker.step()
        if attempt < ATTEMPTS:
            assert [(r.state, r.attempt) for r in log(house)] == [("running", attempt + 1)]
        node = houses.twin(house)
    assert [(r.state, r.code, r.attempt) for r in log(house)] == [("failed", "jobs.gave_up", ATTEMPTS)]
    gate.set()


def test_two_nodes_share_the_runs_and_none_happens_twice(postgres_houses: Houses, clock: FrozenClock) -> None:
    counted = threading.Lock()
    ran: list[tuple[str, int]] = []

    def count(run: RunContext) -> None:
        with counted:
            ran.append((run.job, run.due_at))

    declared = with_jobs(*(job(f"trial.j{n}", count, missed="all") for n in range(4)))
    nodes = [postgres_houses.open(declared, clock)]
    nodes += [postgres_houses.twin(nodes[0]), postgres_houses.twin(nodes[0])]
    workers = [worker_of(node) for node in nodes]
    workers[0].step()
    clock.advance(5 * 3600 + 60)
    stop = time.monotonic() + 30

    def drive(worker: Worker) -> None:
        while len(ran) < 20 and time.monotonic() < stop:
            worker.step()
            worker.wait_idle(30)

    threads = [threading.Thread(target=drive, args=(w,)) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.step()
        assert worker.wait_idle(30)
    assert len(ran) == len(set(ran)) == 20
    assert {r.state for n in range(4) for r in log(nodes[0], f"trial.j{n}")} == {"success"}


def test_the_heartbeat_keeps_a_long_run(postgres_houses: Houses, clock: FrozenClock) -> None:
    stuck = Stuck()
    first = postgres_houses.open(with_jobs(job("trial.one", stuck)), clock)
    one, two = worker_of(first), worker_of(postgres_houses.twin(first))
    one.step()
    clock.advance(3600)
    one.step()
    assert stuck.held.wait(30)
    for _ in range(6):
        clock.advance(LEASE_S / 3)
        one.step()
        two.step()
    assert [(r.state, r.attempt) for r in log(first)] == [("running", 1)]
    stuck.free.set()
    assert one.wait_idle(30)
    assert [(r.state, r.attempt) for r in log(first)] == [("success", 1)]


def test_kill_9_in_the_middle_loses_and_repeats_nothing(postgres_houses: Houses) -> None:
    house = postgres_houses.open(killed_worker.registry(), SystemClock())
    worker_of(house).step()
    with house.store.write(ACTOR) as tx:
        jobs.run_now(house, tx, killed_worker.JOB)
    command = [sys.executable, "-m", "praxisd.testing.killed_worker", str(house.config.database_url)]
    victim = subprocess.Popen([*command, str(house.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert victim.stdout is not None
        for line in victim.stdout:
            if line.strip() == "4":
                break
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(10)
        before = len(items(house))
        assert before >= 4
        # What a machine clock would have to wait for half a minute for: the dead process' lease lapses.
        with house.store.write(ACTOR) as tx:
            tx.raw("UPDATE kernel_run SET lease_until = 0")
        survivor = worker_of(house)
        for _ in range(3):
            survivor.step()
            assert survivor.wait_idle(20)
    finally:
        victim.kill()
        victim.wait(10)
    assert items(house) == [str(n) for n in range(1, killed_worker.ITEMS + 1)]
    with house.store.read(ACTOR) as tx:
        (run,) = jobs.runs(house, tx, killed_worker.JOB)
    assert (run.state, run.attempt, run.counts) == ("success", 2, {"items": killed_worker.ITEMS})
    assert run.organization == INSTALLATION
