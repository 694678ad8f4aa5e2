"""Lines: the sessions that are connected to this node, and what they are told unasked. `house.shared["seats.lines"]`.

In memory only; the tables know who is where on all nodes. Any thread may call; nothing here waits.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Line
from praxisd.services.seats.messages import ByeSaid, Push

REPLACED = 4409
"""Another connection speaks for the session now."""
SIGNED_OUT = 4401
"""Whoever it is may be here no longer: signed out, revoked, or not proven in time."""
_SHARED = "seats.lines"


@dataclass(eq=False, slots=True)
class _Open:
    organization: str
    session: str
    seat: str
    actor: str
    line: Line


class Lines:
    """All of this node's. A session that is not here is passed over: it is elsewhere, or gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}

    # --- who is here -----------------------------------------------------------------------------------------------------

    def join(self, organization: str, session: str, seat: str, actor: str, line: Line) -> Line | None:
        """A session speaks by this line from now on; the line it had before, which is the caller's to end.

        Colleagues see the name of a session: Problem `seats.session_taken` (409) where it belongs to somebody else.
        """
        with self._lock:
            before = self._open.get(session)
            if before is None:
                self._open[session] = _Open(organization, session, seat, actor, line)
                return None
            if (before.organization, before.seat, before.actor) != (organization, seat, actor):
                raise Problem("seats.session_taken", 409)
            old, before.line = before.line, line
            return old

    def leave(self, session: str, line: Line) -> bool:
        """The line is over. False if the session speaks by another one already, or was not here."""
        with self._lock:
            found = self._open.get(session)
            if found is None or found.line is not line:
                return False
            del self._open[session]
            return True

    # --- what they are told ----------------------------------------------------------------------------------------------

    def push(self, session: str, message: Push | msgspec.Raw, organization: str | None = None) -> bool:
        """To one session, encoded or not; False if it is not on this node. With `organization`, only if it is that practice's."""
        found = self._find(session, organization)
        if found is None:
            return False
        found.line.say(message)
        return True

    def tell(self, organization: str, message: Push) -> int:
        """To all sessions of a practice; how many."""
        with self._lock:
            lines = [one.line for one in self._open.values() if one.organization == organization]
        return _say(lines, message)

    def close(self, session: str, code: int, reason: str, organization: str | None = None) -> bool:
        """Let one session go, as `push`; what was said to it before still arrives."""
        found = self._find(session, organization)
        if found is None:
            return False
        found.line.say(ByeSaid(reason=reason))
        found.line.end(code, reason)
        return True

    def _find(self, session: str, organization: str | None) -> _Open | None:
        with self._lock:
            found = self._open.get(session)
        return found if found is not None and organization in (None, found.organization) else None

    # --- what is known ---------------------------------------------------------------------------------------------------

    def sessions(self, organization: str) -> list[str]:
        """All sessions of a practice on this node."""
        with self._lock:
            return [one.session for one in self._open.values() if one.organization == organization]

    def of_seat(self, seat: str) -> list[str]:
        """All sessions of a seat on this node."""
        with self._lock:
            return [one.session for one in self._open.values() if one.seat == seat]

    def __contains__(self, session: str) -> bool:
        with self._lock:
            return session in self._open

    def __len__(self) -> int:
        return len(self._open)


def _say(lines: Iterable[Line], message: Push) -> int:
    """One encoding for all."""
    said, number = msgspec.Raw(msgspec.json.encode(message)), 0
    for line in lines:
        line.say(said)
        number += 1
    return number


def lines(house: House) -> Lines:
    """This node's, made when first asked for."""
    found = house.shared.get(_SHARED)
    if found is None:
        found = house.shared.setdefault(_SHARED, Lines())
    return found  # type: ignore[no-any-return]
