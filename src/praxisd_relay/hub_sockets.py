"""How many sockets this process may have, and how a guest's is set up."""

import asyncio
import contextlib
import socket

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

SHARE = 0.9
"""Above this share of the limit newcomers are cut off: files and the registry need some too."""
_WISH = 1_048_576
_UNSENT = 128 * 1024
"""A guest that does not read is noticed at once, not when the kernel has swallowed megabytes for it: its window must not
grow by what nobody has read. A fast guest far away is not slowed down by it."""


class Sockets:
    """The limit, and the guests that are counted here."""

    def __init__(self) -> None:
        self.limit = raised()
        self.guests = 0
        self.used = 0

    def full(self, used: int) -> bool:
        """Would one more be too many?"""
        self.used = used
        return used >= self.limit * SHARE


def raised() -> int:
    """The number of descriptors this process may have, after asking for more."""
    if resource is None:
        return _WISH
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wish = _WISH if hard == resource.RLIM_INFINITY else min(hard, _WISH)
    if soft == resource.RLIM_INFINITY:
        return _WISH
    if wish > soft:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wish, hard))
            soft = wish
    return soft


def tune_guest(transport: asyncio.Transport) -> None:
    """Little unsent in the kernel; a guest that vanished is found some time."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    with contextlib.suppress(OSError, AttributeError, ValueError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)  # type: ignore[attr-defined,unused-ignore]
