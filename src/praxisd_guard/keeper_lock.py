"""One guard per home. The lock alone says whether one runs: state.json may be left over."""

import fcntl
import os
from pathlib import Path


class Taken(Exception):
    """Another guard runs in this home."""


class Lock:
    """One guard per home: HOME/guard.lock, freed by the system however the guard ends."""

    def __init__(self, home: Path) -> None:
        """Raises Taken, or OSError."""
        self._handle = os.open(home / "guard.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise Taken(str(home)) from None

    @property
    def held(self) -> bool:
        """True as long as the lock's file is open."""
        return self._handle >= 0

    def free(self) -> None:
        """Let another guard in."""
        os.close(self._handle)
        self._handle = -1


def guard_runs(home: Path) -> bool:
    """Does a guard run in this home? Found out by the lock, so a state.json left over does not deceive."""
    try:
        Lock(home).free()
    except Taken:
        return True
    except OSError:
        return False
    return False
