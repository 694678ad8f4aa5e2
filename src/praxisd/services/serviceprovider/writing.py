"""Writing an INI file of a practice software: a copy of what was there beside it first, then the new one in one step.

The folder is a share that every workstation may write to: what lies there already is never followed and never opened for
writing, so that nobody can lead praxisd to a file of its own.
"""

import errno
import os
import re
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from praxisd.kernel.errors import Problem
from praxisd.services.serviceprovider import places
from praxisd.services.serviceprovider.flight import errands

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NOT_WRITTEN, CHANGED = "serviceprovider.not_written", "serviceprovider.changed"
NOT_ANSWERING = "serviceprovider.not_answering"
CODES = (NOT_WRITTEN, CHANGED, NOT_ANSWERING)
COPIES = 10
"""So many copies of a file stay; older ones go."""
_TRIES = 100
_COPY = re.compile(r"\.(\d{8}-\d{6})(?:-(\d{1,4}))?\.bak")


def write(house: "House", path: Path, data: bytes, before: bytes | None) -> Path | None:
    """Put `data` in place of `before` (None: there was no file); the copy's path.

    Problems: `serviceprovider.changed` (409) if the file is not what it was, `serviceprovider.not_written` (409),
    `serviceprovider.not_answering` (409) if the folder does not answer.
    """
    try:
        return errands(house).run(
            house, str(path), lambda given_up: _put(house, path, data, before, given_up)
        )
    except TimeoutError:
        raise Problem(NOT_ANSWERING, 409, retry=True, file=str(path)) from None
    except OSError as error:
        raise Problem(
            NOT_WRITTEN, 409, retry=True, file=str(path), reason=error.strerror or type(error).__name__
        ) from None


def _put(
    house: "House", path: Path, data: bytes, before: bytes | None, given_up: threading.Event
) -> Path | None:
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    try:
        now: bytes | None = places.content(path)
    except FileNotFoundError:
        now = None
    if now != before:
        raise Problem(CHANGED, 409, retry=True, file=str(path))
    copy = None if before is None else _copied(house, path, before)
    _replaced(path, data, given_up)
    _thinned(path)
    return copy


def _copied(house: "House", path: Path, data: bytes) -> Path:
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(house.clock.now()))
    first = max((number + 1 for when, number, _ in _copies(path) if when == moment), default=0)
    for number in range(first, first + _TRIES):
        copy = path.with_name(f"{path.name}.{moment}{f'-{number}' if number else ''}.bak")
        try:
            with copy.open("xb") as file:
                _flushed(file, data)
        except FileExistsError:
            continue
        return copy
    raise OSError(f"{_TRIES} copies of the same moment")


def _copies(path: Path) -> list[tuple[str, int, Path]]:
    """The copies beside a file, oldest first: the moment in its name, which one of that moment."""
    found = []
    for one in path.parent.iterdir():
        named = _COPY.fullmatch(one.name.removeprefix(path.name)) if one.name.startswith(path.name) else None
        if named is not None and stat.S_ISREG(one.lstat().st_mode):
            found.append((named.group(1), int(named.group(2) or 0), one))
    return sorted(found)


def _thinned(path: Path) -> None:
    """The newest copies stay."""
    with suppress(OSError):
        for _, _, old in _copies(path)[:-COPIES]:
            old.unlink()


def _replaced(path: Path, data: bytes, given_up: threading.Event) -> None:
    new = path.with_name(f"{path.name}.praxisd-new")
    try:
        new.unlink(missing_ok=True)
        with new.open("xb") as file:  # made anew, or not at all: a link of this name is not followed
            with suppress(FileNotFoundError):
                _given(path.lstat(), file)
            _flushed(file, data)
        if given_up.is_set():
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def _given(known: os.stat_result, file: BinaryIO) -> None:
    """The new file belongs to whom the old one belonged and may be read by whom that one might, where that can be done."""
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(file.fileno(), known.st_uid, known.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(known.st_mode) & 0o777)


def _flushed(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
