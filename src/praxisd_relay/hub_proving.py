"""Links that have come and have not proved themselves: so many at a time, and no few addresses can take all the places."""

from collections.abc import Iterator

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

    def room(self, place: str) -> bool:
        """Is there a place for one more from there? It may be made by ending another one's link."""
        if not self._most or self._count < self._most:
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

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[HubLink]:
        return (link for there in self._places.values() for link in there)
