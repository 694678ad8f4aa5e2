"""An old database that is kept after a move is released by a person: only then it is deleted, and only after a proof.

The proof (SPEC 9.4): the database in force was found good by a check since the move.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import database_at, events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.engines import Sqlite
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.services.care import journal, store
from praxisd.services.care.journal import Old
from praxisd_guard.durable import sync_folder

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NOT_PROVEN, GONE, STAYS = "care.not_proven", "care.released_already", "care.release_failed"
CODES = (NOT_PROVEN, GONE, STAYS)
_COMPANIONS = ("-wal", "-shm", "-journal", "")


def proven_since(tx: Tx) -> int:
    """When the database in force was last found good, where nothing worse was found since; 0: never. Epoch seconds."""
    works = sorted([*store.last(tx, "quick"), *store.last(tx, "full")], key=lambda one: (one.at, one.id))
    return works[-1].at if works and works[-1].state == "good" else 0


def release(house: "House", actor: Actor, id: str) -> Old:
    """Delete it. Problems: 404; NOT_PROVEN, GONE (409); STAYS (409) where the disk does not let it go."""
    found = next((one for one in reversed(journal.old_ones(house.folder)) if one.id == id), None)
    if found is None:
        raise not_found("Database")
    if found.released is not None:
        raise Problem(GONE, 409)
    with house.store.read(system("care")) as tx:
        proven = proven_since(tx)
    if proven < found.at:
        raise Problem(NOT_PROVEN, 409)
    path, engine = Path(found.path), house.store.engine
    if isinstance(engine, Sqlite) and os.path.realpath(engine.path) == os.path.realpath(path):
        raise RuntimeError("the database in force is never removed")
    if not os.path.lexists(path) and not _deleted(path, engine):
        raise Problem(STAYS, 409, retry=True, path=found.path)
    try:
        for end in _COMPANIONS:
            path.with_name(path.name + end).unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise Problem(STAYS, 409, retry=True, path=found.path, detail=error.strerror) from None
    gone = msgspec.structs.replace(found, released=house.clock.now(), by=actor.label)
    journal.note_old(house.folder, gone)

    def note(tx: Tx) -> None:
        events.note(tx, "database.released", "Database", id)

    house.store.run(replace(actor, organization=INSTALLATION), note)
    return gone


def _deleted(path: Path, engine: object) -> bool:
    """Did somebody delete it by hand? Not where its disk is away: what lies beside it, the stone or the database in force,
    would be there too.
    """
    beside = path.with_name(path.name.rpartition(".before-")[0] or path.name)
    if isinstance(engine, Sqlite) and os.path.realpath(engine.path) == os.path.realpath(beside):
        return True
    return database_at.is_stone(beside)
