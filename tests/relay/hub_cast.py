"""A real hub in this process, practices that speak the wire by hand, and guests that end their TLS in the practice."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trustme

from praxisd_relay import carrier as carriers
from praxisd_relay import frames, identity
from praxisd_relay.carrier import Carrier
from praxisd_relay.config import Config, Limits
from praxisd_relay.frames import Rst, Type
from praxisd_relay.hub import Hub
from praxisd_relay.identity import Identity
from praxisd_relay.pump import Pump
from praxisd_relay.stream import Far, Stream

from .agent_cast import until
from .cluster_cast import client_hello

DOMAIN = "relay.localhost"
LINK = f"link.{DOMAIN}"
AUTHORITY = trustme.CA()
OPEN = Limits(rate=0, per_address=0, half_open_per_address=0, failures_per_minute=0, streams_per_second=0)
__all__ = ["AUTHORITY", "DOMAIN", "LINK", "OPEN", "Caller", "Guest", "answer", "client_hello", "hub", "until"]


@asynccontextmanager
async def hub(folder: Path, limits: Limits = OPEN, **settings: Any) -> AsyncIterator[Hub]:
    """A hub on a free port, stopped at the end."""
    made = Hub(
        Config(
            data=folder,
            domain=DOMAIN,
            link_name=LINK,
            node="hub-one",
            listen=("127.0.0.1:0",),
            limits=limits,
            **({"drain_s": 10, "spread_s": 0.5} | settings),
        )
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


class End:
    """The practice's end of a guest's connection: ends the guest's TLS and sends back what it says, in capitals."""

    def __init__(self, context: ssl.SSLContext, stream: Stream) -> None:
        self.pump = Pump(context, server=True)
        self.stream = stream
        self.heard = bytearray()
        self.code: Rst | None = None

    def arrived(self, data: memoryview) -> None:
        for at in range(0, len(data), 65536):
            self.pump.feed(data[at : at + 65536])
            for piece in self.pump.plain():
                self.heard += piece
                self.pump.write(piece.upper())
        out = self.pump.outgoing()
        if out:
            self.stream.write(out)

    def ended(self) -> None:
        self.stream.finish()

    def broken(self, code: Rst) -> None:
        self.code = code

    def pause(self) -> None:
        """What is sent back is little."""

    def resume(self) -> None:
        """See pause."""


class Caller:
    """A practice that dials the hub and says what the test wants. `said`: everything the hub said, by type."""

    def __init__(self, key: Identity | None = None) -> None:
        self.key = key or Identity.new()
        self.carrier: Carrier | None = None
        self.said: dict[int, Any] = {}
        self.ends: list[End] = []
        self.lost: str | None = None
        self.take: Callable[[Stream], Far | Rst] = self._end
        made = AUTHORITY.issue_cert(f"*.{DOMAIN}", "termine.praxis.example")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.configure_cert(self.context)

    @property
    def host(self) -> str:
        return f"{self.key.id}.{DOMAIN}"

    async def dial(self, at: Hub | int, source: str = "127.0.0.1") -> "Caller":
        """Up to HELLO, from the address `source`."""
        import socket

        port = at if isinstance(at, int) else at.port
        sock = socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([frames.PROTOCOL])
        self.said, self.lost = {}, None
        self.carrier = await carriers.connect(sock, context, LINK)
        self.carrier.on_open = lambda stream: self.take(stream)
        self.carrier.on_lost = self._lost
        self.carrier.on_control = self._control
        await until(lambda: Type.HELLO in self.said or self.lost)
        return self

    async def up(self, at: Hub | int, code: str | None = None) -> "Caller":
        """Up to WELCOME, by proof or by code."""
        await self.dial(at)
        await self.ask(self.proof() if code is None else self.enrolment(code))
        assert Type.WELCOME in self.said, self.said
        return self

    async def ask(self, said: msgspec.Struct) -> Any:
        """Say it, and wait for WELCOME or REFUSED or the end."""
        kind = Type.AUTH if isinstance(said, frames.Auth) else Type.ENROLL
        self.tell(kind, said)
        await until(lambda: self.said.keys() & {Type.WELCOME, Type.REFUSED} or self.lost)
        found = self.said.get(Type.WELCOME, self.said.get(Type.REFUSED))
        if isinstance(found, frames.Refused):
            await until(lambda: self.lost)
        return found

    def tell(self, kind: int, said: msgspec.Struct) -> None:
        assert self.carrier is not None
        self.carrier.control(kind, said)

    def proof(self, **wrong: Any) -> frames.Auth:
        hello = self.said[Type.HELLO]
        message = identity.auth_message(hello.nonce, hello.node, self.key.id, ["x"])
        good = frames.Auth(key=self.key.public, id=self.key.id, sig=self.key.sign(message), caps=["x"])
        return msgspec.structs.replace(good, **wrong)

    def enrolment(self, code: str, /, **wrong: Any) -> frames.Enroll:
        hello = self.said[Type.HELLO]
        message = identity.enrol_message(hello.nonce, hello.node, self.key.id, identity.read_code(code))
        good = frames.Enroll(code=identity.show_code(code), key=self.key.public, sig=self.key.sign(message))
        return msgspec.structs.replace(good, **wrong)

    def rotation(self, new: Identity, /, **wrong: Any) -> frames.Rotate:
        hello = self.said[Type.HELLO]
        message = identity.rotate_message(hello.nonce, hello.node, self.key.id, new.id)
        good = frames.Rotate(key=new.public, sig_old=self.key.sign(message), sig_new=new.sign(message))
        return msgspec.structs.replace(good, **wrong)

    def close(self) -> None:
        if self.carrier is not None:
            self.carrier.drop("done")

    def _end(self, stream: Stream) -> Far | Rst:
        self.ends.append(End(self.context, stream))
        return self.ends[-1]

    def _control(self, kind: int, payload: bytes) -> None:
        self.said[kind] = frames.decode(frames.SHAPES[Type(kind)], payload)
        if kind == Type.WELCOME and self.carrier is not None:
            self.carrier.admit(streams=self.said[kind].limits.streams, ping_s=self.said[kind].ping_s)

    def _lost(self, reason: str) -> None:
        self.lost = reason


class Guest:
    """A browser: TLS to the name, which must end in the practice."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def visit(cls, at: Hub | int, host: str) -> "Guest":
        """Raises ssl.SSLError or ConnectionError if it is turned away."""
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        port = at if isinstance(at, int) else at.port
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host))

    async def say(self, words: bytes) -> bytes:
        self.writer.write(words)
        async with asyncio.timeout(30):
            return await self.reader.readexactly(len(words))

    async def gone(self) -> bool:
        """Wait until the connection has ended."""
        with contextlib.suppress(OSError, ssl.SSLError):
            async with asyncio.timeout(30):
                await self.reader.read()
        return True

    def close(self) -> None:
        self.writer.transport.abort()


async def answer(at: Hub | int, *pieces: bytes, eof: bool = False) -> bytes:
    """What the hub answers to these bytes, sent one after the other, until it closes."""
    port = at if isinstance(at, int) else at.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if eof:
            writer.write_eof()
        async with asyncio.timeout(30):
            while data := await reader.read(65536):
                found += data
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return found
