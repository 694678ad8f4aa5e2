"""Which practice has which link here, and what a new link does to the one before it. One thread."""

import asyncio
from collections.abc import Callable

from praxisd_relay.config import Config
from praxisd_relay.guests import Traffic
from praxisd_relay.hub_link import HubLink
from praxisd_relay.hub_proving import Proving
from praxisd_relay.log import LOG
from praxisd_relay.records import Practice, Record
from praxisd_relay.registry import Registry

RETIRED_CHECK_SECONDS = 5.0
"""A link that was replaced must show that it lives, or its streams are ended."""
MOST_RETIRED = 2


class Links:
    """All links of one hub. `on_linked(id)` and `on_unlinked(id)` are called when a practice's link comes or goes."""

    def __init__(self, config: Config, registry: Registry) -> None:
        self._config = config
        self._registry = registry
        self.proving = Proving(config.limits.handshakes)
        self.running: dict[str, HubLink] = {}
        """The present link of each practice, by its present id."""
        self.retired: dict[str, list[HubLink]] = {}
        """Links that take no more guests but still carry some."""
        self.traffic: dict[str, Traffic] = {}
        self.active: set[Traffic] = set()
        """Those with guests: what upkeep looks at, however many practices are linked and idle."""
        self.on_linked: Callable[[str], None] = _nobody
        self.on_unlinked: Callable[[str], None] = _nobody
        registry.changed(self._changed)

    def began(self, link: HubLink) -> None:
        """A link has come and has not proved itself."""
        self.proving.add(link)

    def linked(self, link: HubLink) -> None:
        """It has: it takes the place of the one before."""
        self.proving.discard(link)
        before = self.running.pop(link.id, None)
        self.running[link.id] = link
        self.of(link.id).link(link.carrier)
        if before is not None:
            self._retire(before, "replaced")
        else:
            self.on_linked(link.id)

    def leaving(self, link: HubLink) -> None:
        """It takes no more guests."""
        self.proving.discard(link)
        if self.running.get(link.id) is link:
            del self.running[link.id]
            traffic = self.of(link.id)
            traffic.link(None)
            if link.carrier.lost is None:
                self._keep(link)
            self.on_unlinked(link.id)

    def ended(self, link: HubLink) -> None:
        """It is over."""
        kept = self.retired.get(link.id)
        if kept is not None and link in kept:
            kept.remove(link)
            if not kept:
                del self.retired[link.id]

    def of(self, id_: str) -> Traffic:
        """The traffic of a practice."""
        found = self.traffic.get(id_)
        if found is None:
            found = self.traffic[id_] = Traffic(self._config.limits)
        return found

    def enter(self, id_: str, now: float, place: str = "") -> Traffic | None:
        """One more guest of a practice comes in; None if that is more than it may have now. See Traffic.enter."""
        traffic = self.of(id_)
        if not traffic.enter(now, place):
            return None
        if traffic not in self.active:
            self.active.add(traffic)
            traffic.tick(
                now
            )  # limited from its first byte on: until upkeep looks, a fast line moves megabytes
        return traffic

    def all(self) -> list[HubLink]:
        """Every link, whatever its state."""
        return [
            *self.proving,
            *self.running.values(),
            *(one for kept in self.retired.values() for one in kept),
        ]

    def rekeyed(self, link: HubLink, before: str) -> None:
        """The practice of `link` has a new id."""
        if self.running.get(before) is link:
            del self.running[before]
            self.of(before).link(None)
            self.on_unlinked(before)
            self.linked(link)

    def forget(self) -> None:
        """Drop the traffic of practices that have no link and no guests and nothing left to be written down."""
        for id_ in [
            one for one, traffic in self.traffic.items() if traffic.carrier is None and traffic.over()
        ]:
            del self.traffic[id_]

    def _retire(self, link: HubLink, reason: str) -> None:
        if link.carrier.silent or not link.carrier.streams:
            link.leave(reason)
            link.drop(reason)
            return
        link.leave(reason, 0.0, self._config.spread_s)
        self._keep(link)
        link.carrier.check(RETIRED_CHECK_SECONDS)

    def _keep(self, link: HubLink) -> None:
        """Let its streams end, for as long as a drain takes; of one practice at most two such links."""
        if not link.carrier.streams:
            link.drop("done")
            return
        kept = self.retired.setdefault(link.id, [])
        kept.append(link)
        for one in kept[:-MOST_RETIRED]:
            one.drop("replaced")
        link.carrier.on_idle = lambda: link.drop("done")
        asyncio.get_running_loop().call_later(self._config.drain_s, link.drop, "done")

    def _changed(self, record: Record, _foreign: bool) -> None:
        """The registry changed: who is revoked goes at once, who has a new id is found under that.

        A link of a former key leaves once the new one was used: whoever has the new key comes again with it.
        """
        if not isinstance(record, Practice):
            return
        for link in self._about(record.id):
            present = self._registry.present(link.key_id)
            if present is None:
                LOG.info("revoked: link of %s ended", link.id)
                link.leave("revoked")
                link.drop("revoked")
                continue
            key = self._registry.find(link.key_id)
            if key is not None and key.closed:
                link.leave("drain", 0.0, self._config.spread_s)
                self.leaving(link)
            elif present.id != link.id and self.running.get(link.id) is link:
                before, link.id = link.id, present.id
                self.rekeyed(link, before)

    def _about(self, id_: str) -> list[HubLink]:
        """Links of that practice or opened by that key."""
        near = [self.running[id_]] if id_ in self.running else []
        near += self.retired.get(id_, [])
        former = self._registry.find(id_)
        if not near or (
            former is not None and former.alias_of
        ):  # rare, so looking at all of them is good enough
            near += [one for one in self.running.values() if one.key_id == id_ and one not in near]
        return near


def _nobody(_: str) -> None:
    """Nobody wants to know."""
