"""Whether a file is a data set that this program can read, and exactly what is wrong if not."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.services.medication import sets_schema as schema

UNREADABLE, FOREIGN, OTHER_SCHEMA, INCOMPLETE, ALTERED = (
    "medication.set_damaged", "medication.set_foreign", "medication.set_schema", "medication.set_incomplete",
    "medication.set_altered",
)  # fmt: skip
Row = tuple[str, tuple[Any, ...]]
"""A table's name and a row of it."""
_AT_ONCE = 500
FAULTS = (UNREADABLE, FOREIGN, OTHER_SCHEMA, INCOMPLETE, ALTERED)


class SetFault(Exception):
    """The file cannot be used. `code` is one of `FAULTS`; `params` fill its words (names of tables and marks, nothing else)."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params

    def problem(self) -> Problem:
        """The same, for whoever handed the file in (422)."""
        known: dict[str, Any] = self.params
        return Problem(self.code, 422, **known)


def opened(path: Path, element: str | None) -> tuple[sqlite3.Connection, dict[str, str]]:
    """Open a set for reading: its connection (usable by one thread at a time) and its `meta`. SetFault.

    `element` None: whichever of the three it is. The file must not change any more: that is what slots promise.
    """
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
    except sqlite3.Error:
        raise SetFault(UNREADABLE) from None
    try:
        return connection, _meta(connection, element)
    except sqlite3.Error:
        connection.close()
        raise SetFault(UNREADABLE) from None
    except SetFault:
        connection.close()
        raise


def _meta(connection: sqlite3.Connection, element: str | None) -> dict[str, str]:
    connection.execute("PRAGMA query_only=1")
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        raise SetFault(FOREIGN, what="application_id")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found != schema.SCHEMA:
        raise SetFault(OTHER_SCHEMA, found=found, expected=schema.SCHEMA)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if "meta" not in tables:
        raise SetFault(INCOMPLETE, what="meta")
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    for key in schema.META_NEEDED:
        if key not in meta:
            raise SetFault(INCOMPLETE, what=f"meta.{key}")
    if meta["element"] not in schema.ELEMENTS or element not in (None, meta["element"]):
        raise SetFault(FOREIGN, what=meta["element"][:60])
    if meta["schema"] != str(schema.SCHEMA):
        raise SetFault(OTHER_SCHEMA, found=meta["schema"][:20], expected=schema.SCHEMA)
    for key in ("released", "valid_until", "grace_until"):
        if not is_day(meta[key]):
            raise SetFault(INCOMPLETE, what=f"meta.{key}")
    if not meta["released"] <= meta["valid_until"] <= meta["grace_until"]:
        raise SetFault(INCOMPLETE, what="meta.valid_until")
    if meta["sample"] not in ("0", "1"):
        raise SetFault(INCOMPLETE, what="meta.sample")
    _tables(connection, meta["element"])
    return meta


def _tables(connection: sqlite3.Connection, element: str) -> None:
    for table in schema.TABLES[element]:
        found = tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table.name})"))
        if found != table.names:
            raise SetFault(INCOMPLETE, what=table.name)


def whole(connection: sqlite3.Connection, meta: dict[str, str], breath_s: float = 0.0) -> None:
    """Read every page and every row of an opened set: SetFault where it is damaged, or its rows are not those it was made
    with. Takes about two seconds for 100,000 products; with `breath_s` others get their turn in between.
    """
    try:
        if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
            raise SetFault(UNREADABLE)
        found = digest(_slowly(rows(connection, meta["element"]), breath_s))
    except sqlite3.Error:
        raise SetFault(UNREADABLE) from None
    if found != meta["sha256"]:
        raise SetFault(ALTERED)


def looked(path: Path, element: str | None = None, breath_s: float = 0.0) -> dict[str, str]:
    """`meta` of a file that is sound in every row. Problem (422) of one of `FAULTS`."""
    try:
        connection, meta = opened(path, element)
        try:
            whole(connection, meta, breath_s)
        finally:
            connection.close()
    except SetFault as fault:
        raise fault.problem() from None
    return meta


def _slowly(found: Iterator[Row], breath_s: float) -> Iterator[Row]:
    for number, row in enumerate(found):
        if breath_s and number % _AT_ONCE == 0:
            time.sleep(breath_s)
        yield row


def rows(connection: sqlite3.Connection, element: str) -> Iterator[Row]:
    """Each row with its table's name, in the order in which they were written."""
    for table in schema.TABLES[element]:
        order = ", ".join(table.key)
        for row in connection.execute(f"SELECT {', '.join(table.names)} FROM {table.name} ORDER BY {order}"):  # noqa: S608
            yield table.name, row


def digest(found: Iterator[Row]) -> str:
    """SHA-256 over rows: what a set says, whichever SQLite wrote it."""
    total = hashlib.sha256()
    for table, row in found:
        cells = "\x1f".join("\x00" if cell is None else str(cell) for cell in row)
        total.update(f"{table}\x1e{cells}\x1d".encode())
    return total.hexdigest()


def is_day(text: str) -> bool:
    """YYYY-MM-DD, and a day there is."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
