"""A connection that has just come to the hub's port: whom does it want? Nothing of it is decrypted or answered here.

Only the ClientHello is read, within seconds and within 16 KiB. Then the transport is handed on to the practice's link
or to a guest's bridge, or the connection ends: with a TLS alert of seven bytes where TLS was spoken, else with nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from praxisd_relay import front_proxy, hello
from praxisd_relay.hello import HelloError
from praxisd_relay.limits import Buckets, Tally, neighbourhood
from praxisd_relay.log import Abuse
from praxisd_relay.metrics import Counts


class House(Protocol):
    """What a front needs of the hub."""

    counts: Counts
    abuse: Abuse
    newcomers: Buckets
    half_open: Tally
    fronts: "dict[Front, float]"
    balancers: front_proxy.Networks

    def full(self) -> bool:
        """Are there as many sockets as this process may have?"""

    def called(self, front: "Front", said: hello.Hello, first: bytearray) -> None:
        """Somebody said whom he wants: take the front's transport over, or `refuse` it."""


class Front(asyncio.Protocol):
    """One new connection, until it has said whom it wants."""

    __slots__ = ("_counted", "_header", "_hub", "_reader", "address", "place", "port", "transport", "waits")

    def __init__(self, hub: House) -> None:
        self._hub = hub
        self._reader = hello.Reader()
        self._counted = False
        self._header: bytearray | None = None
        self.transport: asyncio.Transport | None = None
        self.address = ""
        self.port = 0
        self.place = ""
        self.waits: Callable[[Front], None] | None = None
        """Set while it waits for its turn, being a link: called when it leaves. It still counts as half open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        hub = self._hub
        hub.counts.connections += 1
        self.transport = transport  # type: ignore[assignment]
        name = transport.get_extra_info("peername")
        if isinstance(name, tuple) and len(name) >= 2:
            self.address, self.port = str(name[0]), int(name[1])
        if hub.full():
            self.cut("full")
        elif hub.balancers and front_proxy.believed(self.address, hub.balancers):
            self._header = bytearray()
            hub.fronts[self] = asyncio.get_running_loop().time()
        else:
            self._enter()

    def _enter(self) -> None:
        """The address is known: is there room for one more of it?"""
        hub, now = self._hub, asyncio.get_running_loop().time()
        self.place = neighbourhood(self.address)
        if not hub.newcomers.take(self.place, now):
            self.cut("too_many_new")
        elif not hub.half_open.enter(self.place):
            self.cut("too_many_half_open")
        else:
            self._counted = True
            hub.fronts.setdefault(self, now)

    def data_received(self, data: bytes) -> None:
        """A part of the ClientHello, and what came with it."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._header is not None:
            data = self._balanced(data)
            if not data:
                return
        if self.waits is not None:
            self._said_more(data)
            return
        try:
            said = self._reader.feed(data)
        except HelloError as error:
            self._hub.counts.turned_garbage += 1
            self._hub.abuse.note("garbage", self.address)
            self.refuse(error.alert)
            return
        if said is not None:
            self._hub.called(self, said, self._reader.buffer)

    def _said_more(self, data: bytes) -> None:
        """Before it is answered a client has little to say."""
        self._reader.buffer += data
        if len(self._reader.buffer) > hello.MOST:
            self.cut("too_many_handshakes")

    def wait(self, gone: "Callable[[Front], None]") -> None:
        """It waits for its turn, which has a time limit of its own; `gone` is called when it leaves."""
        self.waits = gone
        self._hub.fronts.pop(self, None)

    @property
    def first(self) -> bytes:
        """All that it said."""
        return bytes(self._reader.buffer)

    def _balanced(self, data: bytes) -> bytes:
        """A part of what the balancer says first; what comes after that, or nothing yet, or nothing any more."""
        header = self._header = (self._header or bytearray()) + data
        try:
            found = front_proxy.read(header)
        except front_proxy.ProxyError:
            self._hub.counts.turned_garbage += 1
            self._hub.abuse.note("no_proxy_header", self.address)
            self.refuse(hello.NOT_TLS)
            return b""
        if found is None:
            return b""
        self._header = None
        if found.address:
            self.address, self.port = found.address, found.port
        self._enter()
        return b"" if self.transport is None or self.transport.is_closing() else bytes(header[found.length :])

    def eof_received(self) -> bool:
        """Went away without having said it."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.leave()
        self.transport = None

    def take(self) -> asyncio.Transport | None:
        """Hand the transport on; None if it is closing already."""
        transport, self.transport = self.transport, None
        self.leave()
        return None if transport is None or transport.is_closing() else transport

    def leave(self) -> None:
        """It is no half-open connection any more."""
        self._hub.fronts.pop(self, None)
        if self.waits is not None:
            self.waits(self)
        if self._counted:
            self._counted = False
            self._hub.half_open.leave(self.place)

    def refuse(self, alert: int) -> None:
        """End it: with a TLS alert, or with nothing where `alert` is 0."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            if alert:
                transport.write(hello.alert(alert))
            transport.close()

    def cut(self, reason: str) -> None:
        """End it at once because of a limit."""
        self._hub.counts.turned_limit += 1
        self._hub.abuse.note(reason, self.address)
        if self.transport is not None:
            self.transport.abort()


def overdue(fronts: dict[Front, float], now: float, seconds: float) -> list[Front]:
    """Fronts older than `seconds`; the dict is in the order they came."""
    found: list[Front] = []
    for front, since in fronts.items():
        if now - since < seconds:
            break
        found.append(front)
    return found
