"""Downloads that go on where they ended: a part file beside the goal, Range or seek, and the signed hash at the end."""

import contextlib
import errno
import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from praxisd_guard.durable import sync_file
from praxisd_guard.faults import (
    ENDLESS,
    NO_SPACE,
    NOT_FOUND,
    TAMPERED,
    UNREACHABLE,
    Missing,
    OffsetRefused,
    Stopped,
    TrustFault,
    Unreachable,
)
from praxisd_guard.sources import Source

RESERVE = 64 * 1024 * 1024
"""Bytes that stay free on a disk: the practice's database lies there too."""
TRIES = 5
"""So often in a row a connection may bring nothing; after each the pause doubles, from PAUSE_S."""
CONNECTIONS = 200
PAUSE_S = 0.5


def nothing(_done: int, _total: int) -> None:
    """A progress that nobody looks at."""


def never() -> bool:
    """A stop that nobody asks for."""
    return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file at the source: its path there, its name for people, its signed length (bytes) and SHA-256."""

    path: str
    name: str
    length: int
    sha256: str


def pull(
    source: Source,
    wanted: Wanted,
    part: Path,
    progress: Callable[[int, int], None] = nothing,
    stop: Callable[[], bool] = never,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Bring `part` to the whole file, going on with what it holds already.

    Afterwards it has the signed hash and is on disk for good. Raises `Stopped` and `unreachable` (the part stays for
    the next time), `not_found`, `endless`, `tampered`, `no_space` (the part is removed).
    """
    if part.exists() and part.stat().st_size > wanted.length:
        part.unlink()
    room(part.parent, wanted.length - (part.stat().st_size if part.exists() else 0))
    try:
        for again in (True, False):
            resumed = _collect(source, wanted, part, progress, stop, pause)
            if part.stat().st_size == wanted.length and digest(part) == wanted.sha256:
                sync_file(part)
                return
            part.unlink(missing_ok=True)
            if not (resumed and again):
                raise TrustFault(TAMPERED, file=wanted.name)
            # A piece was of another file, or was damaged: once more from the start.
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        part.unlink(missing_ok=True)
        raise TrustFault(NO_SPACE, needed=wanted.length) from fault


def _collect(
    source: Source,
    wanted: Wanted,
    part: Path,
    progress: Callable[[int, int], None],
    stop: Callable[[], bool],
    pause: Callable[[float], None],
) -> bool:
    """Fetch until the part has its length or the source's file ends; True if it was put together from pieces."""
    empty, connections, resumed = 0, 0, False
    while True:
        before = part.stat().st_size if part.exists() else 0
        resumed = resumed or before > 0
        try:
            _append(source, wanted, part, before, progress, stop)
            return resumed
        except Missing as fault:
            part.unlink(missing_ok=True)
            raise TrustFault(NOT_FOUND, file=wanted.name) from fault
        except OffsetRefused as fault:
            if not before:  # a source that breaks its promise
                raise TrustFault(UNREACHABLE, file=wanted.name) from fault
            part.unlink(missing_ok=True)
        except Unreachable as fault:
            gained = part.stat().st_size > before if part.exists() else False
            empty, connections = 0 if gained else empty + 1, connections + 1
            if empty >= TRIES or connections >= CONNECTIONS:
                raise TrustFault(UNREACHABLE, file=wanted.name) from fault
            pause(PAUSE_S * 2**empty)
            if stop():
                raise Stopped from fault


def _append(
    source: Source,
    wanted: Wanted,
    part: Path,
    start: int,
    progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> None:
    done = start
    progress(done, wanted.length)
    if done == wanted.length and part.exists():
        return
    with source.open(wanted.path, start) as pieces, part.open("ab") as out:
        for piece in pieces:
            done += len(piece)
            if done > wanted.length:
                out.close()
                part.unlink(missing_ok=True)
                raise TrustFault(ENDLESS, file=wanted.name, length=wanted.length)
            out.write(piece)
            progress(done, wanted.length)
            if stop():
                raise Stopped


def small(source: Source, wanted: Wanted) -> bytes:
    """A small file in memory, verified. Raises as `pull`."""
    found = bytearray()
    try:
        with source.open(wanted.path) as pieces:
            for piece in pieces:
                found += piece
                if len(found) > wanted.length:
                    raise TrustFault(ENDLESS, file=wanted.name, length=wanted.length)
    except Missing as fault:
        raise TrustFault(NOT_FOUND, file=wanted.name) from fault
    except Unreachable as fault:
        raise TrustFault(UNREACHABLE, file=wanted.name) from fault
    if hashlib.sha256(found).hexdigest() != wanted.sha256:
        raise TrustFault(TAMPERED, file=wanted.name)
    return bytes(found)


def room(folder: Path, needed: int) -> None:
    """Raise `no_space` if the disk of this folder has not `needed` bytes and RESERVE free."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise TrustFault(NO_SPACE, needed=needed + RESERVE, free=free)


def digest(file: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def clear(*files: Path) -> None:
    """Remove what may be there."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
