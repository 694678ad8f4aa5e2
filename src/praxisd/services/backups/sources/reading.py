"""One file read whole, and known to have been the same from its first byte to its last; copied on the way if wanted."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from typing import Literal

from praxisd.services.backups.engine import Stop
from praxisd.services.backups.sources import hashing, places
from praxisd.services.backups.sources.walking import mark

_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
"""What has become a pipe or a link meanwhile holds nobody up."""
_ZERO = bytes(hashing.PIECE)


def _anyhow(_begin: memoryview) -> None:
    """It does not matter."""


class Moved(Exception):
    """It is not as it should be."""

    def __init__(self, code: Literal["changed", "unreadable", "vanished", "special"]) -> None:
        super().__init__(code)
        self.code = code


def read(
    path: str,
    seen: os.stat_result,
    into: str | None,
    stop: Stop,
    like: str = "",
    begins: Callable[[memoryview], None] = _anyhow,
) -> str:
    """Digest, of the kind of `like`, of the file that was `seen`. `begins` is told how it begins, and may raise what it wants.

    Moved; OSError only for `into`, which is gone then; SourceFault STOPPED.
    """
    try:
        handle = os.open(path, _READ)
    except FileNotFoundError:
        raise Moved("vanished") from None
    except OSError:
        raise Moved("unreadable") from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Moved("special")
        if mark(os.fstat(handle)) != mark(seen):
            raise Moved("changed")
        digest = _digest(handle, into, stop, like, begins)
        _same(path, handle, seen)
        if into is not None:
            os.utime(into, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    except BaseException:
        if into is not None:
            with suppress(OSError):
                os.unlink(into)
        raise
    finally:
        os.close(handle)
    return digest


def _digest(
    handle: int, into: str | None, stop: Stop, like: str, begins: Callable[[memoryview], None]
) -> str:
    found, room = hashing.begin(like), hashing.buffer()
    file = FileIO(handle, closefd=False)
    out = None if into is None else open(into, "xb", buffering=0)  # noqa: SIM115
    try:
        while True:
            places.stopped(stop)
            try:
                size = file.readinto(room)
            except OSError:
                raise Moved("unreadable") from None
            if not size:
                break
            if begins is not _anyhow:
                begins(room[:size])
                begins = _anyhow
            found.update(room[:size])
            if out is not None:
                _put(out.fileno(), bytes(room[:size]))
        if out is not None:
            os.truncate(out.fileno(), os.lseek(out.fileno(), 0, os.SEEK_CUR))
            with suppress(AttributeError):
                os.fchmod(out.fileno(), 0o600)
    finally:
        if out is not None:
            out.close()
    return hashing.told(found)


def _put(handle: int, piece: bytes) -> None:
    """Written whole; what is nothing but zeros stays a hole."""
    if piece == _ZERO[: len(piece)]:
        os.lseek(handle, len(piece), os.SEEK_CUR)
        return
    left = memoryview(piece)
    while left:
        left = left[os.write(handle, left) :]


def _same(path: str, handle: int, seen: os.stat_result) -> None:
    try:
        if mark(os.fstat(handle)) != mark(seen) or mark(os.lstat(path)) != mark(seen):
            raise Moved("changed")
    except FileNotFoundError:
        raise Moved("vanished") from None
