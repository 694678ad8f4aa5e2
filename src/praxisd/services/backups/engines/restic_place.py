"""The folder a repository lies in: is it there, the same as before, whole where a name tells its content, and tidy.

All files but `config` are named by the SHA-256 of what they hold (restic's "Repository Format"), so that a flipped bit
shows without a password, and at the speed at which files are read.
"""

import contextlib
import hashlib
import os
import queue
import random
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from praxisd.services.backups import engine
from praxisd.services.backups.engine import EngineFault, Progress, Stop

_FAR = re.compile(r"(?:sftp|rest|s3|b2|azure|gs|swift|rclone):", re.ASCII)
_HALF = re.compile(r"[0-9a-f]{64}-tmp-\d+")
_NAMED = ("keys", "index", "snapshots")
ANSWER_S = 20.0
"""How long a file system may think about a simple question. Seconds."""
Answer = TypeVar("Answer")
_CHUNK = _LEAST = 1 << 20
_ROOM = 64 << 20
SPACIOUS = 4 << 30
"""Free bytes of a disk on which some large files more or less make no difference."""


def local(place: str) -> Path | None:
    """The folder, or None if the repository lies elsewhere."""
    return None if _FAR.match(place) else Path(os.path.abspath(place.removeprefix("local:")))


@dataclass
class Place:
    """A local repository as it was when the work began; `making` while there is none yet."""

    folder: Path
    making: bool = False
    _device: int | None = field(default=None, init=False)

    def expect(self) -> None:
        """Raises EngineFault UNPLUGGED where the medium is not there, NO_REPOSITORY where it holds none."""
        parent = self.folder.parent
        if not answered(parent.is_dir):
            raise EngineFault(engine.UNPLUGGED, "the folder of the medium is not there", retry=True)
        try:
            self._device = answered((parent if self.making else self.folder / "config").stat).st_dev
        except FileNotFoundError:
            raise EngineFault(engine.NO_REPOSITORY, "no file config") from None
        except OSError as error:
            raise EngineFault(engine.UNPLUGGED, f"config: errno {error.errno}", retry=True) from None

    def gone(self) -> EngineFault | None:
        """UNPLUGGED if what was there at the start is not there any more, another drive is, or it does not answer."""
        file = self.folder.parent if self.making else self.folder / "config"
        try:
            same = answered(file.stat).st_dev == self._device
        except OSError:
            same = False
        except EngineFault as silent:
            return silent
        return None if same else EngineFault(engine.UNPLUGGED, "the medium went away", retry=True)

    def writable(self) -> bool:
        """False if nothing may be written there: a switch on the medium, missing rights."""
        return os.access(self.folder, os.W_OK)

    def closed(self) -> bool:
        """True if not even a lock can be written there; no space at all counts too."""
        try:
            return not self.writable() or shutil.disk_usage(self.folder).free < _LEAST
        except OSError:
            return True

    def crammed(self) -> bool:
        """True if there is no room for a few more packs."""
        return answered(lambda: shutil.disk_usage(self.folder)).free < _ROOM

    def spacious(self) -> bool:
        """As `spacious`."""
        return answered(lambda: spacious(self.folder))

    def stored(self) -> int:
        """Bytes of all its files."""
        return sum(_size(one) for one in self._files())

    def snapshot(self, short: str) -> str:
        """The whole id of a snapshot just made, which restic named by its first letters. EngineFault UNPLUGGED: not there."""
        found = [one.name for one in _list(self.folder / "snapshots") if one.name.startswith(short)]
        if len(found) != 1:
            raise EngineFault(engine.UNPLUGGED, "what was just made is not there", retry=True)
        return found[0]

    def indexed(self) -> int:
        """Bytes of what says where things lie: by it the memory grows that an engine takes."""
        return sum(_size(one) for one in _list(self.folder / "index"))

    def misnamed(self, kinds: tuple[str, ...] = _NAMED) -> list[Path]:
        """Files whose content is not what their name says, in the small folders: keys, index, snapshots."""
        return [
            Path(one.path)
            for kind in kinds
            for one in _list(self.folder / kind)
            if len(one.name) == 64 and _digest(one.path) != one.name
        ]

    def sampled(self, share: float, progress: Progress, stop: Stop) -> list[Path]:
        """Of the files that hold the data, some by chance that are `share` of all bytes: those whose content is not what their
        name says. Progress in files.
        """
        there = [one for one in self._files() if len(one.name) == 64 and _is_data(one.path)]
        random.shuffle(there)
        left, chosen = share * sum(map(_size, there)), []
        while there and left > 0:
            chosen.append(there.pop())
            left -= _size(chosen[-1])
        bad = []
        for number, one in enumerate(chosen):
            if stop():
                break
            if _digest(one.path) != one.name:
                bad.append(Path(one.path))
            progress(number + 1, len(chosen))
        return bad

    def locked(self) -> bool:
        """True if a run is at work, or left its mark when it was killed."""
        return any(True for _ in _list(self.folder / "locks"))

    def ids(self, kind: str) -> list[str]:
        """The names in one of its folders: keys, snapshots, locks (the marks of runs)."""
        return [one.name for one in _list(self.folder / kind) if len(one.name) == 64]

    def sweep(self) -> None:
        """Take away what runs that were killed had half written. Only while there is no lock. Nothing depends on it: what cannot
        be read or taken away stays, and whoever needs it will say so.
        """
        with contextlib.suppress(OSError):
            for one in self._files():
                if _HALF.fullmatch(one.name) and Path(one.path).parent.name != "locks":
                    with contextlib.suppress(OSError):
                        os.unlink(one.path)

    def undo(self) -> None:
        """What an `init` left that was killed: keys of a repository that has no `config` and holds nothing. Else nothing."""
        if (self.folder / "config").exists() or any(
            True
            for kind in ("snapshots", "index", "data")
            for one in _list(self.folder / kind)
            if not one.is_dir()
        ):
            return
        for one in _list(self.folder / "keys"):
            if len(one.name) == 64 or _HALF.fullmatch(one.name):
                with contextlib.suppress(OSError):
                    os.unlink(one.path)

    def _files(self) -> Iterator[os.DirEntry[str]]:
        for kind in _list(self.folder):
            if kind.name == "data":
                for part in _list(Path(kind.path)):
                    yield from _list(Path(part.path))
            elif kind.is_dir(follow_symlinks=False):
                yield from _list(Path(kind.path))
            else:
                yield kind


