"""The restore proof: the newest good copy on a medium that is there is restored, and everything in it compared (SPEC 8.5).

Each source says whether what came back is what was copied: rows by table, digests, the check of its database. Files picked at
random are read from the medium once more, each by itself, as a person who misses one would. In the end a praxisd is started on
the restored data, closed to everybody, and asked how it is. Green only if all of it is true; then it is taken away again.
"""

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.model.backup import Figures
from praxisd.model.backup_kept import Drive, MediumKept, SnapshotKept
from praxisd.services.backups import media_rules, source, store
from praxisd.services.backups.engine import Named, Stop
from praxisd.services.backups.plans import sources as planned
from praxisd.services.backups.runs import (
    history,
    keeping,
    proof_start,
    recording,
    recovering,
    staging,
    targets,
)
from praxisd.services.backups.runs.recording import Recorder
from praxisd.services.backups.runs.running import Ending, Failed
from praxisd.services.backups.runs.targets import Target
from praxisd.services.backups.source import Source, SourceFault
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.sqlite import Sqlite

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DIFFERS, NOTHING, NO_MANIFEST = "backups.proof_differs", "backups.proof_nothing", "backups.proof_no_manifest"
NO_ROOM, NOT_OPENED = "backups.proof_no_room", "backups.proof_not_opened"
CODES = (DIFFERS, NOTHING, NO_MANIFEST, NO_ROOM, NOT_OPENED, *proof_start.CODES)
PICKED = 5
"""So many files are fetched once more by themselves."""


