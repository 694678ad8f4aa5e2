"""The book of one process: the log database opened when it is first needed, and one thread that writes in batches.

Whoever gives entries learns that they are on disk only when they are; many who give at the same time share one commit.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING

from praxisd.kernel.engines import Postgres
from praxisd.kernel.errors import Problem
from praxisd.services.logbook import rules
from praxisd.services.logbook.rules import Kept
from praxisd.services.logbook.shelf import LOST, Batch, Shelf, Stored, Unavailable

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FILE = "log.db"
"""Its name in the data folder, with SQLite."""
GONE, REUSED = "logbook.unavailable", "logbook.seq_reused"
PATIENCE_S = 20.0
"""So long somebody waits for the disk."""
TOGETHER = 2_000
"""Entries of one transaction."""
AGAIN_S = 30.0
"""After a failure to open, it is tried again no sooner. Seconds."""
MOST_WAITING = 20_000
"""Entries that may wait in memory; more are refused, and their sources keep them."""
_SHARED = "logbook.book"
_making = threading.Lock()
_Job = tuple[Batch, "Future[Stored]"]


class Book:
    """`fault` is the engine's word for what is wrong, None while all is well."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None
        self._lost: list[Shelf] = []
        self._tried = 0.0
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._count = 0
        self._thread: threading.Thread | None = None
        self._ended = False
        self._closed = False
        self.fault: str | None = None
        several = isinstance(house.store.engine, Postgres)
        self.server = f"{rules.SERVER}-{socket.gethostname()[:60]}" if several else rules.SERVER

    @property
    def shelf(self) -> Shelf:
        """The log database; Problem `logbook.unavailable` (503)."""
        with self._lock:
            if self._shelf is None:
                if self._closed or (self.fault and time.monotonic() - self._tried < AGAIN_S):
                    raise unavailable()
                self._tried = time.monotonic()
                try:
                    self._shelf = self._opened()
                except Unavailable as error:
                    self._failed(error)
                    raise unavailable() from None
            return self._shelf

    def _opened(self) -> Shelf:
        engine = self._house.store.engine
        if isinstance(engine, Postgres):
            from praxisd.services.logbook.postgres_store import PostgresShelf

            return PostgresShelf(engine.url)
        from praxisd.services.logbook.sqlite_store import SqliteShelf

        return SqliteShelf(self._house.folder / FILE)

    def _failed(self, error: Unavailable) -> None:
        if self.fault is None:
            self._house.log.error("logbook_unavailable", code=error.code)
        self.fault = error.code

    def _begun_anew(self) -> None:
        """Somebody deleted the file while it was open: a new one is begun, and the old connections are let alone, since closing
        them would delete what lies beside the new one.
        """
        self._house.log.error("logbook_file_lost")
        with self._lock:
            file = self._house.folder / FILE
            if self._shelf is not None and not file.exists():
                for end in ("-wal", "-shm"):
                    file.with_name(FILE + end).unlink(missing_ok=True)
                self._lost.append(self._shelf)
                self._shelf = None

    def _put(self, batches: Sequence[Batch]) -> list[Stored]:
        try:
            return self.shelf.put(batches)
        except Unavailable as error:
            if error.code != LOST:
                raise
        self._begun_anew()
        return self.shelf.put(batches)

    # --- in --------------------------------------------------------------------------------------------------------------

    def later(self, organization: str, source: str, rows: Sequence[Kept]) -> "Future[Stored]":
        """Give entries; the answer comes once they are on disk, or as the Problem that kept them from it."""
        job: Future[Stored] = Future()
        with self._lock:
            if self._ended or self._count > MOST_WAITING:
                job.set_exception(unavailable())
                return job
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="praxisd-logbook", daemon=True)
                self._thread.start()
            self._count += len(rows)
        self._waiting.put((Batch(organization, source, rows, self._house.clock.now_ms()), job))
        return job

    def take(self, organization: str, source: str, rows: Sequence[Kept]) -> Stored:
        """The same, waited for. Problems `logbook.unavailable` (503), `logbook.seq_reused` (409)."""
        try:
            return self.later(organization, source, rows).result(PATIENCE_S)
        except TooLate:
            raise unavailable() from None

    def _write(self) -> None:
        ending = False
        while not ending:
            first = self._waiting.get()
            jobs: list[_Job] = []
            size = 0
            while True:
                if first is None:
                    ending = True
                else:
                    jobs.append(first)
                    size += len(first[0].rows)
                if ending or size >= TOGETHER:
                    break
                try:
                    first = self._waiting.get_nowait()
                except queue.Empty:
                    break
            if jobs:
                with self._lock:
                    self._count -= size
                self._keep(jobs)

    def _keep(self, jobs: Sequence[_Job]) -> None:
        try:
            told = self._put([batch for batch, _ in jobs])
            self.fault = None
        except Exception as error:
            if isinstance(error, Unavailable):
                self._failed(error)
            elif not isinstance(error, Problem):
                self._house.log.error("logbook_write_failed", error=error)
            for _, job in jobs:
                job.set_exception(unavailable())
            return
        for (_, job), one in zip(jobs, told, strict=True):
            if one.reused is None:
                job.set_result(one)
            else:
                job.set_exception(Problem(REUSED, 409, seq=one.reused))

    def close(self) -> None:
        """What was given is written, then the database is closed."""
        with self._lock:
            self._ended = True
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(5.0)
        with self._lock:
            self._closed, shelf = True, self._shelf
        if shelf is not None:
            shelf.close()


def unavailable() -> Problem:
    """The log database cannot be used now."""
    return Problem(GONE, 503, retry=True)


def book_of(house: "House") -> Book:
    """The one book of this house, made when first asked for and closed with it."""
    found: Book | None = house.shared.get(_SHARED)
    if found is None:
        with _making:
            found = house.shared.get(_SHARED)
            if found is None:
                found = house.shared[_SHARED] = Book(house)
                closing: Callable[[], None] = found.close
                house.closers.append(closing)
    return found
