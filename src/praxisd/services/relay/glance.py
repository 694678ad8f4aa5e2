"""A node that does not hold the link looks from outside by itself: people ask whichever node answers them."""

import threading
from typing import TYPE_CHECKING

from praxisd.services.relay import probe as calls
from praxisd.services.relay.linking import Probe, Snapshot

if TYPE_CHECKING:
    from praxisd.kernel.app import House

WITHIN_S = 8.0
OLD_S = 8
"""So long a look is good for whoever reads the state. Seconds."""


class Glance:
    """The last call through the public name that this node made without holding the link."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._lock = threading.Lock()
        self._last: Probe | None = None

    def look(self, within_s: float = WITHIN_S) -> None:
        """Call now and remember; who comes while another call is under way does not wait for it."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            at = self._house.clock.now()
            got = calls.fetch(self._house, calls.ALIVE, {}, within_s)
            code = got.code or (None if got.status == 200 else calls.ANSWER)
            self._last = Probe(at=at, code=code, ms=got.ms)
        except Exception as error:
            self._house.log.warning("relay_glance", error=error)
        finally:
            self._lock.release()

    def refresh(self, told: Snapshot) -> None:
        """Somebody reads the state: have it looked at if the last look is old. Returns at once."""
        known = self.newer(told).probe
        if told.connected and (known is None or self._house.clock.now() - known.at > OLD_S):
            threading.Thread(target=self.look, name="praxisd-relay-glance", daemon=True).start()

    def newer(self, told: Snapshot) -> Snapshot:
        """What the holder told, with our own look where that is younger and the link is still the same."""
        mine, came = self._last, max((one.since for one in told.links if one.phase == "up"), default=None)
        if mine is None or came is None or mine.at < came:
            return told
        if told.probe is not None and told.probe.at >= mine.at:
            return told
        return Snapshot(links=told.links, host=told.host, port=told.port, probe=mine)
