"""Guarded: what a server started by the guard knows of it, and how it asks it for something (SPEC 6.3, 7.2).

The guard is another program (`praxisd_guard`); the two share files in HOME. It says in `start.json` why it started this
server; orders go the other way. The pipe on standard input is a lifeline: when it ends, the guard is gone.
"""

import _thread
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from praxisd_guard import journal, orders
from praxisd_guard.durable import read_json
from praxisd_guard.places import Places, home_of_environment

TRIAL_S = 180.0
"""The guard decides within 60 s of a healthy start; one that cannot say so must not keep the practice's jobs. Seconds."""
DOOR_S = 10.0
"""So long a server waits for the guard's word that the door is the server's alone; a full disk may keep that back. Seconds."""
ON_TRIAL = "update"
"""Reason of the first start of a version that may still be rolled back."""


class Guarded:
    """The guard of this server. `start` is what it said of this start: reason, failures before it, and the last end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._places = Places(home)
        self._began = time.monotonic()
        self._alone = False
        self._asked: float | None = None
        self.start: dict[str, Any] = read_json(self._places.start) or {}

    @classmethod
    def here(cls) -> "Guarded | None":
        """The guard that started this program, or None where nobody guards it."""
        home = home_of_environment()
        return None if home is None else cls(home)

    @property
    def reason(self) -> str:
        """Why this server was started: a word of the guard, empty if it said none."""
        return str(self.start.get("reason", ""))

    @property
    def on_trial(self) -> bool:
        """True for a version that the guard may still take back."""
        return self.reason == ON_TRIAL

    @property
    def failures(self) -> int:
        """How often the server failed before this start, lately."""
        found = self.start.get("failures", 0)
        return found if isinstance(found, int) else 0

    def state(self) -> dict[str, Any]:
        """What the guard says it does now; empty if it said nothing."""
        return read_json(self._places.state) or {}

    @property
    def alone_at_door(self) -> bool:
        """True once every connection comes to this server. The guard listens on the same socket until it has heard the server's
        word that it is ready, and answers 503 to whom it takes. A guard that does not tell is taken at once for done.
        """
        if not self._alone:
            now = time.monotonic()
            self._asked = now if self._asked is None else self._asked
            self._alone = self.state().get("door_open") is not True or now - self._asked > DOOR_S
        return self._alone

    def order(self, kind: str, by: str, reason: str, **more: Any) -> str:
        """Ask for a restart, a new try, an install; returns the order's id. ValueError for an incomplete one; OSError."""
        return orders.give(self.home, orders.order(kind, by, reason, **more))

    @property
    def tried(self) -> bool:
        """True while the guard has not decided yet if this version stays; after three minutes it is taken for decided."""
        if not self.on_trial or time.monotonic() - self._began > TRIAL_S:
            return False
        state = self.state()
        order = state.get("order")
        return isinstance(order, str) and bool(order) and not journal.outcome(self.home, order).final

    def outcome(self, order: str) -> journal.Outcome:
        """How far an order has come."""
        return journal.outcome(self.home, order)


def hold_lifeline() -> None:
    """From now on the end of standard input ends this program as SIGTERM does."""
    handle = os.dup(sys.stdin.fileno())
    threading.Thread(target=_until_end, args=(handle,), name="praxisd-lifeline", daemon=True).start()


def _until_end(handle: int) -> None:
    try:
        while os.read(handle, 4096):
            pass
    except OSError:
        pass  # an end as well
    _thread.interrupt_main(signal.SIGTERM)
