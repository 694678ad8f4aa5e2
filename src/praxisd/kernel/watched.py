"""A folder into which another program lays files: taken once they stand still, and filed away in a folder below when done.

Nothing is taken while it may still be written: a file counts once it has stood still, by its own age or from one look to the
next. It is filed away only after what stands in it is kept, so a crash in between has it read again, and then it is known. It is
never deleted and never put in the place of another. Such folders are shared with other computers: no link in them is followed.

OSError where the folder itself cannot be reached.
"""

import os
import stat
import time
from collections.abc import Collection, Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from praxisd.kernel.ids import new_id

AT_ONCE = 200
"""Files that are read in one go."""
MOVING = ".moving-"
MOVING_S = 60
"""A file that is on its way for so long was left there by a crash. Seconds."""
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
    """A file that stands still. `data` is its beginning, as much as was wanted; `whole`: that is all of it."""

    path: Path
    data: bytes
    whole: bool
    mark: Mark


class Folder:
    """One folder, not what lies in folders below. `still_s`: so long a file has to stand still; `most`: bytes that are read of
    one; `ours`: how names of files begin that we wrote there ourselves.
    """

    def __init__(self, path: str, looks: Looks, *, still_s: int, most: int, ours: str = "") -> None:
        self._path, self._looks, self._ours = Path(path), looks, ours.casefold()
        self._still_s, self._most = still_s, most
        self.waiting = Waiting(0, None)

    def files(self, *, still: bool = True) -> Iterator[File]:
        """Files that stand still (all, without `still`), the oldest first, at most `AT_ONCE`."""
        found = sorted(self._there())
        there = {str(path) for *_, path in found}
        for gone in [path for path in self._looks if path not in there]:
            del self._looks[gone]
        wait: list[int] = []
        taken = 0
        for changed, size, path in found:
            file = None
            if taken < AT_ONCE and (not still or self._stands(path, size, changed)):
                file = _read(path, self._most)
                if file is not None and still and (file.mark.size, file.mark.changed) != (size, changed):
                    file = None
            if file is None:
                wait.append(changed // 1_000_000_000)
                self.waiting = Waiting(len(wait), min(wait))
            else:
                taken += 1
                yield file

    def lying(self, seconds: int) -> int:
        """How many files have lain there unchanged for so long, by the clock of the file system."""
        before = (time.time() - seconds) * 1e9
        return sum(1 for changed, _, _ in self._there() if changed <= before)

    def kept(self, where: str) -> int:
        """How many files were filed away in `where`."""
        try:
            with os.scandir(self._path / where) as entries:
                return sum(1 for one in entries if one.is_file() and not one.name.startswith(MOVING))
        except FileNotFoundError:
            return 0

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
        old = time.time() - changed / 1e9 >= self._still_s
        if before is None or before[:2] != (size, changed):
            self._looks[str(path)] = (size, changed, now)
            return size > 0 and old
        return size > 0 and (old or now - before[2] >= self._still_s)


def _read(path: Path, most: int) -> File | None:
    """A file as far as it is read; None while somebody has it, writes to it, or took it away."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as opened:
            before = _mark(os.fstat(opened.fileno()))
            data = opened.read(most)
            after = _mark(os.fstat(opened.fileno()))
    except OSError:
        return None
    if before != after or len(data) != min(before.size, most):
        return None
    return File(path, data, before.size <= most, before)


def _mark(facts: os.stat_result) -> Mark:
    return Mark(facts.st_ino, facts.st_size, facts.st_mtime_ns)


def file_away(file: File, where: str) -> None:
    """Put a file that was read into the folder `where` below, under a free name. OSError only where it is there and cannot be
    moved.

    It is first taken away under a name nobody else has: should somebody have put another file in its place meanwhile, that one
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


def put_back(folder: str, where: Collection[str]) -> None:
    """Files whose way into one of these folders a crash cut off go back to where they came from: read again, they are known."""
    for place in (Path(folder) / one for one in where):
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


def _own(place: Path) -> bool:
    """True for a folder that lies where it seems to: a link some stranger put there in its place would have us lay their files
    among our own."""
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
