"""The folder of a device: files are taken once they stand still, kept in `archive`, or in `error` where they say nothing.

A file is moved only after what stands in it is kept, so a crash in between has it read again, and then it is known. It is never
deleted and never put in the place of another. Requests are written beside their name and given it at once, whole.
"""

import os
import stat
import time
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from praxisd.kernel.errors import Problem

ARCHIVE, ERROR = "archive", "error"
STILL_S = 3
"""So long a file has to stand still. Seconds."""
AT_ONCE = 200
MOST = 20_000_000
"""Bytes a result may have."""
AWAY, BUSY = "exchange.device_folder_away", "exchange.device_request_waits"
_HALF = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", ".lck", "~")
Looks = MutableMapping[str, tuple[int, int, float]]
"""Size, time of change (ns) and moment of the first look (monotonic seconds) by path: outlives the folder."""


class Waiting(NamedTuple):
    """Files that are not taken yet, and since when the oldest lies there (epoch seconds)."""

    files: int
    since: int | None


class File(NamedTuple):
    """A file that stands still. `data` None: it is larger than a result may be."""

    path: Path
    data: bytes | None


class Folder:
    """One folder, not what lies in folders below. `ours` are names (casefolded beginnings) of what praxisd wrote there."""

    def __init__(self, path: str, looks: Looks, ours: str = "") -> None:
        self._path, self._looks, self._ours = Path(path), looks, ours.casefold()
        self.waiting = Waiting(0, None)

    def files(self, *, still: bool = True) -> Iterator[File]:
        """Files that stand still, the oldest first, at most `AT_ONCE`. Problem `exchange.device_folder_away` (503, temporary)."""
        try:
            found = sorted(self._there())
        except OSError:
            raise Problem(AWAY, 503, retry=True) from None
        there = {str(path) for *_, path in found}
        for gone in [path for path in self._looks if path not in there]:
            del self._looks[gone]
        wait: list[int] = []
        for number, (changed, size, path) in enumerate(found):
            file = None
            if number < AT_ONCE and (not still or self._stands(path, size, changed)):
                file = _read(path, size, changed)
            if file is None:
                wait.append(changed // 1_000_000_000)
                self.waiting = Waiting(len(wait), min(wait))
            else:
                yield file

    def lying(self, seconds: int) -> int:
        """How many files have lain there unchanged for so long, by the clock of the file system. Problem as `files`."""
        before = (time.time() - seconds) * 1e9
        try:
            return sum(1 for changed, _, _ in self._there() if changed <= before)
        except OSError:
            raise Problem(AWAY, 503, retry=True) from None

    def kept_aside(self) -> int:
        """How many files lie in `error`. Problem as `files`."""
        try:
            with os.scandir(self._path / ERROR) as entries:
                return sum(1 for one in entries if one.is_file())
        except FileNotFoundError:
            return 0
        except OSError:
            raise Problem(AWAY, 503, retry=True) from None

    def _there(self) -> Iterator[tuple[int, int, Path]]:
        with os.scandir(self._path) as entries:
            for entry in entries:
                name = entry.name.casefold()
                if name.startswith((".", "~")) or name.endswith(_HALF):
                    continue
                if self._ours and name.startswith(self._ours):
                    continue
                with suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        yield facts.st_mtime_ns, facts.st_size, Path(entry.path)

    def _stands(self, path: Path, size: int, changed: int) -> bool:
        """By its age, where its clock can be believed; else by a look of before. An empty file is one somebody will fill."""
        now = time.monotonic()
        before = self._looks.get(str(path))
        if before is None or before[:2] != (size, changed):
            self._looks[str(path)] = (size, changed, now)
            return size > 0 and time.time() - changed / 1e9 >= STILL_S
        return size > 0 and (now - before[2] >= STILL_S or time.time() - changed / 1e9 >= STILL_S)


def _read(path: Path, size: int, changed: int) -> File | None:
    """A file as far as it is read; None while somebody has it, writes to it, or took it away."""
    if size > MOST:
        return File(path, None)
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST + 1)
            after = os.fstat(opened.fileno())
    except OSError:
        return None
    return (
        File(path, data)
        if (after.st_size, after.st_mtime_ns) == (size, changed) == (len(data), changed)
        else None
    )


def file_away(path: Path, where: str) -> None:
    """Put a file into `archive` or `error`, under a free name. OSError only where it is there and cannot be moved."""
    place = path.parent / where
    place.mkdir(mode=0o700, exist_ok=True)
    for number in range(100_000):
        goal = place / (f"{number}-{path.name}" if number else path.name)
        try:
            os.link(path, goal)  # unlike a rename, never puts one file in the place of another
        except FileExistsError:
            if path.exists() and goal.exists() and os.path.samefile(goal, path):
                break  # linked before a crash
            continue
        except FileNotFoundError:
            return
        except OSError:  # a file system without links
            if goal.exists():
                continue
            with suppress(FileNotFoundError):
                path.rename(goal)
            return
        break
    path.unlink(missing_ok=True)


def put(folder: str, stem: str, data: bytes) -> str:
    """Write a request whole, under `<stem>.gdt` or the first free number after it; the name it got.

    Problem `exchange.device_folder_away` (503), `exchange.device_request_waits` (409): a thousand lie there unread.
    """
    place = Path(folder)
    half = place / f".praxisd-{os.getpid()}-{time.monotonic_ns()}.tmp"
    try:
        with half.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            return _named(place, stem, half)
        finally:
            half.unlink(missing_ok=True)
    except OSError:
        raise Problem(AWAY, 503, retry=True) from None


def _named(place: Path, stem: str, half: Path) -> str:
    for name in (f"{stem}.gdt", *(f"{stem}.{number:03d}" for number in range(1, 1000))):
        goal = place / name
        try:
            os.link(half, goal)
            return name
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if not goal.exists():
                half.rename(goal)
                return name
    raise Problem(BUSY, 409, retry=True)
