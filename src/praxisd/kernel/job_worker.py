"""The Worker of a node: turns due plans into runs, claims runs that wait, and does them in a bounded pool
of threads.
"""

import threading
from typing import TYPE_CHECKING, Any

from praxisd.kernel import job_store as rows
from praxisd.kernel.access import system
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.job_run import LEASE_S, Cancelled, Interrupted, LeaseLost, RunContext, claim, lapsed

if TYPE_CHECKING:
    from praxisd.kernel.app import House


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

    def step(self) -> int:
        """One round: due plans become runs, runs that wait are started. Returns how much there was to do."""
        if self._stop.is_set():
            return 0
        if self._house.clock.monotonic() - self._beaten >= LEASE_S / 3:
            self._renew()
        return self._planner.step() + self._start_waiting()

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

    def _start_waiting(self) -> int:
        done = 0
        with self._house.store.read(system("jobs")) as tx:
            now = tx.lease_now()
            found = tx.all(rows.CLAIMABLE)
        for row in found:
            with self._change:
                full = len(self._active) >= self._threads or row.id in self._active
            if full or row.job not in self._house.registry.jobs:
                continue
            if row.state == "running" and not lapsed(self._house, row, now):
                continue
            done += self._try(row)
        return done

    def _try(self, row: Any) -> int:
        """Claim one run and hand it to a thread; 1 if something changed."""
        house = self._house
        try:
            run = house.store.run(
                system("jobs", row.organization), lambda tx: claim(house, tx, row.id), tries=2
            )
        except (Violation, Conflict):  # another node claimed a run of the same job in this moment
            return 0
        if run is None:
            return int(row.state == "running")
        with self._change:
            self._active[run.id] = run
            if self._stop.is_set():  # between claim and start: the job leaves at its first checkpoint
                run.stop()
            if self._heart is None:
                self._heart = threading.Thread(target=self._beat, name="praxisd-job-heart", daemon=True)
                self._heart.start()
        # A daemon of its own: a job that never comes to a checkpoint must not hold up the end of the process.
        threading.Thread(target=self._work, args=(run,), name=f"praxisd-job-{run.job}", daemon=True).start()
        return 1

    def _work(self, run: RunContext) -> None:
        """Call the job's function and write the outcome; runs in a thread of the pool."""
        log = self._house.log
        state, code = "success", None
        try:
            self._house.registry.jobs[run.job].call(run)
        except LeaseLost:
            log.warning("run_lost", job=run.job, run=run.id, fence=run.fence)
            self._leave(run, None, None)
            return
        except Cancelled:
            state = "cancelled"
        except Interrupted:
            state = "interrupted"
        except Problem as problem:
            state, code = "failed", problem.code
            log.warning("run_failed", job=run.job, run=run.id, code=code)
        except Exception as error:
            state, code = "failed", "jobs.crashed"
            log.error("run_crashed", job=run.job, run=run.id, error=error)
        self._leave(run, state, code)

    def _leave(self, run: RunContext, state: str | None, code: str | None) -> None:
        try:
            if state is not None and not run.end(state, code):
                self._house.log.warning("run_lost", job=run.job, run=run.id, fence=run.fence)
        except (
            Exception
        ) as error:  # the database is away: the lease lapses and the run goes on from its cursor
            self._house.log.error("run_end_failed", job=run.job, run=run.id, error=error)
        finally:
            with self._change:
                self._active.pop(run.id, None)
                self._change.notify_all()

    def _beat(self) -> None:
        """Every third of a lease, a sign of life for each run at work."""
        while not self._stop.wait(LEASE_S / 3):
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
