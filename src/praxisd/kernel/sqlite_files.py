"""The connections to one file of SQLite: one that writes, and those that read. A move exchanges all of them at once.

Each reader is counted while it reads, so that who moves the database knows when nobody uses the old file any more.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

WRITING = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", "mmap_size=0")
READING = ("query_only=ON", "busy_timeout=10000", "mmap_size=0")
_LOOK_S = 0.005


class Files:
    """Connections are made when they are first asked for. `patience_s`: how long a writer is waited for."""

    def __init__(self, path: Path, patience_s: float) -> None:
        self.path = path
        make_private(path)
        url = sa.URL.create("sqlite", database=str(path))
        self.writer = sa.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=patience_s)
        # The one that was used last is used next: what a connection keeps (pages, up to 128 statements) is kept by few of them.
        self.reader = sa.create_engine(url, pool_size=16, max_overflow=16, pool_use_lifo=True)
        _prepare(self.writer, WRITING)
        _prepare(self.reader, READING)
        self._connection: Any = None
        self._counting = threading.Lock()
        self._inside = 0

    def writing(self) -> Any:
        """The one connection that writes; only for who holds the writer's lock."""
        if self._connection is None:
            self._connection = self.writer.raw_connection()
        return self._connection

    def enter(self) -> None:
        """Somebody begins to read here."""
        with self._counting:
            self._inside += 1

    def leave(self) -> None:
        """And has ended."""
        with self._counting:
            self._inside -= 1

    def unread(self, patience_s: float) -> bool:
        """True once nobody reads here any more; False after so many seconds. Only after the exchange: none comes then."""
        until = time.monotonic() + patience_s
        while True:
            with self._counting:
                if not self._inside:
                    return True
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)

    def close_reading(self) -> None:
        """Close the readers' connections that rest."""
        self.reader.dispose()

    def close_writing(self) -> None:
        """Close the writer; the last connection takes the write-ahead log in. Only for who holds the writer's lock."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.writer.dispose()


@contextmanager
def reading(files: Files) -> Iterator[Any]:
    """A cursor in a read transaction; `files.enter()` was called before, and is answered here."""
    try:
        connection = files.reader.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("BEGIN")
            try:
                yield cursor
            finally:
                cursor.execute("ROLLBACK")
                cursor.close()
        finally:
            connection.close()
    finally:
        files.leave()


def _prepare(engine: sa.Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute("PRAGMA " + pragma)


def make_private(path: Path) -> None:
    """Make a new database file with mode 0600, whatever the umask; SQLite gives its -wal and -shm the same."""
    if path.parent.is_dir():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
