"""All rows of a SQLite database into a PostgreSQL with the same tables, and both compared: counts and a digest per table.

The digest adds up the SHA-256 of each row (modulo 2^256): it does not depend on the order in which a database hands rows out,
and rows that are there twice count twice.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import METADATA
from praxisd.services.care.postgres_words import DIFFERS

if TYPE_CHECKING:
    import psycopg

    from praxisd.kernel.registry import Registry

CHUNK = 2_000
VERSIONS = "alembic_version"
_WHOLE = 1 << 256
Row = Sequence[Any]
Digest = tuple[int, str]


def tables(registry: "Registry") -> list[Any]:
    """The tables of all services of this house, so that what is referred to comes before what refers to it."""
    wanted = {name for one in registry.services for name in one.tables}
    return [one for one in METADATA.sorted_tables if one.name in wanted]


def strangers(db: sqlite3.Connection, registry: "Registry") -> list[str]:
    """Tables with rows that belong to no service that is here: they could not be taken along."""
    known = {one.name for one in tables(registry)} | {VERSIONS}
    names = [
        str(row[0])
        for row in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
        )
    ]
    quoted = {name: name.replace('"', '""') for name in names if name not in known}
    return [
        name
        for name, one in quoted.items()
        if db.execute(f'SELECT 1 FROM "{one}" LIMIT 1').fetchone()  # noqa: S608
    ]


def columns(table: Any) -> list[str]:
    """Those that are stored, in the order of the declaration."""
    return [str(one.name) for one in table.columns if one.computed is None]


def of_sqlite(db: sqlite3.Connection, table: Any) -> Iterator[Row]:
    """All rows; texts, whole numbers, bytes and None as the columns say."""
    names = ", ".join(f'"{name}"' for name in columns(table))
    cursor = db.execute(f'SELECT {names} FROM "{table.name}"')  # noqa: S608
    shapes = _shapes(table)
    while found := cursor.fetchmany(CHUNK):
        for row in found:
            yield _shaped(row, shapes, table)


def of_postgres(db: "psycopg.Connection[Any]", table: Any) -> Iterator[Row]:
    """All rows, by a cursor of the server: never all of them in memory."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns(table)))
    shapes = _shapes(table)
    with db.cursor(name="care") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table.name)))
        for row in cursor:
            yield _shaped(row, shapes, table)


def _shapes(table: Any) -> list[type]:
    return [one.type.python_type for one in table.columns if one.computed is None]


def _shaped(row: Iterable[Any], shapes: list[type], table: Any) -> Row:
    """As the columns say. SQLite keeps whatever it was given: DIFFERS (409) where that could not be told without a change."""
    try:
        found = tuple(
            value if value is None or isinstance(value, shape) else shape(value)
            for value, shape in zip(row, shapes, strict=True)
        )
    except (ValueError, TypeError, OverflowError):
        raise Problem(DIFFERS, 409, tables=table.name) from None
    if any(one != other for one, other in zip(row, found, strict=True)):
        raise Problem(DIFFERS, 409, tables=table.name)
    return found


def copied(db: "psycopg.Connection[Any]", table: Any, rows: Iterable[Row]) -> Digest:
    """Put them into the table by COPY; count and digest of what was read. psycopg.Error."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns(table)))
    order = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    adder = Adder()
    with db.cursor() as cursor, cursor.copy(order) as copy:
        for row in rows:
            adder.add(row)
            copy.write_row(row)
    return adder.digest


def digest(rows: Iterable[Row]) -> Digest:
    """Count and digest."""
    adder = Adder()
    for row in rows:
        adder.add(row)
    return adder.digest


class Adder:
    """Rows added up one by one."""

    def __init__(self) -> None:
        self._count = self._sum = 0

    def add(self, row: Row) -> None:
        """One more."""
        self._count += 1
        whole = hashlib.sha256(b"".join(map(_told, row))).digest()
        self._sum = (self._sum + int.from_bytes(whole, "big")) % _WHOLE

    @property
    def digest(self) -> Digest:
        """So far."""
        return self._count, f"{self._sum:064x}"


def _told(value: Any) -> bytes:
    """A value so that no two different ones look alike, nor two rows whose values are parted elsewhere."""
    if value is None:
        return b"n;"
    if isinstance(value, bytes | memoryview | bytearray):
        data, kind = bytes(value), b"b"
    elif isinstance(value, str):
        data, kind = value.encode(), b"s"
    else:
        data, kind = repr(value).encode(), b"i"
    return kind + str(len(data)).encode() + b":" + data


def sequences(
    db: "psycopg.Connection[Any]", source: sqlite3.Connection, registry: "Registry"
) -> dict[str, int]:
    """Let each number go on where SQLite's would: never one that was given before, also where its row was deleted since."""
    high: dict[str, int] = {}
    if source.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        high = {
            str(name): int(last) for name, last in source.execute("SELECT name, seq FROM sqlite_sequence")
        }
    done: dict[str, int] = {}
    for table in tables(registry):
        for column in columns(table):
            found = db.execute("SELECT pg_get_serial_sequence(%s, %s)", (table.name, column)).fetchone()
            if found is None or found[0] is None:
                continue
            (most,) = db.execute(
                sql.SQL("SELECT coalesce(max({}), 0) FROM {}").format(
                    sql.Identifier(column), sql.Identifier(table.name)
                )
            ).fetchone() or (0,)
            last = max(int(most), high.get(table.name, 0))
            if last:
                db.execute("SELECT setval(%s::regclass, %s, true)", (found[0], last))
            done[table.name] = last
    return done
