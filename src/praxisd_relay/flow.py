"""How much may be under way: receive windows that grow when they are the limit, and what all of them may cost. Pure.

Notes § 3: credit goes out at an eighth of the window (at a half, throughput halves on a real line); a window is doubled
only when it was the limit, that is when at least two thirds of it moved in less than 1.5 round trips.
"""

from praxisd_relay.frames import INITIAL_WINDOW

MOST_WINDOW = 4 * 1024 * 1024
LEAST_WINDOW = 16 * 1024
LINK_BUDGET = 16 * 1024 * 1024
PROCESS_BUDGET = 1024 * 1024 * 1024

SHORTEST_RTT = 0.01
"""Seconds. On a quick line with busy ends the way through the programs takes longer than the least round trip ever
measured, and a window that moves in this time (17 MB/s from 256 KiB on) is the limit whatever was measured."""

LEAST_QUEUE = 32 * 1024
QUEUE_S = 0.010


def queue(rate: float, most: int) -> int:
    """Bytes of a link that may wait in this process, and once more in the kernel unsent, on a line that takes `rate` bytes
    a second: ten milliseconds of it, 32 KiB at least. All of it stands before a small request that comes now."""
    return max(LEAST_QUEUE, min(most, round(rate * QUEUE_S)))


class Budget:
    """Bytes that all windows together may hold; `parent`: the budget this one is a part of."""

    __slots__ = ("limit", "parent", "used")

    def __init__(self, limit: int, parent: "Budget | None" = None) -> None:
        self.limit = limit
        self.used = 0
        self.parent = parent

    def take(self, count: int) -> bool:
        """`count` bytes more, if they are there (here and above)."""
        if self.used + count > self.limit or (self.parent is not None and not self.parent.take(count)):
            return False
        self.used += count
        return True

    def force(self, count: int) -> None:
        """`count` bytes more although they may not be there: what the protocol grants without being asked."""
        self.used += count
        if self.parent is not None:
            self.parent.force(count)

    def give(self, count: int) -> None:
        """`count` bytes back."""
        self.used -= count
        if self.parent is not None:
            self.parent.give(count)

    def first(self, wanted: int = INITIAL_WINDOW) -> int:
        """The window of a new stream, already taken: smaller when there is little left, never below 16 KiB."""
        size = wanted
        while size > LEAST_WINDOW and not self.take(size):
            size //= 2
        if size <= LEAST_WINDOW:
            size = min(wanted, LEAST_WINDOW)
            self.force(size)
        return size


PROCESS = Budget(PROCESS_BUDGET)
"""All windows of this process."""


class Window:
    """What one stream may still be sent by the other side. Times in seconds of any steady clock."""

    __slots__ = ("_at", "_budget", "_most", "_moved", "due", "left", "size")

    def __init__(self, size: int, budget: Budget, most: int = MOST_WINDOW) -> None:
        self.size = size
        self.left = size
        """Bytes the other side may still send; below zero it broke the rule."""
        self.due = 0
        """Bytes taken and not yet credited."""
        self._budget = budget
        self._most = most
        self._at = 0.0
        self._moved = 0

    def credit(self, now: float, rtt: float | None) -> int:
        """Bytes to credit now; called when `due` has reached an eighth of `size`. Without a known round trip `rtt`
        nothing grows."""
        give, self.due = self.due, 0
        self._moved += give
        if rtt is not None and self.size < self._most:
            short = now - self._at < 1.5 * max(rtt, SHORTEST_RTT)
            if not short:
                self._at, self._moved = now, 0
            elif self._moved * 3 >= self.size * 2:
                self._at, self._moved = now, 0
                more = min(self.size, self._most - self.size)
                if self._budget.take(more):
                    self.size += more
                    give += more
        self.left += give
        return give

    def close(self) -> None:
        """The stream is over: its part of the budget goes back. Once."""
        self._budget.give(self.size)
        self.size = 0
