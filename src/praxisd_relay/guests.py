"""What guests of a practice may use: new connections and bytes a second, how long nothing may move, and the counting.

A practice that moves more than it may is slowed down by reading its link and its guests less: they wait for one another,
and nobody else is touched. All on the loop's thread; times are the loop's seconds.
"""

import asyncio
from collections.abc import Iterable

from praxisd_relay.bridge import Bridge
from praxisd_relay.carrier import Carrier
from praxisd_relay.config import Limits
from praxisd_relay.frames import Rst
from praxisd_relay.hello import INTERNAL_ERROR, alert
from praxisd_relay.hub_sockets import Sockets, tune_guest
from praxisd_relay.limits import Bucket, Tally

TICK_SECONDS = 0.1
DRY_SECONDS = 2.0
"""A link is never left unread longer at once: its pings must be answered."""
_SWEEP_SECONDS = 30.0
_SEEN_SECONDS = 600.0


class Guest(Bridge):
    """The connection of one guest, and when something last moved on it."""

    __slots__ = ("_held", "_of", "_place", "_sockets", "moved", "moved_at")

    def __init__(self, of: "Traffic", now: float, sockets: Sockets, place: str = "") -> None:
        """`place`: the neighbourhood it comes from, already counted by `of.enter`."""
        super().__init__(None, self._gone)
        self._of: Traffic | None = of
        self._place = place
        self._sockets = sockets
        self._held = False
        sockets.guests += 1
        self.moved = 0
        self.moved_at = now
        of.guests.add(self)

    def take(self, transport: asyncio.Transport, first: bytes | bytearray | memoryview = b"") -> None:
        """Takes over the guest's connection."""
        tune_guest(transport)
        super().take(transport, first)

    def idle(self, now: float) -> float:
        """Seconds since something moved, as far as it was looked at."""
        moved = self.received + self.sent
        if moved != self.moved:
            self.moved, self.moved_at = moved, now
        return now - self.moved_at

    def hold(self) -> None:
        """Read nothing from it for now: its practice has used up what it may move."""
        self._held = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def free(self) -> None:
        """Read on, unless the stream has asked not to."""
        self._held = False
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def resume(self) -> None:
        """The stream takes more; while it is held that has to wait."""
        if self._held:
            self._paused = False
        else:
            super().resume()

    def end(self, code: Rst) -> None:
        """End it from here, both ways."""
        stream = self.stream
        if stream is not None:
            stream.reset(code)
            self.broken(code)

    def none(self, transport: asyncio.Transport) -> None:
        """There was no stream for it: it is told, in TLS."""
        self._finish()
        transport.write(alert(INTERNAL_ERROR))
        transport.close()

    def _gone(self) -> None:
        of, self._of = self._of, None
        if of is not None:
            of.guests.discard(self)
            of.leave(self._place)
            self._sockets.guests -= 1


class Traffic:
    """One practice's traffic through this hub, kept as long as it has a link here or guests."""

    __slots__ = (
        "_bytes",
        "_dry",
        "_mark",
        "_new",
        "_places",
        "_seen_at",
        "_sweep_at",
        "carrier",
        "guests",
        "moved",
        "streams",
    )

    def __init__(self, limits: Limits) -> None:
        self.guests: set[Guest] = set()
        self.carrier: Carrier | None = None
        self.streams = 0
        """New ones since `rows` was last asked."""
        self.moved = (0, 0)
        """Bytes received from and sent to the practice since then."""
        self._new = Bucket(limits.streams_per_second, limits.streams_burst)
        self._places = Tally(limits.streams_per_address or max(1, limits.streams // 2))
        self._bytes = Bucket(limits.rate, limits.rate * limits.burst_s)
        self._mark = (0, 0)
        self._dry: float | None = None
        self._sweep_at = 0.0
        self._seen_at = float("-inf")

    def link(self, carrier: Carrier | None) -> None:
        """The practice's link from now on. What it has moved so far is its handshake."""
        self._measure()
        if self._dry is not None:  # the new link begins with the debt of the old one
            self._dry = None
            for guest in self.guests:
                guest.free()
        self.rest()
        self.carrier = carrier
        self._mark = (carrier.received, carrier.sent) if carrier is not None else (0, 0)

    def enter(self, now: float, place: str = "") -> bool:
        """May one more guest come in now? Who gives a `place` says `leave` at the end."""
        if not self._new.take(now) or (place and not self._places.enter(place)):
            return False
        self.streams += 1
        return True

    def leave(self, place: str) -> None:
        """A guest from there is gone."""
        if place:
            self._places.leave(place)

    def tick(self, now: float) -> bool:
        """Let the link move as much as its practice may until the next tick; True when that is less than it could use."""
        carrier, rate = self.carrier, self._bytes.rate
        if carrier is None or carrier.lost is not None or not rate:
            return False
        self._bytes.spend(now, self._measure())
        left = self._bytes.left(now)
        if left > 0:
            carrier.allow(left)
            if self._dry is not None:
                self._dry = None
                for guest in self.guests:
                    guest.free()
        elif self._dry is None:
            self._dry = now
            carrier.allow(0)
            for guest in self.guests:
                guest.hold()
        elif now - self._dry >= DRY_SECONDS:
            self._dry = now
            carrier.allow(1)
        return left < rate * TICK_SECONDS

    def rest(self) -> None:
        """Nobody looks at it for a while: its link is read without a limit, or its pings would use that up some day."""
        if self.carrier is not None and self._bytes.rate:
            self.carrier.allow(float("inf"))

    def busy(self) -> bool:
        """Does anything run, or is anything owed?"""
        return bool(self.guests) or self.dry or (self.carrier is not None and self.carrier.streams > 0)

    @property
    def dry(self) -> bool:
        """Has it used up what it may move?"""
        return self._dry is not None

    def quiet(self, now: float, limit: float, every: float | None = None) -> Iterable[Guest]:
        """Guests on whose connections nothing moved for `limit` seconds; looked at every `every` seconds."""
        if now < self._sweep_at and every is None:
            return ()
        self._sweep_at = now + (every or min(_SWEEP_SECONDS, limit / 4))
        return [guest for guest in self.guests if guest.idle(now) >= limit]

    def row(self, now: float) -> tuple[int, int, int] | None:
        """Streams, bytes received and sent since the last time; None while there is nothing new to write down."""
        self._measure()
        found = (self.streams, *self.moved)
        if not any(found) and (self.carrier is None or now - self._seen_at < _SEEN_SECONDS):
            return None
        if self.carrier is not None and found[0] == 0 and now - self._seen_at < _SEEN_SECONDS:
            return None  # pings alone are no news
        self.streams, self.moved, self._seen_at = 0, (0, 0), now
        return found

    def over(self) -> bool:
        """Is there nothing left to count or to limit?"""
        return self.carrier is None and not self.guests and not self.streams and not any(self.moved)

    def _measure(self) -> int:
        carrier = self.carrier
        if carrier is None:
            return 0
        received, sent = carrier.received - self._mark[0], carrier.sent - self._mark[1]
        self._mark = (carrier.received, carrier.sent)
        self.moved = (self.moved[0] + received, self.moved[1] + sent)
        return received + sent
