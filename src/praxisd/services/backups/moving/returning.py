"""The one way back: the old server serves again, as long as the new one has not begun (SPEC 8.5).

If the ticket can still be taken out of the copy, nobody can move in with it any more, and nothing is asked. Else only a person
knows whether the new server has worked: what was entered there is not here.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, moved
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import Problem
from praxisd.services.backups import snapshot
from praxisd.services.backups.moving import standing, tickets

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NOT_MOVED, ASKS, BEGUN = "backups.move_none", "backups.move_asks", "backups.move_begun"


def undo(house: "House", actor: Actor, *, sure: bool) -> None:
    """Take the ticket back, lift the fence, and let the folder be served again, in this order.

    Problems (409): NOT_MOVED; unless a person is `sure` that the new server has never worked and never will: BEGUN where
    somebody has moved in with the copy, ASKS where the copy cannot be looked at.
    """
    found = moved.mark(house.folder)
    if found is None or found["state"] == moved.ARRIVING:
        raise Problem(NOT_MOVED, 409)
    _take_back(found, sure)
    standing.come_back(house)
    house.store.run(
        actor, lambda tx: events.note(tx, "move.undone", "Installation", INSTALLATION, asked=sure)
    )
    moved.unmark(house.folder)


def _take_back(found: dict[str, Any], sure: bool) -> None:
    """Nobody can move in with the copy any more, if it is here."""
    copy = Path(str(found.get("to") or "/nowhere"))
    try:
        same = moved.digest(copy / snapshot.MANIFEST) == found.get("manifest")
        ticket = tickets.read(copy) if same else None
        held = None if ticket is None else ticket.get("claimed")
        if held and not sure:
            raise Problem(BEGUN, 409, host=str(held.get("host")), folder=str(held.get("folder")))
        if same:
            tickets.void(copy)
            return
    except OSError:
        pass
    if not sure:
        raise Problem(ASKS, 409, copy=str(copy))
