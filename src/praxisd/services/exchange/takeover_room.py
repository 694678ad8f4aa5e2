"""Who does the work of take-overs: a thread of each node, or a command that has no server.

A node works on what it has the file of; taking back and deleting need none. In one process a take-over has one worker, among
several the Lease decides (`takeover_working`).
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.services.exchange import takeover_places
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.takeover_working import Work

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PAUSE_S = 5.0
TRIES = 3
"""A work that breaks off so often for a reason nobody foresaw has failed."""
KEPT = "exchange.source_days"
"""The setting: how long a file is kept after its end, days."""
_CLEAN_S = 600.0
_WHO = "exchange"


class Room:
    """The take-overs of one process."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._gate = threading.Lock()
        self._busy: set[str] = set()
        self._broken: Counter[str] = Counter()
        self._cleaned = float("-inf")

    def start(self) -> None:
        """Begin; ends with the house, which waits for it before it closes the store."""
        self._house._spawn("takeover", lambda: self._house._loop(self.step, lambda: PAUSE_S, on_trial=False))

    def step(self) -> int:
        """Work on whatever there is; how many."""
        self.clean()
        with self._house.store.read(system(_WHO)) as tx:
            found = store.at_work(tx)
        return sum(self.work(one.organization, one.id, one.state) for one in found)

    def work(self, organization: str, id_: str, state: str, seconds: float | None = None) -> int:
        """Work on one until it is done, or for so many seconds; 0 where another does, or this node lacks the file."""
        house = self._house
        if state not in ("undoing", rules.DELETING) and not takeover_places.here(house, id_):
            return 0
        end = None if seconds is None else time.monotonic() + seconds
        with self._alone(id_) as free:
            if not free:
                return 0
            work = Work(
                house,
                organization,
                id_,
                lambda: house.stopping or (end is not None and time.monotonic() > end),
            )
            if not work.take():
                return 0
            try:
                work.run()
                self._broken.pop(id_, None)
            except Exception as error:
                self._broke(organization, id_, error)
            finally:
                work.release()
        return 1

    @contextmanager
    def _alone(self, id_: str) -> Iterator[bool]:
        with self._gate:
            free = id_ not in self._busy
            self._busy.add(id_)
        try:
            yield free
        finally:
            if free:
                with self._gate:
                    self._busy.discard(id_)

    def _broke(self, organization: str, id_: str, error: Exception) -> None:
        """The log says where; the work is begun again some times (a full disk), then it has failed."""
        house = self._house
        house.log.error("loop_failed", where="exchange.takeover", error=error)
        self._broken[id_] += 1
        if self._broken[id_] < TRIES:
            house._stop.wait(1.0)
            return

        def fail(tx: Tx) -> None:
            row = store.get(tx, id_, lock=True)
            if row is not None and row.state in rules.AT_WORK:
                store.save(tx, row, state="failed", code="exchange.crashed")
                events.note(tx, "takeover.failed", "Takeover", id_, code="exchange.crashed")

        house.store.run(system(_WHO, organization), fail)
        self._broken.pop(id_, None)

    def clean(self) -> None:
        """Throw away files whose time is over, from time to time."""
        house = self._house
        if time.monotonic() - self._cleaned < _CLEAN_S:
            return
        self._cleaned = time.monotonic()
        with house.store.read(system(_WHO)) as tx:
            found = store.old(tx, tx.now - 86_400)
            known = store.ids(tx)
        for one in found:
            self._clean_one(one.organization, one.id)
        takeover_places.throw_away_strays(house, known)

    def _clean_one(self, organization: str, id_: str) -> None:
        house = self._house
        actor = system(_WHO, organization)

        def work(tx: Tx) -> bool:
            row = store.get(tx, id_, lock=True)
            days = int(house.settings.get(tx, KEPT))
            if row is None or row.changed_at > tx.now - days * 86_400 or not takeover_places.here(house, id_):
                return False
            store.source_gone(tx, id_)
            return True

        if house.store.run(actor, work):
            takeover_places.throw_away(house, id_)


def room_of(house: "House") -> Room:
    """The room of this process, made when it is first needed."""
    found = house.shared.setdefault("takeovers", Room(house))
    if not isinstance(found, Room):
        raise TypeError("another's room")
    return found


def start(house: "House") -> None:
    """With the server."""
    room_of(house).start()
