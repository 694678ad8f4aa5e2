"""A folder of files: kept where it lies, with the digest of each file; or copied in a quiet window into the staging folder.

A database file that lives in it refuses the whole folder (`backups.source_live_file`): it needs a source of its own, or is
left out by name. What changes or vanishes while it is read is named, and the run is not green (SPEC 8.8).
"""

import os
import shutil
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources import folder_shape, hashing, places, quiet
from praxisd.services.backups.sources.digests import Digests
from praxisd.services.backups.sources.live import MAGIC
from praxisd.services.backups.sources.reading import Moved, read
from praxisd.services.backups.sources.walking import Print, Walk, mark, walk

FRESH_S = 86_400
"""An SQLite file that was written so recently is one in use, whatever it is called. Seconds."""


class Folders:
    """One folder with all below it. `without`: patterns that are left out; `memory`: a file of ours that remembers digests."""

    kind = "folders"

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        without: Sequence[str] = (),
        window: quiet.Window | None = None,
        memory: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.path = Path(os.path.abspath(path))
        self._without = tuple(without)
        self._window = window
        self._memory = memory
        self._now = now
        self._seen: dict[str, Print] = {}

    @property
    def in_place(self) -> bool:
        """It is only read, and kept where it lies."""
        return self._window is None

    @property
    def whole(self) -> bool:
        """Nothing in it is left out."""
        return not self._without

    def refuse(self) -> SourceFault | None:
        """NOT_THERE, REFUSED (not to be read), LIVE_FILE: with a window only for files of a database server."""
        try:
            found = walk(self.path, self._without, lambda: False)
            if self._window is None:
                for path, seen in found.files.items():
                    if self._is_fresh(seen):
                        self._not_a_database(path)
            return self._alive(found, closed=False)
        except SourceFault as fault:
            return fault
        except OSError as error:
            return places.fault(error)

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """Read all of it: in place, or copied in the window."""
        try:
            if self._window is None:
                return self._in_place(progress, stop)
            fault = self.refuse()
            if fault is not None:
                raise fault
            began = time.monotonic()
            with quiet.opened(self.name, self._window, stop):
                staged = self._copied(folder.absolute(), self._window.read or self.path, progress, stop)
            return replace(staged, facts={**staged.facts, "quiet": str(round(time.monotonic() - began))})
        except OSError as error:
            raise places.fault(error) from None

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """After the engine has read in place: which files changed or vanished after they were staged."""
        found = []
        for path, known in self._seen.items():
            try:
                same = mark(os.lstat(path)) == known
            except OSError:
                found.append(Named(path, "vanished"))
                continue
            if not same:
                found.append(Named(path, "changed"))
        return tuple(found)

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """Each file to the byte, and all links and folders, but those that were named."""
        named = {one.path for one in staged.named}
        found = places.changed(
            folder, {path: one for path, one in staged.hashes.items() if path not in named}
        )
        wanted = staged.facts.get(folder_shape.FACT)  # a state of an earlier version has none
        if wanted is None or any(one.endswith(": outside") for one in found):
            return found
        try:
            same = folder_shape.restored(folder, staged.paths, named, lambda: False) == wanted
        except OSError:
            same = False
        return found if same else [*found, "links and folders: changed"]

    def _alive(self, found: Walk, *, closed: bool) -> SourceFault | None:
        """`closed`: everything that works with it should have stopped by now."""
        for path, alive in found.live.items():
            if alive == "server" or closed or self._window is None:
                return SourceFault(source.LIVE_FILE, places.printable(os.path.basename(path)))
        return None

    def _in_place(self, progress: Progress, stop: Stop) -> Staged:
        found = walk(self.path, self._without, stop)
        fault = self._alive(found, closed=True)
        if fault is not None:
            raise fault
        self._seen = {}
        hashes: dict[str, str] = {}
        done, whole = 0, found.bytes
        with Digests(self._memory, self._now) as known:
            for path, seen in found.files.items():
                places.stopped(stop)
                digest = known.of(path, mark(seen))
                fresh = self._is_fresh(seen)
                if fresh and digest is not None:
                    self._not_a_database(path)
                try:
                    if digest is None:
                        begins = {"begins": partial(_alive_at_heart, path)} if fresh else {}
                        digest = read(path, seen, None, stop, hashing.FAST, **begins)
                        known.keep(path, mark(seen), digest)
                    hashes[path] = digest
                    self._seen[path] = mark(seen)
                except Moved as moved:
                    found.named.append(Named(path, moved.code))
                done += seen.st_size
                progress(done, whole)
            known.forget_others()
        covered = found.cover()
        shape = folder_shape.staged(found, covered, {one.path for one in found.named})
        return Staged(covered, found.counts(), hashes, self._facts(found, shape), tuple(found.named))

    def _facts(self, found: Walk, shape: str) -> dict[str, str]:
        left_out = str(len(found.left_out))
        return {"folder": places.printable(str(self.path)), "left_out": left_out, folder_shape.FACT: shape}

    def _copied(self, folder: Path, top: Path, progress: Progress, stop: Stop) -> Staged:
        """Below `folder/<name>`, as it lies below `top`."""
        found = walk(top, self._without, stop)
        fault = self._alive(found, closed=True)
        if fault is not None:
            raise fault
        places.room(folder, found.bytes)
        into = os.path.join(str(folder), places.file_name(self.name))

        def there(path: str) -> str:
            return os.path.normpath(os.path.join(into, os.path.relpath(path, found.top)))

        named = [replace(one, path=there(one.path)) for one in found.named]
        hashes: dict[str, str] = {}
        done, whole = 0, found.bytes
        for path in found.folders:
            os.makedirs(there(path), mode=0o700, exist_ok=True)
        for path in found.links:
            os.symlink(os.readlink(path), there(path))
        for path, seen in found.files.items():
            try:
                hashes[there(path)] = read(path, seen, there(path), stop, hashing.FAST)
            except Moved as moved:
                named.append(Named(there(path), moved.code))
            done += seen.st_size
            progress(done, whole)
        for path in reversed(found.folders):
            shutil.copystat(path, there(path))
            os.chmod(there(path), stat.S_IMODE(os.stat(path).st_mode) | stat.S_IRWXU)
        copy = walk(Path(into), (), stop)
        shape = folder_shape.staged(copy, (Path(into),), {one.path for one in named})
        return Staged((Path(into),), found.counts(), hashes, self._facts(found, shape), tuple(named))

    def _is_fresh(self, seen: os.stat_result) -> bool:
        return self._now() - seen.st_mtime < FRESH_S

    def _not_a_database(self, path: str) -> None:
        """SourceFault LIVE_FILE for an SQLite file in use that has nothing beside it at the moment."""
        try:
            with open(path, "rb", buffering=0) as file:
                begin = memoryview(file.read(len(MAGIC)))
        except OSError:
            return
        _alive_at_heart(path, begin)


def _alive_at_heart(path: str, begin: memoryview) -> None:
    """SourceFault LIVE_FILE for what begins as a file of SQLite's does."""
    if begin[: len(MAGIC)] == MAGIC:
        raise SourceFault(source.LIVE_FILE, places.printable(os.path.basename(path)))
