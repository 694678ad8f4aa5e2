"""Where the file of a take-over lies: `DIR/exchange/<id>/source`, readable by praxisd alone, until it is no longer needed."""

import hashlib
import os
import shutil
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from praxisd.kernel.errors import Problem

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_PIECE = 1 << 20
_STRAY_S = 86_400
"""A file comes in and is noted within this time. Seconds."""


def folder(house: "House", id_: str) -> Path:
    """The folder of one take-over."""
    return house.folder / "exchange" / id_


def source(house: "House", id_: str) -> Path:
    """Its file."""
    return folder(house, id_) / "source"


def here(house: "House", id_: str) -> bool:
    """True if this node has the file: where several nodes share a database, it lies where it was sent to."""
    return source(house, id_).is_file()


def keep(house: "House", id_: str, given: Path) -> tuple[str, int]:
    """Copy a file into its place; (SHA-256 in hex, bytes)."""
    place = folder(house, id_)
    place.mkdir(mode=0o700, parents=True)
    os.chmod(place.parent, 0o700)
    digest, size = hashlib.sha256(), 0
    handle = os.open(place / "source", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out, given.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), size


def opened(house: "House", id_: str) -> BinaryIO:
    """The file, to be read; Problem `exchange.source_gone` (409) where it is no more, or lies on another node."""
    try:
        return source(house, id_).open("rb")
    except FileNotFoundError:
        raise Problem("exchange.source_gone", 409) from None


def throw_away(house: "House", id_: str) -> None:
    """Remove the file and its folder; nothing where there is none."""
    shutil.rmtree(folder(house, id_), ignore_errors=True)


def throw_away_strays(house: "House", known: Container[str]) -> None:
    """Remove folders of no take-over: a crash left them, or another node forgot theirs. One that may be coming in right now
    stays."""
    with suppress(FileNotFoundError), os.scandir(house.folder / "exchange") as entries:
        for one in entries:
            if one.name not in known and time.time() - one.stat(follow_symlinks=False).st_mtime > _STRAY_S:
                throw_away(house, one.name)
