"""Where updates keep things: below `DIR/updates`, and the data sets in `DIR/datasets`. All 0700/0600."""

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PACKAGED = "root.json"
"""A root that comes with the program, in this package's folder; a vendor puts it there before building."""


def folder(house: "House", *parts: str) -> Path:
    """`DIR/updates/<parts>`, made if it is not there."""
    found = house.folder.joinpath("updates", *parts)
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def package_folder(house: "House", element: str) -> Path:
    """Where the files of an element lie. Names of elements are checked before they get here (`trusting`)."""
    return folder(house, "packages", element.replace("/", "~"))


def root(house: "House") -> bytes | None:
    """The root of trust: the file that the configuration names, else `DIR/updates/root.json`, else the program's own.

    None where there is none (or the named one cannot be read): then nothing can be verified, so nothing is fetched.
    """
    named = house.config.updates_root
    chosen = Path(named) if named else house.folder / "updates" / "root.json"
    try:
        return chosen.read_bytes()
    except FileNotFoundError:
        if named:
            return None
    except OSError:
        return None
    packaged = files("praxisd.services.updates").joinpath(PACKAGED)
    return packaged.read_bytes() if packaged.is_file() else None


def free_name(into: Path, name: str) -> Path:
    """A path in `into` that no file has, beginning with `name`."""
    stem, dot, ending = name.partition(".")
    for number in range(10_000):
        found = into / (name if not number else f"{stem}-{number}{dot}{ending}")
        if not found.exists():
            return found
    raise OSError(f"no free name in {into}")


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
