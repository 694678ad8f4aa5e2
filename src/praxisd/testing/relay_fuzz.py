"""Inputs that nobody honest sends, into all that reads bytes from outside: each may only be refused in its own words.

Half of the inputs are real ones spoilt (bits, lengths, cuts, pieces of others between), the rest is noise. What is fed,
with the one error it may raise:

    hello       `hello.read` (HelloError), and `hello.Reader` in pieces: must come to the same
    frames      `frames.Splitter` and `frames.decode` (FrameError)
    link        a whole `Link` in the role of hub and of agent, before and after WELCOME, with streams on it (FrameError); its
                windows must keep what it holds within its budget
    tls         `pump.Pump` (TlsError)
    text        invitations, codes, addresses of hubs and proxies, a proxy's answer, records of other hubs
"""

import random
import ssl
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from praxisd.testing.relay_guest import client_hello, in_records
from praxisd_relay import flow, frames, hello, identity
from praxisd_relay.dial import Address
from praxisd_relay.frames import FrameError, Rst, Type
from praxisd_relay.hub_certificate import make_own
from praxisd_relay.link import Limits, Link
from praxisd_relay.proxy import Answer, Proxy, ProxyError
from praxisd_relay.pump import Pump, TlsError, link_server
from praxisd_relay.records import Code, Practice, sound
from praxisd_relay.stream import Far, Stream

_SIZES = (0, 1, 2, 3, 127, 128, 255, 256, 0x3FFF, 0x4000, 0x4001, 0x7FFF, 0x8000, 0x8001, 0xFFFF)


@dataclass
class Fuzzed:
    """How many inputs each reader got, how often it refused, and what it should never have done (with the input)."""

    inputs: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def report(self) -> str:
        """One line."""
        parts = ", ".join(f"{name} {n:,} ({self.refused[name]:,} refused)" for name, n in self.inputs.items())
        return f"{sum(self.inputs.values()):,} fuzzed inputs in {self.seconds:.0f} s: {parts}; {len(self.faults)} faults"


