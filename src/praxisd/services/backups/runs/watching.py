"""At the start of praxisd what a cut-off run has left is taken up; a plan that comes into force switches its jobs on."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel import job_plan
from praxisd.kernel import jobs as kernel_jobs
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.service import Handler
from praxisd.services.backups import engine_checks
from praxisd.services.backups.plans import planning
from praxisd.services.backups.runs import asking, checks, recording, recovering

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def start(house: "House") -> None:
    """The engine is asked for only where a plan needs it; the job looks at once if there is anything of an earlier run."""
    house.shared[engine_checks.PLANNED] = planning.planned
    if recovering.left_over(house):
        house.store.run(recording.SYSTEM, asking.wake)


def switch_on(house: "House", tx: "Tx", _event: Any) -> None:
    """A plan has come into force: its jobs run from now on. A person may switch one off again; `backups.job_off` says so."""
    kept = planning.plan(tx)
    if kept is None:
        return
    own, tx.organization = tx.organization, INSTALLATION
    try:
        for name in checks.wanted(kept.plan.variant):
            if not kernel_jobs.get_job(house, tx, name).enabled:
                kernel_jobs.change(house, tx, name, enabled=True)
        job_plan.soon(tx, asking.JOB)
    finally:
        tx.organization = own


HANDLERS = (Handler("backups.switch_on", (planning.CHANGED,), switch_on),)
