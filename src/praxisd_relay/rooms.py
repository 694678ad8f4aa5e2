"""Receive buffers shared by all connections of a thread, and the socket options of the relay.

A buffer for each connection would be most of what an idle link costs. One for all is safe: between `get_buffer` and
`buffer_updated` of one connection no other is served (the Proactor loop of Windows copies into it at that moment).
"""

import asyncio
import contextlib
import socket
import threading
from typing import cast

from praxisd_relay.frames import CHUNK

LINK_ROOM = 256 * 1024
"""Bytes read at once from a link."""
ROOM = 2 * CHUNK
"""Bytes read at once from a guest or an origin: whole frames, no small rest."""
USER_TIMEOUT_MS = 15_000
NOTSENT_LOWAT = 128 * 1024
SEND_BUFFER = 256 * 1024

_rooms = threading.local()


def link_room() -> memoryview:
    """This thread's buffer for links."""
    if not hasattr(_rooms, "link"):
        _rooms.link = memoryview(bytearray(LINK_ROOM))
    return cast(memoryview, _rooms.link)


def room() -> memoryview:
    """This thread's buffer for everything else."""
    if not hasattr(_rooms, "other"):
        _rooms.other = memoryview(bytearray(ROOM))
    return cast(memoryview, _rooms.other)


def tune_link(transport: asyncio.BaseTransport) -> None:
    """A link must notice a dead line and must not hide a queue in the kernel (notes § 3)."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    _option(sock, socket.SOL_SOCKET, "SO_KEEPALIVE", 1)
    _option(sock, socket.IPPROTO_TCP, "TCP_NODELAY", 1)
    _option(sock, socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", USER_TIMEOUT_MS)
    if not _option(sock, socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", NOTSENT_LOWAT):
        _option(sock, socket.SOL_SOCKET, "SO_SNDBUF", SEND_BUFFER)


def tune_unsent(transport: asyncio.BaseTransport, count: int) -> None:
    """At most `count` bytes wait in the kernel unsent, where there is such a limit (Linux, macOS)."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        _option(sock, socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", min(count, NOTSENT_LOWAT))


def handed(sock: socket.socket, *, failed: bool = False) -> None:
    """To be called once a loop was given a socket (`create_connection(sock=…)`), whether it took it or `failed`.

    uvloop owns the descriptor then and closes it. When the connection ends in the very moment of being made, it does
    so before it has told `sock`, which would close the same number once more when it is garbage: by then that is
    another connection's, or a file of this program. A detached object closes nothing.
    """
    if type(asyncio.get_running_loop()).__module__.partition(".")[0] == "uvloop":
        sock.detach()
    elif failed:
        sock.close()


def abort(transport: asyncio.Transport) -> None:
    """Ends a connection so that the other side sees a cut (RST) and never a clean end."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError, TypeError, ValueError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    transport.abort()


def _option(sock: socket.socket, level: int, name: str, value: int) -> bool:
    option = getattr(socket, name, None)
    if option is None:
        return False
    try:
        sock.setsockopt(level, option, value)
    except (OSError, TypeError, ValueError):
        return False
    return True