class Spoiler:
    """Real inputs and dice."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        names = (
            "a.relay.test",
            "link.relay.test",
            "x" * 26 + ".relay.test",
            "a-very-long-label." * 11 + "test",
        )
        self.hellos = [client_hello(name) for name in names]
        self.hellos += [in_records(self.hellos[0], size) for size in (1, 7, 100, 300)]

    def noise(self, most: int) -> bytes:
        """Random bytes, short ones more often."""
        return self.dice.randbytes(self.dice.randrange(1 + self.dice.randrange(most + 1)))

    def spoil(self, data: bytes) -> bytes:
        """One to four wounds."""
        dice, found = self.dice, bytearray(data)
        for _ in range(dice.randrange(1, 5)):
            at = dice.randrange(len(found) + 1)
            match dice.randrange(7):
                case 0 if found:
                    found[at % len(found)] ^= 1 << dice.randrange(8)
                case 1:
                    del found[at:]
                case 2:
                    del found[at : at + dice.randrange(1, 40)]
                case 3:
                    found[at:at] = self.noise(40)
                case 4:
                    found[at : at + 2] = dice.choice(_SIZES).to_bytes(2, "big")
                case 5:
                    found[at:at] = found[at // 2 : at // 2 + dice.randrange(200)]
                case _:
                    found[at : at + 1] = bytes((dice.choice((0, 1, 3, 22, 21, 23, 127, 128, 255)),))
        return bytes(found)

    def pieces(self, data: bytes) -> list[bytes]:
        """The same bytes in one to six pieces."""
        cuts = sorted(self.dice.randrange(len(data) + 1) for _ in range(self.dice.randrange(6)))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _hello(spoiler: Spoiler) -> bytes:
    return (
        spoiler.spoil(spoiler.dice.choice(spoiler.hellos))
        if spoiler.dice.random() < 0.8
        else spoiler.noise(600)
    )


def feed_hello(spoiler: Spoiler) -> bool:
    """True if it was refused."""
    data = _hello(spoiler)
    try:
        whole: object = hello.read(data)
    except hello.HelloError as error:
        whole = error.alert
    reader, parts = hello.Reader(), None
    try:
        for piece in spoiler.pieces(data):
            parts = reader.feed(piece)
            if parts is not None:
                break
    except hello.HelloError as error:
        pieces: object = error.alert
    else:
        pieces = parts
    if whole != pieces:
        raise AssertionError(f"whole {whole!r}, in pieces {pieces!r}")
    return isinstance(whole, int)


_SHAPES: dict[Type, msgspec.Struct] = {
    Type.HELLO: frames.Hello(1, b"n" * 32, "node", 1),
    Type.AUTH: frames.Auth(b"k" * 32, "i" * 26, b"s" * 64, ["x"], "1"),
    Type.ENROLL: frames.Enroll("C" * 26, b"k" * 32, b"s" * 64, "label"),
    Type.WELCOME: frames.Welcome("1", "i" * 26, "h.relay.test", homes=["a:443"]),
    Type.OPEN: frames.Open("192.0.2.1", 443, "h.relay.test", 1.5),
    Type.GOAWAY: frames.Goaway("drain", 1.0, 2.0),
    Type.LIMIT: frames.Limit(1),
    Type.ROTATE: frames.Rotate(b"k" * 32, b"s", b"s", "i"),
    Type.REFUSED: frames.Refused("busy", 1.0),
}


def _frame(spoiler: Spoiler) -> bytes:
    """A frame that could be one."""
    dice = spoiler.dice
    kind, stream = dice.randrange(18), dice.choice((0, 1, 2, 3, 9, 0xFFFFFFFF))
    if kind in (Type.CREDIT, Type.RST, Type.PING, Type.PONG):
        payload = dice.randbytes({Type.CREDIT: 4, Type.RST: 1}.get(Type(kind), 8))
    elif kind in _SHAPES:
        payload = msgspec.json.encode(_SHAPES[Type(kind)])
        if dice.random() < 0.3:
            payload = spoiler.spoil(payload)
    else:
        payload = spoiler.noise(2000)
    return frames.encode(kind, stream, payload[: frames.MOST], dice.randrange(256))


def feed_frames(spoiler: Spoiler) -> bool:
    """True if it was refused."""
    data = b"".join(_frame(spoiler) for _ in range(spoiler.dice.randrange(1, 4)))
    if spoiler.dice.random() < 0.6:
        data = spoiler.spoil(data)
    splitter, refused = frames.Splitter(spoiler.dice.choice((frames.MOST, frames.MOST_BEFORE_WELCOME))), False
    try:
        for piece in spoiler.pieces(data):
            for kind, _, payload in splitter.feed(piece):
                shape = frames.SHAPES.get(Type(kind)) if kind in frames.SHAPES else None
                if shape is not None:
                    try:
                        frames.decode(shape, payload)
                    except FrameError:
                        refused = True
    except FrameError:
        return True
    return refused


class _End:
    """The other end of a stream: answers now and then, so that all states come about."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.stream: Stream | None = None

    def arrived(self, data: memoryview) -> None:
        """Sometimes sends, ends, or cuts."""
        stream, turn = self.stream, self.dice.randrange(12)
        if stream is None:
            return
        if turn < 3:
            stream.write(bytes(self.dice.randrange(100_000)))
        elif turn == 3:
            stream.finish()
        elif turn == 4:
            stream.reset(Rst.CLOSED)
        elif turn == 5:
            stream.pause()
        elif turn == 6:
            stream.resume()

    def ended(self) -> None:
        """Ends too, or not."""
        if self.stream is not None and self.dice.random() < 0.5:
            self.stream.finish()

    def broken(self, code: Rst) -> None:
        """Over."""
        self.stream = None

    def pause(self) -> None:
        """Nothing is sent on its own."""

    def resume(self) -> None:
        """Nothing is sent on its own."""


def feed_link(spoiler: Spoiler) -> bool:
    """A link with a budget of its own gets a dozen frames; True if it refused them."""
    dice = spoiler.dice
    process = flow.Budget(1 << 26)
    role = dice.choice(("hub", "agent"))
    link = Link(
        "hub" if role == "hub" else "agent", Limits(streams=8), 0.0, chance=dice.random(), process=process
    )

    def take(stream: Stream) -> Far | Rst:
        if dice.random() < 0.2:
            return Rst.REFUSED
        end = _End(dice)
        end.stream = stream
        return end

    link.on_open = take
    if dice.random() < 0.9:
        link.admit()
        if role == "hub":
            for _ in range(3):
                end = _End(dice)
                end.stream = link.open(frames.Open("192.0.2.1", 1, "a.relay.test"), end)
    data = b"".join(_frame(spoiler) for _ in range(dice.randrange(1, 13)))
    if dice.random() < 0.3:
        data = spoiler.spoil(data)
    now, refused = 0.0, False
    for piece in spoiler.pieces(data):
        now += dice.random() * 3
        try:
            link.received(now, piece)
        except FrameError:
            refused = True
            break
        link.tick(now)
        link.fill()
        link.parts.clear()
        link.queued, link.space = 0, dice.choice((0, 1, 70_000, 131_072))
    if len(link.streams) > 8:
        raise AssertionError(f"{len(link.streams)} streams where 8 are allowed")
    link.lost()
    if process.used or link.streams:
        raise AssertionError(f"a lost link keeps {process.used} bytes and {len(link.streams)} streams")
    return refused


