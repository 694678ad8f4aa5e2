"""From SQLite to PostgreSQL (SPEC 9.4): everything copied while nobody writes, compared, and only then the pointer replaced.

    noted → copied → gated → pointed → used → done, and the old file is renamed by the next start

The doors are closed meanwhile (maintenance), readers go on. The target must be empty; the mark `praxisd_moving` tells what a
move that was cut off has left there, and the next one empties it. Afterwards praxisd must be started anew: nothing is written
into the old database any more, and the pointer leads every start to the new one.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import sql

from praxisd.kernel import database_at, events, maintenance, migrations
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.engines import Conflict, Postgres, Sqlite
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Store, Tx
from praxisd.services.backups import api as backups
from praxisd.services.care import (
    compacting,
    copy_store,
    figures,
    journal,
    moving,
    rules,
    settling,
    targets,
)
from praxisd.services.care.journal import Move
from praxisd.services.care.postgres_words import (
    BAD_URL,
    DIFFERS,
    ENCODING,
    REFUSED,
    RIGHTS,
    SCHEMA,
    STRANGE,
    UNREACHED,
    USED,
    Plan,
)
from praxisd.services.care.steps import step

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MARK = "praxisd_moving"
CLOSED_S = 4 * 3600
PATIENCE_S = 5


def looked(house: "House", url: str) -> Plan:
    """A dry run: nothing is written on either side. Problems of CODES, `care.not_sqlite`, `care.move_pending` (409)."""
    engine = house.store.engine
    if not isinstance(engine, Sqlite):
        raise Problem(targets.NOT_SQLITE, 409)
    moving.free(house)
    place = shown(url)
    with figures.reading(engine.path) as source, _connected(url) as db:
        source.execute("BEGIN")
        strange = copy_store.strangers(source, house.registry)
        if strange:
            raise Problem(STRANGE, 409, tables=", ".join(strange[:5]))
        if set(migrations.applied(house.store)) != set(migrations.heads(house.registry).values()):
            raise Problem(SCHEMA, 409)
        _fits(db)
        _usable(db, _left(house), place)
        counts = {
            one.name: int(source.execute(f'SELECT count(*) FROM "{one.name}"').fetchone()[0])  # noqa: S608
            for one in copy_store.tables(house.registry)
        }
        return Plan(
            place=place, version=str(db.info.server_version), size=figures.quick(house).size, tables=counts
        )


def shown(url: str) -> str:
    """Host, port and database; BAD_URL (400) for what is none of a PostgreSQL. It is never repeated: it may hold a secret."""
    if not url.startswith(database_at.POSTGRES):
        raise Problem(BAD_URL, 400)
    try:
        found = Postgres(url).url
    except Exception:
        raise Problem(BAD_URL, 400) from None
    if not found.database or "@" in (found.host or ""):  # a password with an @ in it, not written as %40
        raise Problem(BAD_URL, 400)
    return f"{found.host or found.query.get('host') or 'localhost'}:{found.port or 5432}/{found.database}"


def move(house: "House", actor: Actor, url: str, *, progress: moving.Progress, stop: moving.Stop) -> Move:
    """Move it; praxisd must be started anew afterwards. Problems as `looked`, and REFUSED, DIFFERS: then all is as before."""
    plan, left = looked(house, url), _left(house)
    engine = house.store.engine
    if not isinstance(engine, Sqlite):
        raise Problem(targets.NOT_SQLITE, 409)
    work = journal.keep(
        house.folder,
        Move(
            id=new_id(), kind="postgres", phase="copying", old=os.path.realpath(engine.path), new=f"postgresql://{plan.place}",
            at=house.clock.now(), by=actor.label, bytes=plan.size,
        ),
    )  # fmt: skip
    house.log.info("care_move_begins", where=work.new)
    closed = "url" in house.shared
    if closed:
        house.store.run(system("care"), lambda tx: maintenance.begin(tx, compacting.HOLDER, CLOSED_S, "care"))
    try:
        step(house, "noted")
        with engine.held():
            _filled(house, engine, actor, url, work, plan, left, progress, stop)
            work = journal.keep(house.folder, msgspec.structs.replace(work, phase="switching"))
            step(house, "gated")
            moving.may_point(house, stop)
            moving.pointed(house, work, url)
            engine.retire()
        step(house, "pointed")
    except BaseException as error:
        problem = _problem(error)
        moving.give_up(house, work, problem)
        _emptied_quietly(url, work.id)
        if closed:
            house.store.run(system("care"), lambda tx: maintenance.end(tx, compacting.HOLDER))
        raise problem from None
    work = settling.finished(
        house.folder, msgspec.structs.replace(work, phase="finishing"), house.clock.now(), rename=False
    )
    step(house, "used")
    _unmarked(url)
    backups.database_moved(house.folder)
    house.log.info("care_moved", where=work.new)
    if house.guard is not None:
        house.guard.order("restart", by=actor.id, reason="care")
    return work


def _filled(
    house: "House",
    engine: Sqlite,
    actor: Actor,
    url: str,
    work: Move,
    plan: Plan,
    left: str,
    progress: moving.Progress,
    stop: moving.Stop,
) -> None:
    """Tables, rows, numbers, guards, and the comparison. Problems DIFFERS, SCHEMA (409); psycopg.Error."""
    with _connected(url) as db:
        _emptied(db, left)
        db.execute(sql.SQL("CREATE TABLE {} (id text)").format(sql.Identifier(MARK)))
        db.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(sql.Identifier(MARK)), (work.id,))
        db.commit()
    target = Store(Postgres(url, pool=2), house.clock)
    try:
        migrations.upgrade(target, house.registry)
        with figures.reading(engine.path) as source:
            source.execute("BEGIN")
            if migrations.applied(target) != migrations.applied(house.store):
                raise Problem(SCHEMA, 409)
            _rows(house, source, url, plan, progress, stop)
        step(house, "copied")
        missing = migrations.missing_guards(target, house.registry)
        if missing:
            raise Problem(DIFFERS, 409, tables=", ".join(missing[:5]))
        migrations.require_current(target, house.registry)
        target.append = events.appender(house.registry.retention)

        def note(tx: Tx) -> None:  # there: the old database is not written any more
            events.note(tx, "database.moved", "Database", work.id, kind=work.kind)

        target.run(replace(actor, organization=INSTALLATION), note)
    finally:
        target.close()


def _rows(
    house: "House",
    source: sqlite3.Connection,
    url: str,
    plan: Plan,
    progress: moving.Progress,
    stop: moving.Stop,
) -> None:
    """All in one transaction: what the migrations have put in goes, what SQLite has comes."""
    total, done = max(1, 2 * sum(plan.tables.values())), 0

    def counted(rows: Iterator[Any]) -> Iterator[Any]:
        nonlocal done
        for row in rows:
            done += 1
            if done % copy_store.CHUNK == 0:
                if stop():
                    raise Problem(moving.STOPPED, 409, retry=True)
                progress(min(done, total), total)
            yield row

    wanted = copy_store.tables(house.registry)
    with _connected(url) as db:
        names = sql.SQL(", ").join(sql.Identifier(one.name) for one in wanted)
        db.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))
        ours = {
            one.name: copy_store.copied(db, one, counted(copy_store.of_sqlite(source, one))) for one in wanted
        }
        theirs = {one.name: copy_store.digest(counted(copy_store.of_postgres(db, one))) for one in wanted}
        differ = rules.differing(ours, theirs)
        if differ:
            raise Problem(DIFFERS, 409, tables=", ".join(differ[:5]))
        copy_store.sequences(db, source, house.registry)
        db.execute(
            "DELETE FROM kernel_lease WHERE key = %s AND holder = %s", (maintenance.KEY, compacting.HOLDER)
        )
        db.commit()
        db.autocommit = True
        db.execute("ANALYZE")


@contextmanager
def _connected(url: str) -> "Iterator[psycopg.Connection[Any]]":
    """UNREACHED (409) with what the server or the library said; that never holds the password."""
    plain = Postgres(url).url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        db: psycopg.Connection[Any] = psycopg.connect(plain, connect_timeout=PATIENCE_S)
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        raise Problem(UNREACHED, 409, retry=True, detail=said[0] if said else None) from None
    with db:
        yield db


def _fits(db: "psycopg.Connection[Any]") -> None:
    encoding, may, gist = db.execute(
        "SELECT pg_encoding_to_char(encoding), has_schema_privilege('public', 'CREATE'), "
        "EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'btree_gist') "
        "FROM pg_database WHERE datname = current_database()"
    ).fetchone() or ("", False, False)
    if encoding != "UTF8":
        raise Problem(ENCODING, 409, encoding=str(encoding))
    if not may or not gist:
        raise Problem(RIGHTS, 409, detail=None if gist else "btree_gist")


def _tables(db: "psycopg.Connection[Any]") -> list[str]:
    return [str(row[0]) for row in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def _left(house: "House") -> str:
    """The move whose leavings may be dropped: the last one, if it went to a PostgreSQL and failed. "" for none."""
    last = journal.known(house.folder)
    failed = last is not None and last.kind == "postgres" and last.phase == "failed"
    return last.id if last is not None and failed and not settling.points(house.folder, last) else ""


def _usable(db: "psycopg.Connection[Any]", left: str, place: str) -> list[str]:
    """The tables there: none, or those that the move `left` made. USED (409) for any others."""
    there = _tables(db)
    if MARK in there and left:
        found = db.execute(sql.SQL("SELECT id FROM {}").format(sql.Identifier(MARK))).fetchone()
        if found is not None and found[0] == left:
            return there
    if there:
        raise Problem(USED, 409, place=place)
    return []


def _emptied(db: "psycopg.Connection[Any]", left: str) -> None:
    """Drop what the move `left` has left; nothing else is ever dropped."""
    for name in _usable(db, left, str(db.info.dbname)):
        db.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(name)))


def _emptied_quietly(url: str, left: str) -> None:
    """After a failure; where it cannot be, the next move does it."""
    with suppress(Problem, psycopg.Error), _connected(url) as db:
        _emptied(db, left)
        db.commit()


def _unmarked(url: str) -> None:
    """The mark has done its work."""
    with suppress(Problem, psycopg.Error), _connected(url) as db:
        db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(MARK)))
        db.commit()


def _problem(error: BaseException) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Conflict):
        return Problem(moving.IN_USE, 409, retry=True)
    cause = getattr(error, "orig", error)
    if isinstance(cause, psycopg.Error):  # its words may quote rows
        return Problem(REFUSED, 409, detail=f"{type(cause).__name__} {cause.sqlstate or ''}".strip())
    return Problem("care.crashed", 500, detail=type(error).__name__)
