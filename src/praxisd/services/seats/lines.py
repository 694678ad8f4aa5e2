"""Lines: the sessions that are connected to this node, and what they are told unasked. `house.shared["seats.lines"]`.

In memory only; the tables know who is where on all nodes. Any thread may call; nothing here waits.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from praxisd.kernel.app import House
from praxisd.kernel.service import Line
from praxisd.services.seats.messages import Push

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
    line: Line
    at: str | None = None
    held: set[str] = field(default_factory=set)

    def places(self) -> Iterator[str]:
        if self.at is not None:
            yield self.at
        yield from self.held


class Lines:
    """All of this node's. A session that is not here is passed over: it is elsewhere, or gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}
        self._near: dict[tuple[str, str], dict[str, _Open]] = defaultdict(dict)
        """Sessions by organization and record: who looks at it or holds it."""

    # --- who is here -----------------------------------------------------------------------------------------------------

    def join(self, organization: str, session: str, seat: str, line: Line) -> Line | None:
        """A session speaks by this line from now on; the line it had before, which is the caller's to end."""
        with self._lock:
            before = self._open.get(session)
            if before is None:
                self._open[session] = _Open(organization, session, seat, line)
                return None
            old, before.line, before.seat = before.line, line, seat
            return old

    def leave(self, session: str, line: Line) -> bool:
        """The line is over. False if the session speaks by another one already, or was not here."""
        with self._lock:
            found = self._open.get(session)
            if found is None or found.line is not line:
                return False
            del self._open[session]
            for record in found.places():
                self._away(found, record)
            return True

    def look(self, session: str, record: str | None) -> None:
        """The session looks at this record, or at none."""
        with self._lock:
            found = self._open.get(session)
            if found is not None:
                before, found.at = found.at, record
                if before is not None and before != record and before not in found.held:
                    self._away(found, before)
                if record is not None:
                    self._near[found.organization, record][session] = found

    def hold(self, session: str, record: str) -> None:
        """The session holds this record."""
        with self._lock:
            found = self._open.get(session)
            if found is not None:
                found.held.add(record)
                self._near[found.organization, record][session] = found

    def free(self, session: str, record: str) -> None:
        """It holds it no longer."""
        with self._lock:
            found = self._open.get(session)
            if found is not None and record in found.held:
                found.held.discard(record)
                if record != found.at:
                    self._away(found, record)

    def _away(self, one: _Open, record: str) -> None:
        key = one.organization, record
        there = self._near.get(key)
        if there is not None:
            there.pop(one.session, None)
            if not there:
                del self._near[key]

    # --- what they are told ----------------------------------------------------------------------------------------------

    def push(self, session: str, message: Push) -> bool:
        """To one session; False if it is not on this node."""
        with self._lock:
            found = self._open.get(session)
        if found is None:
            return False
        found.line.say(message)
        return True

    def tell(self, organization: str, message: Push) -> int:
        """To all sessions of a practice; how many."""
        with self._lock:
            lines = [one.line for one in self._open.values() if one.organization == organization]
        return _say(lines, message)

    def near(self, organization: str, record: str, message: Push, but: str = "") -> int:
        """To all who look at a record or hold it, without session `but`; how many."""
        with self._lock:
            there = self._near.get((organization, record), {})
            lines = [one.line for name, one in there.items() if name != but]
        return _say(lines, message)

    def close(self, session: str, code: int, reason: str) -> bool:
        """Let one session go; what was said to it before still arrives. False if it is not on this node."""
        with self._lock:
            found = self._open.get(session)
        if found is None:
            return False
        found.line.end(code, reason)
        return True

    # --- what is known ---------------------------------------------------------------------------------------------------

    def sessions(self, organization: str) -> list[str]:
        """All sessions of a practice on this node."""
        with self._lock:
            return [one.session for one in self._open.values() if one.organization == organization]

    def of_seat(self, seat: str) -> list[str]:
        """All sessions of a seat on this node."""
        with self._lock:
            return [one.session for one in self._open.values() if one.seat == seat]

    def near_by(self, organization: str, record: str) -> list[str]:
        """All sessions on this node that look at a record or hold it."""
        with self._lock:
            return [*self._near.get((organization, record), ())]

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
