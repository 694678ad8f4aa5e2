"""Guests' bytes between hubs over TCP as they are, where the operator has chosen so (`[peers] bytes = "plain"`).

What a guest sends is TLS already, sealed for a key that only the practice has; encrypting it once more between two hubs
doubles what a hub computes. So who, whom and from where go over the peer link (mutual TLS) as ever, with a token of
128 random bits; and whoever shows that token on the hubs' port within five seconds, once, is joined to the practice's
stream. A listener on the line between the hubs learns what one between guest and hub learns; one that meddles can cut
the connection, and nothing else.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

from praxisd_relay.bridge import Bridge, Towards
from praxisd_relay.carrier import Carrier, Far, Stream
from praxisd_relay.frames import Open, Rst

LOG = logging.getLogger("praxisd_relay.peers")
CAP = "plain"
"""What a hub says in AUTH that takes such connections."""
MARK = b"P"
"""First byte of such a connection; a TLS record begins with 0x16."""
TOKEN = 16
PREFACE = len(MARK) + TOKEN
SPLIT = "|"
"""Between host name and token in OPEN's name: in no host name."""
WAIT_S = 5.0
MOST_WAITING = 4096


class Door(Protocol):
    """Where a guest's stream can be opened: a practice's link, a peer link, or a Lane."""

    def open(self, opened: Open, far: Far) -> Towards | None:
        """The stream, or None if there can be none now."""


class Lane:
    """A hub whose practices are reached by connections of their own to `address` (numbers), announced on `link`."""

    def __init__(self, link: Carrier, address: tuple[str, int]) -> None:
        self._link, self._address = link, address

    def open(self, opened: Open, far: Far) -> Towards | None:
        """Announce the guest, and begin to connect; what it says meanwhile is kept. None: the link takes no more."""
        token = secrets.token_hex(TOKEN)
        ours = Bridge(_Towards(far))
        word = _Word(ours, far)
        said = Open(opened.address, opened.port, f"{opened.name}{SPLIT}{token}", opened.at)
        stream = self._link.open(said, word)
        if stream is None:
            return None
        ours.on_done = lambda: stream.reset(Rst.CLOSED)
        ours.arrived(memoryview(MARK + bytes.fromhex(token)))
        word.task = asyncio.ensure_future(_connect(ours, self._address))
        return _Towards(ours)


async def _connect(bridge: Bridge, address: tuple[str, int]) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            await asyncio.get_running_loop().create_connection(lambda: bridge, *address)
    except (OSError, TimeoutError):
        bridge.refused()


class _Towards:
    """`bridge.Towards` for what has the methods of a Far: bytes are copied, as they stand in a buffer used again."""

    __slots__ = ("_far",)

    def __init__(self, far: Far) -> None:
        self._far = far

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes."""
        self._far.arrived(memoryview(bytes(data)))

    def finish(self) -> None:
        """Half close."""
        self._far.ended()

    def reset(self, code: Rst) -> None:
        """Cut."""
        self._far.broken(code)

    def pause(self) -> None:
        """Read no more."""
        self._far.pause()

    def resume(self) -> None:
        """Read on."""
        self._far.resume()


class _Word:
    """`Far` of the stream on which a guest was announced: only its end says something."""

    def __init__(self, bridge: Bridge, guest: Far | None) -> None:
        self._bridge, self._guest = bridge, guest
        self.task: asyncio.Future[None] | None = None

    def arrived(self, data: memoryview) -> None:
        """Nothing is said here."""

    def ended(self) -> None:
        """Nothing."""

    def pause(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""

    def broken(self, code: Rst) -> None:
        """Refused over there, or that hub is gone. CLOSED is the ordinary end: the connection tells it, after its data."""
        if code is not Rst.CLOSED:
            self._bridge.broken(code)
            if self._guest is not None:
                self._guest.broken(code)


class Waiting:
    """Guests announced to the holder, until their connection comes. All on the loop's thread."""

    def __init__(self) -> None:
        self._expected: dict[bytes, tuple[Bridge, asyncio.TimerHandle]] = {}

    def announced(self, stream: Stream, carry: Callable[[Open, Far], Stream | Rst]) -> Far | Rst:
        """A neighbour has a guest and will connect. What the practice says meanwhile is kept, as far as credit goes."""
        opened = stream.opened
        name, _, word = opened.name.partition(SPLIT)
        try:
            token = bytes.fromhex(word)
        except ValueError:
            return Rst.PROTOCOL
        if len(token) != TOKEN or token in self._expected:
            return Rst.PROTOCOL
        if len(self._expected) >= MOST_WAITING:
            return Rst.BUSY
        bridge = Bridge(on_done=lambda: stream.reset(Rst.CLOSED))
        there = carry(Open(opened.address, opened.port, name, opened.at), bridge)
        if isinstance(there, Rst):
            return there
        bridge.stream = there
        timer = asyncio.get_running_loop().call_later(WAIT_S, self._given_up, token, Rst.TIMEOUT)
        self._expected[token] = bridge, timer
        return _Announced(bridge, there, lambda code: self._given_up(token, code))

    def came(self, transport: asyncio.Transport, said: bytes) -> bool:
        """A connection with its first bytes, PREFACE of them at least; False if nobody expects it."""
        found = self._expected.pop(said[len(MARK) : PREFACE], None)
        if found is None:
            return False
        bridge, timer = found
        timer.cancel()
        bridge.take(transport, said[PREFACE:])
        return True

    def _given_up(self, token: bytes, code: Rst) -> None:
        """It does not come any more, if it has not come already."""
        found = self._expected.pop(token, None)
        if found is not None:
            found[1].cancel()
            found[0].refused(code)


class _Announced(_Word):
    """The same at the holder: there the practice's stream ends with it."""

    def __init__(self, bridge: Bridge, there: Stream, give_up: Callable[[Rst], None]) -> None:
        super().__init__(bridge, None)
        self._there, self._give_up = there, give_up

    def broken(self, code: Rst) -> None:
        """The neighbour is gone, or gave up before it was connected. After that CLOSED is the ordinary end."""
        self._give_up(code)
        if code is not Rst.CLOSED:
            self._there.reset(code)
            self._bridge.broken(code)
