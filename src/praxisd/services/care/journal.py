"""The move of the database as it is written down in the data folder: it must be readable where no database can be opened.

    copying → switching → finishing → done | failed

Which database is valid says the pointer (`kernel.database_at`) alone: until it is replaced the old one, then the new one.
`DIR/care/old.json` lists the old ones that are kept until a person releases them.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from praxisd_guard.durable import put, read_json, sync_folder

FOLDER, JOURNAL, OLD = "care", "move.json", "old.json"
Phase = Literal["copying", "switching", "finishing", "done", "failed"]
UNDERWAY = ("copying", "switching", "finishing")
_FORMAT = 1


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """`old` and `new` are paths, or addresses of a PostgreSQL without its password. `made`: device and inode of the file
    that this move has made. `cut`: it ended otherwise than it was meant to, and a start has settled it; `left`: what it made
    could not be removed, since its disk was away. `stall_ms`: nobody could save for so long. Instants: epoch seconds.
    """

    id: str
    kind: Literal["folder", "postgres"]
    phase: Phase
    old: str
    new: str
    at: int
    by: str
    made: tuple[int, int] | None = None
    ended: int | None = None
    code: str = ""
    detail: str = ""
    cut: bool = False
    left: bool = False
    seen: bool = False
    stall_ms: int = 0
    bytes: int = 0
    kept: str = ""
    format: int = _FORMAT


class Old(msgspec.Struct, frozen=True, kw_only=True):
    """A database that was moved away and is kept. `released`: a person let it go, and the file is deleted."""

    id: str
    path: str
    at: int
    bytes: int
    released: int | None = None
    by: str = ""


def room(folder: Path) -> Path:
    """Where all of it lies; made where it is missing."""
    found = folder / FOLDER
    if not found.is_dir():
        found.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder)
    return found


def known(folder: Path) -> Move | None:
    """The move under way, or the last one."""
    found = read_json(folder / FOLDER / JOURNAL)
    try:
        return None if found is None or found.get("format") != _FORMAT else msgspec.convert(found, Move)
    except msgspec.ValidationError:
        return None


def keep(folder: Path, move: Move) -> Move:
    """Write it down, for good."""
    put(room(folder) / JOURNAL, msgspec.json.encode(move))
    return move


def old_ones(folder: Path) -> list[Old]:
    """Those kept, and those released, oldest first."""
    try:
        return msgspec.json.decode((folder / FOLDER / OLD).read_bytes(), type=list[Old])
    except (OSError, msgspec.DecodeError):
        return []


def note_old(folder: Path, one: Old) -> None:
    """Put it into the list, in place of what it said of this id and path."""
    rest = [o for o in old_ones(folder) if (o.id, o.path) != (one.id, one.path)]
    put(room(folder) / OLD, msgspec.json.encode([*rest, one]))


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None where there is no file."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino
