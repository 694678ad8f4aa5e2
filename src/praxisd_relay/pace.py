"""When an agent tries again: full jitter, so that thousands that lost the same hub do not come back in one instant.

Pure: times are seconds, `uniform` is handed in. One Pace belongs to one of an agent's two places for a link.

    a try failed            uniform(0, min(60, 2^n)), n = 0 for the first
    a link was lost         uniform(0, spread): the hub said in WELCOME over how long its agents shall spread; one that
                            lived a minute forgets earlier failures, a shorter one counts as one more
    refused, replaced       slowly: a person must act first; never sooner than half a minute, doubling to ten minutes
    GOAWAY of a drain       within the window that the hub named
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_S = 60.0
"""No wait after a failure or a loss is longer."""
LIVED_S = 60.0
"""A link that lived so long was a good one: what failed before it is forgotten."""
SLOWEST_S = 600.0
"""No wait after a refusal is longer, unless the hub asks for it."""
ASKED_S = 3600.0
"""What a hub may ask for at most."""


@dataclass(slots=True)
class Pace:
    """Counts what went wrong in a row and says how long to wait; every answer is finite and not negative."""

    uniform: Callable[[float, float], float] = random.uniform
    failures: int = 0
    refusals: int = 0

    def up(self) -> None:
        """A link stands: refusals are over. Failures are forgotten only once it has lived (`lost`)."""
        self.refusals = 0

    def failed(self) -> float:
        """A try did not come to a link."""
        ceiling = self._ceiling()
        self.failures += 1
        return self.uniform(0.0, ceiling)

    def lost(self, lived_s: float, spread_s: float) -> float:
        """A link ended that was up for `lived_s`."""
        if lived_s >= LIVED_S:
            self.failures = 0
            return self.uniform(0.0, _between(0.0, spread_s, LONGEST_S))
        ceiling = max(self._ceiling(), _between(0.0, spread_s, LONGEST_S))
        self.failures += 1
        return self.uniform(0.0, ceiling)

    def refused(self, retry_s: float | None, least_s: float = 60.0) -> float:
        """The hub knows us not, or no longer, or another machine uses our key. `retry_s`: what it asked for."""
        wait = min(SLOWEST_S, least_s * 2.0 ** min(self.refusals, 10))
        self.refusals += 1
        if retry_s is not None:
            wait = _between(1.0, retry_s, ASKED_S)
        return self.uniform(wait, 1.5 * wait)

    def drained(self, delay_s: float, spread_s: float) -> float:
        """The hub goes away: another link is made so much later."""
        begin = _between(0.0, delay_s, SLOWEST_S)
        return self.uniform(begin, begin + _between(0.0, spread_s, SLOWEST_S))

    def _ceiling(self) -> float:
        return min(LONGEST_S, 2.0 ** min(self.failures, 10))


def _between(low: float, value: float, high: float) -> float:
    """`value` within bounds; what is no number (a hub may send anything) counts as `low`."""
    return min(max(value, low), high) if value == value else low
