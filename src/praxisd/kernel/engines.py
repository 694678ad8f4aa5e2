"""All that differs between SQLite and PostgreSQL: connections, transactions, locks, clocks, guards.

SQLite rules (notes/libs.md § 2, measured): WAL, `synchronous=FULL`, one writer connection with
`BEGIN IMMEDIATE`, `query_only` readers, never mmap. PostgreSQL: psycopg 3, synchronous.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from praxisd.kernel import database_at
from praxisd.kernel.database_away import patience
from praxisd.kernel.errors import Problem
from praxisd.kernel.sqlite_files import Files, reading

WRITER_PATIENCE_S = 30.0
CLOSE_PATIENCE_S = 3.0
RESTED_S = 1.0
"""A pooled connection to PostgreSQL that has rested longer is asked whether it is alive before it is used. Seconds."""
FROZEN_S = 10
"""So long a node may sit in an open write transaction without a word before PostgreSQL takes its locks away, for which all
others wait: a write lasts 50 ms at most (HOUSE „Transactions“). Seconds."""
TOLD_MOST = 7_500
"""Bytes that one notice of PostgreSQL surely carries (it takes 8,000)."""
EVENT_LOCK = 0x7072_6178
"""Key of the PostgreSQL advisory lock under which events are appended, so that their order is commit order."""


class Violation(Exception):
    """The database refused a row; `name` is the constraint, guard or table.column that said no."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Conflict(Exception):
    """Two transactions met (deadlock or serialisation); the whole transaction may be tried again."""


class Sqlite:
    """SQLite in one file: one writer for the whole process, readers on their own connections."""

    name = "sqlite"
    dialect: Any = sqlite.dialect(paramstyle="named")
    integrity = sqlite3.IntegrityError
    failure = sqlite3.Error
    unfit = (sqlite3.DataError, OverflowError, UnicodeError)
    """What is raised for a value that fits no column: it will never be taken, however often it is tried."""

    def __init__(self, path: Path) -> None:
        self._files = Files(path, WRITER_PATIENCE_S)
        self._lock = threading.Lock()
        self._swap = threading.Lock()
        self._owner: int | None = None
        self._closed = self._retired = False
        self._writings = 0

    @property
    def path(self) -> Path:
        """The file that is in use now."""
        return self._files.path

    @property
    def writer(self) -> sa.Engine:
        """The engine of the one connection that writes."""
        return self._files.writer

    @property
    def reader(self) -> sa.Engine:
        """The engine of those that read."""
        return self._files.reader

    @contextmanager
    def _alone(self, patience_s: float) -> Iterator[Any]:
        """The writer's connection, with its lock. Conflict after `patience_s` seconds."""
        if self._owner == threading.get_ident():
            raise RuntimeError("a write transaction inside a write transaction")
        if not self._lock.acquire(timeout=patience_s):
            raise Conflict("the writer is busy")
        self._owner = threading.get_ident()
        self._writings += 1
        try:
            if self._closed:
                raise RuntimeError("the store is closed")
            if self._retired:
                raise Problem(database_at.RETIRED, 503, retry=True)
            yield self._files.writing()
        finally:
            self._owner = None
            self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Any]:
        """One write transaction at a time; commits at the end, rolls back on any exception."""
        with self._alone(WRITER_PATIENCE_S) as connection:
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if connection.driver_connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    @contextmanager
    def held(self, patience_s: float = WRITER_PATIENCE_S) -> Iterator[Any]:
        """The writer's own connection (sqlite3) outside of any transaction, while nobody else writes: for the care of the
        database. Others wait `WRITER_PATIENCE_S`, then Conflict; so does who asks, after `patience_s` seconds.
        """
        with self._alone(patience_s) as connection:
            yield connection.driver_connection

    def retire(self) -> None:
        """Nothing is written here any more: another database is in force from the next start on. Only inside of `held`."""
        if self._owner != threading.get_ident():
            raise RuntimeError("only for who holds the writer")
        self._retired = True

    def use(self, files: Files) -> Files:
        """From now on these; only inside of `held`. Who reads in the old ones ends there: the old files are answered."""
        if self._owner != threading.get_ident():
            raise RuntimeError("only for who holds the writer")
        with self._swap:
            old, self._files = self._files, files
        return old

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A consistent snapshot that cannot write."""
        with self._swap:
            files = self._files
            files.enter()
        with reading(files) as cursor:
            yield cursor

    def violated(self, error: Exception) -> str:
        """Name of what refused: the guard's word, or `table.column` of a unique key."""
        text = str(error)
        return text.removeprefix("UNIQUE constraint failed: ").split(",")[0].strip()

    def is_conflict(self, error: Exception) -> bool:
        """True for 'database is locked', which the single writer makes all but impossible."""
        return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)

    def is_cut_off(self, _error: BaseException) -> bool:
        """False: there is no connection that could be lost."""
        return False

    def lease_now(self, _cursor: Any) -> int | None:
        """None: on SQLite the one process' clock is the clock of leases."""
        return None

    def lock_events(self, _cursor: Any) -> None:
        """Nothing to do: there is only one writer."""

    def try_lock(self, _cursor: Any, _key: int) -> bool:
        """True: the single writer already excludes a twin."""
        return True

    def notify(self, _cursor: Any) -> None:
        """Nothing to do: the only process is woken directly."""

    def tell(self, _cursor: Any, _topic: str, _words: str) -> None:
        """Nobody to tell."""

    def writing(self, cursor: Any) -> tuple[int, int] | None:
        """Inside of `write`: the number of this turn at the writer, and a number that changes with each commit by any other
        connection. If both say so, nothing was written since one's own turn before.
        """
        return self._writings, int(cursor.execute("PRAGMA data_version").fetchone()[0])

    def guards(self, cursor: Any) -> set[str]:
        """Names of the triggers present."""
        return {r[0] for r in cursor.execute("SELECT name FROM sqlite_master WHERE type='trigger'")}

    def close(self) -> None:
        """Close all connections; the last one checkpoints the write-ahead log.

        Waits for a write that is open in another thread: closing under it would crash the interpreter.
        """
        self._files.close_reading()
        if not self._lock.acquire(timeout=CLOSE_PATIENCE_S):
            return  # whoever hangs keeps the connection; the end of the process closes it
        try:
            self._closed = True
            self._files.close_writing()
        finally:
            self._lock.release()


