"""Where TLS of a guest ends: in this process, between a stream of the link and a connection to our own doors.

    stream ⇄ ClientHello read → TLS (pump) ⇄ plain text ⇄ TCP on this computer, registered as a guest's before it connects

A guest that does not finish its handshake in ten seconds is cut; only one that has gets a connection to the doors. Nothing
waits here: what one side cannot take stops the other (window, pause). Names that are not ours are denied unread. All on the
runner's loop; nothing raised here reaches the link.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

from praxisd.kernel.visitors import Visitor, address_of
from praxisd_relay import hello, rooms
from praxisd_relay.frames import Rst
from praxisd_relay.hello import Hello, HelloError
from praxisd_relay.pump import STEP, Pump, TlsError
from praxisd_relay.stream import Far, Stream

if TYPE_CHECKING:
    from praxisd.kernel.visitors import Visitors

LOG = logging.getLogger("praxisd.relay.ends")
HANDSHAKE_S = 10.0
CONNECT_S = 5.0
LINGER_S = 5.0
"""After a refusal a guest has so long to end too."""
TAKE_S = 900.0
"""After a whole answer it has so long: it may be slow to take it."""
QUIET_S = 0.3
ANSWER_S = 30.0
"""A guest that has finished speaking still gets its answer: the doors are told of the end once they are quiet, at the latest
after this time (their server breaks off what it is doing when it is told)."""
LOCAL_BUFFER = 256 * 1024
"""Bytes that may wait for our own doors before the guest is slowed down."""


class Doors(NamedTuple):
    """What all guests of one runner share. `contexts` gives the TLS for a hello, None where the name is not ours."""

    visitors: "Visitors"
    host: str
    port: int
    contexts: Callable[[Hello], ssl.SSLContext | None]
    public_port: Callable[[], int]

    def take(self, stream: Stream) -> Far | Rst:
        """A guest came (`Agent.origin`)."""
        return End(self, stream)


class End(asyncio.BufferedProtocol):
    """One guest."""

    def __init__(self, doors: Doors, stream: Stream) -> None:
        self._loop = asyncio.get_running_loop()
        self._doors = doors
        self._stream: Stream | None = stream
        self._reader: hello.Reader | None = hello.Reader()
        self._pump: Pump | None = None
        self._name = ""
        self._room = rooms.room()
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._mine: tuple[int, str] | None = None
        self._early: list[bytes] | None = []
        self._held = False  # the link asked not to be fed
        self._guest_ended = self._told_end = self._doors_ended = self._dismissed = False
        self._answered = True  # since the guest last said something
        self._stirred = self._ended_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(HANDSHAKE_S, self._too_late)

    # --- the guest's side: bytes of TLS ----------------------------------------------------------------------------

    def arrived(self, data: memoryview) -> None:
        """From the guest."""
        if self._stream is None or self._dismissed:
            return
        try:
            if self._reader is not None:
                self._begin(self._reader, data)
            else:
                self._feed(data)
        except TlsError as error:
            LOG.debug("a guest's TLS: %s", error.reason)
            self._farewell(b"" if self._pump is None else self._pump.outgoing(), Rst.PROTOCOL)
        except HelloError as error:
            self._farewell(hello.alert(error.alert) if error.alert else b"", Rst.PROTOCOL)

    def _begin(self, reader: hello.Reader, data: memoryview) -> None:
        found = reader.feed(data)
        if found is None:
            return
        self._reader = None
        context = self._doors.contexts(found)
        if context is None:
            self._farewell(hello.alert(hello.UNRECOGNIZED_NAME), Rst.DENIED)
            return
        self._name = found.name
        self._pump = Pump(context, server=True)
        self._feed(memoryview(reader.buffer))

    def _feed(self, data: memoryview) -> None:
        pump = self._pump
        if pump is None:
            return
        for at in range(0, len(data), STEP):
            was_up = pump.up
            pump.feed(data[at : at + STEP])
            pieces = pump.plain()
            self._send(pump.outgoing())
            if pump.up and not was_up:
                self._admitted()
            if pieces:  # head and body of a request are often two records: one write wakes the server once
                self._inward(b"".join(pieces) if len(pieces) > 1 else pieces[0])
            if self._stream is None or self._dismissed:
                return
        if pump.ended:
            self._guest_finished()

    def ended(self) -> None:
        """FIN of the guest."""
        if self._dismissed:
            self._stream = None  # both sides have ended: so has the stream
            self._close()
        elif self._pump is None or not self._pump.up:
            self._cut(Rst.CLOSED)
        else:
            self._guest_finished()

    def broken(self, _code: Rst) -> None:
        """The guest, or the link, is gone."""
        self._stream = None
        self._close()

    def pause(self) -> None:
        """The link takes no more."""
        self._held = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """It does again."""
        self._held = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _send(self, data: bytes) -> None:
        if data and self._stream is not None:
            self._stream.write(data)

    # --- our doors' side: plain text -------------------------------------------------------------------------------

    def _admitted(self) -> None:
        """The handshake is done: now there is somebody to open a door for."""
        self._clock(None)
        if self._pump is not None and self._pump.tls.selected_alpn_protocol() == ACME_ALPN:
            self._pump.close_notify()
            self._farewell(self._pump.outgoing(), Rst.CLOSED)  # RFC 8737 § 3: that was all
            return
        if self._stream is not None:
            self._stream.pause()
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected()
        except OSError:
            self._leave()
            self._cut(Rst.REFUSED)
        finally:
            self._connecting = None

    async def _connected(self) -> None:
        """Bind, register as this guest, connect: in this order nobody can be taken for somebody else."""
        doors, stream = self._doors, self._stream
        if stream is None:
            return
        six = ":" in doors.host
        sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            host, port = doors.visitors.bind(sock, doors.host)
            self._mine = (port, host)
            visitor = Visitor(address_of(stream.opened.address), self._name, True, doors.public_port())
            doors.visitors.admit(port, visitor, host)
            await self._loop.sock_connect(sock, (doors.host, doors.port))
            if self._stream is None:
                raise ConnectionError
        except BaseException:
            self._leave()
            sock.close()
            raise
        try:
            await self._loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            rooms.handed(sock, failed=True)
            self._leave()
            raise
        rooms.handed(sock)

    def _inward(self, piece: bytes) -> None:
        self._answered, self._stirred = False, self._loop.time()
        if self._transport is not None:
            self._transport.write(piece)
        elif self._early is not None:
            self._early.append(piece)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The doors are open."""
        self._transport = cast(asyncio.Transport, transport)
        if self._stream is None:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=LOCAL_BUFFER)
        early, self._early = self._early or [], None
        self._stream.resume()
        for piece in early:
            self._transport.write(piece)
        if self._held:
            self._transport.pause_reading()
        if self._guest_ended:
            self._look_quiet()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The thread's buffer."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """From our doors."""
        pump = self._pump
        if pump is None or self._stream is None:
            return
        self._answered, self._stirred = True, self._loop.time()
        try:
            pump.write(self._room[:nbytes])
            self._send(pump.outgoing())
        except TlsError:
            self._cut(Rst.PROTOCOL)

    def eof_received(self) -> bool:
        """The doors said all (a server of HTTP that ends does not listen either): the guest is told so, cleanly."""
        self._doors_ended = True
        if self._pump is not None and self._stream is not None:
            self._pump.close_notify()
            self._send(self._pump.outgoing())
            if self._stream is not None:
                self._stream.finish()
        return False

    def pause_writing(self) -> None:
        """The doors take no more."""
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        """They do again."""
        if self._stream is not None:
            self._stream.resume()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection to the doors is over."""
        self._leave()
        self._transport = None
        if not self._doors_ended:
            self._cut(Rst.CLOSED)
        elif self._guest_ended:
            self._stream = None
            self._clock(None)
        else:
            self._clock(TAKE_S, lambda: self._cut(Rst.TIMEOUT))

    # --- ends ------------------------------------------------------------------------------------------------------

    def _guest_finished(self) -> None:
        if self._guest_ended:
            return
        self._guest_ended = True
        self._ended_at = self._loop.time()
        if self._doors_ended:
            self._clock(None)
        elif self._transport is not None:
            self._look_quiet()

    def _look_quiet(self) -> None:
        """Tell the doors that nothing follows, once the guest has its answer."""
        transport, now = self._transport, self._loop.time()
        if transport is None or self._told_end or self._doors_ended:
            return
        quiet = self._answered and now - self._stirred >= QUIET_S
        if not self._held and (quiet or now - max(self._ended_at, self._stirred) >= ANSWER_S):
            self._told_end = True
            try:
                transport.write_eof()
            except (OSError, RuntimeError):
                transport.abort()
            self._clock(ANSWER_S, lambda: self._cut(Rst.CLOSED))
        else:
            self._clock(QUIET_S / 4, self._look_quiet)

    def _too_late(self) -> None:
        self._cut(Rst.TIMEOUT)

    def _farewell(self, last: bytes, code: Rst) -> None:
        """A last word, then the end whether or not the guest ends too."""
        stream, self._reader = self._stream, None
        self._dismissed = True
        if stream is None:
            return
        if last:
            stream.write(last)
        if self._stream is not None:
            stream.finish()
        self._clock(LINGER_S, lambda: self._cut(code))

    def _cut(self, code: Rst) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.reset(code)
        self._close()

    def _close(self) -> None:
        self._clock(None)
        self._early = None
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _leave(self) -> None:
        """Before the socket is closed: afterwards somebody else may get its port."""
        mine, self._mine = self._mine, None
        if mine is not None:
            self._doors.visitors.leave(*mine)

    def _clock(self, seconds: float | None, call: Callable[[], None] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None or call is None else self._loop.call_later(seconds, call)


ACME_ALPN = "acme-tls/1"
