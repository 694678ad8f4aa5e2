"""The running house on both engines: its threads bring events to handlers, run jobs and checks, and end in
time.
"""

import threading
import time
from dataclasses import replace

from praxisd.kernel import events, jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import State
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import Handler
from praxisd.testing.houses import Houses
from praxisd.testing.trials import job, noted, run_log, with_jobs

ACTOR = system("test")


def test_the_threads_of_a_house_do_their_work(houses: Houses) -> None:
    handled, ran, started = threading.Event(), threading.Event(), threading.Event()
    base = with_jobs(job("trial.one", lambda _r: ran.set(), enabled=False))
    kernel, trial = base.services
    handler = Handler("trial", ("job.changed",), lambda _h, _tx, _e: handled.set())
    service = replace(trial, handlers=(handler,), start=lambda _h: started.set())
    house = houses.open(Registry((kernel, service), base.texts), SystemClock())
    assert house.state is State.STARTING
    house.start_work()
    assert started.is_set()
    deadline = time.monotonic() + 60
    while not run_log_ready(house) and time.monotonic() < deadline:
        time.sleep(0.02)
    with house.store.write(ACTOR) as tx:
        events.note(tx, "job.changed", "Job", "x")
        jobs.run_now(house, tx, "trial.one")
    begun = time.monotonic()
    assert handled.wait(30)
    assert ran.wait(30)
    assert time.monotonic() - begun < 20
    while "run.finished" not in noted(house) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [r.state for r in run_log(house)] == ["success"]
    with house.store.read(ACTOR) as tx:
        assert events.cursor(tx, "clock:highest") > 0  # the checks have been at work
    begun = time.monotonic()
    house.stop()
    assert time.monotonic() - begun < 20
    assert house.stopping
    assert house.state is State.STOPPING


def run_log_ready(house: object) -> bool:
    """True once the worker has made the row of the job, and the checker has looked at the clock."""
    with house.store.read(ACTOR) as tx:  # type: ignore[attr-defined]
        rows = jobs.list_jobs(house, tx)  # type: ignore[arg-type]
        return bool(rows) and events.cursor(tx, "clock:highest") > 0
