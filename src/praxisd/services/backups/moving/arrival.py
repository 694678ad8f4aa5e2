"""The new server is brought to life: its database is brought to the state of this program, and it learns that it has moved."""

import socket
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, maintenance, moved
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import MoveKept
from praxisd.services.backups.moving import standing, steps
from praxisd.services.backups.store import DRIVE, MOVE
from praxisd.services.diagnosis import api as diagnosis
from praxisd_guard.durable import sync_tree

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NOT_ARRIVING = "backups.move_not_arriving"


def arrive(house: "House", actor: Actor, told: dict[str, Any]) -> MoveKept:
    """Note the arrival with all that must follow; then the folder may be served.

    `told`: what the copy says of the old computer (`host`, `instance`, `plugins`, `at`). Problem NOT_ARRIVING (409).
    """
    found = moved.mark(house.folder)
    if found is None or found["state"] != moved.ARRIVING:
        raise Problem(NOT_ARRIVING, 409)
    host = str(told.get("host", ""))
    kept = MoveKept(str(found["id"]), "arrived", house.clock.now(), host, told)

    known, gone = diagnosis.products(house), steps.missing(house, kept)

    def note(tx: "Tx") -> MoveKept:
        maintenance.end(tx, standing.HOLDER)
        _renamed(tx, str(told.get("node", "")), diagnosis.own_host())
        made = steps.first(house, tx, kept, socket.gethostname(), known, gone)
        MOVE.put(tx, made.id, made, at=made.at)
        events.note(tx, "move.arrived", "Installation", INSTALLATION)
        return made

    made = house.store.run(actor, note)
    sync_tree(house.folder)
    moved.unmark(house.folder)
    return made


def _renamed(tx: "Tx", old: str, new: str) -> None:
    """What was said of the old computer by its name is said of this one: practice software and drives of the backup."""
    if not old or old == new:
        return
    diagnosis.software_moved(tx, old, new)
    for one in DRIVE.all(tx):
        if one.host == old:
            DRIVE.put(tx, one.id, msgspec.structs.replace(one, host=new), at=tx.now)
