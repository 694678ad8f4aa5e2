"""Connected: one open WebSocket between a service and the wire, with what waits to be sent and to be answered."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import msgspec

from praxisd.kernel.access import Actor
from praxisd.kernel.service import Socket, Talk
from praxisd.web.request import Request
from praxisd.web.wire import Wire

PROOF_S = 10.0
"""So long whoever came in may take to prove who it is."""
MOST_UNANSWERED = 64
"""Messages of one connection that wait for their answer; no more are read meanwhile."""
TOGETHER = 32
"""Messages sent at a time, before it is asked if the peer takes them."""
QUEUE_MOST = 256
"""Messages that wait for one slow reader."""
UNPROVEN, SLOW = 4401, 1013


class Problems(msgspec.Struct, frozen=True, kw_only=True, tag="problem", tag_field="type"):
    """The answer to a message that was refused before anybody found its id."""

    code: str
    retry: bool
    title: str
    parameters: dict[str, str | int | float | bool | None]


class Keeper(Protocol):
    """Who keeps all connections (`Sockets`)."""

    def soon(self, line: "Connected") -> None:
        """Have `flush` called on the event loop."""
        ...

    def proven(self, line: "Connected", name: str) -> None:
        """Count it by its name."""
        ...

    def refusal(self, error: Exception, line: "Connected") -> Problems:
        """What a Talk raised, in words."""
        ...


@dataclass(eq=False, slots=True)
class Facts:
    """What the door knows of who opened it."""

    request: Request
    actor: Actor
    counted: str
    """By what it is counted until it has proven itself."""


class Connected:
    """One open WebSocket: the `Line` of a service, and the `Listener` of the wire."""

    def __init__(self, sockets: Keeper, socket: Socket, facts: Facts) -> None:
        self.socket = socket
        self.facts = facts
        self.name = ""
        self.talk: Talk | None = None
        self.wire: Wire | None = None
        self.heard = 0
        self.dirty = False
        self.doubted = False
        self.checked_at = 0.0
        self._sockets = sockets
        self._said: deque[tuple[bytes, bool]] = deque()
        self._unanswered = 0
        self._end: tuple[int, str] | None = None
        self._late: asyncio.TimerHandle | None = None

    # --- Line: from any thread ---------------------------------------------------------------------------------------------

    def say(self, message: object) -> None:
        """Queue a push."""
        self._queue(message, False)

    def answer(self, message: object) -> None:
        """Queue an answer."""
        self._queue(message, True)

    def _queue(self, message: object, answers: bool) -> None:
        if self._end is None:
            self._said.append((msgspec.json.encode(message), answers))
            self._sockets.soon(self)

    def proven(self, name: str) -> None:
        """Count it by its name from now on."""
        self._sockets.proven(self, name)

    def end(self, code: int, reason: str = "") -> None:
        """Say what is queued, then close."""
        if self._end is None:
            self._end = code, reason
            self._sockets.soon(self)

    # --- on the event loop -------------------------------------------------------------------------------------------------

    @property
    def ending(self) -> bool:
        """True once its end is decided."""
        return self._end is not None

    def begin(self, wire: Wire, talk: Talk) -> None:
        """It is open."""
        self.wire, self.talk = wire, talk
        self.checked_at = time.monotonic()
        if not self.name:
            self._late = asyncio.get_running_loop().call_later(PROOF_S, self._too_late)
        wire.listen(self, self.socket.most_bytes)
        self.flush()

    def _too_late(self) -> None:
        if not self.name:
            self.leave(UNPROVEN, "unproven")

    def leave(self, code: int, reason: str) -> None:
        """The door ends it, with the service's last word."""
        if self._end is None and self.talk is not None:
            word = self.talk.leaving(reason)
            if word is not None:
                self.say(word)
        self.end(code, reason)

    def hear(self, message: bytes) -> bool:
        """One message; False if too many are unanswered."""
        if self._end is not None or self.talk is None:
            return True
        self.heard += 1
        self._unanswered += 1
        try:
            self.talk.heard(message)
        except Exception as error:
            self.answer(self._sockets.refusal(error, self))
        return self._unanswered < MOST_UNANSWERED

    def writable(self) -> None:
        """The peer takes messages again."""
        self.flush()

    def flush(self) -> None:
        """Send what is queued."""
        self.dirty = False
        wire, said = self.wire, self._said
        if wire is None:
            return
        while said and not wire.blocked:
            parts: list[bytes] = []
            answers = 0
            while said and len(parts) < TOGETHER:
                part, answers_one = said.popleft()
                parts.append(part)
                answers += answers_one
            wire.say(parts)
            if answers:
                before, self._unanswered = self._unanswered, self._unanswered - answers
                if before >= MOST_UNANSWERED > self._unanswered:
                    wire.listen(self)
        if len(said) > QUEUE_MOST:
            self._end = SLOW, "slow"
            said.clear()
        if self._end is not None and not said:
            wire.close(*self._end)

    def over(self, code: int) -> None:
        """It has ended."""
        self._end = self._end or (code, "")
        self._said.clear()
        if self._late is not None:
            self._late.cancel()
        talk, self.talk = self.talk, None
        if talk is not None:
            talk.ended(code)
