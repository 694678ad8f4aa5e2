"""Background work of the relay: old accesses are deleted."""

from typing import TYPE_CHECKING

from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType
from praxisd.services.relay import access_store, settings

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

DAY_S = 86_400


def clean(run: "RunContext") -> None:
    """Delete accesses older than `relay.log_days`, in chunks. Counts `deleted`."""
    with run.read() as tx:
        before = tx.now - int(run.house.settings.get(tx, settings.LOG_DAYS)) * DAY_S
    while True:
        run.stop_if_asked()
        done = run.house.store.run(run.actor, lambda tx: access_store.clean(tx, before))
        if not done:
            return
        run.checkpoint(deleted=done)


JOBS = (JobType("relay.clean", clean, Daily(At("03:40")), enabled=True, missed="once"),)
