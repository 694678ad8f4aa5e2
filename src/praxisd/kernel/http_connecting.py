"""From a name to a connection, within a time: looking it up, and trying its addresses one beside the other.

Where one of several addresses does not answer (IPv6 that leads nowhere), the next is tried a quarter of a second later
(RFC 8305), and whichever stands first is used.
"""

import errno
import queue
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from praxisd.kernel.outside import NotSent

APART_S = 0.25
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
Address = tuple[int, tuple[Any, ...]]
"""Family, and the socket's address."""


def left(until: float) -> float:
    """Seconds up to `until` (monotonic); TimeoutError once it is over."""
    found = until - time.monotonic()
    if found <= 0:
        raise TimeoutError
    return found


def lookup(host: str, until: float) -> list[Address]:
    """The addresses of a name or of an IP number, port 0. NotSent („name“, „timeout“)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return [(family, (host, 0))]
    told: queue.SimpleQueue[list[Address]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        except (OSError, ValueError):  # UnicodeError: no name can look so
            found = []
        told.put([(int(one[0]), one[4]) for one in found])

    # Left behind where a name server hangs; the program may end over it.
    threading.Thread(target=ask, name="praxisd-lookup", daemon=True).start()
    try:
        got = told.get(timeout=left(until))
    except queue.Empty:
        raise NotSent("timeout") from None
    if not got:
        raise NotSent("name")
    return got


def first_of(addresses: Sequence[Address], until: float) -> socket.socket:
    """The connection that stands first, all others closed. OSError of the last try if there is none; TimeoutError."""
    if len(addresses) == 1:
        family, where = addresses[0]
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(left(until))
            line.connect(where)
        except BaseException:
            line.close()
            raise
        return line
    return _race(list(addresses), until)


def _race(waiting: list[Address], until: float) -> socket.socket:
    fault = OSError("no address")
    tried: set[socket.socket] = set()
    with selectors.DefaultSelector() as eye:
        try:
            while waiting or tried:
                if waiting:
                    family, where = waiting.pop(0)
                    code = _begun(family, where, tried, eye)
                    if code not in _UNDER_WAY:
                        fault = OSError(code, "connect")
                        continue
                pause = left(until)
                for key, _ in eye.select(min(pause, APART_S) if waiting else pause):
                    line: Any = key.fileobj
                    eye.unregister(line)
                    tried.discard(line)
                    code = line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return line  # type: ignore[no-any-return]
                    line.close()
                    fault = OSError(code, "connect")
            raise fault
        finally:
            for one in tried:
                one.close()


def _begun(
    family: int, where: tuple[Any, ...], tried: set[socket.socket], eye: selectors.BaseSelector
) -> int:
    """Begin to connect; the system's word for how it went."""
    try:
        line = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a family that this machine does not have
        return error.errno or errno.EAFNOSUPPORT
    line.setblocking(False)
    code = line.connect_ex(where)
    if code not in _UNDER_WAY:
        line.close()
        return code
    tried.add(line)
    eye.register(line, selectors.EVENT_WRITE)
    return code


__all__ = ("APART_S", "Address", "first_of", "left", "lookup")
