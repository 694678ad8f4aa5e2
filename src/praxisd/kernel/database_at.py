"""Where the database lies: the one place that says so (SPEC 9.4).

`DIR/praxisd.db`, or what `database_url` of the configuration names; but once the database was moved, what the pointer
`DIR/database.at` says. It holds for the `database_url` that was in force then: who names another one later means that one.
The pointer is replaced at once and written through to the disk: a move that is cut off has happened, or has not.

A pointer that cannot be read, or whose file is not there (a disk that is not mounted), is never passed over: an empty
database would be begun otherwise.
"""

import hashlib
from pathlib import Path

import msgspec

from praxisd.kernel.errors import Problem
from praxisd_guard.durable import put, sync_folder

POINTER, FILE = "database.at", "praxisd.db"
UNREADABLE, AWAY, RETIRED = "store.place_unreadable", "store.database_away", "store.database_retired"
CODES = (UNREADABLE, AWAY, RETIRED)
POSTGRES = ("postgresql:", "postgresql+psycopg:", "postgres:")
STONE = b"praxisd: the database has been moved"
"""Begins the file that is left where a database was moved away: an older program stops at it, instead of beginning anew."""
_FORMAT = 1


class Pointer(msgspec.Struct, frozen=True):
    """`to`: an absolute path, or `postgresql://…`; `instead` the digest of the `database_url` it stands in for;
    `id` of the move that wrote it; `at`: epoch seconds.
    """

    to: str
    instead: str
    id: str
    at: int
    format: int = _FORMAT

    @property
    def path(self) -> Path | None:
        """The file; None for a PostgreSQL."""
        return None if self.to.startswith(POSTGRES) else Path(self.to)


def pointer(folder: Path) -> Pointer | None:
    """The pointer as it lies there; UNREADABLE (503)."""
    path = folder / POINTER
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(UNREADABLE, 503, detail=error.strerror, file=str(path)) from None
    try:
        found = msgspec.json.decode(data, type=Pointer)
    except msgspec.DecodeError:
        raise Problem(UNREADABLE, 503, file=str(path)) from None
    if found.format != _FORMAT:
        raise Problem(UNREADABLE, 503, file=str(path))
    return found


def in_force(url: str | None, folder: Path) -> Pointer | None:
    """The pointer, where it stands in for this `database_url` of the configuration; None: that one counts. UNREADABLE (503)."""
    found = pointer(folder)
    return found if found is not None and found.instead == digest(url) else None


def address(url: str | None, folder: Path) -> str | None:
    """The `database_url` in force, for the one of the configuration; None: `DIR/praxisd.db`. UNREADABLE (503)."""
    found = in_force(url, folder)
    if found is None:
        return url
    return found.to if found.path is None else f"sqlite:///{found.to}"


def passed_over(url: str | None, folder: Path) -> Pointer | None:
    """The pointer, where the configuration was changed since and wins."""
    found = pointer(folder)
    return None if found is None or found.instead == digest(url) else found


def put_pointer(folder: Path, to: str, instead: str | None, id: str, at: int) -> None:
    """Point there, for good (0600: the address may hold a password). OSError: look at `address` what is in force."""
    put(folder / POINTER, msgspec.json.encode(Pointer(to, digest(instead), id, at)))


def drop_pointer(folder: Path) -> None:
    """The configuration alone counts again, for good."""
    (folder / POINTER).unlink(missing_ok=True)
    sync_folder(folder)


def digest(url: str | None) -> str:
    """Of a `database_url`: it may hold a password."""
    return hashlib.sha256((url or "").encode()).hexdigest()[:32]


def require(path: Path, folder: Path) -> None:
    """AWAY (503) where a pointer leads to a file that is not there, or a stone says that the database went elsewhere."""
    found = pointer(folder)
    moved = found is not None and found.path == path
    if (moved and not path.is_file()) or is_stone(path):
        raise Problem(AWAY, 503, retry=True, path=str(path))


def is_stone(path: Path) -> bool:
    """Is it no database, but says that one was moved away?"""
    try:
        with path.open("rb") as file:
            return file.read(len(STONE)) == STONE
    except OSError:
        return False
