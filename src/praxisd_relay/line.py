"""The socket's side of a link: own TLS (`pump`) over one asyncio transport, frames and streams (`link`), timers, back-pressure.

The same on uvloop and on the standard loop. What is to be sent is gathered and goes through TLS in large pieces, once
for each turn of the loop or as soon as there is much of it. `carrier.Carrier` is this with what its owner needs.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from time import monotonic
from typing import Literal

from praxisd_relay import flow, frames, looks, rooms
from praxisd_relay.frames import FrameError
from praxisd_relay.link import Limits, Link
from praxisd_relay.pump import STEP, Pump, TlsError

LOG = logging.getLogger("praxisd_relay.line")
BACKLOG = 64 * 1024
"""Bytes in the transport from which no more DATA is given to it."""
FLOOD = 4 * 1024 * 1024
"""Bytes nobody takes although we only answer: the other side asks and does not listen."""
CLOSING_S = 5.0
_WHOLE = frozenset(("done", "replaced"))
"""Why a link is dropped whose streams are through: the last of what they sent may still stand in the kernel."""
_ENDS: dict[str, type[Exception]] = {"tls": TlsError, "timeout": TimeoutError}


class Line(asyncio.BufferedProtocol):
    """Protocol of the transport; sends, receives, ends. Nothing that came is acted on before `_begin`."""

    __slots__ = (
        "_blocked", "_blocked_at", "_early", "_flushing", "_gone", "_high", "_link", "_looks", "_loop", "_lost",
        "_on_control", "_pump", "_rate", "_ready", "_room", "_scheduled", "_started", "_step", "_stop_at", "_timer",
        "_told", "_transport", "closed", "on_heard", "on_lost", "on_silent", "received", "sent",
    )  # fmt: skip

    def __init__(self, role: Literal["hub", "agent"], pump: Pump, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._pump = pump
        # A spread of pings is no secret.
        self._link = Link(role, limits, monotonic(), chance=random.random())  # noqa: S311
        self._link.wake = self._wake
        self._transport: asyncio.Transport | None = None
        self._room = rooms.link_room()
        self._blocked = False
        self._blocked_at = 0.0
        self._gone = 0  # bytes that had left this process then
        self._rate: float | None = None
        """Bytes a second the line takes, as far as it was ever the limit."""
        self._high = limits.high_water
        self._flushing = False
        self._scheduled = False
        self._started = False
        self._early = b""
        self._lost: str | None = None
        self._told = False
        self._on_control: Callable[[int, bytes], None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looks = looks.of_loop()
        self._step = 0
        """When it is looked at, where that is not by a timer of its own."""
        self._stop_at: float = float("inf")
        self.closed = False
        """The socket is closed too (some time after the link was lost)."""
        self.on_lost: Callable[[str], None] = _nothing
        self.on_silent: Callable[[], None] = _nothing
        self.on_heard: Callable[[], None] = _nothing
        self.sent = 0
        """Bytes given to the socket."""
        self.received = 0
        """Bytes taken from the socket."""

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Agent: the socket is a transport now."""
        self._take(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The thread's buffer for links."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Ciphertext came."""
        self._feed(self._room[:nbytes])
        if self.received >= self._stop_at and self._transport is not None and self._lost is None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """A link is never half open."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.closed = True
        self._lose("closed" if exc is None else "reset", abort=True)
        self._transport = None

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._blocked = True
        self._link.space = 0
        if self._transport is not None:
            self._blocked_at, self._gone = monotonic(), self.sent - self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """It does again. How long that took says how quick the line is."""
        self._blocked = False
        transport = self._transport
        if transport is None or self._lost is not None:
            return
        backlog = transport.get_write_buffer_size()
        took = max(monotonic() - self._blocked_at, 0.0001)
        rate = (self.sent - backlog - self._gone) / took
        self._rate = rate if self._rate is None else 0.8 * self._rate + 0.2 * rate
        queue = flow.queue(self._rate, self._link.limits.high_water)
        if not 0.7 <= queue / self._high <= 1.4:
            self._set_queue(queue)
        self._link.space = self._high - backlog
        self._flush()

    # within

    def _take(self, transport: asyncio.BaseTransport, first: bytes = b"") -> None:
        self._transport = transport  # type: ignore[assignment]
        rooms.tune_link(transport)
        assert self._transport is not None  # noqa: S101
        self._set_queue(self._high)
        self._early = first
        self._tick()
        self._send(self._pump.outgoing())

    def _set_queue(self, queue: int) -> None:
        """From now on `queue` bytes wait here, and no more of them in the transport than leaves space for others."""
        self._high = queue
        self._link.chunk = frames.CHUNK if queue > flow.LEAST_QUEUE else frames.CHUNK // 2
        if self._transport is not None:
            most = min(queue // 2, BACKLOG)
            self._transport.set_write_buffer_limits(high=most, low=most // 4)
            rooms.tune_unsent(self._transport, max(queue, flow.LEAST_QUEUE))

    def _begin(self) -> None:
        if self._lost is not None:
            self._tell()
            return
        early, self._early = self._early, b""
        if self._transport is not None:
            self._transport.resume_reading()
        self._feed(memoryview(early))

    def _feed(self, data: memoryview) -> None:
        if self._lost is not None:
            return
        pump, link = self._pump, self._link
        if not self.received:
            link.began(monotonic())
        self.received += len(data)
        scheduled, self._scheduled = (
            self._scheduled,
            True,
        )  # what this brings about is sent below, without another turn
        try:
            for at in range(0, len(data) or 1, STEP):  # also without data: what waited for `on_control`
                pump.feed(data[at : at + STEP])
                if pump.up and self._started:
                    link.received(monotonic(), *pump.plain())
                    if self._lost is not None:
                        return
        except TlsError as error:
            LOG.info("link ended: tls %s", error.reason)
            if self._ready is not None and not self._ready.done():
                # Who dials wants to know why: a wrong certificate is no broken TLS.
                self._ready.set_exception(error)
            self._lose("tls")
            return
        except FrameError as error:
            LOG.info("link ended: protocol %s", error)
            self._lose("protocol")
            return
        except Exception:
            LOG.exception("a link's control frame could not be handled")
            self._lose("error")
            return
        finally:
            self._scheduled = scheduled
        if link.silent:
            self._tick()
        if pump.ended:
            self._lose("closed")
        elif pump.up and self._ready is not None:
            ready, self._ready = self._ready, None
            link.eager = self._flush
            self._send(pump.outgoing())
            if not self._started and self._transport is not None:
                self._transport.pause_reading()
            if not ready.done():
                ready.set_result(None)
            self._flush()
        else:
            if not pump.up or link.eager is None:
                self._send(pump.outgoing())
                link.eager = self._flush if pump.up else None
            self._flush()

    def _wake(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._scheduled_flush)

    def _scheduled_flush(self) -> None:
        self._scheduled = False
        self._flush()

    def _flush(self) -> None:
        """Gathers, encrypts and sends what there is, and refills from the streams that wait."""
        link, transport = self._link, self._transport
        if self._flushing or self._lost is not None or transport is None or not self._pump.up:
            return
        parts = link.parts
        if not (parts or link.ready or link.pong):
            return  # the usual end of a read whose bytes all went elsewhere
        self._flushing = True
        link.eager = None  # what is written meanwhile is copied: it waits for the next round
        try:
            while parts or link.ready or link.pong:
                link.fill()
                if not parts:
                    break
                data = b"".join(parts) if len(parts) > 1 else parts[0]
                parts.clear()
                link.queued = 0
                self._encrypt(data)
                if self._lost is not None:
                    return
                backlog = transport.get_write_buffer_size()
                if backlog > FLOOD:
                    self._lose("flood", abort=True)
                    return
                link.space = 0 if self._blocked else self._high - backlog
        except TlsError:
            self._lose("tls")
        finally:
            self._flushing = False
            link.eager = self._flush

    def _encrypt(self, data: bytes | memoryview) -> None:
        pump, transport = self._pump, self._transport
        if len(data) <= STEP:
            pump.write(data)
            if transport is not None:
                out = pump.outgoing()
                self.sent += len(out)
                transport.write(out)
            return
        view = memoryview(data)
        for at in range(0, len(view), STEP):
            pump.write(view[at : at + STEP])
            self._send(pump.outgoing())

    def _send(self, data: bytes) -> None:
        if data and self._transport is not None:
            self.sent += len(data)
            self._transport.write(data)

    def _tick(self) -> None:
        self._untimed()
        if self._lost is not None:
            return
        delay, word = self._link.tick(monotonic())
        if word == "silent":
            self._call(self.on_silent)
        elif word == "heard":
            self._call(self.on_heard)
        elif word is not None:
            self._lose(word, abort=word == "dead")
        if self._lost is not None:
            return
        if delay < looks.NEAR_S:
            self._timer = self._loop.call_later(delay, self._tick)
        else:
            self._step = self._looks.put(self, delay)

    def look(self) -> None:
        """See looks.Looker."""
        self._step = 0
        self._tick()

    def _untimed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._step:
            self._looks.drop(self, self._step)
            self._step = 0

    def _lose(self, reason: str, *, abort: bool = False) -> None:
        if self._lost is not None:
            return
        link, transport = self._link, self._transport
        if transport is not None and not abort and self._pump.up:
            with contextlib.suppress(TlsError):
                for part in link.parts:
                    self._pump.write(part)
                self._pump.close_notify()
        self._lost = reason
        self._untimed()
        link.lost()
        if transport is not None:
            if abort:
                transport.abort()
            else:
                self._send(self._pump.outgoing())
                self._part(transport, reason)
        if self._ready is not None:
            if not self._ready.done():
                self._ready.set_exception(_ENDS.get(reason, ConnectionError)(reason))
            self._ready = None
        if self._started:
            self._tell()

    def _part(self, transport: asyncio.Transport, reason: str) -> None:
        """Close it. A socket that is closed answers what still comes (credit, a ping) with RST, and the kernel throws away
        what it had not sent: so where that counts only our side ends, and what comes is read and forgotten."""
        self._loop.call_later(CLOSING_S, transport.abort)
        if reason not in _WHOLE or self._pump.ended or not transport.can_write_eof():
            transport.close()
            return
        try:
            transport.write_eof()
            transport.resume_reading()
        except (OSError, RuntimeError) as error:  # it was reset a moment ago (notes § 3, lesson 1)
            LOG.debug("half close of a link: %s", error)
            transport.abort()

    def _tell(self) -> None:
        if not self._told and self._lost is not None:
            self._told = True
            reason = self._lost
            self._call(lambda: self.on_lost(reason))
            # What points at the owners goes, so that nothing is kept by a link that is over.
            self._link.on_control = self._link.wake = _nothing
            self._link.eager = None

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            LOG.exception("a link's owner failed")


def _nothing(*_: object) -> None:
    pass