class Postgres:
    """PostgreSQL: any number of processes share it; constraints and row locks decide."""

    name = "postgresql"
    dialect: Any = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]

    def __init__(self, url: str, pool: int = 16, frozen_s: int = FROZEN_S) -> None:
        import psycopg

        self.integrity = psycopg.IntegrityError
        self.failure = psycopg.Error
        self.unfit = (psycopg.DataError, OverflowError, UnicodeError)
        self._lost = psycopg.OperationalError
        parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
        self.url = parsed
        self.token = os.urandom(6).hex()
        """Tells our own notices from those of other processes."""
        # A frozen process (a paused machine) must not hold what all others wait for: its transaction is ended.
        thaw = f"-c idle_in_transaction_session_timeout={frozen_s * 1000}"
        options = "-c default_transaction_isolation=repeatable\\ read -c default_transaction_read_only=on"
        self.writer, self.reader = (
            sa.create_engine(
                parsed, pool_size=pool, max_overflow=4, connect_args={"options": one, **patience(parsed)}
            )
            for one in (thaw, options)
        )
        self._doubted = 0.0
        for engine in (self.writer, self.reader):
            event.listen(engine, "checkin", self._rests)
            event.listen(engine, "checkout", self._is_alive)

    @staticmethod
    def _rests(_connection: Any, record: Any) -> None:
        record.info["rests"] = time.monotonic()

    def _is_alive(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Ask a connection that has rested for a while, or since before one was lost; the pool replaces a dead one."""
        rests = record.info.get("rests")
        if rests is None or (time.monotonic() - rests < RESTED_S and rests > self._doubted):
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except self.failure:
            raise sa.exc.DisconnectionError from None

    @contextmanager
    def write(self) -> Iterator[Any]:
        """A READ COMMITTED transaction: each statement sees what was committed before it."""
        connection: Any = self.writer.raw_connection()
        try:
            cursor = connection.cursor()
            try:
                yield cursor
                connection.commit()
            except BaseException as error:
                if self.is_cut_off(error):
                    self._doubted = time.monotonic()
                    connection.invalidate()
                else:
                    connection.rollback()
                raise
            finally:
                cursor.close()
        finally:
            connection.close()

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A REPEATABLE READ, read-only snapshot."""
        connection: Any = self.reader.raw_connection()
        try:
            cursor = connection.cursor()
            try:
                yield cursor
            except BaseException as error:
                if self.is_cut_off(error):
                    self._doubted = time.monotonic()
                    connection.invalidate()
                raise
            finally:
                if connection.is_valid:
                    connection.rollback()
                cursor.close()
        finally:
            connection.close()

    def violated(self, error: Exception) -> str:
        """Name of the constraint that refused."""
        diag = getattr(error, "diag", None)
        return str(getattr(diag, "constraint_name", None) or type(error).__name__)

    def is_conflict(self, error: Exception) -> bool:
        """True for deadlock (40P01) and serialisation failure (40001): try the transaction again."""
        return getattr(error, "sqlstate", None) in ("40P01", "40001")

    def is_cut_off(self, error: BaseException) -> bool:
        """True if the connection is gone: the server went away, or took the transaction from a frozen process."""
        cause = getattr(error, "orig", error)  # SQLAlchemy wraps what fails while a connection is made
        state = getattr(cause, "sqlstate", None)
        if state is None:
            return isinstance(cause, self._lost)
        return state.startswith("08") or state in ("25P03", "57P01", "57P02", "57P03")

    def lease_now(self, cursor: Any) -> int | None:
        """The database's clock in epoch seconds: nodes' clocks may differ, leases must not."""
        cursor.execute("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
        return int(cursor.fetchone()[0])

    def lock_events(self, cursor: Any) -> None:
        """Wait for the append lock; held until commit, so event numbers become visible in order."""
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (EVENT_LOCK,))

    def try_lock(self, cursor: Any, key: int) -> bool:
        """True if nobody else holds the advisory lock `key` (63 bits) in an open transaction."""
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (key,))
        return bool(cursor.fetchone()[0])

    def notify(self, cursor: Any) -> None:
        """Wake the other processes when this transaction commits."""
        cursor.execute(f"NOTIFY praxisd, '{self.token}'")

    def tell(self, cursor: Any, topic: str, words: str) -> None:
        """Tell the other processes something when this transaction commits; `TOLD_MOST` bytes at most."""
        cursor.execute("SELECT pg_notify('praxisd', %s)", (f"{self.token} {topic} {words}",))

    def writing(self, _cursor: Any) -> tuple[int, int] | None:
        """None: others write at the same time."""
        return None

    def guards(self, cursor: Any) -> set[str]:
        """Names of exclusion constraints and triggers present."""
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'x'")
        return {r[0] for r in cursor.fetchall()}

    def close(self) -> None:
        """Close all pooled connections."""
        self.reader.dispose()
        self.writer.dispose()


Engine = Sqlite | Postgres


def connect(url: str | None, folder: Path, frozen_s: int = FROZEN_S) -> Engine:
    """The engine for `database_url`, or the SQLite file `praxisd.db` in the data folder when there is none; after a move
    that of the new place (`database_at`). Problems (503): `store.database_away`, `store.place_unreadable`.
    """
    path = sqlite_file(url, folder)
    if path is None:
        return Postgres(database_at.address(url, folder) or "", frozen_s=frozen_s)
    database_at.require(path, folder)
    return Sqlite(path)


def sqlite_file(url: str | None, folder: Path) -> Path | None:
    """The file that `connect` opens, or None where the database is a PostgreSQL; `config.invalid` (400)."""
    found = database_at.in_force(url, folder)
    if found is not None:
        return found.path
    if not url:
        return folder / database_at.FILE
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # neither may be quoted: they hold the password
        raise Problem(
            "config.invalid", 400, detail="database_url: not readable", file="database_url"
        ) from None
    return Path(parsed.database or "") if parsed.drivername == "sqlite" else None
