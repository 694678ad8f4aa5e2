"""A folder of product files as a data set (`products`) that a publisher can offer: one SQLite file."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from praxisd.services.diagnosis.product_faults import Fault
from praxisd.services.diagnosis.product_reading import SHARED, together

TABLE = "CREATE TABLE product_file (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID"


def read_folder(folder: Path) -> dict[str, bytes]:
    """The product files of a folder, and the shared ones below it, by their names. Raises OSError."""
    found = {one.name: one.read_bytes() for one in sorted(folder.glob("*.toml"))}
    return found | {SHARED + one.name: one.read_bytes() for one in sorted((folder / "shared").glob("*.toml"))}


def pack(named: Mapping[str, bytes], into: Path) -> tuple[int, tuple[Fault, ...]]:
    """Write the data set unless a file has a fault. How many products it has, and the faults.

    Raises FileExistsError where the target exists, OSError and sqlite3.Error where it cannot be written.
    """
    known = together(named, "update")
    if known.faults:
        return len(known.products), known.faults
    with into.open("xb"):
        pass
    connection = sqlite3.connect(into)
    try:
        with connection:
            connection.execute(TABLE)
            rows = sorted((name, data.decode("utf-8-sig")) for name, data in named.items())
            connection.executemany("INSERT INTO product_file VALUES (?, ?)", rows)
    finally:
        connection.close()
    return len(known.products), ()
