"""Writing an INI file of a practice software: a copy of what was there beside it first, then the new one in one step."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from praxisd.kernel.errors import Problem

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NOT_WRITTEN, CHANGED = "serviceprovider.not_written", "serviceprovider.changed"
_TRIES = 100


def write(house: "House", path: Path, data: bytes, before: bytes | None) -> Path | None:
    """Put `data` in place of `before` (None: there was no file); the copy's path.

    Problems: `serviceprovider.changed` (409) if the file is not what it was, `serviceprovider.not_written` (409).
    """
    try:
        path = path.resolve() if path.is_symlink() else path  # the file itself, not what leads to it
        now = path.read_bytes() if path.exists() else None
        if now != before:
            raise Problem(CHANGED, 409, retry=True, file=str(path))
        copy = None if before is None else _copied(house, path, before)
        _replaced(path, data, before is not None)
    except OSError as error:
        raise Problem(
            NOT_WRITTEN, 409, retry=True, file=str(path), reason=error.strerror or type(error).__name__
        ) from None
    return copy


def _copied(house: "House", path: Path, data: bytes) -> Path:
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(house.clock.now()))
    for number in range(_TRIES):
        copy = path.with_name(f"{path.name}.{moment}{f'-{number}' if number else ''}.bak")
        try:
            with copy.open("xb") as file:
                _flushed(file, data)
        except FileExistsError:
            continue
        return copy
    raise OSError(f"{_TRIES} copies of the same moment")


def _replaced(path: Path, data: bytes, existed: bool) -> None:
    new = path.with_name(f"{path.name}.praxisd-new")
    try:
        with new.open("wb") as file:
            _flushed(file, data)
        if existed:
            shutil.copymode(path, new)
            _given(path, new)
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def _given(path: Path, new: Path) -> None:
    """The new file belongs to whom the old one belonged, where that can be done."""
    if hasattr(os, "chown"):
        known = path.stat()
        with suppress(OSError):
            os.chown(new, known.st_uid, known.st_gid)


def _flushed(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
