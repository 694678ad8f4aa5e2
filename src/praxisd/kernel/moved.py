"""A data folder that must not be served: its server has moved to another computer, or it is still being moved in (SPEC 8.5).

The mark lies in the folder itself and is written through to the disk before the other side may begin, so that of the old
and the new server at most one serves, whenever a program is killed or the power fails:

    LEAVING   the copy for the new computer is whole; its ticket, without which nobody can move in, is being written
    LEFT      the ticket was written: the new computer may serve, this folder no longer
    ARRIVING  a new folder that is being filled

Who starts a server with a mark LEAVING looks for the ticket: if it is not there, nothing was handed over, and the old
server simply goes on.
"""

import hashlib
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd_guard.durable import put_json, read_json, sync_folder

MARK = "moved.json"
LEAVING, LEFT, ARRIVING = "leaving", "left", "arriving"
CODES = ("control.moved", "control.moved_unsure", "control.moving_in")


def mark(folder: Path) -> dict[str, Any] | None:
    """What is marked here: `{"state", "id", "at", "to", "manifest"}`; None for a folder that may be served.

    `to`: the folder of the copy; `manifest`: SHA-256 of its list of contents. A mark that cannot be read counts as LEFT.
    """
    path = folder / MARK
    if not path.exists():
        return None
    return read_json(path) or {"state": LEFT}


def put_mark(folder: Path, state: str, **facts: Any) -> None:
    """Mark the folder, for good. OSError."""
    put_json(folder / MARK, {"state": state, **facts})


def unmark(folder: Path) -> None:
    """The folder may be served again."""
    (folder / MARK).unlink(missing_ok=True)
    sync_folder(folder)


def handed_over(found: dict[str, Any]) -> bool | None:
    """Has the copy that a mark speaks of got its ticket? None where the copy cannot be looked at."""
    to = Path(str(found.get("to") or "/nowhere"))
    try:
        same = digest(to / "manifest.json") == found.get("manifest")
        return (to / "move.json").exists() if same else None
    except OSError:
        return None


def digest(path: Path) -> str:
    """SHA-256 of a small file. OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refuse(folder: Path) -> None:
    """For whoever is about to work on the folder. Problems (409), each with what a person can do:

    `control.moved`, `control.moving_in`; `control.moved_unsure` for a folder whose handing over was cut off, and whose copy
    cannot be looked at now. A folder whose copy got no ticket may be worked on: nothing was handed over.
    """
    found = mark(folder)
    if found is None:
        return
    if found["state"] == ARRIVING:
        raise Problem("control.moving_in", 409, folder=str(folder), copy=str(found.get("to", "")))
    if found["state"] == LEAVING:
        over = handed_over(found)
        if over is False:
            return
        if over is None:
            raise Problem("control.moved_unsure", 409, copy=str(found.get("to", "")))
    raise Problem("control.moved", 409, copy=str(found.get("to", "-")))