def spacious(folder: Path) -> bool:
    """Is there plenty of room on its disk? False if nobody can tell."""
    try:
        return shutil.disk_usage(folder).free >= SPACIOUS
    except OSError:
        return False


def names(place: str, kind: str) -> tuple[str, ...] | None:
    """What lies in one of the small folders and is called what it holds; damaged keys too. None: it lies elsewhere.

    EngineFault UNPLUGGED, NO_REPOSITORY.
    """
    folder = local(place)
    if folder is None:
        return None
    found = Place(folder)
    found.expect()
    damaged = set() if kind == "keys" else {one.name for one in found.misnamed((kind,))}
    return tuple(sorted(one for one in found.ids(kind) if one not in damaged))


def answered(question: Callable[[], Answer]) -> Answer:
    """Ask the file system. A drive in the network that is gone may keep whoever asks for hours; then only a thread waits.

    Raises what the question raises, or EngineFault UNPLUGGED after ANSWER_S.
    """
    told: queue.Queue[Answer | BaseException] = queue.Queue()

    def ask() -> None:
        try:
            told.put(question())
        except BaseException as error:
            told.put(error)

    threading.Thread(target=ask, name="medium", daemon=True).start()
    try:
        answer = told.get(timeout=ANSWER_S)
    except queue.Empty:
        raise EngineFault(engine.UNPLUGGED, "the medium does not answer", retry=True) from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _is_data(path: str) -> bool:
    return Path(path).parent.parent.name == "data"


def _list(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        yield from found


def _size(one: os.DirEntry[str]) -> int:
    with contextlib.suppress(FileNotFoundError):
        return one.stat(follow_symlinks=False).st_size
    return 0


def _digest(path: str) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    made = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                made.update(chunk)
    except FileNotFoundError:
        return Path(path).name  # dropped meanwhile by whoever made it
    except OSError:
        return ""
    return made.hexdigest()
