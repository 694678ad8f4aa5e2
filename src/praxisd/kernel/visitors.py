"""Who really stands behind a connection that this program made to itself: guests that came in through the relay.

TLS of a guest ends in this process; what it says goes over a connection on this computer to the same doors as everything
else. The doors would take such a guest for somebody sitting here. Whoever makes the connection therefore binds its own end
(`bind`), registers that end (`admit`), and only then connects: while the socket is open nobody else can have the same end,
so what is written here cannot be forged from outside nor by another program of this computer.

What a guest said may still lie in the doors' hands when it is gone already and its end was given back. So the own end is
an address of this computer that nothing else uses: who comes from there is a guest even when nobody knows any more which.
Where a system has only the one loopback address, an end given back stays a guest's for some seconds instead.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
GUESTS = "127.82.76.89"
"""Where connections of guests come from: of this computer (RFC 1122 § 3.2.1.3), and used for nothing else."""
HTTPS = 443
AFTER_S = 10.0
"""So long an end that was given back stays a guest's, where it is not of the address for guests. Seconds."""


_LONGEST = 45


def address_of(said: str) -> str | None:
    """The address that somebody said, in the one form it is written in; None where it is none, or names a zone.

    Whoever says it is not us: what is no address reaches no list and no database.
    """
    if len(said) > _LONGEST or "%" in said:
        return None
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A guest: where he really is (None: the relay did not say), by which name and public port he came."""

    address: str | None
    name: str
    relayed: bool = True
    port: int = HTTPS

    @property
    def base_url(self) -> str:
        """The address of this installation as the guest sees it."""
        return f"https://{self.name}" if self.port == HTTPS else f"https://{self.name}:{self.port}"


GONE = Visitor(None, "guest.invalid")
"""A guest of whom nothing is known any more: he is told nothing that anybody else would not be told."""


@dataclass(frozen=True, slots=True)
class Entered:
    """One request with a key that came in through the relay and was answered: never its path, query or body.

    `at` is epoch seconds, `ms` how long it took, `sent` bytes of the answer's body.
    """

    organization: str
    key: str
    at: int
    method: str
    operation: str
    status: int
    ms: int
    sent: int
    address: str | None


class Visitors:
    """The guests of this process. `bind`, `admit` and `leave` may be called from any thread.

    `people` says whether guests may see the console and sign in (the setting of the service that brings them; it is
    closed until that service says otherwise). `entered` hears of each answered request with a key, on the event loop: it
    must only remember.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.people = False
        self.entered: Callable[[Entered], None] | None = None
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], Visitor] = {}
        self._gone: dict[tuple[str, int], tuple[Visitor, float]] = {}

    @staticmethod
    def bind(sock: socket.socket, doors: str) -> tuple[str, int]:
        """Give a socket that will connect to the doors at the address `doors` its own end; host and port to `admit`.

        Raises OSError.
        """
        if ":" not in doors:
            try:
                sock.bind((GUESTS, 0))
            except OSError:  # this system knows one loopback address only
                sock.bind((LOOPBACK if doors.startswith("127.") else doors, 0))
        else:
            sock.bind((doors, 0))
        host, port = sock.getsockname()[:2]
        return str(host), int(port)

    def admit(self, local_port: int, visitor: Visitor, host: str = LOOPBACK) -> None:
        """The bound socket at `host`:`local_port` speaks for `visitor`. Before it connects."""
        with self._lock:
            self._gone.pop((host, local_port), None)
            self._known[host, local_port] = visitor

    def leave(self, local_port: int, host: str = LOOPBACK) -> None:
        """It does not any more. Before the socket is closed: afterwards somebody else may get the port."""
        with self._lock:
            found, now = self._known.pop((host, local_port), None), self._now()
            if found is not None and host != GUESTS:
                self._gone[host, local_port] = (found, now + AFTER_S)
            while self._gone and (oldest := next(iter(self._gone))) and self._gone[oldest][1] <= now:
                del self._gone[oldest]

    def of(self, local_port: int, host: str = LOOPBACK) -> Visitor | None:
        """Who stands behind the connection from there, or None: it is what it looks like."""
        end = (host, local_port)
        found = self._known.get(end)
        if found is not None:
            return found
        if host == GUESTS:
            return GONE
        gone = self._gone.get(end) if self._gone else None
        return gone[0] if gone is not None and self._now() < gone[1] else None

    def __len__(self) -> int:
        return len(self._known)
