"""What several practices on one installation share: the computer, its database and backups, its way outside, its updates.

A practice by itself has the right to all of that. Where there are several, it would give one of them the others' patients (a
backup can be read, a database moved, a program named that runs as the server). So the permissions declared `shared` are withheld
from people and keys of every practice but the one that the setting `kernel.keeper` names. The command line on the server may do
everything, as ever (SPEC 13.1).
"""

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import organizations
from praxisd.kernel.sessions import Live
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEEPER = "kernel.keeper"
SHARED = "access.shared"
LOOK_S = 1.0
"""How long what was read is believed where others write to the database too."""
_KEPT = "sharing"
_LOCK = threading.Lock()


class Known(NamedTuple):
    """How the practices stand to each other. `keeper`: the practice that looks after the server, "" for none."""

    several: bool
    keeper: str


class Sharing:
    """What this process knows of it. `fresh` says if that may still be trusted, `look` asks the store (call it in a thread)."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._known: Known | None = None
        self._looked = float("-inf")
        self._generation = -1
        self._parts: dict[frozenset[str], tuple[frozenset[str], frozenset[str]]] = {}

    @property
    def fresh(self) -> bool:
        """True if the last look is less than a second old, or nothing can have changed since."""
        store = self._house.store
        if store.alone and store.generation == self._generation:
            return True
        return time.monotonic() - self._looked < LOOK_S

    def look(self) -> None:
        """Ask the store. If it does not answer, what was known stays; where nothing was, nothing that is shared is given out."""
        generation = self._house.store.generation
        try:
            with self._house.store.read(system("sharing")) as tx:
                self._known = known(self._house, tx)
        except Exception as error:  # whatever ails the store, its own requests will say so
            self._house.log.warning("sharing_unknown", error=error)
        else:
            self._generation = generation
        self._looked = time.monotonic()

    def of(self, actor: Actor) -> Actor:
        """The actor without what is withheld from it (`Actor.withheld`)."""
        if actor.everything or actor.withheld:
            return actor
        there = self._known
        if there is not None and (not there.several or there.keeper == actor.organization):
            return actor
        parts = self._parts.get(actor.permissions)
        if parts is None:
            shared = self._house.registry.shared
            parts = self._parts[actor.permissions] = actor.permissions - shared, actor.permissions & shared
        return replace(actor, permissions=parts[0], withheld=parts[1]) if parts[1] else actor

    def live(self, found: Live) -> Live:
        """A session with such an actor."""
        actor = self.of(found.actor)
        return found if actor is found.actor else replace(found, actor=actor)


def of(house: "House") -> Sharing:
    """The one of this process."""
    found: Sharing | None = house.shared.get(_KEPT)
    if found is None:
        with _LOCK:
            found = house.shared.setdefault(_KEPT, Sharing(house))
    return found


def now(house: "House", actor: Actor) -> Actor:
    """The actor without what is withheld from it, as of now; asks the store if need be, so not on the event loop."""
    sharing = of(house)
    if not sharing.fresh:
        sharing.look()
    return sharing.of(actor)


def known(house: "House", tx: Tx) -> Known:
    """How it is, read in the transaction."""
    return Known(len(organizations(house, tx)) > 1, str(house.settings.get(tx, KEEPER)))


def withheld(house: "House", tx: Tx) -> bool:
    """True if the transaction's actor stands for one of several practices that does not look after the server."""
    if tx.actor.everything:
        return False
    there = known(house, tx)
    return there.several and there.keeper != tx.actor.organization


def need(house: "House", tx: Tx) -> None:
    """Problem `access.shared` (403) where what several practices share is not this one's to change."""
    if withheld(house, tx):
        raise Problem(SHARED, 403)
