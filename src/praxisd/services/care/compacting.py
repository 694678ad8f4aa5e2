"""The database made smaller: VACUUM on SQLite (nobody writes meanwhile), VACUUM (ANALYZE) on PostgreSQL (all go on working).

What would take longer than a few seconds closes the doors first, so that people read why. A copy that is made at the same
time is waited for. The next backup holds all of the database anew: each page has moved (notes/systems.md § A2).
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel import maintenance
from praxisd.kernel.access import Actor, system
from praxisd.kernel.engines import Conflict, Postgres, Sqlite
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.care import checking, figures, rules
from praxisd.services.care.figures import Stop
from praxisd.services.care.store import Work

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NO_SPACE, FAILED, IN_USE = "care.no_space", "care.compact_failed", "care.in_use"
CODES = (NO_SPACE, FAILED, IN_USE)
HOLDER = "care"
CLOSED_S = 3600
"""The doors are closed for so long at most. Seconds."""
_TEMPORARY = "SQLITE_TMPDIR"


def compact(house: "House", actor: Actor, stop: Stop = lambda: False) -> Work:
    """Compact now. Problems: NO_SPACE (409), IN_USE (409) while somebody does not let go of the database, FAILED (500)."""
    began = house.clock.monotonic()
    engine = house.store.engine
    before = figures.quick(house).size
    if isinstance(engine, Postgres):
        _vacuum_analyze(engine)
    else:
        found = figures.whole(house, stop)
        wanted = figures.estimated(found) or rules.estimate(found.size, found.free, 0, found.disk_free or 0)
        if (found.disk_free or 0) < rules.SPACE_TIMES * found.size:
            raise Problem(NO_SPACE, 409, megabytes=rules.SPACE_TIMES * found.size // 1_000_000 + 1)
        with closed(house, wanted.stall_s):
            _vacuum(engine)
    after = figures.whole(house, lambda: False)
    work = Work(
        id=new_id(),
        kind="compact",
        at=house.clock.now(),
        state="good",
        ms=round((house.clock.monotonic() - began) * 1000),
        figures={"before": before, "after": after.size},
        actor=actor.label,
    )
    checking.keep(house, actor, work, "database.compacted")
    return work


@contextmanager
def closed(house: "House", stall_s: float) -> Iterator[None]:
    """Doors closed where it takes longer than people would wait without a word."""
    if stall_s <= rules.CLOSED_FROM_S:
        yield
        return
    house.store.run(system("care"), lambda tx: maintenance.begin(tx, HOLDER, CLOSED_S, "care"))
    try:
        yield
    finally:
        house.store.run(system("care"), lambda tx: maintenance.end(tx, HOLDER))


def reopened(house: "House") -> None:
    """At a start: doors that a killed server had closed for a work on the database are open again. On SQLite nobody else than
    this process works on it; on PostgreSQL no work closes them.
    """
    if isinstance(house.store.engine, Sqlite):
        house.store.run(system("care"), lambda tx: maintenance.end(tx, HOLDER))


def _vacuum(engine: Sqlite) -> None:
    """On the writer's own connection. Its temporary file lies beside the database, where the space was looked at."""
    before = os.environ.get(_TEMPORARY)
    os.environ[_TEMPORARY] = str(engine.path.parent)
    try:
        with engine.held() as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except Conflict:
        raise Problem(IN_USE, 409, retry=True) from None
    except sqlite3.Error as error:
        word = getattr(error, "sqlite_errorname", type(error).__name__)
        raise Problem(FAILED, 500, retry=True, detail=word) from None
    finally:
        if before is None:
            os.environ.pop(_TEMPORARY, None)
        else:
            os.environ[_TEMPORARY] = before


def _vacuum_analyze(engine: Postgres) -> None:
    with engine.writer.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM (ANALYZE)")


def checkpoint(house: "House") -> bool | None:
    """Take the write-ahead log in and make it short. False: somebody reads an older state; None on PostgreSQL."""
    engine = house.store.engine
    if isinstance(engine, Postgres):
        return None
    try:
        with engine.held() as db:
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except Conflict:
        return False
    return not busy


def room(folder: Path) -> int:
    """Free bytes of a folder's disk."""
    return shutil.disk_usage(folder).free
