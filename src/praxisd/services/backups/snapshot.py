"""The plan „external“: a verified copy of praxisd's own data in a folder, for a backup software of the practice (SPEC 8.1).

DIR/praxisd/          the newest copy, always whole: exchanged with the one before in one step
    manifest.json     what it holds: rows, digests, versions, when
    database/         the database, as a file of SQLite or a dump of PostgreSQL
    own/              configuration, vault key, product files, list of plug-ins
"""

import ctypes
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd import __version__
from praxisd.kernel.errors import Problem
from praxisd.services.backups import source
from praxisd.services.backups.engine import Progress, Stop
from praxisd.services.backups.source import Source, SourceFault, Staged
from praxisd.services.backups.sources import hashing, places
from praxisd.services.backups.sources.own import own_sources
from praxisd_guard.durable import discard, move, put_json, read_json, sync_folder, sync_tree

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME, MANIFEST = "praxisd", "manifest.json"
FOREIGN, TARGET, FULL = "backups.snapshot_foreign", "backups.snapshot_target", "backups.snapshot_full"
MEDIUM = "backups.snapshot_medium"
CODES = (FOREIGN, TARGET, FULL, MEDIUM)
_FORMAT = 1
_PARTS = ("database", "own")
_AT_FDCWD, _EXCHANGE = -100, 2
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Taken:
    """A copy that is complete: where, when (epoch seconds), how much, how long."""

    folder: Path
    at: int
    files: int
    bytes: int
    rows: int
    seconds: float


def take(house: "House", to: Path, *, progress: Progress, stop: Stop, inside: bool = False) -> Taken:
    """Make the copy in `to`; the one before stays until the new one is whole. `inside`: for praxisd's own use, in the data
    folder.

    SourceFault for what cannot be copied. Problems of the target: `backups.snapshot_foreign` (409) where a folder `praxisd`
    lies that is none of ours, `backups.snapshot_target` (409) if it is not there or not to be written, `backups.snapshot_medium`
    (409) {label} on a medium or target whose copies are encrypted, `backups.snapshot_full` (507).
    """
    with _one_at_a_time:
        taken = _taken(house, Path(os.path.abspath(to)), progress, stop, inside)
        if not inside:
            _note(house).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            put_json(
                _note(house), {"to": str(to), "at": taken.at, "files": taken.files, "bytes": taken.bytes}
            )
        return taken


def last(house: "House") -> dict[str, Any] | None:
    """The last copy that was made by this house: `{"to", "at", "files", "bytes"}`; None if there was none."""
    return read_json(_note(house))


def proven(folder: Path) -> list[str]:
    """Which files of a copy are not what its manifest says; empty if all are."""
    manifest = read_json(folder / MANIFEST)
    if manifest is None or manifest.get("format") != _FORMAT:
        return [f"{MANIFEST}: unreadable"]
    found: list[str] = []
    for one in manifest["sources"]:
        for path, digest in one["hashes"].items():
            try:
                same = hashing.same(folder / path, digest, lambda: False)
            except OSError:
                same = False
            if not same:
                found.append(path)
    return found


def _taken(house: "House", to: Path, progress: Progress, stop: Stop, inside: bool) -> Taken:
    began, at = time.monotonic(), house.clock.now()
    if not inside and to.resolve().is_relative_to(house.folder.resolve()):
        raise Problem(TARGET, 409, detail="inside the data folder", folder=str(to))
    label = "" if inside else _on_a_medium(house, to)
    if label:
        raise Problem(MEDIUM, 409, label=label)
    current, fresh, before = to / NAME, to / f".{NAME}.new", to / f".{NAME}.old"
    try:
        to.mkdir(mode=0o700, exist_ok=True)
        if not current.exists() and _ours(before):
            move(before, current)  # a run was cut off between its two steps
        if current.exists() and not _ours(current):
            raise Problem(FOREIGN, 409, folder=str(current))
        for one in (fresh, before):
            discard(one)
        fresh.mkdir(mode=0o700)
        try:
            staged = _staged(own_sources(house), fresh, progress, stop)
            put_json(fresh / MANIFEST, _manifest(house, fresh, at, staged))
            sync_tree(fresh)
            _exchange(current, fresh, before)
        finally:
            discard(fresh)
            discard(before)
    except SourceFault as fault:
        if fault.code == source.NO_SPACE:
            raise Problem(FULL, 507, detail=fault.detail, folder=str(to)) from None
        raise
    except OSError as error:
        word = places.fault(error)
        code, status = (FULL, 507) if word.code == source.NO_SPACE else (TARGET, 409)
        raise Problem(code, status, detail=word.detail, folder=str(to)) from None
    files = [path for _, one in staged for path in one.hashes]
    rows = sum(staged[0][1].counts.values())
    whole = sum((current / os.path.relpath(path, fresh)).stat().st_size for path in files)
    return Taken(current, at, len(files), whole, rows, round(time.monotonic() - began, 1))


def _on_a_medium(house: "House", to: Path) -> str:
    """The name of the drive or target in which `to` lies and where nothing may lie that is not encrypted; "" for none."""
    from praxisd.services.backups.plans import drives, planning

    with house.store.read(planning.SYSTEM) as tx:
        every = [one for one in drives.here(house, tx) if one.kind != "folder"]
    real = to.resolve()
    return next(
        (
            one.label
            for one in every
            if not drives.is_address(one.path) and real.is_relative_to(os.path.realpath(one.path))
        ),
        "",
    )


def _staged(
    sources: tuple[Source, ...], fresh: Path, progress: Progress, stop: Stop
) -> list[tuple[Source, Staged]]:
    found = []
    for one, part in zip(sources, _PARTS, strict=True):
        place = fresh / part
        place.mkdir(mode=0o700)
        found.append((one, one.stage(place, progress=progress, stop=stop)))
    return found


def _manifest(house: "House", fresh: Path, at: int, staged: list[tuple[Source, Staged]]) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "made_by": "praxisd backup snapshot",
        "version": __version__,
        "instance": house.config.instance,
        "at": at,
        "sources": [
            {
                "name": one.name,
                "kind": one.kind,
                "counts": dict(found.counts),
                "hashes": {Path(path).relative_to(fresh).as_posix(): it for path, it in found.hashes.items()},
                "facts": dict(found.facts),
            }
            for one, found in staged
        ],
    }


def _ours(folder: Path) -> bool:
    manifest = read_json(folder / MANIFEST)
    return manifest is not None and manifest.get("made_by") == "praxisd backup snapshot"


def _exchange(current: Path, fresh: Path, before: Path) -> None:
    """In one step where the system can (Linux), else in two, between which a cut is mended by the next run."""
    if not current.exists():
        move(fresh, current)
        return
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        swap = getattr(libc, "renameat2", None)
        paths = os.fsencode(fresh), os.fsencode(current)
        if swap is not None and swap(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _EXCHANGE) == 0:
            sync_folder(current.parent)
            return
    move(current, before)
    move(fresh, current)


def _note(house: "House") -> Path:
    return house.folder / "backups" / "snapshot.json"


def problem(fault: SourceFault) -> Problem:
    """A fault as a command or a route tells it."""
    return Problem(fault.code, 503 if fault.retry else 409, retry=fault.retry, detail=fault.detail or None)
