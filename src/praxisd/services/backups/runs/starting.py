"""„Back up now“: which run a person means, asked for; where no job runs (safe mode) a thread of this server does it."""

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem, not_found
from praxisd.model.backup import Job
from praxisd.model.backup_kept import PlanKept, RunKept, RunKind
from praxisd.services.backups import plan_rules, store
from praxisd.services.backups.plans import media, plan_view, planning
from praxisd.services.backups.runs import asking, overview, queueing

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NO_JOB = "backups.run_no_job"
CODES = (NO_JOB,)
_WEEK = 8


def now(house: "House", tx: "Tx", *, job: Job | None, medium: str, by: str) -> RunKept:
    """Ask for a backup now. Problems `backups.no_plan` (404), `backups.run_no_job` (409), `http.not_found`.

    With a job: into the slot it has today (of the next day it is planned for, if not today). With a medium: onto that one.
    Else what is to be done next: today's run that waits for a click, else where something is always there.
    """
    kept = planning.plan(tx)
    if kept is None:
        raise Problem(plan_view.NO_PLAN, 404)
    if medium:
        wanted = media.need(tx, medium).medium
        use = next((one.use for one in plan_rules.slots(kept.plan) if one.id == wanted.slot), None)
        named = next((one.name for one in kept.plan.jobs if one.use == use), kept.plan.jobs[0].name)
        return _ask(house, tx, named, wanted.slot, medium, by)
    chosen = job or _chosen(house, tx, kept)
    slot = _slot(house, tx, kept, chosen)
    if slot is None:
        raise Problem(NO_JOB, 409)
    return _ask(house, tx, chosen, slot, "", by)


def read(house: "House", tx: "Tx", kind: RunKind, medium: str, by: str) -> RunKept:
    """Ask for a reading in full (`verify`) or a restore proof (`prove`). `http.not_found` for a medium that nobody knows."""
    if medium and store.MEDIUM.get(tx, medium) is None:
        raise not_found(media.SUBJECT)
    run = asking.ask(house, tx, kind, medium=medium, by=by, facts={"byHand": True})
    _without_job(house, tx)
    return run


def _ask(house: "House", tx: "Tx", job: Job, slot: str, medium: str, by: str) -> RunKept:
    run = asking.ask(house, tx, "backup", job=job, slot=slot, medium=medium, by=by, facts={"byHand": True})
    _without_job(house, tx)
    return run


def _without_job(house: "House", tx: "Tx") -> None:
    if house.safe:
        tx.after(
            lambda: threading.Thread(target=_work, args=(house,), name="praxisd-backup", daemon=True).start()
        )


def _work(house: "House") -> None:
    try:
        queueing.work(house, stop=lambda: house.stopping)
    except Exception as error:
        house.log.error("backup_not_begun", error=error)


def _chosen(house: "House", tx: "Tx", kept: PlanKept) -> Job:
    due = overview.upcoming(house, tx, kept)
    if due is not None and due.run.start == "desk" and due.run.day == planning.today(house, tx, kept):
        return due.run.job
    always = next((one.name for one in kept.plan.jobs if one.use not in plan_rules.BY_HAND), None)
    return always or kept.plan.jobs[0].name


def _slot(house: "House", tx: "Tx", kept: PlanKept, job: Job) -> str | None:
    today = planning.today(house, tx, kept)
    closed = planning.closed(house, tx, today, today + timedelta(days=_WEEK))
    for number in range(_WEEK):
        for one in plan_rules.runs_on(kept.plan, today + timedelta(days=number), closed):
            if one.job == job:
                return one.slot
    return None
