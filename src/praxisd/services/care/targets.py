"""May the database lie there? Looked at before anything is moved, each refusal with what a person can do about it."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import database_at
from praxisd.kernel.engines import Sqlite
from praxisd.kernel.errors import Problem
from praxisd.services.care import rules
from praxisd_guard.durable import sync_folder

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NO_FOLDER, SAME, OCCUPIED, INSIDE = (
    "care.move_no_folder", "care.move_same", "care.move_occupied", "care.move_inside",
)  # fmt: skip
NETWORK, CLOUD, FLEETING = "care.move_network", "care.move_cloud", "care.move_fleeting"
NO_SPACE, NO_RIGHTS, READ_ONLY, UNFIT = (
    "care.move_no_space", "care.move_no_rights", "care.move_read_only", "care.move_unfit",
)  # fmt: skip
NOT_SQLITE = "care.not_sqlite"
CODES = (
    NO_FOLDER, SAME, OCCUPIED, INSIDE, NETWORK, CLOUD, FLEETING, NO_SPACE, NO_RIGHTS, READ_ONLY, UNFIT, NOT_SQLITE,
)  # fmt: skip
RESERVE = 100_000_000
"""So many bytes stay free beside the database, for its log and what comes."""
MOUNTS = Path("/proc/mounts")
_COMPANIONS = ("", "-wal", "-shm", "-journal")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the file will lie. Bytes and seconds; `stall_s`: nobody can save for about so long."""

    path: str
    system: str
    size: int
    free: int
    stall_s: float


def looked(house: "House", to: str) -> Target:
    """The target of a move into this folder, which is made where only its last part is missing. Problems of `CODES` (409)."""
    engine = house.store.engine
    if not isinstance(engine, Sqlite):
        raise Problem(NOT_SQLITE, 409)
    if rules.is_share(to):
        raise Problem(NETWORK, 409, folder=to, system="UNC")
    if not os.path.isabs(to):
        raise Problem(NO_FOLDER, 409, folder=to)
    folder = Path(os.path.realpath(to))
    system = kind_of(folder)
    _place(folder, to, system)
    _not_ours(house.folder, engine.path, folder)
    made = not folder.is_dir()
    try:
        if made:
            folder.mkdir(mode=0o700)
            sync_folder(folder.parent)
        _tried(folder)
        size = engine.path.stat().st_size + _size(engine.path.with_name(engine.path.name + "-wal"))
        free = shutil.disk_usage(folder).free
        if free < size + RESERVE:
            raise Problem(
                NO_SPACE, 409, folder=to, megabytes=(size + RESERVE) // 1_000_000, free=free // 1_000_000
            )
    except BaseException as error:
        if made:
            _unmade(folder)
        if isinstance(error, OSError):
            raise refused(error, folder) from None
        raise
    if made:
        _unmade(folder)  # a look leaves nothing behind
    return Target(
        path=str(folder / database_at.FILE), system=system, size=size, free=free, stall_s=rules.move_stall_s(size)
    )  # fmt: skip


def _place(folder: Path, to: str, system: str) -> None:
    if not folder.is_dir() and not folder.parent.is_dir():
        raise Problem(NO_FOLDER, 409, folder=to)
    if folder.exists() and not folder.is_dir():
        raise Problem(NO_FOLDER, 409, folder=to)
    if system in rules.NETWORK:
        raise Problem(NETWORK, 409, folder=to, system=system)
    if system in rules.FLEETING:
        raise Problem(FLEETING, 409, folder=to, system=system)
    name = in_cloud(folder)
    if name is not None:
        raise Problem(CLOUD, 409, folder=to, name=name)


def _not_ours(data: Path, now: Path, folder: Path) -> None:
    """Not where it is, not among our own files, not over another one."""
    if os.path.realpath(now) == os.path.realpath(folder / database_at.FILE):
        raise Problem(SAME, 409, path=str(now))
    top = Path(os.path.realpath(data))
    if folder != top and folder.is_relative_to(top):
        raise Problem(INSIDE, 409, folder=str(folder), data=str(top))
    for end in _COMPANIONS:
        path = folder / (database_at.FILE + end)
        if os.path.lexists(path) and not database_at.is_stone(path):
            raise Problem(OCCUPIED, 409, path=str(path))


def kind_of(folder: Path) -> str:
    """The file system's kind as Linux says it; "" where that cannot be known."""
    try:
        return rules.mounted(MOUNTS.read_text("utf-8", "surrogateescape"), str(folder))[0]
    except OSError:
        return ""


def in_cloud(folder: Path) -> str | None:
    """The name of what copies this folder into the cloud, by names of folders and by the marks such programs leave."""
    named = rules.cloud(str(folder))
    if named is not None:
        return named
    for one in (folder, *folder.parents):
        for mark in rules.MARKS:
            if os.path.lexists(one / mark):
                return f"{one.name}/{mark}"
    return None


def _tried(folder: Path) -> None:
    """A small database is begun there, with its log and shared memory, written through, and removed again. OSError."""
    path = folder / f".praxisd-try-{os.getpid()}.db"
    if os.path.lexists(path):
        path.unlink()
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        db = sqlite3.connect(path, isolation_level=None)
        try:
            (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("CREATE TABLE tried(it TEXT)")
            db.execute("INSERT INTO tried VALUES('yes')")
        finally:
            db.close()
        if mode != "wal":
            raise Problem(UNFIT, 409, folder=str(folder))
    except sqlite3.Error:
        raise Problem(UNFIT, 409, folder=str(folder)) from None
    finally:
        for end in _COMPANIONS:
            path.with_name(path.name + end).unlink(missing_ok=True)


def refused(error: OSError, folder: Path) -> Problem:
    """What the operating system said, in our words."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return Problem(NO_RIGHTS, 409, folder=str(folder))
    if error.errno == errno.EROFS:
        return Problem(READ_ONLY, 409, folder=str(folder))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(NO_SPACE, 409, folder=str(folder), megabytes=RESERVE // 1_000_000, free=0)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Problem(NO_FOLDER, 409, folder=str(folder))
    return Problem(UNFIT, 409, folder=str(folder), detail=error.strerror)


def _unmade(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # somebody has put something there meanwhile
        return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
