"""A throw-away service whose jobs the kernel's tests run; what the jobs do is handed in by each test."""

from collections.abc import Callable
from typing import Any

from praxisd.kernel import events, jobs, schedule
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.house import SERVICE
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.job_worker import Worker
from praxisd.kernel.jobs import Run
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import JobType, Scope, Service

HOURLY = schedule.Daily(schedule.Repeat(60, "00:00", "23:00"))
NIGHTLY = schedule.Daily(schedule.At("02:30"))


def with_jobs(*jobs: JobType) -> Registry:
    """The kernel without jobs of its own, and a service `trial` with these. Texts of the trial are not
    asked for.
    """
    kernel = Service(**{f: getattr(SERVICE, f) for f in SERVICE.__dataclass_fields__} | {"jobs": ()})
    base = freeze((kernel,))
    trial = Service(name="trial", package="praxisd.kernel", jobs=jobs)
    return Registry((kernel, trial), base.texts)


def job(name: str, call: Callable[[Any], None], plan: schedule.Plan = HOURLY, **more: Any) -> JobType:
    """An enabled job of the installation, so that tests need no practice."""
    return JobType(name, call, plan, **{"enabled": True, "per": Scope.INSTALLATION, **more})


def worker_of(house: House) -> Worker:
    """The worker of a house whose threads do not run; it is stopped with the house."""
    found: Worker = house.shared.setdefault("worker", Worker(house))
    return found


def settle(house: House, worker: Worker | None = None) -> Worker:
    """Step until there is nothing to do and no run is at work."""
    worker = worker or worker_of(house)
    for _ in range(100):
        busy = worker.step()
        if not worker.wait_idle(10):
            raise AssertionError("a run does not end")
        if not busy:
            return worker
    raise AssertionError("the worker never comes to rest")


def run_log(
    house: House, name: str = "trial.one", organization: str = INSTALLATION, **filters: Any
) -> list[Run]:
    """The run log, oldest first; filters as in `jobs.runs`."""
    with house.store.read(system("test", organization)) as tx:
        return jobs.runs(house, tx, name, limit=500, **filters)[::-1]


def noted(house: House, organization: str = INSTALLATION) -> list[str]:
    """Types of all events of an organization, oldest first."""
    with house.store.read(system("test", organization)) as tx:
        return [e.type for e in events.since(tx, 0)]


def done(_run: RunContext) -> None:
    """A job that has nothing to do."""
