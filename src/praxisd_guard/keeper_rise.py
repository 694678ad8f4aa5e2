"""When the guard tries again by itself: from its floor, and from safe mode where it hung or its cause is one that passes.

A database on another machine that came up late, a full disk, a share that was mounted late: nobody should have to come.
"""

import time
from collections import deque
from typing import Any

from praxisd_guard.floor import Fall
from praxisd_guard.keeper_host import Failure
from praxisd_guard.keeper_limits import Limits

HUNG_SAFE = 2
"""So often within `stable_s` safe mode may hang and is started again."""

PASSING = ("store.unreachable",)
"""Codes at the end of a failed start's log that say nothing of the version: what it waited for comes back some time."""


class Rise:
    """What the keeper remembers of its tries."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._at = float("inf")
        self._passing = False
        self._hung: deque[float] = deque(maxlen=HUNG_SAFE)
        self.tries = 0
        """Starts from the floor since a server was healthy for long, or a person tried."""

    @property
    def due(self) -> bool:
        """True when the next try from the floor is to be made."""
        return time.monotonic() >= self._at

    def fall(self, failure: Failure, version: str | None, *, again: bool = True) -> Fall:
        """It failed: what the floor says of it, the time of the next try included. `again`: this try is over."""
        pause = self._limits.floor_pause(self.tries)
        self._at = time.monotonic() + pause
        self.tries += again
        return Fall(failure, version, time.time(), time.time() + pause)

    def failed(self, last: dict[str, Any] | None) -> None:
        """A server failed; `last`: how, as in start.json."""
        self._passing = (last or {}).get("code") in PASSING

    def leaves_safe_mode(self, since: float) -> bool:
        """May safe mode, which runs since then (monotonic clock), be left by itself?"""
        return self._passing and time.monotonic() - since >= self._limits.floor_pause(self.tries)

    def may_hang(self) -> bool:
        """May a safe mode that hung just now be started once more? It had started, after all."""
        now = time.monotonic()
        if len(self._hung) == HUNG_SAFE and now - self._hung[0] < self._limits.stable_s:
            return False
        self._hung.append(now)
        return True
