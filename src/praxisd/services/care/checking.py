"""Is the database whole? Asked over a connection that cannot write, while all others go on working.

SQLite: `quick_check`, or `integrity_check` and `foreign_key_check`. PostgreSQL: indexes and constraints that are marked
invalid, or in full amcheck's own functions, where that extension is installed.
"""

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.engines import Postgres
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.care import figures, store
from praxisd.services.care.figures import Stop
from praxisd.services.care.store import State, Work

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Level = Literal["quick", "full"]
DAMAGED, ORPHANS, UNREADABLE = "care.damaged", "care.orphans", "care.unreadable"
CODES = (DAMAGED, ORPHANS, UNREADABLE)
_MOST = 20
"""So many faults are counted; the first is named."""


class Stopped(Exception):
    """Asked to stop before there was an answer."""


def check(house: "House", actor: Actor, level: Level, stop: Stop = lambda: False) -> Work:
    """Check, measure, and keep what was found. Stopped, with nothing kept."""
    began = house.clock.monotonic()
    state, code, detail = judged(house, level, stop)
    found = None
    if state == "good":
        try:
            found = figures.whole(house, stop)
        except sqlite3.Error as error:
            _stopped(stop)
            state, code, detail = "failed", UNREADABLE, type(error).__name__
    work = Work(
        id=new_id(),
        kind=level,
        at=house.clock.now(),
        state=state,
        code=code,
        detail=detail,
        ms=round((house.clock.monotonic() - began) * 1000),
        figures={} if found is None else msgspec.json.decode(msgspec.json.encode(found)),
        actor=actor.label,
    )
    keep(house, actor, work, "database.checked" if state == "good" else "database.damaged")
    return work


def keep(house: "House", actor: Actor, work: Work, event: str) -> None:
    """Write it down with its event, in the installation: the database is that of all practices."""

    def write(tx: Tx) -> None:
        store.put(tx, work)
        events.note(tx, event, "Database", work.id, kind=work.kind, state=work.state)

    house.store.run(replace(actor, organization=INSTALLATION), write)


def judged(house: "House", level: Level, stop: Stop) -> tuple[State, str, str]:
    """State, code and detail. Stopped."""
    engine = house.store.engine
    if isinstance(engine, Postgres):
        return _postgres(house, level, stop)
    try:
        with figures.reading(engine.path, stop) as db:
            return sound(db, level)
    except sqlite3.DatabaseError as error:
        _stopped(stop)
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
        )
        word = getattr(error, "sqlite_errorname", type(error).__name__)
        return ("bad", DAMAGED, word) if damaged else ("failed", UNREADABLE, word)


def sound(db: sqlite3.Connection, level: Level) -> tuple[State, str, str]:
    """SQLite's own check of what this connection sees."""
    word = "quick_check" if level == "quick" else "integrity_check"
    said = [str(row[0]) for row in db.execute(f"PRAGMA {word}({_MOST})")]
    if said != ["ok"]:
        return "bad", DAMAGED, f"{len(said)}"  # what it says may name keys of rows
    if level == "full":
        tables = [
            str(row[0]) for _, row in zip(range(_MOST), db.execute("PRAGMA foreign_key_check"), strict=False)
        ]
        if tables:
            return "bad", ORPHANS, ", ".join(sorted(set(tables)))
    return "good", "", ""


def _postgres(house: "House", level: Level, stop: Stop) -> tuple[State, str, str]:
    with house.store.read(system("care")) as tx:
        bad = [
            str(row[0])
            for row in tx.raw(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid OR NOT indisready "
                "UNION ALL SELECT conname FROM pg_constraint WHERE NOT convalidated"
            ).fetchall()
        ]
        if bad:
            return "bad", DAMAGED, ", ".join(bad[:_MOST])
        if level == "quick":
            return "good", "", ""
        there = tx.raw("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'").fetchone() is not None
        if not there:
            return "good", "", "no amcheck"
        indexes = tx.raw(
            "SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
            "WHERE a.amname = 'btree' AND c.relnamespace = 'public'::regnamespace AND c.relpersistence = 'p'"
        ).fetchall()
        for (index,) in indexes:
            _stopped(stop)
            try:
                tx.raw("SELECT bt_index_check(%s::oid::regclass, true)", (index,))
            except house.store.engine.failure as error:
                state = str(getattr(error, "sqlstate", None) or "")
                return ("bad", DAMAGED, state) if state.startswith("XX") else ("failed", UNREADABLE, state)
    return "good", "", ""


def _stopped(stop: Stop) -> None:
    if stop():
        raise Stopped
