"""Several real hubs with practices and guests on loopback: in one process, or each in one of its own."""

import asyncio
import contextlib
import hashlib
import ssl
from pathlib import Path
from typing import Literal

from praxisd_relay import origin_tcp
from praxisd_relay.agent import Address, Agent
from praxisd_relay.cluster_settings import NatsSettings, Node
from praxisd_relay.config import Config, Limits
from praxisd_relay.hub import Hub
from praxisd_relay.identity import Identity

from .nats_cast import NatsServer, free_port
from .peers_cast import Papers, until

DOMAIN = "relay.localhost"
LINK_NAME = "link.relay.localhost"
FREE = Limits(rate=0, per_address=0, streams_per_second=0, half_open_per_address=0, failures_per_minute=0)


class Practice:
    """A practice's agent and what stands behind it: a server that keeps what comes until the guest has finished, and
    then sends it back, backwards, and its sum."""

    def __init__(self, town: "Town", name: str) -> None:
        self._town, self.name = town, name
        self.identity = Identity.new()
        self.agent: Agent | None = None
        self._task: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None
        self.guests = 0

    @property
    def host(self) -> str:
        return f"{self.identity.id}.{DOMAIN}"

    async def link(self, hub: Hub, code: str | None = None) -> "Practice":
        """Be linked with this hub, enrolled by a code if need be."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 25)
        if code is None and hub.registry.present(self.identity.id) is None:
            code = hub.registry.invite(self.name)
        origin = origin_tcp.origin("127.0.0.1", self._server.sockets[0].getsockname()[1])
        at = Address("127.0.0.1", hub.port, hub.certificate.pin, LINK_NAME)
        self.agent = Agent(self.identity, [at], origin, enrol=code)
        self._task = asyncio.create_task(self.agent.run())
        await until(lambda: hub.holds(self.identity.id))
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.guests += 1
        with contextlib.suppress(OSError):
            data = await reader.read(-1)
            writer.write(hashlib.sha256(data).digest() + data[::-1])
            writer.write_eof()
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def stop(self) -> None:
        if self.agent is not None and self._task is not None:
            self.agent.stop()
            await self._task
            self.agent = None
        if self._server is not None:
            self._server.close()
            self._server = None


class Town:
    """Hubs with one authority and one bus. `async with`: everything ends with it."""

    def __init__(
        self, folder: Path, nats: NatsServer | None = None, bytes_: Literal["tls", "plain"] = "tls"
    ) -> None:
        self.folder, self.nats, self.bytes = folder, nats, bytes_
        self.papers = Papers(folder / "papers")
        self.hubs: dict[str, Hub] = {}
        self.practices: list[Practice] = []

    def config(
        self, name: str, nodes: tuple[Node, ...] = (), listen: str = "127.0.0.1:0", public: str = ""
    ) -> Config:
        peers = self.papers.settings(name, nodes=nodes, listen=listen, public=public, bytes=self.bytes)
        nats = NatsSettings(servers=(self.nats.url,), digest_s=0.5) if self.nats else None
        return Config(
            data=self.folder / name,
            domain=DOMAIN,
            link_name=LINK_NAME,
            node=name,
            listen=("127.0.0.1:0",),
            peers=peers,
            nats=nats,
            limits=FREE,
            drain_s=5,
            spread_s=0.2,
        )

    async def hub(self, name: str, homes: bool = False, **options: object) -> Hub:
        """A running hub. Without `homes` practices stay where they are linked."""
        hub = self.hubs[name] = Hub(self.config(name, **options))  # type: ignore[arg-type]
        await hub.start()
        assert hub.cluster is not None
        if not homes:
            hub.cluster.homes = lambda practice: []  # type: ignore[method-assign]
        return hub

    async def static(self, *names: str) -> list[Hub]:
        """Hubs that know each other by configuration only."""
        nodes = tuple(Node(name, f"127.0.0.1:{free_port()}", "127.0.0.1:1") for name in names)
        hubs = [await self.hub(node.name, nodes=nodes, listen=node.peer) for node in nodes]
        await self.joined()
        return hubs

    async def joined(self) -> None:
        """All hubs are linked with each other."""
        for hub in self.hubs.values():
            others = self.hubs.keys() - {hub.config.node}
            await until(lambda hub=hub, others=others: hub.cluster.peers.linked >= others)

    async def practice(self, hub: Hub, name: str = "practice") -> Practice:
        """A practice linked with this hub only, and known to all."""
        made = Practice(self, name)
        self.practices.append(made)
        await made.link(hub)
        await self.known(made)
        return made

    async def known(self, practice: Practice) -> None:
        """Every hub's registry has it."""
        for hub in self.hubs.values():
            if self.nats is None:
                hub.registry.apply(*(one for other in self.hubs.values() for one in other.registry.records()))
            await until(lambda hub=hub: hub.registry.present(practice.identity.id))

    async def end(self, name: str) -> None:
        """The hub is gone, as if its process were."""
        hub = self.hubs.pop(name)
        await hub.stop()

    async def __aenter__(self) -> "Town":
        return self

    async def __aexit__(self, *_: object) -> None:
        for practice in self.practices:
            await practice.stop()
        for hub in self.hubs.values():
            await hub.stop()


def client_hello(name: str) -> bytes:
    """What a guest's TLS says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inside, outside, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outside.read()


async def visit(hub: Hub, host: str, body: bytes = b"") -> bytes:
    """A guest at this hub for that host: says hello and `body`, finishes, and gets all there is; without the sum, which
    is checked. ConnectionError if it is turned away or cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port, limit=1 << 25)
    said = client_hello(host) + body
    try:
        writer.write(said)
        writer.write_eof()
        async with asyncio.timeout(60):
            got = await reader.read(-1)
    finally:
        writer.close()
    if got[:1] == b"\x15" and len(got) == 7:
        raise ConnectionRefusedError(got[-1])
    if got != hashlib.sha256(said).digest() + said[::-1]:
        raise ConnectionResetError(f"{len(got)} bytes")
    return got[32:]


async def served(hub: Hub, practice: Practice, seconds: float = 30) -> None:
    """Wait until a guest at this hub is served by the practice."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(ConnectionError):
                await visit(hub, practice.host, b"are you there")
                return
            await asyncio.sleep(0.02)
