"""The keeper's pulse: for systemd's watchdog, for its patience with a long start, for the size of the server's log.

The watchdog is fed from a thread of its own. A disk that hangs for a while (a backup on USB, a computer that wakes up)
holds up the loop in the middle of a write, and must not have guard and server killed; a loop that hangs longer must.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from praxisd_guard import child_logs
from praxisd_guard.keeper_server import Hands
from praxisd_guard.notify import Notifier

BEAT_S = 5.0
LOOP_PATIENCE_S = 300.0
"""The loop may stand still for so long."""
_EXTEND_S = 30.0


class Beat:
    """One keeper's pulse, from `begin` to `end`."""

    def __init__(self, notifier: Notifier, hands: Hands, busy: Callable[[], bool]) -> None:
        """`busy()`: True while systemd must wait for a start or an end."""
        self._notifier = notifier
        self._hands = hands
        self._busy = busy
        self._every = min(BEAT_S, (notifier.watchdog_s or BEAT_S * 2) / 2)
        self._turned = time.monotonic()
        self._over = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it, on the running loop."""
        self._task = asyncio.create_task(self._turn())
        threading.Thread(target=self._feed, name="guard-watchdog", daemon=True).start()

    def end(self) -> None:
        """Stop it."""
        self._over.set()
        if self._task is not None:
            self._task.cancel()

    async def _turn(self) -> None:
        while True:
            self._turned = time.monotonic()
            if self._busy():
                self._notifier.extend(_EXTEND_S)
            if self._hands.child is not None:
                child_logs.limit_size(self._hands.child.log, self._hands.limits.log_bytes)
            await asyncio.sleep(self._every)

    def _feed(self) -> None:
        while time.monotonic() - self._turned < LOOP_PATIENCE_S:
            self._notifier.alive()
            if self._over.wait(self._every):
                return
