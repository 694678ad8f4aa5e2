"""Links that have come and have not proved themselves: so many at a time, and no few addresses can take all the places.

Who finds no place waits before anything was computed for it: an agent that is cut off half-way comes again, and what
both sides had worked out by then is lost. The time of a proof counts from when the hub begins with it.
"""

from collections.abc import Callable, Iterator

from praxisd_relay.front import Front
from praxisd_relay.hub_link import HubLink


class Proving:
    """At most `most` links (0: no limit), shared between neighbourhoods where there are not enough places.

    Who comes from an address with few of them gets a place of the address that has most, the one taken longest ago.
    Where all have about as many, nobody loses a place: after a restart each proof that was begun shall end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, dict[HubLink, None]] = {}
        self._count = 0
        self.on_free: Callable[[], None] = _nobody
        """Called whenever a place has become free."""

    @property
    def free(self) -> bool:
        """Is there a place?"""
        return not self._most or self._count < self._most

    def room(self, place: str) -> bool:
        """Is there a place for one more from there? It may be made by ending another one's link."""
        if self.free:
            return True
        crowd = max(self._places.values(), key=len)
        if len(crowd) <= len(self._places.get(place, ())) + 1:
            return False
        oldest = next(iter(crowd))
        self.discard(oldest)
        oldest.drop("flood")
        return True

    def add(self, link: HubLink) -> None:
        """One more."""
        there = self._places.setdefault(link.place, {})
        self._count += link not in there
        there[link] = None

    def discard(self, link: HubLink) -> None:
        """It is proved, or over; nothing happens where it is not among them."""
        there = self._places.get(link.place)
        if there is None or link not in there:
            return
        del there[link]
        self._count -= 1
        if not there:
            del self._places[link.place]
        self.on_free()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[HubLink]:
        return (link for there in self._places.values() for link in there)


class Line:
    """Connections of agents that wait for a place, by address: each address has its turn, whoever came first goes first.

    They still count as half open, for all addresses and for each (`front.House.half_open`): so many wait at most.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Front, None]] = {}
        self.since: dict[Front, float] = {}
        """All of them, in the order they came."""

    def enter(self, front: Front, now: float) -> None:
        """One more."""
        self._waiting.setdefault(front.place, {})[front] = None
        self.since[front] = now
        front.wait(self.discard)

    def next(self) -> Front | None:
        """Whose turn it is; None if nobody waits."""
        if not self._waiting:
            return None
        place, there = next(iter(self._waiting.items()))
        front = next(iter(there))
        del self._waiting[place]
        self._waiting[place] = there  # at the end
        self.discard(front)
        return front

    def discard(self, front: Front) -> None:
        """It went away, or it is its turn."""
        front.waits = None
        self.since.pop(front, None)
        there = self._waiting.get(front.place, {})
        there.pop(front, None)
        if not there:
            self._waiting.pop(front.place, None)

    def __len__(self) -> int:
        return len(self.since)


def _nobody() -> None:
    """Nobody waits."""
