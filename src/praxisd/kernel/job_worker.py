"""The Worker of a node: turns due plans into runs, claims runs that wait, and does them in a bounded pool
of threads.

A thread that has ended a run claims the next one in the same transaction (`job_end`).
"""

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from praxisd.kernel import job_claim
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import system
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_claim import ATTEMPTS
from praxisd.kernel.job_end import Ends
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.job_run import Cancelled, Interrupted, LeaseLost, RunContext

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PAUSE_S = 1.0
"""How long a node sleeps at most before it looks again: the floor where a wake-up was lost. Seconds."""
LATE_S = 0.02
"""How soon it looks again when a time is due that it could not plan yet. Seconds."""


class Worker:
    """Does the runs of this node, in at most `config.job_threads` threads; every `praxisd serve` has one."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._planner = Planner(house)
        self._threads = max(1, house.config.job_threads)
        self._active: dict[str, RunContext] = {}
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._heart: threading.Thread | None = None
        self._beaten = house.clock.monotonic()
        self._looked: float | None = None
        self._ends = Ends(house, self._swap, lambda: not self._stop.is_set())

    def step(self) -> int:
        """One round: due plans become runs, runs that wait are started. Returns how much there was to do."""
        if self._stop.is_set():
            return 0
        now = self._house.clock.monotonic()
        if now - self._beaten >= self._house.config.job_lease_s / 3:
            self._renew()
        if self._room() == 0 and self._looked is not None and now - self._looked < PAUSE_S:
            return 0  # every thread is at work, and whichever ends its run takes the next one itself
        self._looked = now
        begun = self._look()  # first what somebody waits for, then what the plans say
        planned = self._planner.step()
        return begun + planned + (self._look() if planned else 0)

    def _look(self) -> int:
        """Give back runs whose owners are gone, and start what could be claimed before that."""
        with self._house.store.read(system("jobs")) as tx:
            running, waiting = tx.all(rows.RUNNING), tx.all(rows.CLAIMABLE)
            moment = tx.lease_now() if running else 0
        return self._give_back(running, moment) + self._start(waiting)

    def pause(self) -> float:
        """How long there is nothing to do unless somebody wakes us: until the next due time, at most a second."""
        due, clock = self._planner.next_due, self._house.clock
        if due is None or clock.frozen or self._room() == 0:
            return PAUSE_S
        left = due - clock.now_ms() / 1000
        return min(PAUSE_S, left + 0.001) if left > 0 else LATE_S

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no run is at work on this node, at most `seconds`; True if so."""
        with self._change:
            return self._change.wait_for(lambda: not self._active, seconds)

    def stop(self, patience_s: float = 5.0) -> None:
        """Let running jobs leave at their next checkpoint (they go on after the next start); start none."""
        self._stop.set()
        with self._change:
            for one in self._active.values():
                one.stop()
        self.wait_idle(patience_s)

    def _room(self) -> int:
        with self._change:
            return self._threads - len(self._active)

    def _give_back(self, running: Sequence[Any], now: int) -> int:
        """Interrupt the runs whose owners gave no sign of life for a lease; how many."""
        house = self._house
        with self._change:
            own = set(self._active)
        done = 0
        for row in running:
            known = row.job in house.registry.jobs and row.id not in own
            if known and job_claim.lapsed(house, row, now):
                actor = system("jobs", row.organization)
                done += house.store.run(actor, partial(job_claim.give_back, house, id_=row.id))
        return done

    def _start(self, waiting: Sequence[Any]) -> int:
        """Claim as many runs as there are free threads, in one transaction; how many."""
        house, room = self._house, self._room()
        if room <= 0 or not waiting:
            return 0
        try:
            taken = house.store.run(
                system("jobs"), lambda tx: job_claim.claim(house, tx, waiting, room), tries=2
            )
        except (Violation, Conflict):  # another node claimed a run of the same job in this moment
            return 0
        self._swap((), taken)
        for run in taken:
            # A daemon of its own: a job that never comes to a checkpoint must not hold up the end of the process.
            threading.Thread(
                target=self._work, args=(run,), name=f"praxisd-job-{run.job}", daemon=True
            ).start()
        return len(taken)

    def _swap(self, gone: Sequence[RunContext], come: Sequence[RunContext]) -> None:
        """These runs are over, those are ours from now on: their leases are renewed. At once, so that a node is not idle
        between two runs of a queue.
        """
        with self._change:
            for one in gone:
                self._active.pop(one.id, None)
            for one in come:
                self._active[one.id] = one
                if self._stop.is_set():  # between claim and start: the job leaves at its first checkpoint
                    one.stop()
            if come and self._heart is None:
                self._heart = threading.Thread(target=self._beat, name="praxisd-job-heart", daemon=True)
                self._heart.start()
            self._change.notify_all()

    def _work(self, run: RunContext | None) -> None:
        """Do the run, and those that wait behind it, one after another."""
        while run is not None:
            state, code = self._call(run)
            run = self._ends.leave(run, state, code)
        self._house.wake.signal()  # a thread is free: is there a run that could not be had a moment ago?

    def _call(self, run: RunContext) -> tuple[str | None, str | None]:
        """Call the job's function: its outcome and code; None where the run is no longer ours."""
        log = self._house.log
        try:
            self._house.registry.jobs[run.job].call(run)
        except LeaseLost:
            log.warning("run_lost", job=run.job, run=run.id, fence=run.fence)
            return None, None
        except Cancelled:
            return "cancelled", None
        except Interrupted:
            return "interrupted", None
        except Problem as problem:
            log.warning("run_failed", job=run.job, run=run.id, code=problem.code)
            return "failed", problem.code
        except Exception as error:
            if self._house.store.engine.is_cut_off(
                error
            ):  # as if this process had died: it goes on from its cursor
                log.warning("run_cut_off", job=run.job, run=run.id)
                return ("interrupted", None) if run.attempt < ATTEMPTS else ("failed", "jobs.gave_up")
            log.error("run_crashed", job=run.job, run=run.id, error=error)
            return "failed", "jobs.crashed"
        return "success", None

    def _beat(self) -> None:
        """Every third of a lease, a sign of life for each run at work."""
        while not self._stop.wait(self._house.config.job_lease_s / 3):
            self._renew()

    def _renew(self) -> None:
        self._beaten = self._house.clock.monotonic()
        with self._change:
            active = list(self._active.values())
        for run in active:
            try:
                self._house.store.run(run.actor, run.heartbeat)
            except Exception as error:
                self._house.log.error("heartbeat_failed", job=run.job, run=run.id, error=error)
