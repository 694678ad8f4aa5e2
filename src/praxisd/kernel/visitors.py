"""Who really stands behind a connection that this program made to itself: guests that came in through the relay.

TLS of a guest ends in this process; what it says goes over a connection on this computer to the same doors as everything
else. The doors would take such a guest for somebody sitting here. Whoever makes the connection therefore registers it
first (`admit`), by the address and port of its own end: while that socket is open nobody else can have the same end, so
what is written here cannot be forged from outside nor by another program of this computer.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
HTTPS = 443


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
    """The guests of this process. `admit` and `leave` may be called from any thread.

    `people` says whether guests may see the console and sign in (the setting of the service that brings them; it is
    closed until that service says otherwise). `entered` hears of each answered request with a key, on the event loop: it
    must only remember.
    """

    def __init__(self) -> None:
        self.people = False
        self.entered: Callable[[Entered], None] | None = None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], Visitor] = {}

    def admit(self, local_port: int, visitor: Visitor, host: str = LOOPBACK) -> None:
        """The bound socket at `host`:`local_port` speaks for `visitor`. Before it connects."""
        with self._lock:
            self._known[host, local_port] = visitor

    def leave(self, local_port: int, host: str = LOOPBACK) -> None:
        """It does not any more. Before the socket is closed: afterwards somebody else may get the port."""
        with self._lock:
            self._known.pop((host, local_port), None)

    def of(self, local_port: int, host: str = LOOPBACK) -> Visitor | None:
        """Who stands behind the connection from there, or None: it is what it looks like."""
        return self._known.get((host, local_port)) if self._known else None

    def __len__(self) -> int:
        return len(self._known)
