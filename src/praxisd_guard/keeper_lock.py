"""One guard per home. The lock alone says whether one runs: state.json may be left over."""

import fcntl
import os
import time
from pathlib import Path

_PAUSE_S = 0.02


class Taken(Exception):
    """Another guard runs in this home."""


class Lock:
    """One guard per home: HOME/guard.lock, freed by the system however the guard ends."""

    def __init__(self, home: Path, patience_s: float = 0.0) -> None:
        """Raises Taken when another guard keeps it for longer than `patience_s` seconds, or OSError.

        A guard should have some patience: `guard_runs` of another program holds the lock for a moment.
        """
        self._handle = os.open(home / "guard.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(self._handle)
                    raise Taken(str(home)) from None
                time.sleep(_PAUSE_S)

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
