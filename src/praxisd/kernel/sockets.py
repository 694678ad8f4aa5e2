"""Socket: one WebSocket a service declares. Data and promises only; `web/sockets.py` is the door that keeps them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.service import Call


class Line(Protocol):
    """One open WebSocket as a service sees it. All may be called from any thread, also after its end (then nothing happens)."""

    def say(self, message: object) -> None:
        """Queue a struct or dict as one JSON text message. A peer that does not read is let go (1013) at a bounded queue."""
        ...

    def answer(self, message: object) -> None:
        """Say the one answer that each message heard is given. Who has too many unanswered ones is not read meanwhile."""
        ...

    def proven(self, name: str) -> None:
        """The peer is who it says, and may stay: `name` is an id, such as `seat:7`, never a person's name.

        Problem `http.too_many_sockets` (429) where too many are open by this name.
        """
        ...

    def end(self, code: int, reason: str = "") -> None:
        """Say what is queued, then close with a code of RFC 6455 § 7.4 (4000 to 4999 are ours) and a word that is no sentence."""
        ...


class Talk(Protocol):
    """What a service makes of one WebSocket. All are called on the event loop: they decode and queue, and never wait or
    touch the store; work is done by a thread of the service's own.
    """

    def heard(self, message: bytes) -> None:
        """One text message of the peer. A Problem is its answer, `{"type": "problem", ...}` without an id, and ends nothing."""
        ...

    def checked(self, actor: "Actor") -> None:
        """Every 15 s, and as soon as something happened to who may come in: the door has asked again who this is.

        Whoever may be here no longer by the door's knowledge was let go already; the service looks after what it knows.
        """
        ...

    def leaving(self, reason: str) -> object:
        """The last message before the door itself ends the connection: `draining`, `signed_out`, `unproven`; None: none."""
        ...

    def ended(self, code: int) -> None:
        """The peer is gone, once: its close code, or 1006 where it went without a word."""
        ...


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket under `/api/v1`, answered only to who offers its `protocol`.

    `permission` None: whoever knows the address may open it and proves itself within, justified in `why_open`. A signed-in
    person (cookie, of our own origin only) or a key comes as `call.actor` all the same. Who has not proven itself
    (`Line.proven`) within 10 s is let go. `open(call, line)` runs in the pool; a Problem refuses the connection.
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
