"""The guard's listening socket: taken over from systemd if it kept one, else bound anew; never closed while it runs."""

import asyncio
import os
import socket
from collections.abc import Callable

from praxisd_guard.door import BACKLOG
from praxisd_guard.notify import handed_over

_PAUSE_S = 0.05


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def kept(host: str, port: int) -> socket.socket | None:
    """The socket systemd handed over for this address, or None; others it handed over are closed."""
    found = None
    for sock in handed_over(os.environ):
        if found is None and _is_at(sock, host, port):
            found = sock
            sock.setblocking(False)
        else:
            sock.close()
    return found


def _is_at(sock: socket.socket, host: str, port: int) -> bool:
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.getsockname()[1] != port:
        return False
    try:
        wanted = {found[4][0] for found in socket.getaddrinfo(host, port, sock.family, socket.SOCK_STREAM)}
    except OSError:
        return False
    return sock.getsockname()[0] in wanted


async def listening(host: str, port: int, patience: Callable[[], bool]) -> socket.socket:
    """A listening socket of that address; port 0 takes a free one.

    `patience()` is asked each time the address is taken: True as long as it may become free (a server left over by an
    earlier guard still holds it). Raises OSError once it says False.
    """
    found = kept(host, port)
    while found is None:
        try:
            found = _bind(host, port)
        except OSError:
            if not patience():
                raise
            await asyncio.sleep(_PAUSE_S)
    return found
