"""A run is asked for: it waits in the table until whoever works at the backups takes it. Nothing is done here."""

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, job_plan, leases
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.model.backup import Job
from praxisd.model.backup_kept import RunKept, RunKind
from praxisd.services.backups import store
from praxisd.services.backups.plans import planning
from praxisd.services.backups.runs import recording

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

JOB = "backups.run"
SUBJECT = "BackupRun"
ENDED = "backups.run_ended"
CODES = (ENDED,)
ATTEMPTS = 3
"""So often a run that was cut off, or whose target was away for a moment, is begun in all."""


def ask(
    house: "House",
    tx: "Tx",
    kind: RunKind,
    *,
    job: Job | None = None,
    day: date | None = None,
    slot: str = "",
    medium: str = "",
    by: str,
    facts: dict[str, Any] | None = None,
    id: str = "",
) -> RunKept:
    """A run that waits, and the job that will take it is woken. `day`: its backup day, today if not given.

    Who clicks twice gets the run that waits already, and one that waits for its next try need not wait longer then; a restore
    is always one of its own. The transaction writes.
    """
    day = day or planning.today(house, tx)
    told = facts or {}
    same = None if kind in ("restore", "move") else _waiting(tx, kind, job, slot, medium, day)
    if same is not None:
        if by != "plan" and "againOf" not in told and "notBefore" in same.facts:
            kept = {name: value for name, value in same.facts.items() if name != "notBefore"}
            same = recording.put(tx, msgspec.structs.replace(same, facts=kept))
            wake(tx)
        return same
    run = RunKept(
        id=id or new_id(),
        kind=kind,
        day=day,
        by=by,
        asked=tx.now,
        job=job,
        slot=slot,
        medium=medium,
        facts=told,
    )
    recording.put(tx, run)
    events.note(tx, "backup.asked", SUBJECT, run.id, kind=kind, job=job or "")
    wake(tx)
    return run


def again(house: "House", tx: "Tx", run: RunKept, *, wait_s: int = 0) -> RunKept | None:
    """The same once more, where that is sensible: None after three times, and for what a person has to begin."""
    attempt = int(run.facts.get("attempt", 1))
    if run.kind in ("restore", "move") or attempt >= ATTEMPTS:
        return None
    facts = {"againOf": run.id, "attempt": attempt + 1}
    if wait_s:
        facts["notBefore"] = tx.now + wait_s
    facts |= {name: run.facts[name] for name in ("byHand", "depth") if name in run.facts}
    return ask(
        house,
        tx,
        run.kind,
        job=run.job,
        day=run.day,
        slot=run.slot if run.kind == "backup" else "",
        medium=str(run.facts.get("wanted", run.medium)),
        by=run.by,
        facts=facts,
    )


def stop(tx: "Tx", id: str, by: str) -> RunKept:
    """End a run: one that waits at once, one at work within seconds. Problems `http.not_found`, `backups.run_ended` (409)."""
    run = store.RUN.get(tx, id)
    if run is None:
        raise not_found(SUBJECT)
    if run.state == "waiting":
        events.note(tx, "backup.stopped", SUBJECT, id, kind=run.kind)
        return recording.close(tx, run, "interrupted", recording.STOPPED)
    if run.state != "running":
        raise Problem(ENDED, 409)
    own, tx.organization = tx.organization, INSTALLATION
    try:
        leases.acquire(tx, _mark(id), by, 86_400)
    finally:
        tx.organization = own
    events.note(tx, "backup.stopped", SUBJECT, id, kind=run.kind)
    return run


def stopped(tx: "Tx", id: str) -> bool:
    """Did a person ask for its end?"""
    return leases.current(tx, _mark(id), INSTALLATION) is not None


def wake(tx: "Tx") -> None:
    """Let the job look at once."""
    own, tx.organization = tx.organization, INSTALLATION
    try:
        job_plan.soon(tx, JOB)
    finally:
        tx.organization = own


def _mark(id: str) -> str:
    return f"backups.stop/{id}"


def _waiting(tx: "Tx", kind: RunKind, job: Job | None, slot: str, medium: str, day: date) -> RunKept | None:
    for one in store.RUN.by(tx, "state", "waiting"):
        if (one.kind, one.job, one.slot, one.medium, one.day) == (kind, job, slot, medium, day):
            return one
    return None