def prove(house: "House", recorder: Recorder, stop: Stop) -> Ending:
    """Do the run; EngineFault, SourceFault, Failed, Problem."""
    recorder.step("medium")
    drive, medium, kept = _newest(house, recorder.run.medium)
    target = targets.opened(house, drive, medium)
    recorder.change(medium=kept.medium, slot=medium.medium.slot, snapshot=kept.id)
    into = recovering.fresh(recovering.scratch(house)) / "proof"
    _room(into.parent, kept.figures.bytes * 3 // 2)  # and a database that is joined from its pieces
    recorder.step("restore")
    back = target.engine.restore(target.repo, kept.engine_id, into, progress=recorder.progress, stop=stop)
    recorder.step("compare")
    manifest = manifest_in(house, into)
    named = _named(house, kept, manifest)
    found = prove_folder(house, into, manifest, named=named, stop=stop)
    found += [f"{places.printable(one.path)}: {one.code}" for one in back.named if one.code == "not_restored"]
    recorder.step("pick")
    picked = pick(manifest, {one.path for one in named})
    found += _fetched(target, kept, picked, into.parent / "picked", stop)
    recorder.step("start")
    facts = proof_start.started(house, into, manifest, stop) if not found else {}
    figures = Figures(back.bytes, back.files, 0, 0)
    counts = {"sources": len(manifest["sources"]), "picked": len(picked), "rows": _rows(manifest), **facts}
    if found:
        return Ending(
            "failed", DIFFERS, f"{len(found)}", figures, kept.id, kept.medium,
            tuple(Named(one, "changed") for one in found), facts=counts,
        )  # fmt: skip
    if "notStarted" in facts:
        return Ending("warning", NOT_OPENED, "", figures, kept.id, kept.medium, facts=counts)
    house.store.run(recording.SYSTEM, lambda tx: _proven(tx, kept.id))
    return Ending("good", figures=figures, snapshot=kept.id, medium=kept.medium, facts=counts)


def _named(house: "House", kept: SnapshotKept, manifest: Mapping[str, Any]) -> tuple[Named, ...]:
    """What the run had named: those files need not be as they were when they were staged."""
    with house.store.read(recording.SYSTEM) as tx:
        run = store.RUN.get(tx, kept.run)
    paths = {recording.printed(path): path for told in manifest["sources"] for path in told["hashes"]}
    found = () if run is None else run.named
    return tuple(Named(paths.get(path, path), code) for path, code in found)  # type: ignore[arg-type]


def prove_folder(
    house: "House",
    into: Path,
    manifest: Mapping[str, Any],
    *,
    named: Sequence[Named] = (),
    stop: Stop = lambda: False,
) -> list[str]:
    """What of a state that was restored into `into` is not as its manifest says; empty if all is.

    `named`: files that were known not to be as they should be when it was copied. What differs holds names of files.
    """
    known = {one.name: one for one in _sources(house, planned.sources(house))}
    found: list[str] = []
    for told in manifest["sources"]:
        places.stopped(stop)
        staged = staging.staged_of(told, named)
        one = known.get(told["name"])
        if one is not None and one.kind == told["kind"]:
            found += one.proven(into, staged)
        elif told["kind"] == Sqlite.kind:
            found += Sqlite(told["name"], Path(told["name"])).proven(into, staged)
        else:  # no longer in the plan, or not on this computer: to the byte, then
            skip = {name.path for name in staged.named}
            found += places.changed(
                into, {path: it for path, it in staged.hashes.items() if path not in skip}
            )
    return found


def manifest_in(house: "House", into: Path) -> dict[str, Any]:
    """The manifest of a restored state, wherever the data folder lay when it was copied. Failed `backups.proof_no_manifest`."""
    ours = places.restored(into, recovering.staging(house) / staging.MANIFEST)
    for path in (ours, *_manifests(into)):
        try:
            said = json.loads(places.inside(into, f"/{path.relative_to(into).as_posix()}").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(said, dict) and said.get("version") in staging.READABLE:
            return said
    raise Failed(NO_MANIFEST)


def pick(manifest: Mapping[str, Any], without: set[str]) -> dict[str, str]:
    """A few files at random, with their digests."""
    every = [
        (path, it)
        for told in manifest["sources"]
        if "pieces" not in told.get("facts", {})  # such a file lies in the copy as many
        for path, it in told["hashes"].items()
        if path not in without
    ]
    return dict(random.SystemRandom().sample(every, min(PICKED, len(every))))


def _manifests(into: Path) -> Iterator[Path]:
    yield from into.rglob(f"backups/staging/{staging.MANIFEST}")


def _sources(house: "House", every: Sequence[Source]) -> Iterator[Source]:
    """Those of the plan; our own database on PostgreSQL is restored for its proof, where that is allowed."""
    from praxisd.services.backups.runs import proof_database

    for one in every:
        yield proof_database.provable(house, one)


def _newest(house: "House", medium: str) -> tuple[Drive, MediumKept, SnapshotKept]:
    """The newest good state on a medium that is there. Failed."""
    there = [one for one in targets.reachable(house) if medium in ("", one[1].medium.id)]
    with house.store.read(recording.SYSTEM) as tx:
        states = [
            (drive, one, kept)
            for drive, one in there
            for kept in history.states(tx, one.medium.id)
            if kept.good
        ]
    if not there:
        raise Failed(media_rules.MISSING, facts={"subject": medium})
    if not states:
        raise Failed(NOTHING)
    return max(states, key=lambda one: (one[2].at, one[2].no))


def _room(folder: Path, wanted: int) -> None:
    try:
        places.room(folder, wanted)
    except SourceFault as fault:
        if fault.code == source.NO_SPACE:
            raise Failed(NO_ROOM, fault.detail) from None
        raise


def _fetched(
    target: Target, kept: SnapshotKept, picked: Mapping[str, str], into: Path, stop: Stop
) -> list[str]:
    """Each of these files fetched by itself, and its digest."""
    if not picked:
        return []
    target.engine.restore(
        target.repo, kept.engine_id, into, only=list(picked), progress=lambda _done, _whole: None, stop=stop
    )
    found = places.changed(into, picked)
    shutil.rmtree(into, ignore_errors=True)
    return found


def _rows(manifest: Mapping[str, Any]) -> int:
    return sum(sum(told["counts"].values()) for told in manifest["sources"])


def _proven(tx: Any, id: str) -> None:
    kept = store.SNAPSHOT.get(tx, id)
    if kept is not None:
        keeping.put(tx, msgspec.structs.replace(kept, proven=tx.now))
