"""The ticket in a copy: who has it may move in, once. It is written last, when the old server is marked as moved.

`move.json` beside the copy's list of contents: `{"format", "id", "at", "instance", "host", "told", "manifest", "claimed"}`;
`told` is what else the new computer should know; `claimed` says who moves in with it: `{"host", "folder", "at"}`.
"""

import os
from pathlib import Path
from typing import Any

from praxisd.kernel import moved
from praxisd.kernel.errors import Problem
from praxisd.services.backups import snapshot
from praxisd_guard.durable import put_json, read_json, sync_folder

NAME = "move.json"
CARRIED = "praxisd-move"
"""On a backup medium: the folder with list of contents and ticket; the copy itself lies encrypted in its repository."""
NO_COPY, NO_TICKET, TAKEN, DAMAGED = (
    "backups.move_no_copy",
    "backups.move_no_ticket",
    "backups.move_taken",
    "backups.move_damaged",
)
_FORMAT = 1


def copy_in(place: Path) -> Path:
    """The copy in a folder that a person named: itself, or what lies in it, first one with a ticket. Problem NO_COPY (404)."""
    there = [
        one for one in (place / CARRIED, place / snapshot.NAME, place) if (one / snapshot.MANIFEST).is_file()
    ]
    if not there:
        raise Problem(NO_COPY, 404, folder=str(place))
    return Path(os.path.abspath(next((one for one in there if (one / NAME).exists()), there[0])))


def write(copy: Path, id: str, at: int, instance: str, host: str, told: dict[str, Any]) -> None:
    """Give the copy its ticket, for good. OSError."""
    manifest = moved.digest(copy / snapshot.MANIFEST)
    facts = {"id": id, "at": at, "instance": instance, "host": host, "told": told, "manifest": manifest}
    put_json(copy / NAME, {"format": _FORMAT, **facts, "claimed": None})


def read(copy: Path) -> dict[str, Any] | None:
    """The ticket of a copy, or None where it has none. Problem DAMAGED (409) for one that is of another copy, or torn."""
    found = read_json(copy / NAME)
    if found is None:
        if (copy / NAME).exists():
            raise Problem(DAMAGED, 409, what=NAME, more=0)
        return None
    if found.get("format") != _FORMAT or found.get("manifest") != moved.digest(copy / snapshot.MANIFEST):
        raise Problem(DAMAGED, 409, what=NAME, more=0)
    return found


def refuse_taken(ticket: dict[str, Any], host: str, folder: Path) -> None:
    """Problem TAKEN (409) where another computer or folder has it already."""
    held = ticket.get("claimed")
    if held and (held.get("host"), held.get("folder")) != (host, str(folder)):
        raise Problem(TAKEN, 409, host=str(held.get("host")), folder=str(held.get("folder")))


def claim(copy: Path, ticket: dict[str, Any], host: str, folder: Path, at: int) -> bool:
    """Note on the ticket who moves in with it; False where nothing can be written there (a medium under lock)."""
    try:
        put_json(copy / NAME, {**ticket, "claimed": {"host": host, "folder": str(folder), "at": at}})
    except OSError:
        return False
    return True


def void(copy: Path) -> None:
    """Take the ticket away: nobody can move in with this copy any more. OSError."""
    (copy / NAME).unlink(missing_ok=True)
    sync_folder(copy)
