"""The folders of a device: results are watched (`kernel/watched`), requests are written beside their name and given it at once,
whole.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from praxisd.kernel import watched
from praxisd.kernel.errors import Problem
from praxisd.kernel.watched import File, Looks, Waiting

T = TypeVar("T")
ARCHIVE, ERROR = "archive", "error"
STILL_S = 3
"""So long a file has to stand still. Seconds."""
MOST = 20_000_000
"""Bytes a result may have."""
AWAY, BUSY = "exchange.device_folder_away", "exchange.device_request_waits"


class Inbox:
    """The folder of results. Where it cannot be reached: Problem `exchange.device_folder_away` (503, temporary). `ours` are names
    (beginnings) of what praxisd wrote there.
    """

    def __init__(self, path: str, looks: Looks, ours: str = "") -> None:
        self._path = path
        self._folder = watched.Folder(path, looks, still_s=STILL_S, most=MOST, ours=ours)

    @property
    def waiting(self) -> Waiting:
        """What the last look has left lying."""
        return self._folder.waiting

    def files(self, *, still: bool = True) -> Iterator[File]:
        """Files that stand still; those that a crash left on their way come back first."""
        _there(lambda: watched.put_back(self._path, (ARCHIVE, ERROR)))
        found = self._folder.files(still=still)
        while (file := _there(lambda: next(found, None))) is not None:
            yield file

    def lying(self, seconds: int) -> int:
        """How many files have lain there for so long."""
        return _there(lambda: self._folder.lying(seconds))

    def kept_aside(self) -> int:
        """How many files lie in `error`."""
        return _there(lambda: self._folder.kept(ERROR))


def _there(look: Callable[[], T]) -> T:
    try:
        return look()
    except OSError:
        raise Problem(AWAY, 503, retry=True) from None


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
