"""Who holds practice X? The questions between hubs and their subjects, over whatever bus there is.

A hub listens on `<prefix>.open.<id>` for each practice it holds and answers with its own name. The interest itself is
the directory: nothing is stored, and what a dead hub held vanishes with its connection. A bus that knows of nobody
listening says so at once (NATS: "no responders"), so "not linked" is an answer, not a time-out.

Subjects below the prefix: `open.<id>`, `node` (announcements), `record` (one changed record), `digest` (fingerprints
of a registry), `bucket.<hub>` (records asked of one hub).
"""

from collections.abc import Callable, Iterable
from typing import Protocol

ASK_SECONDS = 1.0

Heard = Callable[[bytes], bytes | None]
"""Called with a message; what it returns is sent back if an answer was asked for. Must not block."""


class BusAway(Exception):
    """The bus does not answer now: not connected, or nothing within the time."""


class Bus(Protocol):
    """Messages between hubs: at most once, no order promised. Calls come on the loop's thread."""

    @property
    def up(self) -> bool:
        """Connected now?"""

    async def start(self) -> None:
        """Begin; returns at once, whether the bus is there or not. It comes back by itself whenever it was away."""

    async def stop(self) -> None:
        """End."""

    def listen(self, subject: str, heard: Heard) -> None:
        """From now on, and again after each reconnection, take messages of this subject."""

    def unlisten(self, subject: str) -> None:
        """No more."""

    def say(self, subject: str, data: bytes) -> None:
        """To all who listen. Lost if the bus is away."""

    async def ask(self, subject: str, data: bytes, seconds: float = ASK_SECONDS) -> bytes | None:
        """The first answer; None: nobody listens. Raises BusAway."""


class Directory:
    """Practices held here, and the question where others are."""

    def __init__(self, bus: Bus, prefix: str, node: str) -> None:
        self._bus = bus
        self._prefix = prefix
        self._name = node.encode()
        self._held: set[str] = set()

    def hold(self, practice: str) -> None:
        """This practice has a link here."""
        if practice not in self._held:
            self._held.add(practice)
            self._bus.listen(self._subject(practice), self._asked)

    def release(self, practice: str) -> None:
        """It has none any more."""
        if practice in self._held:
            self._held.discard(practice)
            self._bus.unlisten(self._subject(practice))

    def only(self, practices: Iterable[str]) -> None:
        """Hold exactly these."""
        wanted = set(practices)
        for practice in self._held - wanted:
            self.release(practice)
        for practice in wanted - self._held:
            self.hold(practice)

    @property
    def held(self) -> frozenset[str]:
        """What is held now."""
        return frozenset(self._held)

    async def find(self, practice: str) -> str | None:
        """The name of a hub that holds it, None if none does. Raises BusAway."""
        answer = await self._bus.ask(self._subject(practice), b"")
        try:
            return answer.decode("ascii") if answer else None
        except UnicodeDecodeError:
            return None

    def _asked(self, _question: bytes) -> bytes:
        return self._name

    def _subject(self, practice: str) -> str:
        return f"{self._prefix}.open.{practice}"
