"""How large the database is, how full its pages are, and what lies in it, by table. Reads only."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.engines import Postgres, Sqlite
from praxisd.services.care import rules

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MOST_TABLES = 200
_STEPS = 100_000
"""Steps of SQLite's machine between two looks whether to stop."""
Stop = Callable[[], bool]


class TableSize(msgspec.Struct, frozen=True):
    """A table with its indexes. `rows`: exact on SQLite, None where that was not counted; PostgreSQL's own guess there."""

    name: str
    bytes: int
    rows: int | None = None


class Figures(msgspec.Struct, frozen=True):
    """Bytes. `free`: whole pages that wait to be used again; `unused`: within the others (None: not measured);
    `log`: the write-ahead log. On PostgreSQL `unused` is what dead rows take, by its own statistics.
    """

    engine: str
    place: str
    size: int
    free: int
    log: int
    disk_free: int | None
    unused: int | None = None
    tables: tuple[TableSize, ...] = ()


@contextlib.contextmanager
def reading(path: Path, stop: Stop = lambda: False) -> Iterator[sqlite3.Connection]:
    """A connection of one's own that cannot write; what it is asked ends with sqlite3.OperationalError once `stop()`."""
    found = sqlite3.connect(
        path.absolute().as_uri() + "?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=10.0,
        check_same_thread=False,
    )
    try:
        found.execute("PRAGMA query_only = ON")
        found.execute("PRAGMA mmap_size = 0")
        found.set_progress_handler(lambda: int(stop()), _STEPS)
        yield found
    finally:
        found.close()


def quick(house: "House") -> Figures:
    """What costs nothing to know: milliseconds."""
    engine = house.store.engine
    if isinstance(engine, Postgres):
        return _postgres(house, engine)
    with reading(engine.path) as db:
        return _sqlite(engine, db)


def whole(house: "House", stop: Stop = lambda: False) -> Figures:
    """With the fill of each page and the tables; reads all of the database. sqlite3.OperationalError once `stop()`."""
    engine = house.store.engine
    if isinstance(engine, Postgres):
        return _postgres(house, engine)
    with reading(engine.path, stop) as db:
        db.execute("BEGIN")
        found = _sqlite(engine, db)
        unused: int | None = None
        sizes: dict[str, int] = {}
        with contextlib.suppress(sqlite3.OperationalError):  # a build of SQLite without dbstat
            owner = dict(db.execute("SELECT name, tbl_name FROM sqlite_master"))
            for name, bytes_, loose in db.execute(
                "SELECT name, pgsize, unused FROM dbstat WHERE aggregate = TRUE"
            ):
                unused = (unused or 0) + int(loose)
                one = str(owner.get(name, name))
                sizes[one] = sizes.get(one, 0) + int(bytes_)
        if stop():
            raise sqlite3.OperationalError("interrupted")
        largest = sorted(sizes.items(), key=lambda one: -one[1])[:MOST_TABLES]
        tables = tuple(TableSize(name, size, _count(db, name)) for name, size in largest)
        return msgspec.structs.replace(found, unused=unused, tables=tables)


def _sqlite(engine: Sqlite, db: sqlite3.Connection) -> Figures:
    page, pages, free = (
        int(db.execute(f"PRAGMA {word}").fetchone()[0])
        for word in ("page_size", "page_count", "freelist_count")
    )
    log = engine.path.with_name(engine.path.name + "-wal")
    return Figures(
        "sqlite", str(engine.path), page * pages, page * free, log.stat().st_size if log.exists() else 0,
        shutil.disk_usage(engine.path.parent).free,
    )  # fmt: skip


def _count(db: sqlite3.Connection, table: str) -> int | None:
    name = table.replace('"', '""')
    try:
        return int(db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608
    except sqlite3.OperationalError:  # a table of SQLite's own that cannot be asked
        return None


def _postgres(house: "House", engine: Postgres) -> Figures:
    with house.store.read(system("care")) as tx:
        size = int(tx.raw("SELECT pg_database_size(current_database())").fetchone()[0])
        rows: list[Any] = tx.raw(
            "SELECT c.relname, pg_total_relation_size(c.oid), s.n_live_tup, s.n_dead_tup, pg_relation_size(c.oid) "
            "FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relkind = 'r' "
            "AND c.relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
        ).fetchall()
    dead = sum(int(heap) * int(gone) // max(1, int(live) + int(gone)) for _, _, live, gone, heap in rows)
    url = engine.url
    place = f"{url.host or url.query.get('host') or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    tables = tuple(
        TableSize(str(name), int(total), int(live)) for name, total, live, _, _ in rows[:MOST_TABLES]
    )
    return Figures("postgresql", place, size, 0, 0, None, dead, tables)


def estimated(found: Figures) -> rules.Estimate | None:
    """What compacting would bring; None where pages were not looked into, and on PostgreSQL, which does it by itself."""
    if found.engine != "sqlite" or found.unused is None:
        return None
    return rules.estimate(found.size, found.free, found.unused, found.disk_free or 0)
