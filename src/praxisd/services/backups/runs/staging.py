"""What a run copies is brought together: each source into its own folder of the staging folder, and the manifest that says what
all of it holds. A source that fails does not keep the others from being copied; the run is not good then.
"""

import json
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from praxisd import __version__
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.runs import recovering
from praxisd.services.backups.source import Source, SourceFault, Staged
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.folders import Folders
from praxisd.services.backups.sources.own import Own
from praxisd.services.backups.sources.sqlite import Sqlite
from praxisd_guard.durable import sync_folder

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.backups.runs.recording import Recorder

MANIFEST = "manifest.json"
VERSION = 2
"""2: some digests are XXH3 (`sources.hashing`)."""
READABLE = (1, VERSION)


@dataclass(slots=True)
class Brought:
    """What the sources have brought, and which could not, with why."""

    staged: list[tuple[Source, Staged]] = field(default_factory=list)
    faults: list[tuple[str, SourceFault]] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """All that is to be copied."""
        return [path for _, one in self.staged for path in one.paths]

    def fills(self, top: Path) -> bool:
        """Does what was brought lie where it is `expected`, and nothing else there?"""
        if self.faults:
            return False
        for one, staged in self.staged:
            there = [one.path] if _lies(one) else list(_folder(top.absolute(), one).iterdir())
            if set(there) != set(staged.paths):
                return False
        return True

    @property
    def named(self) -> tuple[Named, ...]:
        """Files that were not as they should be while they were staged."""
        return tuple(name for _, one in self.staged for name in one.named)

    def since(self) -> tuple[Named, ...]:
        """What has changed since, asked once the engine has read it all."""
        return tuple(name for one, staged in self.staged for name in one.since(staged))

    def files(self) -> int:
        """How many files the engine has to find at least: those read where they lie (two sources may have the same), and all that
        was copied.
        """
        lying: set[str] = set()
        copied = 0
        for one, staged in self.staged:
            if _lies(one):
                lying.update(staged.hashes)
            else:
                copied += sum(map(places.files, staged.paths))
        return len(lying) + copied

    def facts(self) -> dict[str, Any]:
        """Numbers of each source for the log; no names of files."""
        found: dict[str, Any] = {}
        for one, staged in self.staged:
            found[one.name] = {
                "kind": one.kind,
                "rows": sum(staged.counts.values()),
                "files": len(staged.hashes),
            }
        for name, fault in self.faults:
            found[name] = {"code": fault.code, "detail": fault.detail}
        return found


class _Progress:
    """How far all of them are, told as one: two may be at work at once."""

    def __init__(self, told: Progress) -> None:
        self._told = told
        self._gate = threading.Lock()
        self._each: dict[str, tuple[int, int]] = {}

    def of(self, name: str) -> Progress:
        """For one source."""

        def tell(done: int, whole: int) -> None:
            with self._gate:
                self._each[name] = done, whole
                self._told(
                    sum(one for one, _ in self._each.values()), sum(one for _, one in self._each.values())
                )

        return tell


def _lies(one: Source) -> TypeGuard[Folders]:
    """It stays where it is, and is only read."""
    return isinstance(one, Folders) and one.in_place


def _folder(top: Path, one: Source) -> Path:
    return top / places.file_name(one.name)


def expected(top: Path, sources: Sequence[Source]) -> list[Path]:
    """Where all of it will lie if none fails, with the manifest: a folder where it is, a copy in a folder of ours that is made.

    Empty if that is not known before, if it could take long, or if the copies leave little room on the disk.
    """
    copies = [one for one in sources if not _lies(one)]
    try:
        if not all(
            one.whole and one.path.is_dir() if _lies(one) else isinstance(one, Sqlite | Own)
            for one in sources
        ):
            return []
        room = (
            sum(one.path.stat().st_size for one in copies if isinstance(one, Sqlite)) + recovering.KEPT_ROOM
        )
        if shutil.disk_usage(top).free < room:
            return []
        for one in copies:
            _folder(top, one).mkdir(mode=0o700, exist_ok=True)
        (top / MANIFEST).touch(0o600)
    except OSError:  # the source's own step says what is wrong
        return []
    return [*(one.path if _lies(one) else _folder(top, one) for one in sources), top / MANIFEST]


