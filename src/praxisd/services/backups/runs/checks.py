"""What is wrong with the runs: one that failed and was not made up for, a proof that is missing, a medium never read whole.

Each thing stays true until a later run of the same kind ends well. A medium that is missing now is said by the plan's checks;
here stands only that a backup was not made because of it.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from praxisd.kernel import jobs as kernel_jobs
from praxisd.kernel.access import Actor
from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.model.backup import Word
from praxisd.model.backup_kept import MediumKept, RunKept
from praxisd.services.backups import anomaly_rules, engine, media_rules, source, store
from praxisd.services.backups.keys import opening
from praxisd.services.backups.plans import labels, media, planning
from praxisd.services.backups.plans.rights import MANAGE
from praxisd.services.backups.runs import (
    backing,
    history,
    holding,
    jobs,
    keeping,
    protected_rules,
    proving,
    queueing,
    recording,
    running,
    verify_rules,
)
from praxisd.services.backups.sources import quiet
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NOT_MADE, FAILED = "backups.run_not_made", "backups.run_failed"
PROOF_OLD, READ_OLD, JOB_OFF = "backups.proof_old", "backups.read_old", "backups.job_off"
BROKEN = "backups.run_medium_damaged"
_MEDIA = {*media_rules.CODES, media.AWAY, media.NEEDED, media.TARGET_HELD, engine.FULL, engine.READ_ONLY}
_OWN = (
    *(one for one in engine.CODES if one not in (engine.ENGINE_MISSING, engine.ENGINE_OLD, *_MEDIA)),
    *source.OWN_CODES,
    *proving.CODES,
    *queueing.CODES,
    opening.LATER,
    recording.STOPPED,
    running.CRASHED,
    backing.NAMED,
    backing.NO_SOURCE,
    backing.SHORT,
    keeping.NOT_DROPPED,
    keeping.MISSING,
)
CODES = tuple(dict.fromkeys((*_OWN, *anomaly_rules.CODES, NOT_MADE, FAILED, PROOF_OLD, READ_OLD, BROKEN)))
_GRAVE = dict.fromkeys(CODES, Severity.ERROR) | dict.fromkeys(
    (*anomaly_rules.CODES, PROOF_OLD, READ_OLD, backing.NAMED, keeping.NOT_DROPPED, proving.NOT_OPENED),
    Severity.WARNING,
)
"""A copy that was made, and of which something is to be known, is a warning; one that was not is an error."""
_RECENT = 400


def runs(house: "House") -> Iterator[Finding]:
    """The newest run of each kind and job; media that are damaged; anomalies; what is too old."""
    with house.store.read(recording.SYSTEM) as tx:
        used = {one.medium.id: one for one in store.MEDIUM.all(tx) if not one.medium.retired}
        broken = {id for id in used if verify_rules.doubted(history.states(tx, id))}
        for id in sorted(broken):
            yield Finding(BROKEN, id, Severity.ERROR, {"label": used[id].medium.label})
        for run in _newest(tx):
            if run.kind == "backup" or _still(run, used, broken):
                yield from _of_run(house, tx, run)
        yield from _old(house, tx)


def _newest(tx: "Tx") -> Iterator[RunKept]:
    """The newest of each job, of each medium that was read, and the newest proof."""
    seen: set[tuple[str, str]] = set()
    for run in store.RUN.newest(tx, _RECENT):
        name = (run.kind, run.medium if run.kind == "verify" else run.job or "")
        if run.ended is None or run.kind in ("restore", "move") or name in seen:
            continue
        if run.state == "interrupted" and run.code != recording.STOPPED and _again(tx, run):
            continue
        if run.kind != "backup" and (run.code in _MEDIA or run.code == recording.STOPPED):
            continue  # a reading or proof that never came to an end: what it would have said an older one says
        seen.add(name)
        yield run


def _still(run: RunKept, used: Mapping[str, MediumKept], broken: Collection[str]) -> bool:
    """Does a reading or proof say more than that its medium is damaged, which is told by itself, or gone from the list?"""
    if run.kind == "verify" and run.medium and run.medium not in used:
        return False
    return not (run.code == engine.DAMAGED and run.medium in broken)


def _again(tx: "Tx", run: RunKept) -> bool:
    """Does another try of it wait or work?"""
    return any(
        one.facts.get("againOf") == run.id
        for state in ("waiting", "running")
        for one in store.RUN.by(tx, "state", state)
    )


def _of_run(house: "House", tx: "Tx", run: RunKept) -> Iterator[Finding]:
    subject = run.job or (f"{run.kind}/{run.medium}" if run.medium else run.kind)
    params = _params(house, tx, run)
    if run.state in ("failed", "interrupted"):
        if run.code in _MEDIA:
            yield Finding(NOT_MADE, subject, Severity.ERROR, {**params, "reason": _title(run)})
        elif run.code in _OWN and not (run.kind == "backup" and run.code == engine.DAMAGED):
            yield Finding(run.code, subject, Severity.ERROR, params)
        else:
            yield Finding(FAILED, subject, Severity.ERROR, {**params, "reason": _title(run)})
        return
    if run.state == "warning" and run.code in _OWN:
        grave = run.code == keeping.MISSING
        yield Finding(run.code, subject, Severity.ERROR if grave else Severity.WARNING, params)
    for word in unusual(tx, run):
        yield Finding(word.code, subject, Severity.WARNING, dict(word.params))


def unusual(tx: "Tx", run: RunKept) -> list[Word]:
    """What of a backup is far from what its job usually comes to; first runs onto a medium are left out on both sides."""
    if (
        run.kind != "backup"
        or run.figures is None
        or run.first_on_medium
        or run.state not in ("good", "warning")
    ):
        return []
    earlier = [
        one.figures
        for one in store.RUN.by(tx, "kind", "backup", most=_RECENT)
        if one.job == run.job
        and one.id != run.id
        and one.asked <= run.asked
        and one.state == "good"
        and one.figures is not None
        and not one.first_on_medium
    ]
    return anomaly_rules.unusual(run.figures, earlier[::-1])


def _old(house: "House", tx: "Tx") -> Iterator[Finding]:
    """A proof every month, and every medium read whole from time to time."""
    kept = planning.plan(tx)
    if kept is None or kept.plan.variant == "external":
        return
    proofs = [one for one in store.RUN.by(tx, "kind", "prove", most=60) if one.state == "good"]
    last = proofs[0].ended if proofs else None
    if tx.now - (last or kept.at) > protected_rules.PROOF_OLD_S:
        yield Finding(
            PROOF_OLD, "", Severity.WARNING, {"days": (tx.now - (last or kept.at)) // verify_rules.DAY_S}
        )
    for one in store.MEDIUM.all(tx):
        medium = one.medium
        if medium.retired or medium.held or medium.written is None or medium.slot.startswith("image_"):
            continue
        read = verify_rules.last_full(history.states(tx, medium.id))
        if verify_rules.old(medium.kind, read, tx.now, one.created):
            days = (tx.now - (read or one.created)) // verify_rules.DAY_S
            yield Finding(READ_OLD, medium.id, Severity.WARNING, {"label": medium.label, "days": days})


def _params(house: "House", tx: "Tx", run: RunKept) -> dict[str, Any]:
    """What texts may name: the job, and what the medium is called, or the slot where no medium was found."""
    said = run.facts.get("params")
    job = {"text": f"backups.job_name.{run.job}"} if run.job else {"text": f"backups.run_kind.{run.kind}"}
    medium = store.MEDIUM.get(tx, run.medium) if run.medium else None
    label = medium.medium.label if medium is not None else labels.label(house, run.slot) if run.slot else "–"
    return {**(said if isinstance(said, dict) else {}), "job": job, "label": label, "count": run.named_count}


def _title(run: RunKept) -> dict[str, Any]:
    said = run.facts.get("params")
    return {"text": f"{run.code}.title", "values": said if isinstance(said, dict) else {}}


def switched_on(house: "House") -> Iterator[Finding]:
    """A plan is in force, and one of its jobs is off."""
    with house.store.read(recording.SYSTEM) as tx:
        kept = planning.plan(tx)
        if kept is None:
            return
        off = {one.name for one in kernel_jobs.list_jobs(house, tx) if not one.enabled}
        for name in wanted(kept.plan.variant):
            if name in off:
                yield Finding(JOB_OFF, name, Severity.ERROR, {"job": {"text": f"job.{name}.title"}})


def wanted(variant: str) -> tuple[str, ...]:
    """The jobs that a plan needs: a copy for other software is verified by itself and proven by that."""
    return (jobs.RUN,) if variant == "external" else jobs.NAMES


def switch_on(house: "House", _actor: Actor, subject: str, _params: Mapping[str, Any]) -> None:
    """Switch the job on again."""
    if subject in jobs.NAMES:
        house.store.run(recording.SYSTEM, lambda tx: kernel_jobs.change(house, tx, subject, enabled=True))


def windows(house: "House") -> Iterator[Finding]:
    """Programs that were stopped for a copy by a praxisd that is gone: they are started again; what cannot be is told."""
    marks = house.folder / "backups" / "quiet"
    if not marks.is_dir() or not any(marks.iterdir()):
        return
    with holding.working(house) as held:
        if held is None:  # a run is at work; the mark is its own
            return
        found = quiet.reopen(marks)
    for name, fault in found.items():
        if fault is not None:
            yield Finding(source.NOT_RESTARTED, name, Severity.ERROR, {"label": name})


CHECKS = (
    Check("backups.runs", CODES, runs, seconds=15.0, grave=_GRAVE),
    Check("backups.jobs", (JOB_OFF,), switched_on, grave=Severity.ERROR),
    Check(
        "backups.windows",
        (source.NOT_RESTARTED,),
        windows,
        seconds=60.0,
        place=diagnosis.own_host,
        grave=Severity.ERROR,
    ),
)
FIXES = (Fix(JOB_OFF, switch_on, MANAGE),)
