"""Files of a source: where a restore put them, whether they are as they were, room for them, and what an OSError means here."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import hashing

SPARE = 64 << 20
"""So much stays free on the disk of the staging folder, whatever is copied into it. Bytes."""
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, getattr(errno, "ESTALE", errno.ENOENT), errno.EHOSTDOWN}
_LONGEST = 80


def stopped(stop: Stop) -> None:
    """SourceFault STOPPED if the run was asked to end."""
    if stop():
        raise SourceFault(source.STOPPED, retry=True)


class Outside(OSError):
    """A path of a state leads out of the folder it was given back into. States may be by anybody: nothing is done there."""

    def __init__(self) -> None:
        super().__init__(errno.EXDEV, "outside")


def restored(folder: Path, path: str | Path) -> Path:
    """Where `path` lies after a restore into `folder`: under its whole path, on Windows with the drive's letter first.

    Outside if it would lead upwards. Links that a state has laid are not looked at: `inside` does, before anything is opened.
    """
    whole = Path(path)
    drive = re.sub(r"[^A-Za-z0-9]", "", whole.drive)
    below = whole.relative_to(whole.anchor)
    if ".." in below.parts or "\0" in str(whole):
        raise Outside
    return folder / drive / below


def inside(folder: Path, path: str | Path, *, link: bool = False) -> Path:
    """As `restored`, and no step below `folder` is a link (`link`: but the last may be one). Outside."""
    found = restored(folder, path)
    step, steps = folder, found.relative_to(folder).parts
    for number, name in enumerate(steps, 1):
        step = step / name
        if step.is_symlink() and not (link and number == len(steps)):
            raise Outside
    return found


def changed(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """Which of these files are not in a restore as they were: `<path>: missing`, `: changed`, or `: outside` (see Outside)."""
    found: list[str] = []
    for path, wanted in hashes.items():
        try:
            same = hashing.same(inside(folder, path), wanted, lambda: False)
        except Outside:
            found.append(f"{printable(path)}: outside")
            continue
        except OSError:
            found.append(f"{printable(path)}: missing")
            continue
        if not same:
            found.append(f"{printable(path)}: changed")
    return found


def compared(wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Which tables have other rows than the manifest says."""
    return [
        f"{printable(table)}: {found.get(table, '-')} rows, not {wanted.get(table, '-')}"
        for table in sorted({*wanted, *found})
        if wanted.get(table) != found.get(table)
    ]


def room(folder: Path, wanted: int) -> None:
    """SourceFault NO_SPACE if so many bytes do not fit where `folder` lies."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise SourceFault(source.NO_SPACE, f"{wanted // 1_000_000} MB wanted, {free // 1_000_000} MB free")


def fault(error: OSError) -> SourceFault:
    """What the system's refusal means. Names of files stay out of it."""
    word = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if error.errno in _FULL:
        return SourceFault(source.NO_SPACE, word)
    if error.errno in _GONE:
        return SourceFault(source.NOT_THERE, word, retry=True)
    if isinstance(error, PermissionError):
        return SourceFault(source.REFUSED, word)
    return SourceFault(source.NOT_WHOLE, word, retry=True)


def file_name(name: str) -> str:
    """A name that every file system takes, made of a source's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:_LONGEST] or "source"


def printable(path: str) -> str:
    """A path as text that can be shown and stored: what is no UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def private(path: Path) -> None:
    """For its owner alone, where the system knows such rights."""
    os.chmod(path, 0o600)


def files(path: Path) -> int:
    """How many files are there, or below it; no link is followed, not even this."""
    if path.is_symlink() or not path.is_dir():
        return int(path.is_file() and not path.is_symlink())
    return sum(
        1
        for here, _, names in os.walk(path)
        for name in names
        if stat.S_ISREG(os.lstat(os.path.join(here, name)).st_mode)
    )
