"""The database moved into another folder while all others work (SPEC 9.4, notes/systems.md § F).

    noted → made → copied → synced → switching → gated → pointed → used → renamed → done

A copy is made by the online backup inside one read transaction, and checked. What changed since is brought after it, block by
block, first while others write and then, for a moment, while nobody does: then every block of both files has been compared.
The pointer is replaced, the connections are exchanged, and the writers go on. Until the pointer is replaced the old database
is valid, afterwards the new one; whoever is killed in between is settled by the next start (`settling`).

Both files are opened by hand in this process, beside SQLite: each must stay open until SQLite has closed it too, or all its
locks on it were gone, and the next program that looks into the file would take its log away (sqlite.org/howtocorrupt.html
§ 2.2). So the old one is kept open after a move that failed, and the new one after a move that is done.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from praxisd.kernel import database_at, events, moved
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.engines import Conflict, Sqlite
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.sqlite_files import Files
from praxisd.kernel.store import Tx
from praxisd.services.backups import api as backups
from praxisd.services.care import blocks, checking, figures, journal, settling, targets
from praxisd.services.care.journal import Move
from praxisd.services.care.steps import step
from praxisd.services.care.working import working_of
from praxisd_guard.durable import sync_file, sync_folder

if TYPE_CHECKING:
    from praxisd.kernel.app import House

VANISHED, DIFFERS, SLOW, IN_USE, STOPPED, PENDING = (
    "care.move_vanished", "care.move_differs", "care.move_slow", "care.in_use", "care.move_stopped", "care.move_pending",
)  # fmt: skip
CODES = (VANISHED, DIFFERS, SLOW, STOPPED, PENDING)
PAGES = 500
PAUSE_COPY_S = 0.005
"""After so many pages what was copied is written through, and others get their turn: a large burst at the end would hold up
the commits of all who write to the same disk. Seconds.
"""
GATE_S = 15.0
"""Writers wait for so long at most; they give up after twice that. Seconds."""
TRIES = 5
"""So often the gate is tried, where somebody reads an older state."""
PAUSE_S = 1.0
CHECKPOINT_MS = 1500
UNREAD_S = 20.0
Progress = Callable[[int, int], None]
Stop = Callable[[], bool]
_OPEN: dict[str, BinaryIO] = {}
"""Files that were opened by hand and must not be closed yet, by their path."""


def move(house: "House", actor: Actor, to: str, *, progress: Progress, stop: Stop) -> Move:
    """Move it; the journal of a move that is done. Problems: those of `targets`, CODES; then the old one is valid as before."""
    target = begin(house, to)
    engine = house.store.engine
    if not isinstance(engine, Sqlite):
        raise Problem(targets.NOT_SQLITE, 409)
    work = journal.keep(
        house.folder,
        Move(
            id=new_id(), kind="folder", phase="copying", old=os.path.realpath(engine.path), new=target.path, at=house.clock.now(),
            by=actor.label, bytes=target.size,
        ),
    )  # fmt: skip
    house.log.info("care_move_begins", where=work.new)
    try:
        step(house, "noted")
        work = _made(house, work)
        step(house, "made")
        _copied(engine, Path(work.new), progress, stop)
        step(house, "copied")
        work = _switched(house, engine, work, stop)
    except BaseException as error:
        problem = _problem(error, Path(work.new))
        give_up(house, work, problem)
        raise problem from None
    return _finished(house, actor, work)


def give_up(house: "House", work: Move, problem: Problem) -> None:
    """The old one stays valid, and what was made is removed."""
    house.log.warning("care_move_failed", code=problem.code)
    with contextlib.suppress(OSError):  # a disk that is full: the next start settles it
        settling.undone(house.folder, work, house.clock.now(), problem.code)


def begin(house: "House", to: str) -> targets.Target:
    """May a move begin, and where does it go? Problems of `free` and `targets`."""
    free(house)
    return targets.looked(house, to)


def free(house: "House") -> None:
    """BUSY (409) while another works on the database: a move under way must not be settled. PENDING (409) while the server
    moves away, its data are exchanged, or a move waits for a start. IN_USE (409) while the last old one is still read.
    """
    with working_of(house).calm():
        _free(house)


def _free(house: "House") -> None:
    if moved.mark(house.folder) is not None or backups.exchange_waits(house.folder):
        raise Problem(PENDING, 409)
    last = journal.known(house.folder)
    if last is not None and last.phase in journal.UNDERWAY:
        last = settling.settle(house.folder)
    if last is not None and settling.waits(last) and last.kind == "folder":
        if last.old in _OPEN:
            raise Problem(IN_USE, 409, retry=True)
        last = settling.listed(house.folder, settling.settle(house.folder) or last, house.clock.now())
    on_file = isinstance(house.store.engine, Sqlite)
    if last is not None and last.kind == "postgres" and on_file and settling.points(house.folder, last):
        raise Problem(PENDING, 409)


def _made(house: "House", work: Move) -> Move:
    """The file that is to be the database: ours alone, and its identity noted, so that no other is ever deleted for it."""
    path = Path(work.new)
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700)
        sync_folder(path.parent.parent)
    if database_at.is_stone(path):
        path.unlink()
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    sync_folder(path.parent)
    return journal.keep(house.folder, msgspec.structs.replace(work, made=journal.identity(path)))


def _copied(engine: Sqlite, path: Path, progress: Progress, stop: Stop) -> None:
    """A copy as of one moment, whole by SQLite's own check, with as many rows in each table as there were."""

    def looked(_status: int, remaining: int, total: int) -> None:
        if stop():
            raise Problem(STOPPED, 409, retry=True)
        progress(total - remaining, total)
        os.fsync(written)
        time.sleep(PAUSE_COPY_S)

    written = os.open(path, os.O_RDWR)
    with contextlib.ExitStack() as last, figures.reading(engine.path) as source:
        last.callback(os.close, written)
        source.execute("BEGIN")
        there = _counts(source)
        target = sqlite3.connect(path, isolation_level=None)
        try:
            target.execute("PRAGMA synchronous = OFF")
            target.execute("PRAGMA journal_mode = MEMORY")
            source.backup(target, pages=PAGES, progress=looked, sleep=0.01)
        finally:
            target.close()
        source.execute("ROLLBACK")
    sync_file(path)
    with contextlib.closing(sqlite3.connect(path.as_uri() + "?mode=ro&immutable=1", uri=True)) as copy:
        state, _, _ = checking.sound(copy, "quick")
        if state != "good" or _counts(copy) != there:
            raise Problem(DIFFERS, 409)


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    names = [
        str(row[0])
        for row in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' "
            "AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
    ]
    quoted = [name.replace('"', '""') for name in names]
    return {
        name: int(db.execute(f'SELECT count(*) FROM "{one}"').fetchone()[0])  # noqa: S608
        for name, one in zip(names, quoted, strict=True)
    }


