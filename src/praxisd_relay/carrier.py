"""One link over one asyncio transport, as hub and agent handle it: streams, control frames, limits, its end."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from time import monotonic

import msgspec

from praxisd_relay import frames, rooms
from praxisd_relay.line import Line
from praxisd_relay.link import Limits
from praxisd_relay.pump import Pump
from praxisd_relay.stream import Far, Stream

__all__ = ["Carrier", "Far", "Limits", "Stream", "accept", "connect"]


class Carrier(Line):
    """One link. Nothing that came is acted on before `on_control` is set; set the other callbacks in the same breath.

    `on_lost` is called once, with: closed, reset, tls, protocol, timeout, dead, flood, error, or the word of `drop`.
    """

    __slots__ = ()

    @property
    def rtt(self) -> float | None:
        """Seconds of the last round trip; None before the first."""
        return self._link.rtt

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._link.streams)

    @property
    def heard_at(self) -> float:
        """`time.monotonic()` when the last byte came."""
        return self._link.heard_at

    @property
    def silent(self) -> bool:
        """Nothing was heard for twice the ping interval and a second."""
        return self._link.silent

    @property
    def lost(self) -> str | None:
        """Why it is over; None while it is not."""
        return self._lost

    @property
    def admitted(self) -> bool:
        """`admit` was called."""
        return self._link.admitted

    @property
    def leaving(self) -> bool:
        """The other side said GOAWAY."""
        return self._link.goaway is not None

    @property
    def tls(self) -> ssl.SSLObject:
        """For questions about the certificate."""
        return self._pump.tls

    @property
    def parted(self) -> bool:
        """`farewell` was read: nothing runs, and nothing comes any more."""
        return self._link.parted and not self._link.streams

    def peer(self) -> tuple[str, int]:
        """Address and port of the other side; ("", 0) when unknown."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else ("", 0)

    @property
    def on_control(self) -> Callable[[int, bytes], None] | None:
        """Called with type and payload of AUTH, ENROLL, ROTATE, WELCOME, REFUSED, LIMIT, GOAWAY, HELLO. FrameError
        raised by it drops the link as "protocol", anything else as "error"."""
        return self._on_control

    @on_control.setter
    def on_control(self, call: Callable[[int, bytes], None]) -> None:
        self._on_control = call
        self._link.on_control = call
        if not self._started:
            self._started = True
            self._loop.call_soon(self._begin)

    @property
    def on_open(self) -> Callable[[Stream], Far | frames.Rst]:
        """Called in the handler of OPEN (agent): DATA may follow at once."""
        return self._link.on_open

    @on_open.setter
    def on_open(self, call: Callable[[Stream], Far | frames.Rst]) -> None:
        self._link.on_open = call

    @property
    def on_idle(self) -> Callable[[], None] | None:
        """Called when the last stream ended."""
        return self._link.on_idle

    @on_idle.setter
    def on_idle(self, call: Callable[[], None] | None) -> None:
        self._link.on_idle = call

    def open(self, opened: frames.Open, far: Far) -> Stream | None:
        """A new stream (hub side). None: limit reached, GOAWAY seen, not admitted or lost."""
        return self._link.open(opened, far)

    def control(self, type: int, struct: msgspec.Struct) -> None:
        """Sends a control frame; before the handshake of TLS is done it waits for that."""
        self._link.put(type, 0, msgspec.json.encode(struct))

    def goaway(self, reason: str, delay_s: float = 0.0, spread_s: float = 0.0) -> None:
        """Asks the other side to go elsewhere. Streams go on; `on_idle` tells when the last one ended."""
        self.control(frames.Type.GOAWAY, frames.Goaway(reason, delay_s, spread_s))

    def farewell(self, reason: str) -> None:
        """GOAWAY, and the question whether it was read. Until that is answered the other side may have opened a stream that
        has not come yet: who dropped the link now would cut a guest who is welcome. See `parted`."""
        self.goaway(reason)
        self._link.time = monotonic()
        self._link.farewell()

    def admit(self, *, streams: int | None = None, ping_s: float | None = None) -> None:
        """The handshake is done: all other frames are legal now. `streams`, `ping_s`: what WELCOME said."""
        link = self._link
        link.time = monotonic()
        if streams is not None:
            link.most_streams = streams
        if ping_s is not None:
            link.ping_s = ping_s
        link.admit()
        self._tick()

    def check(self, within_s: float) -> None:
        """Is the other side there? Drops the link ("silent") unless something is heard within `within_s` seconds."""
        if self._lost is not None:
            return
        now = self._link.time = monotonic()
        self._link.ping()
        self._loop.call_later(within_s, self._checked, now)

    def _checked(self, since: float) -> None:
        if self._lost is None and self._link.heard_at <= since:
            self.drop("silent")

    def allow(self, count: float) -> None:
        """Reads about `count` bytes more, in whole reads, until it is allowed again; infinity takes the limit away."""
        was, self._stop_at = self.received >= self._stop_at, self.received + count
        transport = self._transport
        if transport is None or self._lost is not None or not self._started:
            return
        if count <= 0:
            transport.pause_reading()
        elif was:
            transport.resume_reading()

    def drop(self, reason: str) -> None:
        """Ends the link: streams are told GONE, `on_lost(reason)` is called now. What was to be sent still goes out
        when the line takes it."""
        self._lose(reason, abort=reason in ("silent", "dead", "flood"))


def accept(
    transport: asyncio.Transport, context: ssl.SSLContext, first: bytes = b"", limits: Limits | None = None
) -> Carrier:
    """Hub: takes over a transport whose first bytes are already read. Set `on_control` at once: only then it begins."""
    carrier = Carrier("hub", Pump(context, server=True), limits or Limits())
    transport.pause_reading()
    transport.set_protocol(carrier)
    carrier._take(transport, first)
    return carrier


async def connect(
    sock: socket.socket, context: ssl.SSLContext, server_name: str | None, limits: Limits | None = None
) -> Carrier:
    """Agent: TLS over a connected TCP socket, which is closed when it fails. TlsError, ConnectionError, OSError,
    TimeoutError (after `limits.wait_s`, then `limits.handshake_s`). What the hub says next waits until `on_control` is set."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    carrier: Carrier | None = None
    ready: asyncio.Future[None] = loop.create_future()
    try:
        made = Carrier("agent", Pump(context, server=False, server_name=server_name), limits or Limits())
    except BaseException:
        sock.close()
        raise
    made._ready = ready
    try:
        _, carrier = await loop.create_connection(lambda: made, sock=sock)
        rooms.handed(sock)
        await ready
    except BaseException:
        if carrier is not None:
            carrier.drop("closed")
        else:
            rooms.handed(sock, failed=True)
        if ready.done() and not ready.cancelled():
            ready.exception()
        raise
    return carrier