def _tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    make_own(folder / "chain.pem", folder / "key.pem", "link.relay.test")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return link_server(str(folder / "chain.pem"), str(folder / "key.pem"), [frames.PROTOCOL]), client


def feed_tls(spoiler: Spoiler, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> bool:
    """A TLS end of ours gets what is no TLS, or no more; True if it refused it."""
    dice = spoiler.dice
    server, client = contexts
    try:
        if dice.random() < 0.5:
            pump = Pump(server, server=True)
            pump.feed(_hello(spoiler))
            return False
        pump, other = Pump(server, server=True), Pump(client, server=False, server_name="link.relay.test")
        for _ in range(dice.randrange(4)):
            pump.feed(other.outgoing())
            other.feed(pump.outgoing())
        if other.up and dice.random() < 0.5:
            other.write(b"x" * dice.randrange(1, 40_000))
        said = other.outgoing() or struct.pack(
            "!BHH", dice.choice((20, 21, 22, 23)), 0x0303, 32
        ) + dice.randbytes(32)
        pump.feed(spoiler.spoil(said))
        pump.plain()
        pump.outgoing()
    except TlsError:
        return True
    return False


_TEXTS = (
    "link.relay.test:8443/ABCDE-FGHJK-MNPQR-STVWX-YZ0123/" + "A" * 43,
    "https://relay.example/0000000000000000000000000A",
    "http://user:password@proxy.example:3128",
    "[::1]:443/" + "b" * 43,
)
_ANSWERS = (b"HTTP/1.1 200 Connection established\r\n\r\n", b"HTTP/1.0 407 Password\r\nX: y\r\n\r\n<html>")


def feed_text(spoiler: Spoiler) -> bool:
    """True if one of the readers refused it."""
    dice = spoiler.dice
    text = spoiler.spoil(dice.choice(_TEXTS).encode()).decode("utf-8", dice.choice(("replace", "ignore")))
    refused = False
    readers: tuple[tuple[Callable[[str], object], type[Exception]], ...] = (
        (identity.Invitation.parse, identity.IdentityError),
        (identity.read_code, identity.IdentityError),
        (Address.parse, ValueError),
        (Proxy.parse, ProxyError),
    )
    read, allowed = dice.choice(readers)
    try:
        read(text)
    except allowed:
        refused = True
    answer = Answer()
    try:
        for piece in spoiler.pieces(spoiler.spoil(dice.choice(_ANSWERS))):
            answer.feed(piece)
    except ProxyError:
        refused = True
    record = dice.choice(
        (
            Practice(id=text[:26], key=dice.randbytes(32), names=(text,), alias_of=text),
            Code(hash=text, used_by=text),
        )
    )
    if sound(record):
        raise AssertionError(f"taken for sound: {record}")
    return refused


def fuzz(count: int, seed: int) -> Fuzzed:
    """`count` inputs, shared out among the readers."""
    found, spoiler, began = Fuzzed(), Spoiler(seed), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="praxisd-fuzz-") as folder:
        contexts = _tls(Path(folder))
        shares: tuple[tuple[str, float, Callable[[Spoiler], bool]], ...] = (
            ("hello", 0.40, feed_hello),
            ("frames", 0.25, feed_frames),
            ("link", 0.20, feed_link),
            ("text", 0.13, feed_text),
            ("tls", 0.02, lambda one: feed_tls(one, contexts)),
        )
        for name, share, feed in shares:
            for _ in range(max(1, round(count * share))):
                found.inputs[name] += 1
                try:
                    found.refused[name] += feed(spoiler)
                except Exception as error:
                    found.faults.append(
                        f"{name}: {type(error).__name__}: {error} (input {found.inputs[name]}, seed {seed})"
                    )
                    if len(found.faults) > 20:
                        break
    found.seconds = time.perf_counter() - began
    return found
