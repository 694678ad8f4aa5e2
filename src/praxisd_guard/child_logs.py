"""HOME/logs: what servers said on standard error. Twenty are kept, and of those that failed a copy that stays longer."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

KEPT = 20
KEPT_FAILED = 10
KEPT_CRASHED = 10
_TAIL = 4096
_CODE = re.compile(rb"\(([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)\)\s*\Z")
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]")


def new_log(home: Path) -> Path:
    """Path of the log of a server that starts now: `logs/server-20261127-150405-123456.log` (UTC); old ones go."""
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + f"-{int(now % 1 * 1e6):06d}"
    folder = home / "logs"
    _keep(folder, "server-*.log", KEPT - 1)
    return folder / f"server-{stamp}.log"


def keep_crashed(home: Path, version: str, log: Path) -> Path:
    """As `keep_failed`, for a server that failed while no update was on its way: `logs/crashed-<version>-<epoch>.log`.

    These come in numbers; they must not push out the log of an update that an Issue points to.
    """
    return _keep_copy(home, "crashed", version, log, KEPT_CRASHED)


def keep_failed(home: Path, version: str, log: Path) -> Path:
    """Copy the log of an update that failed to `logs/failed-<version>-<epoch>.log`; the copy, or `log` if that fails."""
    return _keep_copy(home, "failed", version, log, KEPT_FAILED)


def last_code(log: Path) -> str | None:
    """The code of ours with which the log ends, `(config.invalid)`; None for any other end."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            found = _CODE.search(file.read().rstrip())
    except OSError:
        return None
    return None if found is None else found[1].decode()


def _keep_copy(home: Path, word: str, version: str, log: Path, count: int) -> Path:
    at = int(time.time())
    stem = f"{word}-{_UNFIT.sub('_', version)}-"
    try:
        while (copy := home / "logs" / f"{stem}{at}.log").exists():  # two within a second
            at += 1
        shutil.copyfile(log, copy)
        copy.chmod(0o600)
    except OSError:
        return log
    _keep(home / "logs", f"{word}-*.log", count)
    return copy


def limit_size(log: Path, most: int) -> None:
    """Set a log aside that has grown beyond `most` bytes (`server-….old.log`, one), and begin it anew.

    The server goes on writing at the end of the same file; a line written in between may be lost.
    """
    with suppress(OSError):
        if log.stat().st_size > most:
            shutil.copyfile(log, log.with_suffix(".old.log"))
            os.truncate(log, 0)


def _keep(folder: Path, pattern: str, count: int) -> None:
    try:
        found = sorted(folder.glob(pattern), key=_age)
    except OSError:  # no descriptor for a look: the next start tidies
        return
    for old in found[: max(0, len(found) - count)]:
        with suppress(OSError):
            old.unlink()


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name
