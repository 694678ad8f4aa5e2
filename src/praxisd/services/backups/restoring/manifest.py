"""What a state says of itself: `manifest.json`, written when it was made, read back out of the state."""

import contextlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.services.backups import source
from praxisd.services.backups.engine import Engine, Named, Repo, Snapshot, Stop
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources import pieces, places
from praxisd_guard.durable import discard

NAME = "manifest.json"
LARGEST = 512 << 20
"""A practice of a million files has one of some 150 MB. Bytes."""
NONE = "backups.restore_no_manifest"
CODES = (NONE,)


class Refused(Problem):
    """NONE (409), because the one that is there leads out of the folder: `path` of it in the state."""

    def __init__(self, path: str) -> None:
        super().__init__(NONE, 409)
        self.path = path


class Part(msgspec.Struct, frozen=True):
    """One source of the state, as it was staged. Fields of later programs are left aside."""

    name: str
    kind: str
    paths: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    hashes: dict[str, str] = {}
    facts: dict[str, Any] = {}
    named: tuple[Any, ...] = ()

    def staged(self) -> Staged:
        """As its source takes it to compare."""
        return Staged(
            tuple(map(Path, self.paths)),
            self.counts,
            self.hashes,
            {name: str(value) for name, value in self.facts.items()},
            tuple(Named(path, "changed") for path in map(_path, self.named) if path),
        )


class Manifest(msgspec.Struct, frozen=True):
    """All sources, and the versions that made it."""

    version: int = 1
    at: int = 0
    praxisd: str = ""
    sources: tuple[Part, ...] = ()

    def part(self, name: str) -> Part | None:
        """The source of this name."""
        return next((one for one in self.sources if one.name == name), None)


def read(engine: Engine, repo: Repo, snapshot: Snapshot, scratch: Path, stop: Stop) -> Manifest:
    """Out of the state. NONE (409) if it holds none that can be read; EngineFault."""
    candidates = [one for one in snapshot.paths if one.replace("\\", "/").endswith(f"/{NAME}")]
    candidates += [f"{one.rstrip('/')}/{NAME}" for one in snapshot.paths]
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    into = Path(tempfile.mkdtemp(prefix="manifest-", dir=scratch))
    try:
        for one in candidates[:32]:
            engine.restore(
                repo, snapshot.id, into, only=[listed(one)], progress=lambda _done, _whole: None, stop=stop
            )
            try:
                if (found := _decoded(places.inside(into, one))) is not None:
                    return found
            except places.Outside:
                raise Refused(one) from None
            discard(into)
            into.mkdir(mode=0o700)
    finally:
        discard(into)
    raise Problem(NONE, 409)


def of(engine: Engine, repo: Repo, snapshot_id: str) -> Snapshot | None:
    """The state of this id in a repository."""
    return next((one for one in engine.snapshots(repo) if one.id == snapshot_id), None)


def newest(found: Sequence[Snapshot]) -> Snapshot | None:
    """The newest of some states."""
    return max(found, key=lambda one: (one.at, one.id), default=None)


def joined(into: Path, parts: Iterable[Part], stop: Stop) -> list[Named]:
    """Databases of these sources that lie in the state as pieces become files again; which could not."""
    found = []
    for part in parts:
        for path in part.hashes if part.kind == "sqlite" else ():
            try:
                pieces.whole(places.inside(into, path), stop)
            except places.Outside:
                found.append(Named(path, "outside"))
            except SourceFault as fault:
                if fault.code == source.STOPPED:
                    raise
                found.append(Named(path, "not_restored"))
            except OSError:
                found.append(Named(path, "not_restored"))
    return found


def _clean(path: str) -> bool:
    """A whole path without any way up, on whichever system it was written."""
    ours = path.replace("\\", "/") if path[1:2] == ":" or path.startswith("\\") else path
    whole = ours.startswith("/") or ours[1:3] == ":/"
    return whole and "\0" not in ours and ".." not in ours.split("/")


def _decoded(path: Path) -> Manifest | None:
    """None for what is none. Outside for one that names a path nobody would have staged: nothing of it is used."""
    found = None
    with contextlib.suppress(OSError, ValueError):  # msgspec's own errors are ValueErrors too
        if path.is_file() and path.stat().st_size <= LARGEST:
            # Not msgspec's reader: paths that are no UTF-8 stand there as lone surrogates.
            found = msgspec.convert(json.loads(path.read_bytes()), Manifest, strict=False)
    if found is not None and not all(
        map(_clean, (to for one in found.sources for to in (*one.paths, *one.hashes)))
    ):
        raise places.Outside
    return found


def _path(named: Any) -> str:
    """Of a file that was named: `[path, code]` or `{"path", "code"}`."""
    if isinstance(named, dict):
        return str(named.get("path", ""))
    return str(named[0]) if isinstance(named, list | tuple) and named else ""


def listed(path: str) -> str:
    """A path as a source has it, as a listing has it: with `/`, on Windows with the drive's letter first."""
    text = path.replace("\\", "/")
    return f"/{text[0]}{text[2:]}" if text[1:2] == ":" else text
