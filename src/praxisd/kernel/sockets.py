"""Socket: one WebSocket a service declares. Data and promises only; `web/sockets.py` is the door that keeps them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from praxisd.kernel.service import Call


class Line(Protocol):
    """One open WebSocket as a service sees it. Both may be called from any thread, also after its end (then nothing happens)."""

    def say(self, message: object) -> None:
        """Queue a struct or dict as one JSON text message. A peer that does not read is let go (1013) at a bounded queue."""
        ...

    def end(self, code: int, reason: str = "") -> None:
        """Say what is queued, then close with a code of RFC 6455 § 7.4 (4000 to 4999 are ours) and a word that is no sentence."""
        ...


class Talk(Protocol):
    """What a service makes of one WebSocket. Both are called on the event loop: they decode and queue, and never wait or
    touch the store; work is done by a thread of the service's own.
    """

    def heard(self, message: bytes) -> None:
        """One text message of the peer. A Problem is said to it as `{"type": "problem", ...}` and ends nothing."""
        ...

    def ended(self, code: int) -> None:
        """The peer is gone, once: its close code, or 1006 where it went without a word."""
        ...


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket under `/api/v1`, answered only to who offers its `protocol`.

    `permission` None: whoever knows the address may open it and proves itself within, justified in `why_open`. A signed-in
    person (cookie, of our own origin only) or a key comes as `call.actor` all the same. `open(call, line)` runs in the pool.
    `inside` and `exempt` as for a Route. `most_bytes`: the longest message.
    """

    path: str
    name: str
    protocol: str
    open: "Callable[[Call, Line], Talk]"
    permission: str | None
    why_open: str = ""
    inside: bool = True
    exempt: bool = False
    most_bytes: int = 65_536
    tags: tuple[str, ...] = ()
