"""The frames of "praxis-relay/1": pure functions over bytes, no I/O.

A frame is `type u8 | flags u8 | length u16 | stream u32` (big endian) and the payload. Flags are reserved: sent as 0,
ignored when read. DATA carries ≤ 32 KiB; control payloads are compact JSON of the structs below (unknown fields are
ignored, so they may grow); CREDIT is a u32, RST one byte, PING and PONG eight bytes. Source: notes/relay.md § 5.
"""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct as Layout
from typing import TypeVar

import msgspec

PROTOCOL = "praxis-relay/1"
"""ALPN of the link, and the word in front of all that is signed."""

HEADER = Layout("!BBHI")
HEADER_SIZE = HEADER.size
CREDIT = Layout("!I")

MOST = 32 * 1024
"""Bytes of payload of any frame."""
CHUNK = MOST - HEADER_SIZE
"""Bytes of DATA we put into one frame: with its header exactly two full TLS records."""
MOST_BEFORE_WELCOME = 4096
INITIAL_WINDOW = 256 * 1024
"""Bytes each side may send on a new stream before the first CREDIT, unless OPEN says less."""


class Type(IntEnum):
    HELLO = 0
    AUTH = 1
    WELCOME = 2
    OPEN = 3
    DATA = 4
    CREDIT = 5
    FIN = 6
    RST = 7
    PING = 8
    PONG = 9
    GOAWAY = 10
    LIMIT = 11
    ENROLL = 12
    ROTATE = 13
    OPEN_DIRECT = 14  # reserved
    REFUSED = 15


class Rst(IntEnum):
    """Why a stream was cut."""

    CLOSED = 0
    REFUSED = 1  # the origin is not there
    BUSY = 2
    DENIED = 3
    TIMEOUT = 4
    PROTOCOL = 5
    FLOW = 6
    GONE = 7  # the link was lost


class FrameError(Exception):
    """The other side does not speak this protocol; the link is of no use any more."""


class Hello(msgspec.Struct, frozen=True):
    """hub → agent, the first frame. `nonce`: 32 bytes (base64 in JSON). `time`: epoch seconds of the hub's clock."""

    v: int
    nonce: bytes
    node: str
    time: int
    name: str = ""


class Auth(msgspec.Struct, frozen=True):
    """agent → hub: `sig` is Ed25519 over `auth_message`."""

    key: bytes
    id: str
    sig: bytes
    caps: list[str] = []
    agent: str = ""


class Enroll(msgspec.Struct, frozen=True):
    """agent → hub: the one-time code admits `key`; `sig` is over `enrol_message`."""

    code: str
    key: bytes
    sig: bytes
    label: str | None = None
    agent: str = ""


class LinkLimits(msgspec.Struct, frozen=True):
    """`streams` at the same time; `rate` in bytes a second, None without limit."""

    streams: int = 256
    rate: int | None = None


class Welcome(msgspec.Struct, frozen=True):
    """hub → agent: the link is up. `port`: the hub's public port; `homes`: link addresses `host:port`."""

    link: str
    id: str
    host: str
    domain: str = ""
    port: int = 443
    homes: list[str] = []
    limits: LinkLimits = LinkLimits()
    ping_s: float = 4.0
    spread_s: float = 5.0


class Open(msgspec.Struct, frozen=True):
    """hub → agent: a guest came. `at`: epoch seconds; `window`: bytes the hub takes before its first CREDIT."""

    address: str
    port: int
    name: str
    at: float = 0.0
    window: int = INITIAL_WINDOW


class Goaway(msgspec.Struct, frozen=True):
    """Either side: no new streams; old ones finish. reason: drain, replaced, revoked, limit."""

    reason: str
    delay_s: float = 0.0
    spread_s: float = 0.0


class Limit(msgspec.Struct, frozen=True):
    """hub → agent: send no more than `rate` bytes a second (None: no limit any more)."""

    rate: int | None = None


class Rotate(msgspec.Struct, frozen=True):
    """agent → hub: `key` (new) with both signatures over `rotate_message`; hub → agent: the new `id`."""

    key: bytes = b""
    sig_old: bytes = b""
    sig_new: bytes = b""
    id: str = ""


class Refused(msgspec.Struct, frozen=True):
    """hub → agent. code: unknown, revoked, code_used, code_wrong, busy, version; `retry_s` when it may get better."""

    code: str
    retry_s: float | None = None


Control = Hello | Auth | Enroll | Welcome | Open | Goaway | Limit | Rotate | Refused
SHAPES: dict[Type, type[Control]] = {
    Type.HELLO: Hello,
    Type.AUTH: Auth,
    Type.WELCOME: Welcome,
    Type.OPEN: Open,
    Type.GOAWAY: Goaway,
    Type.LIMIT: Limit,
    Type.ENROLL: Enroll,
    Type.ROTATE: Rotate,
    Type.REFUSED: Refused,
}
_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def encode(type: int, stream: int = 0, payload: bytes = b"", flags: int = 0) -> bytes:
    """One frame. ValueError when the payload is larger than a frame may be."""
    if len(payload) > MOST:
        raise ValueError(f"{len(payload)} bytes do not fit into a frame")
    return HEADER.pack(type, flags, len(payload), stream) + payload


def control(type: int, struct: msgspec.Struct, stream: int = 0) -> bytes:
    """A control frame."""
    return encode(type, stream, msgspec.json.encode(struct))


def decode(shape: type[_Shape], payload: bytes | memoryview) -> _Shape:
    """A control payload as its struct. FrameError when it is none."""
    try:
        return msgspec.json.decode(payload, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"{shape.__name__}: {error}") from error


class Splitter:
    """Bytes as they come in, frames out. DATA is handed on as it comes, in pieces that need not end where a frame ends;
    all other frames come whole. Holds at most one header or one control frame."""

    __slots__ = ("_held", "_left", "_stream", "most")

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        """Bytes of payload a frame may have now; smaller before WELCOME."""
        self._held = b""
        self._left = 0  # bytes of the running DATA frame still to come
        self._stream = 0

    def feed(self, *pieces: bytes) -> Iterator[tuple[int, int, memoryview]]:
        """(type, stream, payload) of what `pieces` complete. The views hold the pieces, which must not change.
        FrameError on a length no frame may have; nothing can follow then."""
        unpack = HEADER.unpack_from
        for data in pieces:
            view = memoryview(data)
            if self._left:
                piece = view[: self._left]
                self._left -= len(piece)
                yield 4, self._stream, piece
                if len(piece) == len(view):
                    continue
                view = view[len(piece) :]
            if self._held:
                view = memoryview(self._held + view)
                self._held = b""
            at, end = 0, len(view)
            while end - at >= 8:
                kind, _, length, stream = unpack(view, at)
                if length > self.most:
                    raise FrameError(f"a frame of {length} bytes")
                start = at + 8
                at = start + length
                if at <= end:
                    yield kind, stream, view[start:at]
                elif kind == 4:
                    self._left, self._stream = at - end, stream
                    if start < end:
                        yield 4, stream, view[start:]
                    at = end
                else:
                    at = start - 8
                    break
            if at < end:
                self._held = bytes(view[at:])
