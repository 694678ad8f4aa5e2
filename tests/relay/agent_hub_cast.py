"""A small hub for the tests of the agent: the real wire with TLS of its own, and a will of its own."""

import asyncio
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path as File
from typing import cast

import trustme

from praxisd_relay import carrier as carriers
from praxisd_relay import frames
from praxisd_relay.carrier import Carrier
from praxisd_relay.dial import Address
from praxisd_relay.frames import Rst, Type
from praxisd_relay.identity import (
    Identity,
    auth_message,
    enrol_message,
    id_of,
    rotate_message,
    spki_pin,
    verify,
)
from praxisd_relay.pump import link_server
from praxisd_relay.stream import Stream

AUTHORITY = trustme.CA()
NAME = "link.localhost"
_made = AUTHORITY.issue_cert(NAME)


def _context() -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as folder:
        file = File(folder) / "hub.pem"
        _made.private_key_and_cert_chain_pem.write_to_path(file)
        return link_server(str(file), str(file), [frames.PROTOCOL])


CONTEXT = _context()
PIN = spki_pin(ssl.PEM_cert_to_DER_cert(_made.cert_chain_pems[0].bytes().decode()))


class Guest:
    """What stands at the hub's end of a stream: remembers all that comes."""

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self.data = bytearray()
        self.fin = False
        self.code: Rst | None = None
        self.waits = False

    def arrived(self, data: memoryview) -> None:
        self.data += data

    def ended(self) -> None:
        self.fin = True

    def broken(self, code: Rst) -> None:
        self.code = code

    def pause(self) -> None:
        self.waits = True

    def resume(self) -> None:
        self.waits = False

    @property
    def over(self) -> bool:
        return self.fin or self.code is not None


class Hub:
    """Answers as it is told: `refuse` with a code, `mute` after TCP, `homes`, `ping_s`, `spread_s`."""

    def __init__(self, node: str = "one") -> None:
        self.node = node
        self.refuse: frames.Refused | None = None
        self.mute = False
        self.homes: list[str] = []
        self.ping_s = 4.0
        self.spread_s = 0.2
        self.rotates = True
        self.dead_s = 60.0
        self.known: set[str] = set()
        """Ids; empty: everybody."""
        self.codes: set[str] = set()
        self.tries: list[float] = []
        self.links: list[Carrier] = []
        self.nonces: dict[Carrier, bytes] = {}
        self.ids: dict[Carrier, str] = {}
        self.port = 0
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.Transport] = set()

    async def start(self) -> "Hub":
        def made() -> asyncio.Protocol:
            hub = self

            class First(asyncio.Protocol):
                def connection_made(self, transport: asyncio.BaseTransport) -> None:
                    hub._taken(cast(asyncio.Transport, transport))

                def connection_lost(self, _exc: Exception | None) -> None:
                    pass

            return First()

        self._server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def kill(self) -> None:
        """As kill -9: nobody is told anything, the kernel closes the sockets."""
        assert self._server is not None
        self._server.close()
        for carrier in tuple(self.links):
            carrier.on_lost = lambda _reason: None
            carrier.drop("dead")
        for transport in tuple(self._transports):
            transport.abort()
        self._transports.clear()
        self.links.clear()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port, PIN, NAME)

    @property
    def link(self) -> Carrier:
        """The newest that is up."""
        return [one for one in self.links if one.admitted][-1]

    @property
    def up(self) -> int:
        return sum(one.admitted for one in self.links)

    def open(self, name: str = "practice.localhost", carrier: Carrier | None = None) -> Guest:
        guest = Guest()
        guest.stream = (carrier or self.link).open(frames.Open("192.0.2.7", 4711, name, time.time()), guest)
        assert guest.stream is not None
        return guest

    def _taken(self, transport: asyncio.Transport) -> None:
        self.tries.append(time.monotonic())
        if self.mute:
            self._transports.add(transport)
            return
        limits = carriers.Limits(ping_s=self.ping_s, dead_s=self.dead_s)
        carrier = carriers.accept(transport, CONTEXT, limits=limits)
        self.links.append(carrier)
        nonce = self.nonces[carrier] = os.urandom(32)
        carrier.on_lost = lambda _reason: self.links.remove(carrier)
        carrier.on_control = lambda kind, payload: self._said(carrier, kind, payload)
        carrier.control(Type.HELLO, frames.Hello(1, nonce, self.node, int(time.time()), NAME))

    def _said(self, carrier: Carrier, kind: int, payload: bytes) -> None:
        nonce = self.nonces[carrier]
        if kind == Type.ROTATE:
            self._rotated(carrier, frames.decode(frames.Rotate, payload))
            return
        if kind == Type.GOAWAY:
            return
        refused = self.refuse
        if kind == Type.AUTH:
            auth = frames.decode(frames.Auth, payload)
            assert verify(auth.key, auth_message(nonce, self.node, auth.id, auth.caps), auth.sig)
            assert id_of(auth.key) == auth.id
            id_ = auth.id
            if self.known and id_ not in self.known:
                refused = refused or frames.Refused("unknown")
        else:
            enroll = frames.decode(frames.Enroll, payload)
            id_ = id_of(enroll.key)
            assert verify(enroll.key, enrol_message(nonce, self.node, id_, enroll.code), enroll.sig)
            if enroll.code in self.codes:
                self.codes.discard(enroll.code)
                self.known.add(id_)
            else:
                refused = refused or frames.Refused("code_wrong")
        if refused is not None:
            carrier.control(Type.REFUSED, refused)
            carrier.drop("refused")
            return
        self.ids[carrier] = id_
        carrier.control(
            Type.WELCOME,
            frames.Welcome(
                "l",
                id_,
                f"{id_}.localhost",
                "localhost",
                443,
                self.homes,
                ping_s=self.ping_s,
                spread_s=self.spread_s,
            ),
        )
        carrier.admit()

    def _rotated(self, carrier: Carrier, said: frames.Rotate) -> None:
        old, new = self.ids[carrier], id_of(said.key)
        message = rotate_message(self.nonces[carrier], self.node, old, new)
        assert verify(said.key, message, said.sig_new)
        if self.rotates:
            self.known.add(new)
            carrier.control(Type.ROTATE, frames.Rotate(id=new))
        else:
            carrier.control(Type.REFUSED, frames.Refused("unknown"))


@asynccontextmanager
async def hub(node: str = "one") -> AsyncIterator[Hub]:
    """A Hub that runs, and ends with the block."""
    one = await Hub(node).start()
    try:
        yield one
    finally:
        one.kill()


KEY = Identity.new()
