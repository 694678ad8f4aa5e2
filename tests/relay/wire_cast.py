"""A hub's front in a few lines, one agent, an origin: real sockets on loopback, both loops."""

import asyncio
import contextlib
import hashlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import trustme

from praxisd_relay import frames, hello
from praxisd_relay.bridge import Bridge
from praxisd_relay.carrier import Carrier, Limits, accept, connect
from praxisd_relay.frames import Rst, Type
from praxisd_relay.pump import link_server
from praxisd_relay.stream import Far, Stream

from .served_cast import Beside, Serve

LINK_NAME = "link.relay.test"


def run(loop: str, work: Coroutine[Any, Any, None], seconds: float = 180.0) -> None:
    """On this kind of loop, within the time; a loop that was told of an unhandled error fails the test."""
    if loop == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    else:
        make = asyncio.SelectorEventLoop
    faults: list[dict[str, Any]] = []

    async def within() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, said: faults.append(said))
        async with asyncio.timeout(seconds):
            await work

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(within())
    assert not faults, faults


async def until(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits until it is so."""
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.005)


class Certificates:
    """A CA and the hub's certificate, as files."""

    def __init__(self, folder: Path) -> None:
        ca = trustme.CA()
        made = ca.issue_cert(LINK_NAME)
        made.cert_chain_pems[0].write_to_path(folder / "chain.pem")
        made.private_key_pem.write_to_path(folder / "key.pem")
        self.server = link_server(str(folder / "chain.pem"), str(folder / "key.pem"), [frames.PROTOCOL])
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.set_alpn_protocols([frames.PROTOCOL])
        ca.configure_trust(self.client)


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    """Both kinds."""
    return str(request.param)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once."""
    return Certificates(tmp_path_factory.mktemp("hub"))


class _Door(asyncio.Protocol):
    def __init__(self, scene: "Scene") -> None:
        self.scene = scene
        self.reader = hello.Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]


class _Gate(_Door):
    """Where links come in."""

    def data_received(self, data: bytes) -> None:
        scene = self.scene
        if self.reader.feed(data) is not None:
            carrier = accept(
                self.transport, scene.certificates.server, bytes(self.reader.buffer), scene.limits
            )
            scene.welcome(carrier)


class _Front(_Door):
    """Where guests come in. They speak plainly: no first byte of theirs tells them from a link."""

    def data_received(self, data: bytes) -> None:
        scene = self.scene
        bridge = Bridge()
        stream = scene.hub.open(frames.Open("192.0.2.1", 1, "a"), bridge)
        if stream is None:
            self.transport.abort()
            return
        bridge.stream = stream
        scene.guests.append(bridge)
        bridge.take(self.transport, data)


class Scene:
    """Everything of one test. `hub` and `agent` are the two sides of the link."""

    def __init__(self, certificates: Certificates, limits: Limits | None = None) -> None:
        self.certificates = certificates
        self.limits = limits
        self.hub: Carrier
        self.agent: Carrier
        self.front = self.gate = ("127.0.0.1", 0)
        """Where guests call, and where links do."""
        self.origin = ("127.0.0.1", 0)
        self.lost: dict[str, str] = {}
        self.guests: list[Bridge] = []
        self.origins: list[Bridge] = []
        self.up = asyncio.Event()
        self.beside = Beside()
        self.dial_after: asyncio.Event | None = None
        """The agent dials only when it is set."""

    def welcome(self, carrier: Carrier) -> None:
        """The hub's side of a link: takes everybody."""
        self.hub = carrier

        def said(kind: int, payload: bytes) -> None:
            if kind == Type.AUTH:
                frames.decode(frames.Auth, payload)
                carrier.control(Type.WELCOME, frames.Welcome("1", "a", "a.relay.test"))
                carrier.admit()

        carrier.on_control = said
        carrier.on_lost = lambda word: self.lost.update(hub=word)
        carrier.control(Type.HELLO, frames.Hello(1, bytes(32), "node", 0))

    async def link(self) -> None:
        """The agent dials."""
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self.gate)
        self.agent = carrier = await connect(sock, self.certificates.client, LINK_NAME, self.limits)

        def said(kind: int, payload: bytes) -> None:
            if kind == Type.HELLO:
                carrier.control(Type.AUTH, frames.Auth(b"k", "a", b""))
            elif kind == Type.WELCOME:
                carrier.admit()
                self.up.set()

        carrier.on_control = said
        carrier.on_open = self.take
        carrier.on_lost = lambda word: self.lost.update(agent=word)
        await self.up.wait()

    def take(self, stream: Stream) -> Far | Rst:
        """A stream for the origin."""
        bridge = Bridge(stream)
        self.origins.append(bridge)
        self.beside.keep(self._dial(bridge))
        return bridge

    async def _dial(self, bridge: Bridge) -> None:
        if self.dial_after is not None:
            await self.dial_after.wait()
        try:
            await asyncio.get_running_loop().create_connection(lambda: bridge, *self.origin)
        except OSError:
            bridge.refused()

    async def guest(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Somebody from outside."""
        return await asyncio.open_connection(*self.front, limit=1 << 20)


@contextlib.asynccontextmanager
async def scene(
    certificates: Certificates, serve: Serve, limits: Limits | None = None
) -> AsyncIterator[Scene]:
    """Front, link and origin; all is closed and nothing may be left at the end."""
    loop = asyncio.get_running_loop()
    made = Scene(certificates, limits)
    front = await loop.create_server(lambda: _Front(made), "127.0.0.1", 0)
    gate = await loop.create_server(lambda: _Gate(made), "127.0.0.1", 0)
    origin = await asyncio.start_server(made.beside.each(serve), "127.0.0.1", 0, limit=1 << 20)
    made.front = front.sockets[0].getsockname()[:2]
    made.gate = gate.sockets[0].getsockname()[:2]
    made.origin = origin.sockets[0].getsockname()[:2]
    await made.link()
    try:
        yield made
    finally:
        made.agent.drop("done")
        await until(lambda: made.agent.closed and made.hub.closed)
        front.close()
        gate.close()
        origin.close()
        await made.beside.end()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes all, then answers its SHA-256 and all of it again."""
    data = await reader.read(-1)
    writer.write(hashlib.sha256(data).digest())
    for at in range(0, len(data), 65536):
        writer.write(data[at : at + 65536])
        await writer.drain()
    writer.close()


def descriptors() -> int:
    """Open files of this process."""
    return len(os.listdir("/proc/self/fd"))


async def through(made: Scene, data: bytes, side_by_side: int = 1) -> None:
    """`data` to the origin, half close, its hash and itself back."""

    async def one() -> None:
        reader, writer = await made.guest()
        writer.write(data)
        writer.write_eof()
        back = await reader.read(-1)
        assert back[:32] == hashlib.sha256(data).digest() == hashlib.sha256(back[32:]).digest()
        writer.close()

    await asyncio.gather(*(one() for _ in range(side_by_side)))
