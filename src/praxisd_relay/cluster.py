"""One hub among several: who they are, who holds which practice, and that their registries say the same.

Where a guest's practice is found: own links (the hub itself), then the practice's homes (`cluster_homes`), then the
directory on NATS; while NATS is away, all neighbours are asked instead. Bytes go over the links of `peers`. A hub that
is alone has no Cluster at all.
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import msgspec

from praxisd_relay import cluster_homes
from praxisd_relay.cluster_nodes import Nodes
from praxisd_relay.cluster_replica import Replica, Shared
from praxisd_relay.cluster_settings import NatsSettings, Node, PeersSettings
from praxisd_relay.directory import Bus, BusAway, Directory
from praxisd_relay.peers import Host, Peers
from praxisd_relay.peers_plain import Door

LOG = logging.getLogger("praxisd_relay.cluster")
LINK_S = 1.0
"""How long a guest waits for a link to the hub that has been named."""
MOST_ASKED = 64


class Announcement(msgspec.Struct, frozen=True):
    """`node` is there, or goes."""

    node: Node
    leaving: bool = False


class Hub(Host, Protocol):
    """What the cluster needs of its hub."""

    @property
    def registry(self) -> Shared:
        """Practices and codes."""

    @property
    def public(self) -> str:
        """`host:port[/pin]` where agents reach this very hub."""

    def held(self) -> Iterable[str]:
        """Ids of the practices with a link here now."""


class Cluster:
    """Made by the hub if its configuration has `[peers]`. All on the loop's thread."""

    def __init__(self, hub: Hub, peers: PeersSettings, nats: NatsSettings | None = None) -> None:
        self._hub, self._settings, self._nats = hub, peers, nats
        self._nodes = Nodes(Node(peers.node, peers.announce, peers.public), peers.nodes, peers.announce_s)
        self.peers = Peers(peers, hub, lambda name: self._nodes.get(name) is not None, self._relinked)
        self.bus: Bus | None = None
        self._directory: Directory | None = None
        self._replica: Replica | None = None
        self._task: asyncio.Task[None] | None = None
        self._searches: dict[str, asyncio.Task[Door | None]] = {}
        self._linked = asyncio.Event()
        self._leaving = False
        self.found = self.missed = 0
        """Searches that came to a link, and those that did not."""

    async def start(self) -> str:
        """Join; the bound address for neighbours. Returns whether or not anybody else is there. Raises OSError or
        ssl.SSLError if an address or a file of the settings cannot be used."""
        bound = await self.peers.start()
        settings = self._settings
        self._nodes.own = Node(
            settings.node, settings.announce or _reachable(settings.node, bound), self._public()
        )
        if self._nats is not None:
            from praxisd_relay.directory_nats import NatsBus  # only hubs in a cluster need nats-py

            prefix = self._nats.prefix
            self.bus = NatsBus(
                self._nats, settings.node, self._bus_changed, lambda text: LOG.warning("%s", text)
            )
            self._directory = Directory(self.bus, prefix, settings.node)
            self._directory.only(self._hub.held())
            self._replica = Replica(self.bus, prefix, settings.node, self._hub.registry, self._nats.digest_s)
            self.bus.listen(f"{prefix}.node", self._announced)
            self._replica.start()
            self._nodes.deaf(time.monotonic())
            await self.bus.start()
        self._task = asyncio.create_task(self._run())
        self._dial()
        return bound

    def leave(self) -> None:
        """The hub drains: it is nobody's home any more. Its practices are found here until they have gone elsewhere."""
        self._leaving = True
        self._announce()

    async def stop(self) -> None:
        """Leave and end; what runs through neighbours ends."""
        self.leave()
        for task in (self._task, *self._searches.values()):
            if task is not None:
                task.cancel()
        if self._replica is not None:
            await self._replica.stop()
        if self.bus is not None:
            await self.bus.stop()
        await self.peers.stop()

    def _public(self) -> str:
        """Where agents reach us, with the certificate's pin where the hub has one."""
        given, (link, slash, pin) = self._settings.public, self._hub.public.partition("/")
        return f"{given or link}{slash}{pin}" if "/" not in given else given

    # What the hub tells and asks

    def linked(self, practice: str) -> None:
        """The practice's first link here is up."""
        if self._directory is not None:
            self._directory.hold(practice)

    def unlinked(self, practice: str) -> None:
        """Its last link here is gone."""
        if self._directory is not None:
            self._directory.release(practice)

    def homes(self, practice: str) -> list[str]:
        """Addresses of the practice's homes, for WELCOME. Hubs that we have a link with count first: a dead one on
        the list of the configuration is nobody's home."""
        own = self._settings.node
        alive = [name for name in self._nodes.names() if name == own or name in self.peers.heard]
        chosen = cluster_homes.homes(
            practice, alive if len(alive) >= cluster_homes.HOMES else self._nodes.names()
        )
        return [node.public for name in chosen if (node := self._nodes.get(name)) is not None and node.public]

    async def find(self, practice: str) -> Door | None:
        """The way to a hub that holds the practice; None if none is known to. Never raises."""
        running = self._searches.get(practice)
        if running is None:  # one search for all guests that ask meanwhile
            running = self._searches[practice] = asyncio.create_task(self._search(practice))
            running.add_done_callback(lambda _: self._searches.pop(practice, None))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running.cancelled():
                return None
            raise

    def figures(self) -> dict[str, float]:
        """For the metrics: hubs known and linked, whether the bus is up, searches, records taken over."""
        return {
            "hubs": len(self._nodes.names()),
            "hubs_linked": len(self.peers.linked),
            "bus_up": float(self.bus is not None and self.bus.up),
            "searches_found": self.found,
            "searches_missed": self.missed,
            "peers_refused": self.peers.gate.refused,
            "records_taken": self._replica.taken if self._replica is not None else 0,
        }

    # The search

    async def _search(self, practice: str) -> Door | None:
        link = None
        try:
            link = await self._first(practice, cluster_homes.homes(practice, self._nodes.names()))
            if link is None:
                link = await self._by_directory(practice)
        except Exception:
            LOG.exception("a search among the hubs failed")
        if link is None:
            self.missed += 1
        else:
            self.found += 1
        return link

    async def _by_directory(self, practice: str) -> Door | None:
        if self._directory is not None:
            try:
                name = await self._directory.find(practice)
            except BusAway:
                return await self._first(practice, self.peers.linked)
            if name is None or name == self._settings.node:
                return None
            return await self._link(name)
        return await self._first(practice, self.peers.linked)

    async def _link(self, name: str) -> Door | None:
        """The link to a hub, which may be about to come up."""
        until = time.monotonic() + LINK_S
        while (link := self.peers.door(name)) is None and (left := until - time.monotonic()) > 0:
            self._linked.clear()
            try:
                async with asyncio.timeout(left):
                    await self._linked.wait()
            except TimeoutError:
                break
        return link

    async def _first(self, practice: str, names: Iterable[str]) -> Door | None:
        """The first of these hubs that says it holds the practice."""
        asked = [name for name in names if self.peers.link(name) is not None][:MOST_ASKED]

        async def ask(name: str) -> Door | None:
            return self.peers.door(name) if await self.peers.ask(name, practice) else None

        return await _first_of([ask(name) for name in asked])

    # The list of hubs

    async def _run(self) -> None:
        while True:
            try:
                self._announce()
                for name in self._nodes.expire(time.monotonic(), self.peers.heard):
                    LOG.warning("hub %s is gone", name)
                self._dial()
                if self.peers.renew():
                    LOG.info("the hubs' certificate was read anew")
            except OSError as failure:  # ssl.SSLError is one: perhaps just being replaced
                LOG.warning("the hubs' certificate: %s", failure)
            except Exception:
                LOG.exception("the list of hubs")
            await asyncio.sleep(self._settings.announce_s * random.uniform(0.8, 1.0))  # noqa: S311

    def _announce(self) -> None:
        if self.bus is not None and self._nats is not None:
            said = Announcement(self._nodes.own, self._leaving)
            self.bus.say(f"{self._nats.prefix}.node", msgspec.json.encode(said))

    def _announced(self, data: bytes) -> None:
        said, now = msgspec.json.decode(data, type=Announcement), time.monotonic()
        if said.leaving:
            if self._nodes.left(said.node.name, now):
                LOG.info("hub %s leaves", said.node.name)
                self._dial()
        elif self._nodes.heard(said.node, now):
            LOG.info("hub %s is there", said.node.name)
            self._announce()  # it may not know us yet
            self._dial()

    def _dial(self) -> None:
        if not self._leaving:
            self.peers.dial(self._nodes.others())

    def _bus_changed(self, up: bool) -> None:
        now = time.monotonic()
        LOG.warning("nats: %s", "connected" if up else "away")
        if up:
            self._nodes.hearing(now)
            self._announce()
            if self._replica is not None:
                self._replica.hearing()
        else:
            self._nodes.deaf(now)

    def _relinked(self) -> None:
        self._linked.set()


def _reachable(node: str, bound: str) -> str:
    """The address under which others reach what is bound there: all addresses are none."""
    host, _, port = bound.rpartition(":")
    return f"{node}:{port}" if host in ("0.0.0.0", "[::]") else bound


async def _first_of(asks: list[Coroutine[Any, Any, Door | None]]) -> Door | None:
    """The first answer that is not None; the others are let go."""
    waiting = {asyncio.ensure_future(ask) for ask in asks}
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if (link := one.result()) is not None:
                    return link
        return None
    finally:
        for one in waiting:
            one.cancel()
