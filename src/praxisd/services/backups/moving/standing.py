"""How this installation stands: may it serve, and what an interrupted move left behind (SPEC 8.5)."""

from typing import TYPE_CHECKING

from praxisd.kernel import maintenance, moved
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.services.backups.moving import fence_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

HOLDER, REASON = "move", "move"
"""Who holds the maintenance while the copy for the new computer is made, and why."""


def before_serving(house: "House") -> None:
    """The house is open, its doors are not: what a killed move left is put right.

    Problem `control.moved` (409) where the database says that it is kept elsewhere now: other nodes than the one that moved
    learn it there.
    """
    settle(house)
    who = system(HOLDER, INSTALLATION)
    with house.store.read(who) as tx:
        left = fence_store.left(tx)
        held = maintenance.state(tx)
    if left is not None:
        raise Problem("control.moved", 409, copy=str(left.told.get("to", "-")))
    if held is not None and held.holder == HOLDER:
        house.store.run(who, _open_doors)


def _open_doors(tx: "Tx") -> None:
    """Unless another node is at it: whoever closed them was killed."""
    if tx.try_lock(fence_store.KEY):
        maintenance.end(tx, HOLDER)


def settle(house: "House") -> None:
    """A move that was cut off before the copy got its ticket has not taken place: this server goes on.

    The caller holds the folder's lock, and `moved.refuse` had nothing against it.
    """
    found = moved.mark(house.folder)
    if found is None or found["state"] != moved.LEAVING or moved.handed_over(found) is not False:
        return
    come_back(house)
    moved.unmark(house.folder)


def come_back(house: "House") -> None:
    """The database takes writes again, and the doors open."""
    who = system(HOLDER, INSTALLATION)
    fence_store.lift(house.store)
    house.store.run(who, lambda tx: maintenance.end(tx, HOLDER))
