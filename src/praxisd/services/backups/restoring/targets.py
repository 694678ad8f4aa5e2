"""Where a restore may be written: into a folder that is empty or new, never where it would harm."""

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd.services.backups.engine import TARGET_REFUSED

NOT_ABSOLUTE, NO_PARENT, USED, OWN, MEDIUM = (
    "backups.restore_target_path", "backups.restore_target_parent", "backups.restore_target_used",
    "backups.restore_target_own", "backups.restore_target_medium",
)  # fmt: skip
CODES = (NOT_ABSOLUTE, NO_PARENT, USED, OWN, MEDIUM)


def checked(path: str, own: Path, media: Sequence[str]) -> Path:
    """The folder to restore into. `own` is the data folder, `media` the places of drives.

    Problems (422): NOT_ABSOLUTE, NO_PARENT, OWN (in the data folder, or around it), MEDIUM (on a medium of the backups),
    `engine.TARGET_REFUSED` where nothing can be written; (409) USED: something lies there, or it is a link.
    """
    asked = Path(path)
    if not asked.is_absolute() or "\0" in path or ".." in asked.parts:
        raise Problem(NOT_ABSOLUTE, 422)
    if not asked.name or not asked.parent.is_dir():
        raise Problem(NO_PARENT, 422)
    real = Path(os.path.realpath(asked.parent)) / asked.name
    if _within(real, own) or _within(Path(os.path.realpath(own)), real):
        raise Problem(OWN, 422)
    if any(_within(real, Path(one)) for one in media if os.path.isabs(one)):
        raise Problem(MEDIUM, 422)
    try:
        there = os.path.lexists(real)
        if there and (real.is_symlink() or not real.is_dir() or any(real.iterdir())):
            raise Problem(USED, 409)
        _written(real if there else real.parent)
    except OSError as error:
        raise Problem(TARGET_REFUSED, 422, detail=errno.errorcode.get(error.errno or 0)) from None
    return real


def _written(folder: Path) -> None:
    """OSError where nothing can be written. Tried, not asked: rights do not tell of a disk that is read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in (
            errno.ENOSPC,
            getattr(errno, "EDQUOT", errno.ENOSPC),
        ):  # whether all has room, the restore itself says
            raise


def _within(path: Path, folder: Path) -> bool:
    return path.is_relative_to(os.path.realpath(folder))
