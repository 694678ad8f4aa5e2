"""A socket that a loop has taken over is closed once, also when its connection ends in the moment of being made.

uvloop closes the descriptor and then still attaches the Python object, which would close the same number again when it
is garbage: somebody else's connection by then. Found by the torture: bytes of a link on another connection.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from typing import cast

import pytest

from praxisd_relay import carrier, rooms
from praxisd_relay.pump import TlsError

from .agent_cast import LOOPS, go


def _reset() -> socket.socket:
    """A connected socket whose other side has said RST."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    sock.setblocking(False)
    return sock


def _closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


class _Talks(asyncio.Protocol):
    """Speaks at once, as TLS does, or goes at once."""

    def __init__(self, *, leaves: bool) -> None:
        self.leaves = leaves

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        if self.leaves:
            self.transport.abort()
        else:
            self.transport.write(b"x" * 300)


@LOOPS
@pytest.mark.parametrize("leaves", [False, True], ids=["writes", "aborts"])
def test_a_socket_that_was_handed_over_owns_nothing_any_more(loops: str, leaves: bool) -> None:
    async def story() -> None:
        for _ in range(10):
            sock = _reset()
            number = sock.fileno()
            failed, talks = False, _Talks(leaves=leaves)
            try:
                await asyncio.get_running_loop().create_connection(lambda one=talks: one, sock=sock)
            except OSError:
                failed = True
            rooms.handed(sock, failed=failed)
            async with asyncio.timeout(30):
                while not _closed(number):
                    await asyncio.sleep(0.01)
            assert sock.fileno() == -1

    go(loops, story())


@LOOPS
def test_a_link_that_is_reset_at_once_closes_its_socket_once(loops: str) -> None:
    async def story() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for _ in range(10):
            sock = _reset()
            number = sock.fileno()
            with contextlib.suppress(OSError, TlsError):
                await carrier.connect(sock, context, "link.relay.test")
                pytest.fail("a link to nobody came up")
            async with asyncio.timeout(30):
                while not _closed(number):
                    await asyncio.sleep(0.01)
            assert sock.fileno() == -1, "the object would close the number again"

    go(loops, story())
