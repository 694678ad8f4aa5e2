"""A watched folder: each file in it is a message. What was taken in is moved to `done`, what could not be read to `unreadable`.

Nothing is taken while it may still be written: a file counts once it has stood still, by its own age or from one look to the
next. It is moved only after its request is kept, so a crash in between has it read again, and then it is known.
"""

import os
import stat
import time
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd.services.messaging import api as messaging

AT_ONCE = 200
"""Files that are read in one go."""
STILL_S = 10
"""So long a file has to stand still. Seconds."""
DONE, ASIDE = "done", "unreadable"
_HALF = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~")
MISSING, UNREACHABLE = "portals.folder_missing", "portals.folder_unreachable"

Looks = MutableMapping[str, tuple[int, int, float]]
"""Size, time of change (ns) and moment of the first look (monotonic seconds) by path: outlives the folder."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that stands still, as far as it is read."""

    path: Path
    data: bytes

    def move(self, where: str) -> None:
        """Put it into the folder of what is done, or could not be read. OSError only if it is there and cannot be moved."""
        place = self.path.parent / where
        place.mkdir(mode=0o700, exist_ok=True)
        for number in range(10_000):
            goal = place / (f"{number}-{self.path.name}" if number else self.path.name)
            try:
                os.link(self.path, goal)  # unlike a rename, never puts one file in the place of another
            except FileExistsError:
                if self.path.exists() and goal.exists() and os.path.samefile(goal, self.path):
                    break  # linked before a crash
                continue
            except FileNotFoundError:
                return
            except OSError:  # a file system without links
                if goal.exists():
                    continue
                with suppress(FileNotFoundError):
                    self.path.rename(goal)
                return
            break
        self.path.unlink(missing_ok=True)


class WatchedFolder:
    """Reads one folder, not what lies in folders below. `looks` outlives it."""

    def __init__(self, path: str, looks: Looks) -> None:
        self._path = Path(path)
        self._looks = looks

    def files(self, *, still: bool = True) -> Iterator[File]:
        """Files that stand still (all, without `still`), the oldest first, at most `AT_ONCE`.

        Problem `portals.folder_missing` or `portals.folder_unreachable` (503, both temporary: a share may come back).
        """
        if not self._path.is_dir():
            raise Problem(MISSING, 503, retry=True)
        try:
            found = sorted(self._there())
        except OSError:
            raise Problem(UNREACHABLE, 503, retry=True) from None
        there = {str(path) for *_, path in found}
        for gone in [path for path in self._looks if path not in there]:
            del self._looks[gone]
        number = 0
        for changed, size, path in found:
            if number >= AT_ONCE:
                return
            if still and not self._stands(path, size, changed):
                continue
            try:
                with path.open("rb") as opened:
                    data = opened.read(messaging.READ_MOST)
                    after = os.fstat(opened.fileno())
            except OSError:  # taken away by another, or not ours to read: it is looked at again
                continue
            if still and (after.st_size, after.st_mtime_ns) != (size, changed):
                continue
            number += 1
            yield File(path, data)

    def _there(self) -> Iterator[tuple[int, int, Path]]:
        with os.scandir(self._path) as entries:
            for entry in entries:
                name = entry.name.casefold()
                if name.startswith((".", "~")) or name.endswith(_HALF):
                    continue
                with suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        yield facts.st_mtime_ns, facts.st_size, Path(entry.path)

    def _stands(self, path: Path, size: int, changed: int) -> bool:
        """By its age, where its clock can be believed; else by a look of before."""
        now = time.monotonic()
        before = self._looks.get(str(path))
        if before is None or before[:2] != (size, changed):
            self._looks[str(path)] = (size, changed, now)
            # Age by the clock of the file system; a share's clock may be ahead of ours, then two looks decide.
            return size > 0 and time.time() - changed / 1e9 >= STILL_S
        return now - before[2] >= STILL_S or time.time() - changed / 1e9 >= STILL_S
