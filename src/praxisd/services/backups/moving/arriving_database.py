"""The database of the copy becomes that of the new computer: a file of SQLite, or a dump restored into a PostgreSQL."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.services.backups.moving.tickets import DAMAGED
from praxisd.services.backups.sources import hashing, places
from praxisd_guard.durable import move, sync_file

NEEDED, NOT_EMPTY, REFUSED, OTHER = (
    "backups.move_database_needed",
    "backups.move_database_used",
    "backups.move_database_refused",
    "backups.move_database_other",
)
FILE = "praxisd.db"
"""Where `engines.connect` looks for it."""


def check(source: Mapping[str, Any], url: str | None) -> None:
    """Problems (400): NEEDED where the copy holds a dump and no server was named; OTHER the other way round."""
    postgres = source["kind"] == "postgres"
    if postgres and not url:
        raise Problem(NEEDED, 400)
    if url and not (postgres and url.startswith(("postgresql:", "postgresql+psycopg:", "postgres:"))):
        raise Problem(OTHER, 400)


def bring(copy: Path, source: Mapping[str, Any], folder: Path, url: str | None, id: str) -> None:
    """Put it in its place. Problems: DAMAGED; those of `_restored`; SourceFault; OSError."""
    (name, digest), *_ = source["hashes"].items()
    if url:
        _restored(copy / name, source, url, id)
        return
    fresh = folder / f".{FILE}.new"
    shutil.copyfile(copy / name, fresh)
    places.private(fresh)
    sync_file(fresh)
    if not hashing.same(fresh, digest, lambda: False):
        raise Problem(DAMAGED, 409, what=name, more=0)
    move(fresh, folder / FILE)


def _restored(dump: Path, source: Mapping[str, Any], url: str, id: str) -> None:
    """All of the dump in one transaction, and its rows counted. One that this move has filled already is right.

    Problems (409): NOT_EMPTY, REFUSED with what the server or program said; DAMAGED if rows are missing.
    """
    from praxisd.services.backups.source import SourceFault
    from praxisd.services.backups.sources import postgres

    try:
        with postgres.opened(url) as db:
            there = postgres.rows(db)
            asked = "SELECT 1 FROM backups_move WHERE id = %s"
            if "public backups_move" in there and db.execute(asked, (id,)).fetchone():
                return
        if not there:
            postgres.restore(dump, url, source["facts"])
            with postgres.opened(url) as db:
                there = postgres.rows(db)
            if places.compared(source["counts"], there):
                raise Problem(DAMAGED, 409, what="rows", more=0)
        elif places.compared(source["counts"], there):
            raise Problem(NOT_EMPTY, 409)
    except SourceFault as fault:
        raise Problem(REFUSED, 409, detail=f"{fault.code} {fault.detail}".strip()) from None
