"""The clock of this server against time servers that the practice named (SNTP, RFC 5905). Nobody else is asked."""

import secrets
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NTP_PORT = 123
_LAST = "diagnosis.clock_compared"
_UNIX = 2_208_988_800
"""Seconds from 1900, where NTP begins to count, to 1970."""
_ERA = 1 << 32
_PACKET = struct.Struct("!BBbb11I")
_SYNCHRONIZED = range(1, 16)
_UNSYNCHRONIZED = 3
_SERVER = 4


class NoTime(Exception):
    """The server did not tell the time: no answer, none to our question, or it does not know it itself."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison: with which server, how many seconds that was ahead (negative: behind), when (epoch s)."""

    host: str
    port: int
    seconds: float
    at: int


def last(house: "House") -> Compared | None:
    """The last time a server that is still named answered; None if none did since praxisd began."""
    found: Compared | None = house.shared.get(_LAST)
    return found


def note(house: "House", found: Compared) -> None:
    """Keep a comparison, in place of the one before."""
    house.shared[_LAST] = found


def forget(house: "House", named: Sequence[tuple[str, int]]) -> None:
    """Drop the comparison with a server that is none of these any more."""
    found = last(house)
    if found is not None and (found.host, found.port) not in named:
        house.shared.pop(_LAST, None)


def servers(setting: str) -> list[tuple[str, int]]:
    """Host and port of each server in the setting: names separated by commas or blanks, `[v6]:port` too."""
    found = []
    for word in setting.replace(",", " ").split():
        host, colon, port = word.rpartition(":")
        if word.startswith("["):
            inside, _, rest = word[1:].partition("]")
            found.append((inside, int(rest[1:]) if rest[1:].isdigit() else NTP_PORT))
        elif colon and port.isdigit() and ":" not in host:
            found.append((host, int(port)))
        else:
            found.append((word, NTP_PORT))
    return found


def offset(host: str, port: int, wait_s: float = 2.0, now: Callable[[], float] = time.time) -> float:
    """How many seconds the server is ahead of this computer (negative: behind). Raises NoTime, OSError."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    # What is sent as our time is random: an answer must name it again, so that nobody answers unasked.
    mark = secrets.randbits(64)
    with socket.socket(family, kind, proto) as wire:
        wire.settimeout(wait_s)
        wire.connect(address)
        began, start = now(), time.monotonic()
        wire.send(_PACKET.pack(0x23, *[0] * 12, mark >> 32, mark & 0xFFFFFFFF))
        while True:
            left = wait_s - (time.monotonic() - start)
            if left <= 0:
                raise NoTime
            wire.settimeout(left)
            try:
                answer = wire.recv(512)
            except TimeoutError:
                raise NoTime from None
            took = time.monotonic() - start
            if len(answer) >= _PACKET.size and _origin(answer) == mark:
                return _read(answer, began, took)


def _origin(answer: bytes) -> int:
    fields = _PACKET.unpack(answer[: _PACKET.size])
    return (int(fields[9]) << 32) | int(fields[10])


def _read(answer: bytes, began: float, took: float) -> float:
    fields = _PACKET.unpack(answer[: _PACKET.size])
    if fields[0] >> 6 == _UNSYNCHRONIZED or fields[0] & 7 != _SERVER or fields[1] not in _SYNCHRONIZED:
        raise NoTime
    received, sent = _seconds(fields[11], fields[12], began), _seconds(fields[13], fields[14], began)
    return ((received - began) + (sent - (began + took))) / 2


def _seconds(whole: int, part: int, near: float) -> float:
    """Epoch seconds of an NTP time: 32 bits wrap in 2036, so the one nearest to our own clock is meant."""
    found = whole - _UNIX + part / _ERA
    while near - found > _ERA / 2:
        found += _ERA
    return found
