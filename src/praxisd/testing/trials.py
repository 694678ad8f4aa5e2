"""A throw-away service whose jobs the kernel's tests run; what the jobs do is handed in by each test."""

from collections.abc import Callable
from typing import Any

from praxisd.kernel import schedule
from praxisd.kernel.app import House
from praxisd.kernel.house import SERVICE
from praxisd.kernel.job_worker import Worker
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
