"""Running a version's own `praxisd migrate --expand`: how the guard reaches the database, and the only way it does."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from praxisd_guard.child import spawn
from praxisd_guard.told import read as told_of

MIGRATE_S = 600.0
"""So long a migration may take. Seconds."""
FREE_S = 120.0
"""So long one waits for a migration or a server that an earlier guard left behind. Seconds."""
_LOOK_S = 0.02


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    status: int
    """Its exit status; negative: the signal; 124: not done in time, and killed."""
    log: Path


def expand(argv: Sequence[str], env: Mapping[str, str], log: Path, limit_s: float = MIGRATE_S) -> Ran:
    """Run it to its end, all it says in `log`. OSError where it cannot be started."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sink = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        pid = spawn(argv, env, nothing, sink, sink, None)
    finally:
        os.close(nothing)
        os.close(sink)
    until = time.monotonic() + limit_s
    while True:
        found, raw = os.waitpid(pid, os.WNOHANG)
        if found:
            return Ran(os.waitstatus_to_exitcode(raw), log)
        if time.monotonic() >= until:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return Ran(124, log)
        time.sleep(_LOOK_S)


def needed(old: Path, new: Path) -> bool:
    """Has the program in `new` a schema step that the one in `old` has not, or another one of the same name?

    When it has not, there is nothing to expand, and the practice is spared the start of a program. True where a program
    has no steps at all: then they lie elsewhere than here.
    """
    before, after = _steps(old), _steps(new)
    return not after or any(before.get(name) != text for name, text in after.items())


def _steps(program: Path) -> dict[Path, bytes]:
    found = sorted(program.glob("**/migrations/*.py"))
    return {path.relative_to(program): path.read_bytes() for path in found}


def wait_until_free(home: Path, limit_s: float = FREE_S) -> bool:
    """Wait until nobody holds the data folder (`DIR/run/lock`): a migration goes on when its guard was killed.

    False when it is still held after `limit_s` seconds. The lock is looked at and let go.
    """
    told = told_of(home)
    lock = None if told is None else told.data / "run" / "lock"
    until = time.monotonic() + limit_s
    while lock is not None and lock.exists() and _held(lock):
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_S)
    return True


def _held(lock: Path) -> bool:
    if os.name == "nt":
        return False
    import fcntl

    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
