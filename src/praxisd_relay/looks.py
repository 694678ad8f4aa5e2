"""When each link is looked at again: one timer of the loop for thousands of links, in steps of a tenth of a second.

A timer of its own for each idle link was most of what a hub does while nothing happens. Who is due within a second gets
one all the same: there a tenth would matter. All on one loop's thread.
"""

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

LOG = logging.getLogger("praxisd_relay.line")
STEP_S = 0.1
NEAR_S = 1.0
_all: "WeakKeyDictionary[asyncio.AbstractEventLoop, Looks]" = WeakKeyDictionary()


class Looker(Protocol):
    """Who is called back."""

    def look(self) -> None:
        """It is time."""


class Looks:
    """Those of one loop. Nobody is called too early, and nobody later than a step."""

    def __init__(self) -> None:
        self._steps: dict[int, dict[Looker, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0
        """The step that the timer is set for; only meant while there is one."""

    def put(self, one: Looker, delay: float) -> int:
        """Call `one` after `delay` seconds; what `drop` wants to be told."""
        step = int((asyncio.get_running_loop().time() + delay) / STEP_S) + 1
        there = self._steps.get(step)
        if there is not None:
            there[one] = None
        else:
            self._steps[step] = {one: None}
            if self._timer is None or step < self._armed:
                self._arm(step)
        return step

    def drop(self, one: Looker, step: int) -> None:
        """Do not call it any more."""
        there = self._steps.get(step)
        if there is not None:
            there.pop(one, None)
            if not there:
                del self._steps[step]

    def __len__(self) -> int:
        return sum(map(len, self._steps.values()))

    def _arm(self, step: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = step
        self._timer = asyncio.get_running_loop().call_at(step * STEP_S, self._due)

    def _due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time() + STEP_S / 10  # a timer may come a moment early
        try:
            for step in sorted(step for step in self._steps if step * STEP_S <= now):
                for one in tuple(self._steps.pop(step, ())):
                    try:
                        one.look()
                    except Exception:
                        LOG.exception("a link could not be looked at")
        finally:
            first = min(self._steps, default=None)
            if first is not None and (self._timer is None or first < self._armed):
                self._arm(first)


def of_loop() -> Looks:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    found = _all.get(loop)
    if found is None:
        found = _all[loop] = Looks()
    return found
