"""Has open questions settled while the house runs: a key was offered to a hub, and what came of it is not written down.

A crash leaves such a question, and so does a database that fails right after the hub's yes. At a start it is asked once
(`enrolling.resume`); here it is asked again, for the hub may not have been there then. Meanwhile the hub may know us only by
the offered key and refuse the one in force: that, or a link that is up with the offered key, makes it urgent.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.services.relay import enrolling

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.relay.linking import Snapshot

FIRST_S = 30.0
MOST_S = 600.0
"""The first question comes so long after the offer was seen (whoever made it is still at it), then each after twice the
pause. Seconds."""
URGENT_S = 3.0
URGENT_MOST_S = 60.0
"""The same while the key in force is refused, or the offered one is known to be admitted; then the first comes at once."""
_NOT_US = ("revoked", "unknown")


class Settling:
    """`step` is called about once a second, by one thread at a time; it never waits. `changed` hears of an answer."""

    def __init__(self, house: "House", changed: Callable[[], None]) -> None:
        self._house = house
        self._changed = changed
        self._open = ""
        self._urgent = False
        self._at = self._pause = 0.0
        self._asking: threading.Thread | None = None

    def step(self, offered: str, link: "Snapshot") -> None:
        """`offered`: the id of the key whose admission is open, "" if none is."""
        now = self._house.clock.monotonic()
        urgent = enrolling.admitted(offered, link) or any(
            one.phase == "refused" and one.code in _NOT_US for one in link.links
        )
        if offered != self._open:
            self._open, self._urgent = offered, False
            self._at, self._pause = now + FIRST_S, FIRST_S
        if urgent and not self._urgent:
            self._at, self._pause = now, URGENT_S
        self._urgent = urgent
        if not offered or now < self._at or (self._asking is not None and self._asking.is_alive()):
            return
        self._at, self._pause = now + self._pause, min(2 * self._pause, URGENT_MOST_S if urgent else MOST_S)
        self._asking = threading.Thread(
            target=self._ask, args=(link,), name="praxisd-relay-settle", daemon=True
        )
        self._asking.start()

    def _ask(self, link: "Snapshot") -> None:
        house = self._house
        try:
            enrolling.resume(house, link)
            self._changed()
        except Exception as error:
            if not house.stopping:
                house.log.error("loop_failed", where="relay.settling", error=error)

    def wait(self, within_s: float) -> None:
        """Until the question that is being asked has come to an end."""
        if self._asking is not None:
            self._asking.join(within_s)