def _switched(house: "House", engine: Sqlite, work: Move, stop: Stop) -> Move:
    """All that came after the copy, the pointer, and the exchange of connections."""
    source = _OPEN.get(work.old) or Path(work.old).open("rb", buffering=0)  # noqa: SIM115  (see above)
    _OPEN[work.old] = source
    with contextlib.ExitStack() as last:
        target = last.enter_context(Path(work.new).open("r+b", buffering=0))
        _checkpointed(engine)
        with contextlib.suppress(blocks.TooSlow):
            blocks.sync(source, target, stop=stop)
        step(house, "synced")
        work = journal.keep(house.folder, msgspec.structs.replace(work, phase="switching"))
        step(house, "switching")
        _checkpointed(engine)
        for attempt in range(TRIES):
            if stop():
                raise Problem(STOPPED, 409, retry=True)
            began = time.monotonic()
            old = _gated(house, engine, work, source, target, stop)
            if old is not None:
                last.pop_all()
                _OPEN[work.new] = target
                break
            if attempt == TRIES - 1:
                raise Problem(IN_USE, 409, retry=True)
            time.sleep(PAUSE_S)
    stall = round((time.monotonic() - began) * 1000)
    step(house, "used")
    if old is not None:
        with contextlib.suppress(
            Exception
        ):  # the new ones are in use: whatever ails the old ones undoes nothing
            _left(work, old, source)
    return msgspec.structs.replace(work, phase="finishing", stall_ms=stall)


