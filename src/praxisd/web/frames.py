"""Frames of WebSockets (RFC 6455 § 5.2) of the most usual kind, a whole text in one frame, without the parser's detours.

Pure. `wire.py` asks here first, and hands on whatever is not as usual to `websockets`, which knows it all: a lock costs two
messages each way, and half of their way was spent there.
"""

import struct

from websockets.frames import apply_mask  # type: ignore[attr-defined]

TEXT, PING, PONG = 0x81, 0x89, 0x8A
"""First bytes of frames that are the last of their message and use no extension."""
MOST = 0xFFFF
"""Bytes of a text that is taken here."""
_MASKED = 0x80
_SHORT = struct.Struct("!BB")
_MIDDLE = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")


def text(data: bytes, at: int, most_bytes: int) -> tuple[bytes, int] | None:
    """(text, where the next frame begins), or None for anything but a whole masked text of `most_bytes` at most."""
    there = len(data) - at
    if there < 6 or data[at] != TEXT:
        return None
    length, begin = data[at + 1] - _MASKED, at + 2
    if length == 126:
        if there < 8:
            return None
        length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        if length < 126:  # § 5.2: the shortest form there is
            return None
    elif not 0 <= length <= 125:
        return None
    end = begin + 4 + length
    if length > most_bytes or end > len(data):
        return None
    return apply_mask(data[begin + 4 : end], data[begin : begin + 4]), end


def only_pings(data: bytes) -> bool:
    """True if these are whole pings and pongs and nothing else: the parser stands between two frames afterwards."""
    at = 0
    while at < len(data):
        if len(data) - at < 6 or data[at] not in (PING, PONG) or not _MASKED <= data[at + 1] <= _MASKED + 125:
            return False
        at += 6 + data[at + 1] - _MASKED
    return at == len(data)


def said(message: bytes) -> bytes:
    """A text of the server as a frame."""
    length = len(message)
    if length <= 125:
        return _SHORT.pack(TEXT, length) + message
    if length <= 0xFFFF:
        return _MIDDLE.pack(TEXT, 126, length) + message
    return _LONG.pack(TEXT, 127, length) + message
