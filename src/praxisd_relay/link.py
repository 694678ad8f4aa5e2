"""A link without a socket: frames in and out, the streams on it, credit, round robin, the clock of pings. Pure.

The driver (`carrier`) gives it what came (`received`), takes what is to be sent (`parts`), and tells how much more it
would take (`space`). One stream that stalls blocks nobody, one that fails never ends the link (notes § 3).
"""

import logging
import struct
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

from praxisd_relay import flow, frames
from praxisd_relay.frames import FrameError, Rst, Type
from praxisd_relay.stream import Far, Stream

LOG = logging.getLogger("praxisd_relay.link")
STAMP = struct.Struct("!d")
HIGH_WATER = 128 * 1024
"""Bytes of this link that may wait in this process, the TLS writer's included (notes § 5)."""

LEAST_WAIT = 0.01
"""Seconds between two looks at the clock: what is left of a float must not spin."""

_BEFORE: dict[str, frozenset[int]] = {
    "hub": frozenset((Type.AUTH, Type.ENROLL)),
    "agent": frozenset((Type.HELLO, Type.WELCOME, Type.REFUSED)),
}
_AFTER: dict[str, frozenset[int]] = {
    "hub": frozenset((Type.GOAWAY, Type.ROTATE)),
    "agent": frozenset((Type.GOAWAY, Type.ROTATE, Type.LIMIT, Type.REFUSED)),
}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one link may use. Bytes and seconds."""

    streams: int = 256
    window: int = frames.INITIAL_WINDOW
    most_window: int = flow.MOST_WINDOW
    budget: int = flow.LINK_BUDGET
    high_water: int = HIGH_WATER
    handshake_s: float = 10.0
    """From the first byte of the other side to WELCOME; the hub has that before it begins."""
    wait_s: float = 25.0
    """Agent: until the first byte of the hub. Where many come at once, it lets them wait for their turn."""
    ping_s: float = 4.0
    dead_s: float = 60.0
    """Silence after which the link is dropped."""


class Link:
    """One side of a link. `now`: any steady clock's seconds; `chance`: a number in [0, 1) that spreads the pings.
    All calls on one thread."""

    __slots__ = (
        "_awaits",
        "_left",
        "_next",
        "_pinged_at",
        "_splitter",
        "_spread",
        "admitted",
        "budget",
        "chunk",
        "dead",
        "eager",
        "goaway",
        "heard_at",
        "limits",
        "most_streams",
        "on_control",
        "on_idle",
        "on_open",
        "parted",
        "parts",
        "patience_s",
        "ping_s",
        "pong",
        "queued",
        "ready",
        "role",
        "rtt",
        "rtt_least",
        "silent",
        "space",
        "started_at",
        "streams",
        "time",
        "wake",
    )  # fmt: skip

    def __init__(
        self,
        role: Literal["hub", "agent"],
        limits: Limits,
        now: float,
        *,
        chance: float = 0.5,
        process: flow.Budget = flow.PROCESS,
    ) -> None:
        self.role = role
        self.limits = limits
        self.time = self.heard_at = self.started_at = now
        self.patience_s = limits.handshake_s if role == "hub" else limits.wait_s
        """For how long after `started_at` it may take until it is admitted."""
        self.ping_s = limits.ping_s
        self.most_streams = limits.streams
        self.budget = flow.Budget(limits.budget, process)
        self.chunk = frames.CHUNK
        """Bytes of DATA in a frame; smaller on slow lines."""
        self.streams: dict[int, Stream] = {}
        self.ready: deque[Stream] = deque()
        """Streams with bytes and credit, in turn."""
        self.parts: list[bytes | memoryview] = []
        """What is to be sent, in order; the driver empties it."""
        self.queued = 0
        """Bytes in `parts`."""
        self.space = limits.high_water
        """Bytes of DATA the driver would take now; it sets it anew after each flush."""
        self.admitted = False
        self.dead = False
        self.goaway: frames.Goaway | None = None
        """What the other side said; no stream is opened after it."""
        self.silent = False
        self.rtt: float | None = None
        self.rtt_least: float | None = None
        self.on_control: Callable[[int, bytes], None] = _nothing
        self.on_open: Callable[[Stream], Far | Rst] = _deny
        self.on_idle: Callable[[], None] | None = None
        """The last stream ended."""
        self.wake: Callable[[], None] = _nothing
        """`parts` is not empty any more."""
        self.eager: Callable[[], None] | None = None
        """Sends `parts` at once: large data need not be copied then. None while that is not possible."""
        self._splitter = frames.Splitter(frames.MOST_BEFORE_WELCOME)
        self._next = 1
        self._spread = 0.8 + 0.4 * chance  # ±20 %
        self._pinged_at: float | None = None
        self._awaits: bytes | None = None
        self._left = False
        self.parted = False
        """After `farewell`: whatever the other side opened before it had read our GOAWAY is here."""
        self.pong: bytes | None = None
        """The last PING, as long as it is not answered."""

    # in

    def began(self, now: float) -> None:
        """The other side's first byte is here: it has begun with us."""
        self.started_at, self.patience_s = now, self.limits.handshake_s

    def received(self, now: float, *pieces: bytes) -> None:
        """Bytes that came. FrameError when the other side breaks the protocol: drop the link then. Nothing else is
        raised, whatever the ends of the streams do."""
        self.time = self.heard_at = now
        streams = self.streams
        touched: list[Stream] = []
        for kind, id, payload in self._splitter.feed(*pieces):
            if kind == 4 and self.admitted:
                stream = streams.get(id)
                if stream is not None:
                    if not stream.came:
                        touched.append(stream)
                    stream.came.append(payload)
            else:
                self._frame(kind, id, payload)
                if self.dead:
                    return
        for stream in touched:
            stream.deliver()

    def _frame(self, kind: int, id: int, payload: memoryview) -> None:
        if not self.admitted:
            if kind not in _BEFORE[self.role]:
                raise FrameError(f"frame {kind} before WELCOME")
            self.on_control(kind, bytes(payload))
        elif kind == 5:
            if len(payload) != 4:
                raise FrameError("CREDIT")
            stream = self.streams.get(id)
            if stream is not None:
                stream.credited(frames.CREDIT.unpack(payload)[0])
        elif kind == 6:
            stream = self.streams.get(id)
            if stream is not None:
                stream.fin()
        elif kind == 7:
            stream = self.streams.get(id)
            if stream is not None:
                stream.cut(_rst(payload))
        elif kind == 3:
            self._opened(id, payload)
        elif kind == 8:
            if len(payload) != 8:
                raise FrameError("PING")
            self.pong = bytes(payload)  # only the last one is answered, however many there were
            self.wake()
            if self.rtt is None and self._awaits is None:
                self.ping()
        elif kind == 9:
            self._ponged(bytes(payload))
        elif kind in _AFTER[self.role]:
            if kind == Type.GOAWAY:
                self.goaway = frames.decode(frames.Goaway, payload)
            self.on_control(kind, bytes(payload))
        elif kind in _BEFORE[self.role] or kind in frames.SHAPES:
            raise FrameError(f"frame {kind} on a running link")

    def _opened(self, id: int, payload: memoryview) -> None:
        if self.role == "hub" or not id or id in self.streams:
            raise FrameError("OPEN")
        opened = frames.decode(frames.Open, payload)
        if len(self.streams) >= self.most_streams:
            self.put(Type.RST, id, bytes((Rst.BUSY,)))
            return
        if not 0 < opened.window <= flow.MOST_WINDOW:
            raise FrameError("OPEN with a window")
        stream = Stream(self, id, opened, credit=opened.window, window=self.limits.window)
        self.budget.force(self.limits.window)  # the other side takes it for granted
        self.streams[id] = stream
        try:
            far = self.on_open(stream)
        except Exception:
            LOG.exception("a stream could not be taken")
            far = Rst.CLOSED
        if isinstance(far, Rst):
            stream.reset(far)
        else:
            stream.owner = far

    def _ponged(self, payload: bytes) -> None:
        if payload != self._awaits or self._pinged_at is None:
            return
        self._awaits = None
        self.parted = self._left
        self.rtt = max(0.0, self.time - self._pinged_at)
        self.rtt_least = self.rtt if self.rtt_least is None else min(self.rtt, self.rtt_least)

    # out

    def admit(self) -> None:
        """The handshake is done on this side: all other frames are legal now. The agent measures the round trip at once,
        the hub when the agent does (before WELCOME has arrived a PING of the hub would be out of place)."""
        self.admitted = True
        self._splitter.most = frames.MOST
        if self.role == "agent":
            self.ping()

    def open(self, opened: frames.Open, far: Far) -> Stream | None:
        """A new stream (hub). None: not now (limit, GOAWAY, not admitted)."""
        if (
            self.dead
            or self.goaway is not None
            or not self.admitted
            or len(self.streams) >= self.most_streams
        ):
            return None
        while self._next in self.streams or not self._next:
            self._next = (self._next + 1) & 0xFFFFFFFF
        id, self._next = self._next, (self._next + 1) & 0xFFFFFFFF
        window = self.budget.first(min(self.limits.window, frames.INITIAL_WINDOW))
        if window != opened.window:
            opened = msgspec.structs.replace(opened, window=window)
        stream = self.streams[id] = Stream(self, id, opened, credit=frames.INITIAL_WINDOW, window=window)
        stream.owner = far
        self.put(Type.OPEN, id, msgspec.json.encode(opened))
        return stream

    def put(self, kind: int, id: int = 0, payload: bytes = b"") -> None:
        """One frame that is no DATA: goes out before all DATA that still waits."""
        if self.dead:
            return
        frame = frames.HEADER.pack(kind, 0, len(payload), id) + payload
        self.parts.append(frame)
        self.queued += len(frame)
        self.wake()

    def ping(self) -> None:
        """Asks the other side whether it is there, and how far away."""
        if self._awaits is None:
            self._pinged_at = self.time
            self._awaits = STAMP.pack(-self.time if self._left else self.time)  # never that of an earlier one
        self.put(Type.PING, 0, self._awaits)

    def farewell(self) -> None:
        """GOAWAY was said: asks anew. The other side answers in order, so what it opened before stands before its answer
        (to this PING or a later one), and then we have `parted`."""
        self._left, self._awaits = True, None
        self.ping()

    def fill(self) -> None:
        """Round robin, a frame for each stream, while there is space; answers the last PING first."""
        if self.pong is not None:
            pong, self.pong = self.pong, None
            self.put(Type.PONG, 0, pong)
        ready = self.ready
        while ready and self.space > 0:
            stream = ready.popleft()
            if stream.send_one():
                ready.append(stream)

    def ended(self, stream: Stream) -> None:
        """Called by a stream whose end has come."""
        if self.streams.pop(stream.id, None) is not None:
            stream.window.close()
            if not self.streams and self.on_idle is not None and not self.dead:
                try:
                    self.on_idle()
                except Exception:
                    LOG.exception("the end of the last stream")

    def lost(self) -> None:
        """The link is gone: every stream is told. Nothing is sent or taken after it."""
        if self.dead:
            return
        self.dead = True
        for stream in list(self.streams.values()):
            stream.cut(Rst.GONE)
        self.ready.clear()
        self.parts.clear()

    # the clock

    def tick(self, now: float) -> tuple[float, str | None]:
        """(seconds until the next look, what is to be told: "silent", "heard", or why the link ends: "timeout",
        "dead"). Pings when nothing was heard for `ping_s`."""
        if not self.admitted:
            left = self.started_at + self.patience_s - now
            # Looked at before a long patience ends: it may be shorter by then.
            return (
                (max(min(left, self.limits.handshake_s), LEAST_WAIT), None) if left > 0 else (1.0, "timeout")
            )
        self.time = now
        quiet = now - self.heard_at
        every = self.ping_s * self._spread
        silent_after = 2 * self.ping_s + 1
        if quiet >= self.limits.dead_s:
            return 1.0, "dead"
        if quiet >= silent_after:
            if self.silent:
                return max(min(self.ping_s, self.limits.dead_s - quiet), LEAST_WAIT), None
            self.silent = True
            return max(min(self.ping_s, self.limits.dead_s - quiet), LEAST_WAIT), "silent"
        word = "heard" if self.silent else None
        self.silent = False
        if quiet >= every:
            if self._pinged_at is None or self._pinged_at <= self.heard_at:
                self._awaits = None
                self.ping()
            return max(silent_after - quiet, LEAST_WAIT), word
        if self._pinged_at is not None and now - self._pinged_at >= 5 * self.ping_s and self.rtt is not None:
            self._awaits = None  # a busy link is measured now and then too
            self.ping()
        return max(every - quiet, LEAST_WAIT), word


def _rst(payload: memoryview) -> Rst:
    try:
        return Rst(payload[0]) if len(payload) else Rst.CLOSED
    except ValueError:
        return Rst.CLOSED  # a reason younger than we are


def _nothing(*_: object) -> None:
    pass


def _deny(_: Stream) -> Far | Rst:
    return Rst.DENIED
