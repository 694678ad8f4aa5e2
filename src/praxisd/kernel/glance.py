"""What this process knows of the store at a glance: whether maintenance closes the doors, and how the practices stand to each
other. Every request needs both, so both are kept in memory and read together, in one transaction, once they may have changed.

That is: where no other process can write, after a commit, and at most once a second; where others write, every second (HOUSE
„Down or draining"); at once after a commit of this process that changed one of them (`Store.doubt`).
"""

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from praxisd.kernel import maintenance, sharing
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import Live

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LOOK_S = 1.0
"""How long what was read is believed although it may have changed. Seconds."""
_KEPT = "glance"
_LOCK = threading.Lock()


class Glance:
    """`fresh` says if what is known may still be trusted, `look` asks the store."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._store = house.store
        self._closed: maintenance.Maintenance | None = None
        self._practices: sharing.Practices | None = None
        self._parts: dict[frozenset[str], tuple[frozenset[str], frozenset[str]]] = {}
        self._looking = threading.Lock()
        self._looked = float("-inf")
        self._doubts = 0
        self._generation = -1  # and so it stays where others write

    @property
    def fresh(self) -> bool:
        """True if nothing can have changed since the last look, or it is less than a second old and nothing was doubted."""
        store = self._store
        if store.generation == self._generation:
            return True
        return store.doubts == self._doubts and time.monotonic() - self._looked < LOOK_S

    def look(self) -> None:
        """Ask the store unless all is fresh; of several threads that want it, one asks. Not on the event loop."""
        if not self.fresh:
            with self._looking:
                if not self.fresh:
                    self._ask()

    def _ask(self) -> None:
        # If the store does not answer, what was known stays for a second. Where nothing was, nothing that is shared is given out.
        store = self._store
        generation, doubts = store.generation, store.doubts
        try:
            with store.read(system("glance")) as tx:
                self._closed = maintenance.state(tx)
                self._practices = sharing.practices(self._house, tx)
        except Exception as error:  # whatever ails the store, its own requests will say so
            self._house.log.warning("glance_failed", error=error)
        else:
            self._generation = generation if store.alone else -1
        self._doubts = doubts
        self._looked = time.monotonic()

    @property
    def closed(self) -> maintenance.Maintenance | None:
        """The maintenance in force as far as this process knows."""
        known = self._closed
        return known if known is not None and known.until > self._house.clock.now() else None

    def refusal(self) -> Problem | None:
        """The Problem to answer while maintenance is in force, else None."""
        known = self._closed
        if known is None:
            return None
        now = self._house.clock.now()
        return maintenance.problem(now, known.until) if known.until > now else None

    def allowed(self, actor: Actor) -> Actor:
        """The actor without what is withheld from it (`Actor.withheld`)."""
        if actor.everything or actor.withheld:
            return actor
        there = self._practices
        if there is not None and not there.withhold(actor.organization):
            return actor
        parts = self._parts.get(actor.permissions)
        if parts is None:
            shared = self._house.registry.shared
            parts = self._parts[actor.permissions] = actor.permissions - shared, actor.permissions & shared
        return replace(actor, permissions=parts[0], withheld=parts[1]) if parts[1] else actor

    def live(self, found: Live) -> Live:
        """A session with such an actor."""
        actor = self.allowed(found.actor)
        return found if actor is found.actor else replace(found, actor=actor)


def of(house: "House") -> Glance:
    """The one of this process."""
    found: Glance | None = house.shared.get(_KEPT)
    if found is None:
        with _LOCK:
            found = house.shared.setdefault(_KEPT, Glance(house))
    return found


def allowed(house: "House", actor: Actor) -> Actor:
    """The actor without what is withheld from it, as of now; asks the store if need be, so not on the event loop."""
    found = of(house)
    found.look()
    return found.allowed(actor)
