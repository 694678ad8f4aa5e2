"""The comparison in the background: one thread per node looks which portals are due, some more speak with them.

Whether it is on is the job `portals.sync` of each practice (SPEC 3.6). That a portal is spoken to once however many nodes
there are is the lease's doing; each node may look for itself. It is woken by every commit and by the next due time.
"""

import threading
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.services.portals import engine, engine_store, engine_views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "portals.sync"
AT_ONCE = 4
"""Portals that one node speaks with at the same time."""
PAUSE_S = 2.0
"""How long it sleeps at most: the floor where a wake-up was lost. Seconds."""
SHORTEST_S = 0.05
END_S = 3.0


class Loop:
    """Looks and starts cycles; `step` may be called by tests in place of the thread."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._change = threading.Condition()
        self._active: set[tuple[str, str]] = set()
        self._next: float | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; ends with the house."""
        self._thread = threading.Thread(target=self._turn, name="praxisd-portals", daemon=True)
        self._thread.start()
        self._house.closers.append(self._end)

    def step(self) -> int:
        """Start a cycle for each portal that is due and may be spoken to; how many."""
        house = self._house
        with house.store.read(system(NAME)) as tx:
            now = tx.lease_now()
            due, following = engine_store.due(tx, now), engine_store.next_due(tx, now)
            on = {one: self._on(tx, one) for one in {organization for organization, _ in due}}
        self._next = None if following is None else following - now
        started = 0
        for organization, portal in due:
            if on[organization] and self._claim((organization, portal)):
                started += 1
                threading.Thread(
                    target=self._work, args=(organization, portal), name="praxisd-portal", daemon=True
                ).start()
        return started

    def _on(self, tx: Tx, organization: str) -> bool:
        tx.organization = organization
        return engine_views.background(self._house, tx)

    def _claim(self, one: tuple[str, str]) -> bool:
        with self._change:
            if one in self._active or len(self._active) >= AT_ONCE:
                return False
            self._active.add(one)
            return True

    def _work(self, organization: str, portal: str) -> None:
        try:
            engine.run(self._house, system(NAME, organization), portal)
        except Exception as error:
            if not self._house.stopping:
                self._house.log.error("cycle_crashed", where=portal, error=error)
        finally:
            with self._change:
                self._active.discard((organization, portal))
                self._change.notify_all()
            self._house.wake.signal()  # the next portal may have waited for a free place

    @property
    def running(self) -> bool:
        """True while the thread looks."""
        return self._thread is not None and self._thread.is_alive()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no cycle of this node is at work, at most `seconds`; True if so."""
        with self._change:
            return self._change.wait_for(lambda: not self._active, seconds)

    def _turn(self) -> None:
        house = self._house
        while not house.stopping:
            seen = house.wake.mark()
            try:
                self.step()
            except Exception as error:
                if not house.stopping:
                    house.log.error("loop_failed", where=NAME, error=error)
            if not house.stopping:
                house.wake.wait(seen, self._pause())

    def _pause(self) -> float:
        left = PAUSE_S if self._next is None or self._house.clock.frozen else self._next
        return min(PAUSE_S, max(SHORTEST_S, left))

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.join(END_S)
        self.wait_idle(END_S)


def start(house: "House") -> None:
    """Called when the house starts its work."""
    loop = house.shared["portals.loop"] = Loop(house)
    loop.start()
