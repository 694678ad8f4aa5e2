"""A socket at one end of a stream: bytes both ways, back-pressure, half close, cuts.

The hub puts a guest into it, the agent an origin, the cluster another hub. It never raises into the link.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from praxisd_relay import rooms
from praxisd_relay.frames import Rst

LOG = logging.getLogger("praxisd_relay.bridge")


class Towards(Protocol):
    """What a bridge feeds: a `stream.Stream`, or one side of a `couple`."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes on their way; copied if they have to wait."""

    def finish(self) -> None:
        """Nothing follows."""

    def reset(self, code: Rst) -> None:
        """Cut it."""

    def pause(self) -> None:
        """Take no more for now."""

    def resume(self) -> None:
        """Take again."""


class Bridge(asyncio.BufferedProtocol):
    """One socket ↔ one stream. As the protocol of a connection that is still being made it keeps what arrives meanwhile
    (the window bounds it). `on_done` is called once, when the socket is closed or there will be none.
    """

    __slots__ = (
        "_done", "_early", "_finished", "_heard", "_paused", "_room", "_transport", "on_done", "received", "sent",
        "stream",
    )  # fmt: skip

    def __init__(self, stream: Towards | None = None, on_done: Callable[[], None] | None = None) -> None:
        self.stream = stream
        self.on_done = on_done
        self.received = 0
        """Bytes read from the socket."""
        self.sent = 0
        """Bytes written to the socket."""
        self._transport: asyncio.Transport | None = None
        self._room = rooms.room()
        self._early: list[bytes] | None = []
        self._heard = False  # the stream's other side finished
        self._finished = False  # the socket's other side finished
        self._paused = False  # the stream asked to stop reading
        self._done = False

    def take(self, transport: asyncio.Transport, first: bytes | bytearray | memoryview = b"") -> None:
        """Takes over a running connection; `first`: what was already read from it. `stream` must be set."""
        transport.pause_reading()
        transport.set_protocol(self)
        self.connection_made(transport)
        if first and self.stream is not None and not self._done:
            self.received += len(first)
            self.stream.write(first)
        if not self._paused and not self._done:
            transport.resume_reading()

    # the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = transport  # type: ignore[assignment]
        early, self._early = self._early or (), None
        if self._done or self._transport is None:
            rooms.abort(transport)  # type: ignore[arg-type]
            return
        for data in early:
            self._transport.write(data)
        if self._heard:
            self._end()
        if self._paused:
            self._transport.pause_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The thread's buffer."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came from the socket."""
        self.received += nbytes
        if self.stream is not None:
            self.stream.write(self._room[:nbytes])

    def eof_received(self) -> bool:
        """The socket's other side finished; it may still want to be told more."""
        self._finished = True
        if self.stream is not None:
            self.stream.finish()
        return not self._heard

    def pause_writing(self) -> None:
        """The socket takes no more: neither do we."""
        if self.stream is not None:
            self.stream.pause()

    def resume_writing(self) -> None:
        """It does again."""
        if self.stream is not None:
            self.stream.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if not (self._finished and self._heard) and self.stream is not None:
            self.stream.reset(Rst.CLOSED)
        self._finish()

    # the stream

    def arrived(self, data: memoryview) -> None:
        """Bytes for the socket."""
        self.sent += len(data)
        if self._transport is not None:
            self._transport.write(data)
        elif self._early is not None:
            self._early.append(bytes(data))

    def arrived_many(self, pieces: list[memoryview]) -> None:
        """The same, in one call to the kernel."""
        if self._transport is not None:
            self.sent += sum(map(len, pieces))
            self._transport.writelines(pieces)
        else:
            for data in pieces:
                self.arrived(data)

    def ended(self) -> None:
        """Nothing follows for the socket."""
        self._heard = True
        if self._transport is not None:
            self._end()

    def broken(self, code: Rst) -> None:
        """Cut: so is the socket."""
        self.stream = None
        transport = self._transport
        if transport is None:
            self._early = None
            self._finish()  # a socket that comes later is closed at once
        else:
            rooms.abort(transport)

    def pause(self) -> None:
        """Read no more."""
        if not self._paused:
            self._paused = True
            if self._transport is not None:
                self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    # within

    def refused(self, code: Rst = Rst.REFUSED) -> None:
        """There will be no socket: the connection could not be made."""
        if self.stream is not None and not self._done:
            self.stream.reset(code)
        self._early = None
        self._finish()

    def _end(self) -> None:
        transport = self._transport
        if transport is None:
            return
        try:
            if self._finished:
                transport.close()
            elif transport.can_write_eof():
                transport.write_eof()
        except (OSError, RuntimeError) as error:
            # The socket was reset a moment ago; the standard loop says so here (notes § 3, lesson 1).
            LOG.debug("half close: %s", error)
            transport.abort()

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            self.stream = None
            self._transport = None
            call, self.on_done = self.on_done, None
            if call is not None:
                call()


class _Crossed:
    """The stream of a bridge whose other end is another bridge in the same process."""

    __slots__ = ("far",)

    def __init__(self, far: Bridge) -> None:
        self.far = far

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Copied: what a bridge reads stands in a buffer that is used again."""
        self.far.arrived(memoryview(bytes(data)))

    def finish(self) -> None:
        """FIN for the other socket."""
        self.far.ended()

    def reset(self, code: Rst) -> None:
        """The other socket is cut."""
        self.far.broken(code)

    def pause(self) -> None:
        """The other socket is read no more."""
        self.far.pause()

    def resume(self) -> None:
        """The other socket is read on."""
        self.far.resume()


def couple(one: Bridge, other: Bridge) -> None:
    """Joins two sockets: what one reads the other writes. Then `take` both (or let them be connected)."""
    one.stream, other.stream = _Crossed(other), _Crossed(one)
