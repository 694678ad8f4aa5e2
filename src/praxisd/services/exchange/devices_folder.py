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
from praxisd.kernel.ids import new_id

ARCHIVE, ERROR = "archive", "error"
MOVING = ".moving-"
MOVING_S = 60
"""A file that is on its way for so long was left there by a crash. Seconds."""
STILL_S = 3
"""So long a file has to stand still. Seconds."""
AT_ONCE = 200
MOST = 20_000_000
"""Bytes a result may have."""
AWAY, BUSY = "exchange.device_folder_away", "exchange.device_request_waits"
_HALF = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", ".lck", "~")
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
Looks = MutableMapping[str, tuple[int, int, float]]
"""Size, time of change (ns) and moment of the first look (monotonic seconds) by path: outlives the folder."""


class Waiting(NamedTuple):
    """Files that are not taken yet, and since when the oldest lies there (epoch seconds)."""

    files: int
    since: int | None


class Mark(NamedTuple):
    """By what one file is told from another of its name: number, bytes, time of change (ns)."""

    number: int
    size: int
    changed: int


class File(NamedTuple):
    """A file that stands still. `data` None: it is larger than a result may be."""

    path: Path
    data: bytes | None
    mark: Mark


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
                file = _read(path)
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
                return sum(1 for one in entries if one.is_file() and not one.name.startswith(MOVING))
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


def _read(path: Path) -> File | None:
    """A file as far as it is read; None while somebody has it, writes to it, or took it away."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as opened:
            before = _mark(os.fstat(opened.fileno()))
            data = opened.read(MOST + 1)
            after = _mark(os.fstat(opened.fileno()))
    except OSError:
        return None
    if before != after or len(data) != min(before.size, MOST + 1):
        return None
    return File(path, data if len(data) <= MOST else None, before)


def _mark(facts: os.stat_result) -> Mark:
    return Mark(facts.st_ino, facts.st_size, facts.st_mtime_ns)


def file_away(file: File, where: str) -> None:
    """Put a file that was read into `archive` or `error`, under a free name. OSError only where it is there and cannot be moved.

    It is first taken away under a name nobody else has: should the device have put another file in its place meanwhile, that one
    goes back and is read in its turn.
    """
    place = file.path.parent / where
    place.mkdir(mode=0o700, exist_ok=True)
    if not _own(place):
        raise NotADirectoryError(place)
    moving = place / f"{MOVING}{new_id()}-{file.path.name}"
    try:
        file.path.rename(moving)
    except FileNotFoundError:
        return  # another node was quicker
    if _mark(moving.stat()) == file.mark:
        _settle(moving, place, file.path.name)
    else:
        _settle(moving, file.path.parent, file.path.name)


def put_back(folder: str) -> None:
    """Files whose way a crash cut off go back to where they came from: read again, they are known. Problem as `files`."""
    for where in (ARCHIVE, ERROR):
        place = Path(folder) / where
        if not _own(place):
            continue
        try:
            with os.scandir(place) as entries:
                left = [
                    Path(one.path) for one in entries
                    if one.name.startswith(MOVING) and time.time() - one.stat().st_ctime >= MOVING_S
                ]  # fmt: skip
            for one in left:
                _settle(one, Path(folder), one.name.removeprefix(MOVING).partition("-")[2])
        except FileNotFoundError:
            continue
        except OSError:
            raise Problem(AWAY, 503, retry=True) from None


def _own(place: Path) -> bool:
    """True for a folder that lies where it seems to. The folders of devices are shared: a link some stranger put there in place
    of `error` would have us lay their files among our own."""
    return place.resolve() == place.parent.resolve() / place.name


def _settle(moving: Path, place: Path, name: str) -> None:
    """Give a file its name in a folder, or the first free one like it; never in the place of another."""
    for number in range(100_000):
        goal = place / (f"{number}-{name}" if number else name)
        try:
            os.link(moving, goal)  # unlike a rename, never puts one file in the place of another
        except FileExistsError:
            continue
        except FileNotFoundError:
            return
        except OSError:  # a file system without links
            if goal.exists():
                continue
            moving.rename(goal)
            return
        break
    moving.unlink(missing_ok=True)


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
