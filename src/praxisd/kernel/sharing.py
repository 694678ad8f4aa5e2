"""What several practices on one installation share: the computer, its database and backups, its way outside, its updates.

A practice by itself has the right to all of that. Where there are several, it would give one of them the others' patients (a
backup can be read, a database moved, a program named that runs as the server). So the permissions declared `shared` are withheld
from people and keys of every practice but the one that the setting `kernel.keeper` names. The command line on the server may do
everything, as ever (SPEC 13.1).
"""

from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import organizations
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEEPER = "kernel.keeper"
SHARED = "access.shared"


class Practices(NamedTuple):
    """How the practices stand to each other. `keeper`: the practice that looks after the server, "" for none."""

    several: bool
    keeper: str

    def withhold(self, organization: str) -> bool:
        """True if what is shared is not this practice's."""
        return self.several and self.keeper != organization


def practices(house: "House", tx: Tx) -> Practices:
    """How it is, read in the transaction."""
    return Practices(len(organizations(house, tx)) > 1, str(house.settings.get(tx, KEEPER)))


def withheld(house: "House", tx: Tx) -> bool:
    """True if the transaction's actor stands for one of several practices that does not look after the server."""
    return not tx.actor.everything and practices(house, tx).withhold(tx.actor.organization)


def need(house: "House", tx: Tx) -> None:
    """Problem `access.shared` (403) where what several practices share is not this one's to change."""
    if withheld(house, tx):
        raise Problem(SHARED, 403)
