"""The hub: one port, practices dial in, guests are carried to them, and nothing of what they say can be read here.

The only key in this process is that of the link name (`LinkCertificate.context`): it opens the practice's link, within
which the guests' TLS runs on, sealed for a key that only the practice has. The only places ever reached from here are
links that practices opened themselves.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable

from praxisd_relay import carrier, flow, frames, hello, hub_upkeep, identity
from praxisd_relay.carrier import Far, Stream
from praxisd_relay.cluster import Cluster
from praxisd_relay.config import Config, address
from praxisd_relay.enrolment import Doorman
from praxisd_relay.frames import Rst
from praxisd_relay.front import Front
from praxisd_relay.guests import Guest
from praxisd_relay.hub_certificate import LinkCertificate
from praxisd_relay.hub_link import HubLink
from praxisd_relay.hub_links import Links
from praxisd_relay.hub_proving import Line
from praxisd_relay.hub_sockets import Sockets
from praxisd_relay.limits import Buckets, Tally
from praxisd_relay.log import LOG, Abuse
from praxisd_relay.metrics import Counts, MetricsServer
from praxisd_relay.peers_plain import Door
from praxisd_relay.registry import Registry

GOAWAY_SECONDS = 1.0
CROWDED_SECONDS = 60.0
BUSY_SECONDS = 0.5
"""The loop never waits longer for a command that is writing."""


class Hub:
    """One hub. `start`, then `drain` and `stop`, on one loop."""

    def __init__(self, config: Config) -> None:
        """Opens the registry and the certificate. Raises ConfigError, OSError, sqlite3.Error."""
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config = config
        self.certificate = LinkCertificate(config)
        self.registry = Registry(config.registry, busy_s=BUSY_SECONDS)
        limits = config.limits
        self.counts = Counts()
        self.abuse = Abuse(config.data)
        self.newcomers = Buckets(limits.per_address, limits.per_address_burst)
        self.half_open = Tally(limits.half_open_per_address, limits.half_open)
        self.fronts: dict[Front, float] = {}
        self.balancers = config.balancer_networks
        self.doorman = Doorman(self.registry, limits.failures_per_minute, time.monotonic)
        self.links = Links(config, self.registry)
        self.links.proving.on_free = self._place_free
        self.line = Line()
        self._advancing = False
        self.sockets = Sockets()
        self.cluster: Cluster | None = None
        self.draining = self._stopped = False
        self.port = 0
        self.started_at = time.time()
        self.metrics_at = ""
        self._crowded_again = float("-inf")
        self._servers: list[asyncio.Server] = []
        self._metrics: MetricsServer | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._searches: set[asyncio.Task[None]] = set()
        self._link_limits = carrier.Limits(
            streams=limits.streams, handshake_s=limits.hello_s, ping_s=config.ping_s
        )

    # Start and end

    async def start(self) -> tuple[str, int]:
        """Listen; the first bound address. Raises OSError, ssl.SSLError."""
        flow.PROCESS.limit = self.config.limits.memory
        loop = asyncio.get_running_loop()
        for text in self.config.listen:
            host, port = address(text)
            server = await loop.create_server(
                lambda: Front(self),
                host or None,
                port,
                backlog=self.config.backlog,
                reuse_address=True,
                reuse_port=self.config.reuse_port or None,
            )
            self._servers.append(server)
        bound = self._servers[0].sockets[0].getsockname()
        self.port = int(bound[1])
        if self.config.metrics_listen:
            self._metrics = MetricsServer(lambda: hub_upkeep.metrics(self), lambda: hub_upkeep.health(self))
            host, port = await self._metrics.start(*address(self.config.metrics_listen))
            self.metrics_at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if self.config.peers is not None:
            self.cluster = Cluster(self, self.config.peers, self.config.nats)
            self.links.on_linked, self.links.on_unlinked = self.cluster.linked, self.cluster.unlinked
            await self.cluster.start()
        self._upkeep = asyncio.create_task(hub_upkeep.run(self))
        return str(bound[0]), self.port

    async def drain(self) -> None:
        """Take nobody new, send practices elsewhere, let running connections end; at most `drain_s` seconds."""
        self.draining = True
        for server in self._servers:
            server.close()
        while (front := self.line.next()) is not None:
            front.refuse(hello.INTERNAL_ERROR)
        if self.cluster is not None:
            self.cluster.leave()
        for link in self.links.all():
            link.leave("drain", 0.0, self.config.spread_s)
        await hub_upkeep.drained(self, self.config.drain_s)

    async def stop(self) -> None:
        """End everything that is left."""
        if self._stopped:
            return
        self.draining = self._stopped = True
        for server in self._servers:
            server.close()
        for task in (self._upkeep, *self._searches):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self.cluster is not None:
            await self.cluster.stop()
        if self._metrics is not None:
            await self._metrics.stop()
        hub_upkeep.write_down(self)
        for front in (*self.fronts, *self.line.since):
            front.refuse(hello.NOT_TLS)
        everything = self.links.all()
        for link in everything:
            link.drop("stopped")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOAWAY_SECONDS):
                while not all(link.carrier.closed for link in everything):
                    await asyncio.sleep(0.01)
        self.registry.close()

    def reload(self) -> None:
        """Read the certificate anew; the old one stays where the new one cannot be used. Raises ConfigError."""
        self.certificate.read()
        LOG.info("certificate read: good until %s", f"{self.certificate.not_after:%Y-%m-%d}")

    # What is said of it

    @property
    def public_port(self) -> int:
        """The port under which others reach it."""
        return self.config.public_port or self.port

    @property
    def public(self) -> str:
        """`host:port[/pin]` where agents reach it."""
        pin = f"/{self.certificate.pin}" if self.certificate.pin else ""
        return f"{self.config.link_name}:{self.public_port}{pin}"

    @property
    def greeting(self) -> tuple[str, str]:
        """Node and link name, for HELLO."""
        return self.config.node, self.config.link_name

    def host(self, id_: str) -> str:
        """The host name of a practice."""
        return f"{id_}.{self.config.domain}"

    def welcome(self, id_: str) -> frames.Welcome:
        """What a practice is told when its link is up."""
        config = self.config
        rate = int(config.limits.rate) or None
        return frames.Welcome(
            link=f"{self.counts.links + 1}@{config.node}",
            id=id_,
            host=self.host(id_),
            domain=config.domain,
            port=self.public_port,
            homes=self.cluster.homes(id_) if self.cluster is not None else [],
            limits=frames.LinkLimits(streams=config.limits.streams, rate=rate),
            ping_s=config.ping_s,
            spread_s=config.spread_s,
        )

    # Newcomers

    def full(self) -> bool:
        """Are there as many sockets as this process may have?"""
        links = self.links
        retired = sum(map(len, links.retired.values())) if links.retired else 0
        guests = self.sockets.guests
        return self.sockets.full(
            len(self.fronts) + len(self.line) + len(links.proving) + len(links.running) + retired + guests
        )

    def called(self, front: Front, said: hello.Hello, first: bytearray) -> None:
        """Somebody said whom he wants: the link name is ours, a practice's name leads to its link, nothing else."""
        if said.name == self.config.link_name:
            self._link(front, said)
            return
        id_ = self.resolve(said.name)
        if id_ is None:
            self.counts.turned_unknown += 1
            self.abuse.note("unknown_name", front.address)
            front.refuse(hello.UNRECOGNIZED_NAME)
            return
        opened = frames.Open(address=front.address, port=front.port, name=said.name, at=round(time.time(), 3))
        link = self.links.running.get(id_)
        if link is not None:
            self._guest(front, id_, link.carrier, opened, first)
        elif self.cluster is not None and not self.draining:
            transport = front.transport
            if transport is not None:
                transport.pause_reading()
            task = asyncio.get_running_loop().create_task(self._elsewhere(front, id_, opened, first))
            self._searches.add(task)
            task.add_done_callback(self._searches.discard)
        else:
            self._offline(front)

    def resolve(self, name: str) -> str | None:
        """The practice's present id for a name a guest asks for; None: no such name."""
        label, _, rest = name.partition(".")
        if rest == self.config.domain and identity.is_id(label):
            found = self.registry.present(label)
        else:
            owner = self.registry.named(name)
            found = self.registry.present(owner) if owner is not None else None
        return found.id if found is not None else None

    def _link(self, front: Front, said: hello.Hello) -> None:
        if self.draining or (said.alpn and frames.PROTOCOL not in said.alpn):
            front.refuse(hello.INTERNAL_ERROR if self.draining else NO_PROTOCOL)
            return
        proving = self.links.proving
        if not (self.line and proving.free) and proving.room(front.place):
            self._begin(front)
        else:
            self.line.enter(front, asyncio.get_running_loop().time())
            self._place_free()

    def _begin(self, front: Front) -> None:
        """It is this link's turn."""
        first = front.first
        transport = front.take()
        if transport is not None:
            made = carrier.accept(transport, self.certificate.context, first, self._link_limits)
            self.links.began(HubLink(self, made, front.address, front.place))

    def _place_free(self) -> None:
        if self.line and not self._advancing and self.links.proving.free:
            self._advancing = True
            asyncio.get_running_loop().call_soon(self._advance)

    def _advance(self) -> None:
        """Whoever waits takes the places that are free."""
        self._advancing = False
        while self.links.proving.free and (front := self.line.next()) is not None:
            self._begin(front)

    def crowded(self, front: Front) -> None:
        """A link's turn did not come in time; the operator is told once a minute."""
        front.cut("too_many_handshakes")
        now = time.monotonic()
        if now >= self._crowded_again:
            self._crowded_again = now + CROWDED_SECONDS
            LOG.warning("links cut off: %d others prove themselves", len(self.links.proving))

    def _guest(self, front: Front, id_: str, through: Door, opened: frames.Open, first: bytearray) -> None:
        """Join a guest and a practice's link (or the link of the hub that has it)."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        traffic = self.links.enter(id_, now, front.place)
        if traffic is None:
            self._turned(front, "too_many_streams")
            return
        transport = front.take()
        if transport is None:
            traffic.leave(front.place)
            return
        guest = Guest(traffic, now, self.sockets, front.place)
        guest.stream = stream = through.open(opened, guest)
        if stream is None:
            guest.none(transport)
            self.counts.turned_practice += 1
            self.abuse.note("too_many_streams", front.address)
            return
        self.counts.guests += 1
        guest.take(transport, first)
        if traffic.dry:
            guest.hold()

    async def _elsewhere(self, front: Front, id_: str, opened: frames.Open, first: bytearray) -> None:
        """No link here: perhaps another hub has one. The guest counts as half open meanwhile."""
        found = await self.cluster.find(id_) if self.cluster is not None else None
        here = self.links.running.get(id_)
        if here is not None:
            found = here.carrier
        if found is None:
            self._offline(front)
        else:
            self.counts.elsewhere += here is None
            self._guest(front, id_, found, opened, first)

    def _offline(self, front: Front) -> None:
        self.counts.turned_offline += 1
        front.refuse(hello.INTERNAL_ERROR)

    def _turned(self, front: Front, reason: str) -> None:
        self.counts.turned_practice += 1
        self.abuse.note(reason, front.address)
        front.refuse(hello.INTERNAL_ERROR)

    # For links (see hub_link.House)

    def linked(self, link: HubLink) -> None:
        """It is proved."""
        self.links.linked(link)
        if self.draining:
            link.leave("drain", 0.0, self.config.spread_s)

    def leaving(self, link: HubLink) -> None:
        """It takes no more guests."""
        self.links.leaving(link)

    def ended(self, link: HubLink) -> None:
        """It is over."""
        self.links.ended(link)

    def rekeyed(self, link: HubLink, before: str) -> None:
        """Its practice has a new id."""
        self.links.rekeyed(link, before)

    # For other hubs (see cluster.Hub)

    def carry(self, opened: frames.Open, far: Far) -> Stream | Rst:
        """A guest that came to another hub: to the practice's link here, within the practice's limits."""
        id_ = self.resolve(opened.name)
        link = self.links.running.get(id_) if id_ is not None else None
        if id_ is None or link is None:
            return Rst.GONE
        if self.links.enter(id_, asyncio.get_running_loop().time()) is None:
            self.counts.turned_practice += 1
            return Rst.BUSY
        stream = link.carrier.open(opened, far)
        if stream is None:
            self.counts.turned_practice += 1
            return Rst.BUSY
        self.counts.guests += 1
        return stream

    def holds(self, id_: str) -> bool:
        """Is the practice linked here now?"""
        return id_ in self.links.running

    def held(self) -> Iterable[str]:
        """All that are."""
        return list(self.links.running)


NO_PROTOCOL = 120
"""TLS alert no_application_protocol: whoever speaks only HTTP here has lost his way."""
