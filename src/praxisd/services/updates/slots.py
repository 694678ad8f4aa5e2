"""The two places of a data set: the one in use and the other, which the next version is built in (SPEC 6.6).

`DIR/datasets/<name>/{a,b}/data.sqlite` and `current.json`, which names the slot in use: replaced atomically, so that a
reader finds one whole version or the other.
"""

import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from praxisd.services.updates import places

SLOTS = ("a", "b")
FILE = "data.sqlite"


@dataclass(frozen=True, slots=True)
class Held:
    """What is in use: slot, version, day of release (YYYY-MM-DD); and the version in the other slot, if it can be used."""

    slot: str
    version: str
    released: str
    previous: str | None
    previous_released: str | None


class Unusable(Exception):
    """The new file is no sound SQLite database; nothing has changed."""


def folder(data: Path, name: str) -> Path:
    """Where a data set lies."""
    return data / "datasets" / name.replace("/", "~")


def path(data: Path, name: str, slot: str) -> Path:
    """The database of a slot."""
    return folder(data, name) / slot / FILE


def held(data: Path, name: str) -> Held | None:
    """What is in use, or None where nothing is."""
    try:
        found = json.loads((folder(data, name) / "current.json").read_text(encoding="utf-8"))
        current = Held(
            str(found["slot"]), str(found["version"]), str(found["released"]),
            found.get("previous"), found.get("previous_released"),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return current if current.slot in SLOTS and path(data, name, current.slot).is_file() else None


def other(current: Held | None) -> str:
    """The slot that is not in use."""
    return SLOTS[0] if current is None or current.slot == SLOTS[1] else SLOTS[1]


def room(data: Path, name: str) -> Path:
    """The path where the next version is to be written: the free slot, emptied. What was there cannot be used any more."""
    current = held(data, name)
    slot = other(current)
    if current is not None and current.previous is not None:
        _point(data, name, Held(current.slot, current.version, current.released, None, None))
    place = path(data, name, slot)
    shutil.rmtree(place.parent, ignore_errors=True)
    place.parent.mkdir(mode=0o700, parents=True)
    return place


def look(place: Path) -> None:
    """Open a database read-only and check it; `Unusable` unless it is sound."""
    try:
        connection = sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.execute("PRAGMA query_only=1")
            answers = connection.execute("PRAGMA quick_check(1)").fetchall()
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unusable(type(error).__name__) from None
    if answers != [("ok",)]:
        raise Unusable("quick_check")


def use(data: Path, name: str, version: str, released: str) -> Held:
    """Have the version that was written to `room` in use from now on; `Unusable` if it is not sound."""
    current = held(data, name)
    slot = other(current)
    place = path(data, name, slot)
    look(place)
    places.sync(place)
    places.sync(place.parent)
    made = Held(
        slot, version, released,
        None if current is None else current.version,
        None if current is None else current.released,
    )  # fmt: skip
    _point(data, name, made)
    return made


def back(data: Path, name: str) -> Held | None:
    """Have the version in the other slot in use again; None where there is none. `Unusable` if it is not sound any more."""
    current = held(data, name)
    if current is None or current.previous is None:
        return None
    slot = other(current)
    if not path(data, name, slot).is_file():
        return None
    look(path(data, name, slot))
    made = Held(slot, current.previous, current.previous_released or "", current.version, current.released)
    _point(data, name, made)
    return made


def _point(data: Path, name: str, held_: Held) -> None:
    place = folder(data, name)
    fresh = place / "current.json.new"
    text = json.dumps({one: getattr(held_, one) for one in Held.__slots__})
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(place / "current.json")
    places.sync(place)