def bring(
    house: "House", sources: Sequence[Source], recorder: "Recorder", stop: Stop, *, top: Path | None = None
) -> Brought:
    """Stage all of them in `top`, the staging folder if it was begun. SourceFault STOPPED; other faults are kept beside what was
    brought.

    What stays where it lies is read beside the others, which are copied one after the other: each of those asks for room first.
    """
    top = top or recovering.begin(house)
    halt = threading.Event()
    progress = _Progress(recorder.progress)

    def take(chosen: Sequence[Source]) -> dict[str, Staged | SourceFault]:
        return {
            one.name: _staged(one, top, progress.of(one.name), lambda: halt.is_set() or stop())
            for one in chosen
        }

    lying = [one for one in sources if _lies(one)]
    with ThreadPoolExecutor(1, thread_name_prefix="praxisd-staging") as beside:
        reading = beside.submit(take, lying)
        try:
            taken = take([one for one in sources if one not in lying])
        except BaseException:
            halt.set()
            raise
        taken |= reading.result()
    found = Brought()
    for one in sources:
        brought = taken[one.name]
        if isinstance(brought, SourceFault):
            found.faults.append((one.name, brought))
        else:
            found.staged.append((one, brought))
    return found


def _staged(one: Source, top: Path, progress: Progress, stop: Stop) -> Staged | SourceFault:
    """In a folder of its own; what a source that failed has left is taken away. SourceFault STOPPED."""
    folder = _folder(top, one)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        refused = (
            None if isinstance(one, Folders) else one.refuse()
        )  # a folder is looked through once, by `stage`
        return refused or one.stage(folder, progress=progress, stop=stop)
    except SourceFault as fault:
        if fault.code == source.STOPPED:
            raise
        recovering.clear(folder)
        return fault
    except OSError as error:
        recovering.clear(folder)
        return places.fault(error)


def manifest(
    house: "House",
    brought: Brought,
    *,
    run: str,
    at: int,
    day: date,
    plan: PlanKept | None,
    medium: str,
    no: int,
) -> Path:
    """Write what all of it holds, beside it; its path."""
    doc = {
        "version": VERSION,
        "at": at,
        "day": day.isoformat(),
        "run": run,
        "medium": medium,
        "no": no,
        "plan": "" if plan is None else plan.plan.variant,
        "praxisd": __version__,
        "instance": house.config.instance,
        "sources": [_told(one, staged) for one, staged in brought.staged],
        "missing": [{"name": name, "code": fault.code} for name, fault in brought.faults],
    }
    path = recovering.staging(house) / MANIFEST
    path.write_text(json.dumps(doc, indent=1), "utf-8")  # ASCII: paths may hold bytes that are no UTF-8
    places.private(path)
    sync_folder(path.parent)
    return path


def _told(one: Source, staged: Staged) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "paths": [str(path) for path in staged.paths],
        "counts": dict(staged.counts),
        "hashes": dict(staged.hashes),
        "facts": dict(staged.facts),
        "named": [[name.path, name.code] for name in staged.named],
    }


def staged_of(told: dict[str, Any], named: Sequence[Named] = ()) -> Staged:
    """What a source had brought, out of the manifest. `named`: those of the engine and of `since`, where they are known."""
    there = tuple(Named(path, code) for path, code in told.get("named", ()))
    whole = Staged(
        tuple(Path(one) for one in told["paths"]),
        told["counts"],
        told["hashes"],
        told.get("facts", {}),
        there,
    )
    return replace(whole, named=(*there, *named))