def _checkpointed(engine: Sqlite) -> None:
    """Take in the log, so that little is left for the gate; never more than what a commit takes in by itself now and then.

    By the writer's own connection: before SQLite 3.51.3 a second one must never do so beside it (notes/libs.md § 2).
    """
    with engine.held() as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _gated(
    house: "House", engine: Sqlite, work: Move, source: BinaryIO, target: BinaryIO, stop: Stop
) -> Files | None:
    """Nobody writes meanwhile. The old connections once the new ones are in use; None where the log could not be taken in."""
    with engine.held() as db:
        db.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MS}")
        try:
            busy, log, taken = db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        finally:
            db.execute("PRAGMA busy_timeout = 10000")
        if busy or log != taken:
            return None
        try:
            blocks.sync(source, target, most_s=GATE_S, stop=stop)
        except blocks.TooSlow:
            may_point(house, stop)
            raise
        step(house, "gated")
        fresh = Files(Path(work.new), GATE_S)
        try:
            new = fresh.writing().driver_connection
            for said in ("PRAGMA schema_version", "SELECT count(*) FROM sqlite_master", "PRAGMA page_count"):
                if new.execute(said).fetchone() != db.execute(said).fetchone():
                    raise Problem(DIFFERS, 409)
            may_point(house, stop)
            pointed(house, work, work.new)
        except BaseException:
            fresh.close_reading()
            fresh.close_writing()
            raise
        step(house, "pointed")
        return engine.use(fresh)


def may_point(house: "House", stop: Stop) -> None:
    """The last word before the pointer: not once this server ends (the next one has begun perhaps), nor where data of a
    backup wait for the next start, which would bring them to the old place. STOPPED, PENDING (409).
    """
    if stop():
        raise Problem(STOPPED, 409, retry=True)
    if backups.exchange_waits(house.folder):
        raise Problem(PENDING, 409)


def pointed(house: "House", work: Move, to: str) -> None:
    """Replace the pointer. If the disk says no, and yet it was replaced: back, and where not even that can be, forward: what
    lies there is what counts. OSError.
    """
    folder, url = house.folder, house.config.database_url
    before = database_at.pointer(folder)
    try:
        database_at.put_pointer(folder, to, url, work.id, house.clock.now())
    except OSError:
        if not settling.points(folder, work):
            raise
        try:
            if before is None:
                database_at.drop_pointer(folder)
            else:
                database_at.put_pointer(folder, before.to, url, before.id, before.at)
        except OSError:
            if settling.points(folder, work):
                return
        raise


def _left(work: Move, old: Files, source: BinaryIO) -> None:
    """Close the old connections once nobody reads there; then the file that was opened by hand."""
    if old.unread(UNREAD_S):
        old.close_reading()
        old.close_writing()
        _OPEN.pop(work.old, None)
        source.close()


def _finished(house: "House", actor: Actor, work: Move) -> Move:
    """The old one is renamed and kept; the new one is checked while it is in use already."""
    work = journal.keep(house.folder, work)
    with contextlib.suppress(OSError):
        backups.database_moved(house.folder)
    used = work.old in _OPEN
    work = settling.finished(house.folder, work, house.clock.now(), rename=not used)
    step(house, "renamed")
    house.log.info("care_moved", where=work.new)

    def note(tx: Tx) -> None:
        events.note(tx, "database.moved", "Database", work.id, kind=work.kind)

    house.store.run(replace(actor, organization=INSTALLATION), note)
    checking.check(house, actor, "quick")
    return work


def _problem(error: BaseException, path: Path) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, blocks.TooSlow):
        return Problem(SLOW, 409, retry=True, seconds=round(GATE_S))
    if isinstance(error, Conflict):
        return Problem(IN_USE, 409, retry=True)
    if isinstance(error, FileExistsError):
        return Problem(targets.OCCUPIED, 409, path=str(path))
    if isinstance(error, OSError):
        found = targets.refused(error, path.parent)
        return (
            found
            if found.code not in (targets.UNFIT, targets.NO_FOLDER)
            else Problem(VANISHED, 409, folder=str(path.parent))
        )
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return Problem(targets.NO_SPACE, 409, folder=str(path.parent), megabytes=0, free=0)
        return Problem(
            VANISHED, 409, folder=str(path.parent), detail=getattr(error, "sqlite_errorname", None)
        )
    return Problem("care.crashed", 500, detail=type(error).__name__)
