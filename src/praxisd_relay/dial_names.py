"""From a name to addresses, without ever keeping the program from ending, and a TCP connection to the first that answers.

Names that end in `.localhost` are this machine, and nobody is asked for them (RFC 6761 § 6.3). Everything else goes to
the system's resolver, in a thread that may be left behind: asyncio's own pool is waited for when a program ends, for
minutes where a name server hangs.
"""

import asyncio
import ipaddress
import socket
import threading
from collections import deque
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

STAGGER_S = 0.25
"""So long after one address the next is tried beside it (RFC 8305 § 5)."""
MOST_ADDRESSES = 8
MOST_LOOKUPS = 64
"""Threads that may hang in the resolver at once, in the whole process."""

Place = tuple[socket.AddressFamily, Any]
"""Family and socket address."""

_lookups = threading.BoundedSemaphore(MOST_LOOKUPS)


class Unknown(OSError):
    """Nobody knows the name, or the resolver did not say so in time."""


async def addresses(host: str, port: int, within_s: float) -> list[Place]:
    """Where `host:port` is, IPv6 and IPv4 in turn, at most eight. Raises Unknown."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if literal.version == 4:
            return [(socket.AF_INET, (host, port))]
        return [(socket.AF_INET6, (host, port, 0, 0))]
    try:
        async with asyncio.timeout(within_s):
            found = await _looked_up(host, port)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        raise Unknown(host) from None
    return _in_turn(found)[:MOST_ADDRESSES]


def _in_turn(found: Sequence[Place]) -> list[Place]:
    """One of each family after the other, the resolver's first family first."""
    unique = list(dict.fromkeys(found))
    first = [one for one in unique if one[0] == unique[0][0]]
    other = [one for one in unique if one[0] != unique[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, other)) if one is not None]


async def _looked_up(host: str, port: int) -> list[Place]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Place]] = loop.create_future()
    if not _lookups.acquire(blocking=False):
        raise Unknown(host)

    def tell(found: list[Place]) -> None:
        if not done.done():
            if found:
                done.set_result(found)
            else:
                done.set_exception(Unknown(host))

    def ask() -> None:
        found: list[Place] = []
        try:
            for family, _kind, _proto, _name, place in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            ):
                if family in (socket.AF_INET, socket.AF_INET6):
                    found.append((family, place))
        except (OSError, UnicodeError):
            found = []
        finally:
            _lookups.release()
        try:
            loop.call_soon_threadsafe(tell, found)
        except RuntimeError:
            return  # the loop has ended; nobody waits

    threading.Thread(target=ask, name="relay-lookup", daemon=True).start()
    return await done


async def connected(places: Sequence[Place]) -> socket.socket:
    """A connected, non-blocking socket: the first that answers wins. Raises the last OSError; has no deadline of its own."""
    if len(places) == 1:
        return await _one(*places[0])
    waiting = deque(places)
    tries: set[asyncio.Task[socket.socket]] = set()
    last: OSError = OSError("no address")
    try:
        while waiting or tries:
            if waiting:
                tries.add(asyncio.ensure_future(_one(*waiting.popleft())))
            done, tries = await asyncio.wait(
                tries, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            winner: socket.socket | None = None
            for task in done:
                try:
                    sock = task.result()
                except OSError as error:
                    last = error
                    continue
                if winner is None:
                    winner = sock
                else:
                    sock.close()
            if winner is not None:
                return winner
        raise last
    finally:
        for task in tries:
            task.add_done_callback(_let_go)
            task.cancel()


async def _one(family: socket.AddressFamily, place: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except RuntimeError as error:
        # uvloop: a transport that had this descriptor's number ended in this very turn and still stands in its table.
        sock.close()
        raise OSError(str(error)) from error
    except BaseException:
        sock.close()
        raise
    return sock


def _let_go(task: asyncio.Task[socket.socket]) -> None:
    """One that connected in the moment it was given up."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
