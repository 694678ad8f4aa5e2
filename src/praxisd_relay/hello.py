"""The first bytes of a TLS connection: which name does the caller want? Pure; nothing is decrypted or answered here.

RFC 8446 § 4.1.2 and § 5.1, RFC 6066 § 3 (server name), RFC 7301 (ALPN). A ClientHello may come split at any byte and
spread over several TLS records; with ML-KEM it has about 1.7 KB.
"""

import string
from typing import NamedTuple

MOST = 16 * 1024
"""Bytes of a ClientHello with its record headers; above that nobody honest calls."""

NOT_TLS = 0  # not an alert of TLS: close without a word
UNEXPECTED_MESSAGE = 10
RECORD_OVERFLOW = 22
ILLEGAL_PARAMETER = 47
DECODE_ERROR = 50
INTERNAL_ERROR = 80
UNRECOGNIZED_NAME = 112

_LETTERS = frozenset((string.ascii_lowercase + string.digits + "-_.").encode())


class Hello(NamedTuple):
    """`name`: lower case, "" when none was sent; `alpn`: as offered; `length`: bytes of the buffer it took."""

    name: str
    alpn: tuple[str, ...]
    length: int


class HelloError(Exception):
    """This is no ClientHello. `alert`: what to answer, 0 for nothing (the caller does not speak TLS)."""

    def __init__(self, alert: int) -> None:
        super().__init__(f"alert {alert}")
        self.alert = alert


def alert(code: int) -> bytes:
    """A fatal alert of TLS 1.2 or 1.3 before any key was agreed: seven bytes."""
    return bytes((21, 3, 3, 0, 2, 2, code))


class Reader:
    """A hello as it comes in, in any pieces: each byte is looked at once, however small the pieces and the records are.
    `buffer` holds all that came (the caller needs it: nothing of it is answered here)."""

    __slots__ = ("_at", "_message", "buffer")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._at = 0  # where the next record starts
        self._message = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Hello | None:
        """The hello once it is whole; None when more is needed. HelloError when it is none."""
        buffer = self.buffer
        buffer += data
        size, at, message = len(buffer), self._at, self._message
        if not at and size:
            if buffer[0] != 22:
                raise HelloError(NOT_TLS if buffer[0] != 21 else UNEXPECTED_MESSAGE)
            if size > 1 and buffer[1] != 3:
                raise HelloError(NOT_TLS)
        while size >= at + 5:
            if buffer[at] != 22 or buffer[at + 1] != 3:
                raise HelloError(UNEXPECTED_MESSAGE)
            start, end = at + 5, at + 5 + (buffer[at + 3] << 8 | buffer[at + 4])
            if start == end:
                raise HelloError(UNEXPECTED_MESSAGE)  # RFC 8446 § 5.1: no empty fragments of a handshake
            if end > MOST:
                raise HelloError(RECORD_OVERFLOW)
            if not message and size > start and buffer[start] != 1:
                raise HelloError(UNEXPECTED_MESSAGE)
            if size < end:
                return None
            message += buffer[start:end]
            self._at = at = end
            if len(message) >= 4:
                need = 4 + int.from_bytes(message[1:4], "big")
                if need > MOST:
                    raise HelloError(RECORD_OVERFLOW)
                if len(message) >= need:
                    return Hello(*_parse(bytes(message[4:need])), at)
        return None


def read(buffer: bytes | bytearray | memoryview) -> Hello | None:
    """The hello at the start of `buffer`; None when more bytes are needed. HelloError when it is none. Who is called
    again and again with more takes a `Reader`."""
    return Reader().feed(buffer)


def _parse(body: bytes) -> tuple[str, tuple[str, ...]]:
    """Name and protocols of a ClientHello without its header. Plain index arithmetic: each guest's call comes by here."""
    end, at = len(body), 34  # legacy_version, random
    name = ""
    alpn: tuple[str, ...] = ()
    try:
        if body[at] > 32:
            raise HelloError(DECODE_ERROR)
        at += 1 + body[at]
        suites = body[at] << 8 | body[at + 1]
        if suites < 2 or suites % 2:
            raise HelloError(DECODE_ERROR)
        at += 2 + suites
        if not body[at]:  # there is always the compression "none"
            raise HelloError(DECODE_ERROR)
        at += 1 + body[at]
        if at == end:  # TLS 1.2 may have no extensions at all
            return name, alpn
        if at + 2 + (body[at] << 8 | body[at + 1]) != end:
            raise HelloError(DECODE_ERROR)
        at += 2
        seen: set[int] = set()
        while at < end:
            kind, start = body[at] << 8 | body[at + 1], at + 4
            at = start + (body[at + 2] << 8 | body[at + 3])
            if at > end:
                raise HelloError(DECODE_ERROR)
            if kind in seen:
                raise HelloError(ILLEGAL_PARAMETER)
            seen.add(kind)
            if kind == 0:
                name = _server_name(body[start:at])
            elif kind == 16:
                alpn = _protocols(body[start:at])
    except IndexError:
        raise HelloError(DECODE_ERROR) from None
    return name, alpn


def _server_name(content: bytes) -> str:
    """RFC 6066 § 3. IndexError when it ends early."""
    end, at = len(content), 2
    if 2 + (content[0] << 8 | content[1]) != end or end == 2:
        raise HelloError(DECODE_ERROR)
    found: bytes | None = None
    while at < end:
        kind, start = content[at], at + 3
        at = start + (content[at + 1] << 8 | content[at + 2])
        if at > end:
            raise HelloError(DECODE_ERROR)
        if kind == 0:
            if found is not None:
                raise HelloError(ILLEGAL_PARAMETER)
            found = content[start:at].lower().removesuffix(b".")
            if (
                not 0 < len(found) <= 253
                or not _LETTERS.issuperset(found)
                or b".." in found
                or found[0] == 46
            ):
                raise HelloError(UNRECOGNIZED_NAME)
    return (found or b"").decode("ascii")


def _protocols(content: bytes) -> tuple[str, ...]:
    """RFC 7301 § 3.1. IndexError when it ends early."""
    end, at = len(content), 2
    if 2 + (content[0] << 8 | content[1]) != end or end == 2:
        raise HelloError(DECODE_ERROR)
    found: list[str] = []
    while at < end:
        start = at + 1
        at = start + content[at]
        if at > end or at == start:
            raise HelloError(DECODE_ERROR)
        found.append(content[start:at].decode("latin-1"))
    return tuple(found)
