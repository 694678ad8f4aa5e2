"""A backup: sources are staged, copied onto the medium, looked at again, verified; old states are dropped; all is recorded.

It is green only if every source was there, nothing changed while it was read, the copy holds as many files as the sources
brought, and it was verified (SPEC 8.1, 8.8). Nothing is dropped from a medium whose newest copy is not verified.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunState, SnapshotKept, Verified
from praxisd.services.backups import engine, snapshot, store
from praxisd.services.backups.engine import EngineFault, Named, Snapshot, Stop
from praxisd.services.backups.plans import planning
from praxisd.services.backups.runs import copying, history, keeping, recording, staging, targets, verify_rules
from praxisd.services.backups.runs.recording import Recorder
from praxisd.services.backups.runs.running import Ending, Failed
from praxisd.services.backups.runs.staging import Brought
from praxisd.services.backups.runs.targets import Target

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NAMED, NO_SOURCE, SHORT = "backups.run_named", "backups.run_no_source", "backups.run_short"
CODES = (NAMED, NO_SOURCE, SHORT, keeping.NOT_DROPPED, keeping.MISSING)
_HARMLESS = ("special",)
"""No copy holds a socket, and none needs to."""


def back_up(house: "House", recorder: Recorder, stop: Stop) -> Ending:
    """Do the run; EngineFault, SourceFault, Failed, Problem."""
    if recorder.run.job == "snapshot":
        return _external(house, recorder, stop)
    recorder.step("medium")
    target = targets.target(house, recorder.run)
    medium = target.medium.medium.id
    recorder.change(medium=medium, slot=recorder.run.slot or target.medium.medium.slot)
    missing = keeping.reconcile(house, target)
    recorder.step("stage")
    from praxisd.services.backups.plans import sources

    chosen = sources.sources(house)
    with house.store.read(recording.SYSTEM) as tx:
        plan = planning.plan(tx)
        before = store.SNAPSHOT.by(tx, "medium", medium)
        at = tx.now
    no = 1 + max((one.no for one in before), default=0)
    behind = keeping.behind(at, before)
    tags = (f"run={recorder.run.id}", f"medium={medium}", f"no={no}", f"day={recorder.run.day}")

    def manifest(brought: Brought) -> Path:
        if not brought.staged:
            first = brought.faults[0][1] if brought.faults else None
            raise Failed(NO_SOURCE if first is None else first.code, "" if first is None else first.detail)
        recorder.facts(whole=not brought.faults)  # known also of a run that is cut off from here on
        written = staging.manifest(
            house, brought, run=recorder.run.id, at=at, day=recorder.run.day, plan=plan, medium=medium, no=no
        )
        recorder.step("copy")
        return written

    def copy(paths: Sequence[Path], ready: Future[Any] | None, stop: Stop) -> Snapshot:
        return target.engine.back_up(
            target.repo,
            paths,
            tags=(*tags, "behind") if behind else tags,
            at=at,
            host=house.config.instance,
            progress=recorder.progress,
            stop=stop,
            ready=ready,
            parent=_parent(before),
        )

    brought, made = copying.copied(house, chosen, recorder, manifest, copy, stop)
    kept = house.store.run(
        recording.SYSTEM, lambda tx: _record(house, tx, recorder, target, made, no=no, behind=behind)
    )
    with ThreadPoolExecutor(1, thread_name_prefix="praxisd-counting") as beside:
        since, files = beside.submit(brought.since), beside.submit(brought.files)
        depth, fault = _verify(house, recorder, target, stop)
        named = tuple(dict.fromkeys((*brought.named, *made.named, *since.result())))
        short = files.result() + 1 - made.files - len(named)  # 1: the manifest
    if fault is None and short > 0:
        recorder.facts(whole=False)  # reading all of the medium makes this state no better
        fault = EngineFault(SHORT, str(short))
    whole = not brought.faults and fault is None
    good = house.store.run(recording.SYSTEM, lambda tx: _judged(tx, kept.id, depth, good=whole))
    if missing:
        recorder.facts(params={"label": target.medium.medium.label})
    ending = _ending(recorder, brought, made, named, fault, kept, first=not before, missing=missing)
    if whole:
        ending = keeping.drop(house, recorder, target, plan, ending, stop)
    _after(house, recorder, target, ending, good)
    return ending


def _parent(before: Sequence[SnapshotKept]) -> str:
    """The state on the medium by which the engine knows what has not changed: the newest good one, else the newest.

    Its paths need not be the same, so a source that fails, or is new, has nothing else read anew.
    """
    there = [one for one in before if one.gone is None]
    return max(there, key=lambda one: (one.good, one.at, one.no)).engine_id if there else ""


def _record(
    house: "House", tx: "Tx", recorder: Recorder, target: Target, made: Snapshot, *, no: int, behind: bool
) -> SnapshotKept:
    """The state stands in the table as soon as it is on the medium; good it is not before it was verified."""
    from praxisd.services.backups.keys import keeping as keys

    recorder.mine(tx)
    medium = target.medium.medium.id
    kept = SnapshotKept(
        id=f"{medium}/{made.id}",
        medium=medium,
        engine_id=made.id,
        no=no,
        at=made.at,
        run=recorder.run.id,
        day=recorder.run.day,
        figures=_figures(recorder, made, tx.now),
        opened_by=keys.opened_by(tx, medium),
        good=False,
        behind=behind,
    )
    keeping.put(tx, kept)
    return kept


def _verify(
    house: "House", recorder: Recorder, target: Target, stop: Stop
) -> tuple[Verified, EngineFault | None]:
    """Read what was written, as deep as it is due. What stops it stops the run."""
    with house.store.read(recording.SYSTEM) as tx:
        states = history.states(tx, target.medium.medium.id)
        last, doubted = verify_rules.last_full(states), verify_rules.doubted(states)
        kind, since = target.medium.medium.kind, target.medium.created
        depth = verify_rules.depth(kind, last, tx.now, since, doubted=doubted)
    recorder.step("verify")
    try:
        target.engine.verify(target.repo, depth, progress=recorder.progress, stop=stop)
    except EngineFault as fault:
        if fault.code == engine.INTERRUPTED:
            raise
        fault = targets.told(house, target.medium.medium.id, fault)
        if fault.code == engine.DAMAGED:
            keeping.doubt(house, target.medium.medium.id)
        return "none", fault
    return depth, None


def _judged(tx: "Tx", id: str, depth: Verified, *, good: bool) -> SnapshotKept | None:
    kept = store.SNAPSHOT.get(tx, id)
    if kept is None:
        return None
    at = tx.now if depth != "none" else None
    judged = msgspec.structs.replace(kept, good=good, verified=depth, verified_at=at)
    keeping.put(tx, judged)
    if depth == "all":
        keeping.verified(tx, kept.medium, tx.now)
    return judged


def _ending(
    recorder: Recorder,
    brought: Brought,
    made: Snapshot,
    named: tuple[Named, ...],
    fault: EngineFault | None,
    kept: SnapshotKept,
    *,
    first: bool,
    missing: int,
) -> Ending:
    """Green only if all of it is true; else the gravest of what is not."""
    state: RunState = "good"
    code = detail = ""
    grave = tuple(one for one in named if one.code not in _HARMLESS)
    if grave:
        state, code, detail = "warning", NAMED, str(len(grave))
    if missing:
        state, code, detail = "warning", keeping.MISSING, str(missing)
    if fault is not None:
        state, code, detail = "failed", fault.code, fault.detail
    if brought.faults:
        state, code = "failed", brought.faults[0][1].code
        detail = f"{brought.faults[0][0]}: {brought.faults[0][1].detail}".strip(": ")
    return Ending(
        state,
        code,
        detail,
        kept.figures,
        kept.id,
        kept.medium,
        named,
        first_on_medium=first,
        retry=fault is not None and fault.retry,
        facts={
            "sources": brought.facts(),
            "no": kept.no,
            "named": len(named),
            "whole": not brought.faults and (fault is None or fault.code != SHORT),
            "missing": missing,
        },
    )


def _after(
    house: "House", recorder: Recorder, target: Target, ending: Ending, judged: SnapshotKept | None
) -> None:
    """The medium was written: since when, where it is; out with it where the drive can."""
    from praxisd.services.backups.plans import media

    def note(tx: "Tx") -> None:
        recorder.mine(tx)
        if judged is not None and judged.good:
            media.written(tx, judged.medium, tx.now, recorder.run.slot)

    house.store.run(recording.SYSTEM, note)
    if ending.state in ("good", "warning") and target.drive.eject and target.drive.kind == "removable":
        media.eject(target.drive)


def _figures(recorder: Recorder, made: Snapshot, now: int) -> Figures:
    began = recorder.run.began or now
    return Figures(bytes=made.bytes, files=made.files, added=made.added, seconds=max(0, now - began))


def _external(house: "House", recorder: Recorder, stop: Stop) -> Ending:
    """The plan of a practice with a backup software of its own: a verified copy in a folder."""
    from praxisd.services.backups.plans import media

    to, fault = targets.folder(house)
    if to is None or fault is not None:
        code, params = (media.AWAY, {}) if fault is None else (fault.code, dict(fault.params))
        raise Failed(code, retry=code == media.AWAY, facts={"params": params})
    recorder.step("stage")
    taken = snapshot.take(house, to, progress=recorder.progress, stop=stop)
    figures = Figures(bytes=taken.bytes, files=taken.files, added=taken.bytes, seconds=round(taken.seconds))
    return Ending("good", figures=figures, facts={"rows": taken.rows})
