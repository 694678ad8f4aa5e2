"""log.db: the logbook in a SQLite file of its own, with full text. Never the patients' database.

`auto_vacuum` is set before the write-ahead log (afterwards it stays 0), and room is given back by `executescript`, since
`execute` frees one page only. `synchronous=FULL`: what was acknowledged is on disk, a seat drops it from its spool.
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from praxisd.services.logbook.shelf import (
    COLUMNS,
    LOST,
    SLICE,
    Batch,
    Figures,
    Line,
    SourceFacts,
    Stored,
    TooWide,
    Unavailable,
    Wanted,
    first_id,
    id_of,
)
from praxisd.services.logbook.sqlite_queries import GRADE, TERMS, endings, statements

VERSION = 1
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, no INTEGER NOT NULL UNIQUE, organization TEXT NOT NULL, source TEXT NOT NULL,
  seq INTEGER NOT NULL, at INTEGER NOT NULL, got INTEGER NOT NULL, level INTEGER NOT NULL, kind TEXT NOT NULL,
  code TEXT NOT NULL, fields TEXT NOT NULL, pseudo TEXT NOT NULL, text TEXT NOT NULL, private TEXT,
  grade TEXT GENERATED ALWAYS AS (char({ord(GRADE)}) || level) VIRTUAL,
  UNIQUE (organization, source, seq));
CREATE INDEX IF NOT EXISTS entry_level ON entry (level, id);
CREATE INDEX IF NOT EXISTS entry_code ON entry (code, level, id);
CREATE INDEX IF NOT EXISTS entry_source ON entry (source, level, id);
CREATE INDEX IF NOT EXISTS entry_private ON entry (id) WHERE private IS NOT NULL;
CREATE TABLE IF NOT EXISTS source (
  organization TEXT NOT NULL, source TEXT NOT NULL, upto INTEGER NOT NULL, first_got INTEGER NOT NULL,
  last_got INTEGER NOT NULL, stored INTEGER NOT NULL, PRIMARY KEY (organization, source));
CREATE VIRTUAL TABLE IF NOT EXISTS entry_words USING fts5(
  code, fields, pseudo, text, grade, content='entry', content_rowid='id', tokenize='unicode61 remove_diacritics 2');
PRAGMA user_version = {VERSION};
"""
_BEFORE_1 = f"""
BEGIN IMMEDIATE;
DROP TRIGGER IF EXISTS entry_in; DROP TRIGGER IF EXISTS entry_out; DROP TABLE entry_words;
DROP INDEX entry_code; DROP INDEX entry_source;
ALTER TABLE entry ADD COLUMN grade TEXT GENERATED ALWAYS AS (char({ord(GRADE)}) || level) VIRTUAL;
{SCHEMA}
INSERT INTO entry_words (entry_words) VALUES ('rebuild');
COMMIT;
"""  # noqa: S608
# One statement for all: row by row (by a trigger) the full text writes a piece of its index for each.
_INDEX = (
    "INSERT INTO entry_words (rowid, code, fields, pseudo, text, grade) "
    "SELECT id, code, fields, pseudo, text, grade FROM entry WHERE no > ? ORDER BY id"
)
_UNINDEX = (
    "INSERT INTO entry_words (entry_words, rowid, code, fields, pseudo, text, grade) "
    "SELECT 'delete', id, code, fields, pseudo, text, grade FROM entry WHERE id IN (SELECT value FROM json_each(?))"
)
_REMOVE = "DELETE FROM entry WHERE id IN (SELECT value FROM json_each(?))"
_UPTO = "SELECT upto FROM source WHERE organization = ? AND source = ?"
_INSERT = f"INSERT INTO entry ({COLUMNS}) VALUES ({', '.join('?' * len(Line._fields))})"  # noqa: S608
_KNOWN = "SELECT at, code, level FROM entry WHERE organization = ? AND source = ? AND seq = ?"
_SOURCE = """
INSERT INTO source VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (organization, source) DO UPDATE SET
  upto = max(upto, excluded.upto), last_got = max(last_got, excluded.last_got), stored = stored + excluded.stored"""
_FORGET = (
    "UPDATE entry SET private = NULL WHERE id IN (SELECT id FROM entry WHERE private IS NOT NULL "
    "AND organization NOT IN ({}) LIMIT ?)"
)
_MERGE = 500
_STEPS = 20_000


class SqliteShelf:
    """One writer connection under a lock, readers on connections of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            self._writer = self._opened()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise Unavailable(error.sqlite_errorname) from None
            self._set_aside()
            self._writer = self._opened()
        self._no = int(self._writer.execute("SELECT coalesce(max(no), 0) FROM entry").fetchone()[0])
        self._inode = self.path.stat().st_ino

    def _opened(self) -> sqlite3.Connection:
        found = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            found.execute("PRAGMA auto_vacuum = INCREMENTAL")
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "mmap_size = 0",
                "cache_size = -16000",
                "wal_autocheckpoint = 4000",
                "journal_size_limit = 67108864",
            ):
                found.execute(f"PRAGMA {pragma}")
            version = int(found.execute("PRAGMA user_version").fetchone()[0])
            old = (
                version < VERSION
                and found.execute("SELECT 1 FROM sqlite_master WHERE name = 'entry'").fetchone()
            )
            found.executescript(_BEFORE_1 if old else SCHEMA)
        except BaseException:
            found.close()
            raise
        return found

    def _set_aside(self) -> None:
        """A broken log must not keep a practice from working: it is put beside, for whoever wants to look into it."""
        mark = int(time.time())
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                one = self.path.with_name(self.path.name + end)
                one.rename(one.with_name(f"{self.path.name}.broken-{mark}{end}"))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise Unavailable("closed")
            self._still_there()
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise Unavailable(getattr(error, "sqlite_errorname", type(error).__name__)) from None

    def _still_there(self) -> None:
        """A file that somebody deleted or exchanged is written to no more: nothing of that would be there after a restart."""
        try:
            same = self.path.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise Unavailable(LOST)

    @contextmanager
    def _reading(self, seconds: float = 30.0) -> Iterator[sqlite3.Connection]:
        try:
            found = self._readers.pop()
        except IndexError:
            found = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            found.execute(TERMS)
            found.execute("PRAGMA query_only = ON")
        end = time.monotonic() + seconds
        found.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
        try:
            yield found
        except sqlite3.Error as error:
            found.close()
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            if name == "SQLITE_INTERRUPT":
                raise TooWide from None
            raise Unavailable(name) from None
        except BaseException:
            found.close()
            raise
        if self._closed:
            found.close()
        else:
            self._readers.append(found)

    # --- in --------------------------------------------------------------------------------------------------------------

    def put(self, batches: Sequence[Batch]) -> list[Stored]:
        """All in one transaction; a batch that uses a number again for something else is left out as a whole."""
        with self._writing() as there:
            no, fresh, told = self._no, [], []
            seen: dict[tuple[str, str, int], tuple[int, str, int]] = {}
            for batch in batches:
                new, known, reused = self._new(there, batch, seen)
                told.append(Stored(len(new), known, reused))
                for row in new:
                    no += 1
                    fresh.append(
                        (id_of(row.placed, no), no, batch.organization, batch.source, row.seq, row.at, batch.got, row.level,
                         row.kind, row.code, row.fields, row.pseudo, row.text, row.private)
                    )  # fmt: skip
                if reused is None:
                    top = max((row.seq for row in batch.rows), default=0)
                    there.execute(
                        _SOURCE, (batch.organization, batch.source, top, batch.got, batch.got, len(new))
                    )
            fresh.sort()  # the full text wants rising ids
            there.executemany(_INSERT, fresh)
            if fresh:
                there.execute(_INDEX, (self._no,))
        self._no = no
        return told

    @staticmethod
    def _new(
        there: sqlite3.Connection, batch: Batch, seen: dict[tuple[str, str, int], tuple[int, str, int]]
    ) -> tuple[list[Any], int, int | None]:
        """The rows that are not there yet, how many are, and the first number that stands for something else."""
        new: list[Any] = []
        mine: dict[tuple[str, str, int], tuple[int, str, int]] = {}
        top = there.execute(_UPTO, (batch.organization, batch.source)).fetchone()
        upto = 0 if top is None else int(top[0])
        for row in batch.rows:
            key = (batch.organization, batch.source, row.seq)
            facts = (row.at, row.code, row.level)
            before = mine.get(key) or seen.get(key)
            if before is None and row.seq <= upto:
                before = there.execute(_KNOWN, key).fetchone()
            if before is None:
                mine[key] = facts
                new.append(row)
            elif tuple(before) != facts and row.code != "logbook.unreadable":
                return [], 0, row.seq
        seen.update(mine)
        return new, len(batch.rows) - len(new), None

    # --- out -------------------------------------------------------------------------------------------------------------

    def find(self, wanted: Wanted, seconds: float) -> list[Line]:
        """The newest first; with `after` in order of arrival."""
        with self._reading(seconds) as there:
            found: list[Line] = []
            there.execute("BEGIN")  # the words that are looked up are those of the entries that are searched

            def first(sql: str, values: tuple[str]) -> tuple[str] | None:
                row: tuple[str] | None = there.execute(sql, values).fetchone()
                return row

            for sql, values in statements(wanted, partial(endings, first)):
                found += map(Line._make, there.execute(sql, values))
            there.execute("COMMIT")
        if wanted.after is not None:
            return sorted(found, key=lambda one: one.no)[: wanted.limit]
        return sorted(found, reverse=True)[: wanted.limit]

    def last_no(self) -> int:
        """The highest number of arrival."""
        return self._no

    def sources(self, organization: str) -> list[SourceFacts]:
        """All that ever sent to a practice, and the server."""
        with self._reading() as there:
            rows = there.execute(
                "SELECT source, upto, first_got, last_got, stored FROM source WHERE organization IN (?, '') ORDER BY source",
                (organization,),
            ).fetchall()
        return [SourceFacts._make(row) for row in rows]

    def figures(self) -> Figures:
        """How full it is."""
        with self._reading() as there:
            size, pages, free = (
                int(there.execute(f"PRAGMA {one}").fetchone()[0])
                for one in ("page_size", "page_count", "freelist_count")
            )
            levels = dict(there.execute("SELECT level, count(*) FROM entry GROUP BY level").fetchall())
            ends = there.execute("SELECT (SELECT min(id) FROM entry), (SELECT max(id) FROM entry)").fetchone()
        oldest, newest = (None if one is None else int(one) >> 21 for one in ends)
        return Figures((pages - free) * size, pages * size, levels, oldest, newest)

    def days(self, organization: str, first: int) -> list[tuple[int, int, int]]:
        """Warnings and errors by day."""
        with self._reading() as there:
            return there.execute(
                "SELECT (id >> 21) / 86400000, level, count(*) FROM entry WHERE level >= 30 AND id >= ? "
                "AND +organization IN (?, '') GROUP BY 1, 2 ORDER BY 1, 2",
                (first_id(first), organization),
            ).fetchall()

    # --- away ------------------------------------------------------------------------------------------------------------

    def purge(self, before: int, below: int, start: int) -> tuple[int, int]:
        """A slice of what is older."""
        with self._writing() as there:
            ids = there.execute(
                "SELECT id FROM entry WHERE id >= ? AND id < ? AND level < ? ORDER BY id LIMIT ?",
                (start, first_id(before), below, SLICE),
            ).fetchall()
            self._delete(there, ids)
        return len(ids), int(ids[-1][0]) + 1 if len(ids) == SLICE else 0

    def shrink(self, below: int, most: int) -> int:
        """A slice of the oldest."""
        with self._writing() as there:
            ids = there.execute(
                "SELECT id FROM entry WHERE level < ? ORDER BY id LIMIT ?", (below, min(SLICE, most))
            ).fetchall()
            self._delete(there, ids)
        return len(ids)

    @staticmethod
    def _delete(there: sqlite3.Connection, ids: list[Any]) -> None:
        if ids:  # deleted words take room until their pages are merged
            listed = json.dumps([int(one[0]) for one in ids])
            there.execute(_UNINDEX, (listed,))
            there.execute(_REMOVE, (listed,))
            there.execute("INSERT INTO entry_words (entry_words, rank) VALUES ('merge', ?)", (_MERGE,))

    def forget_private(self, organizations_with: Sequence[str]) -> int:
        """Patient values go where the switch is off."""
        marks = ", ".join("?" * len(organizations_with))
        with self._writing() as there:
            return there.execute(_FORGET.format(marks), (*organizations_with, SLICE)).rowcount

    def tidy(self, pages: int = 2_000) -> bool:
        """Give room back; `executescript`, since `execute` would free one page."""
        with self._lock:
            if self._closed:
                return False
            try:
                self._writer.executescript(f"PRAGMA incremental_vacuum({int(pages)})")
                left = int(self._writer.execute("PRAGMA freelist_count").fetchone()[0])
                if not left:
                    self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:
                raise Unavailable(getattr(error, "sqlite_errorname", type(error).__name__)) from None
        return left > 0

    def close(self) -> None:
        """The last connection folds the write-ahead log in."""
        with self._lock:
            if not self._closed:
                self._closed = True
                while self._readers:
                    self._readers.pop().close()
                self._writer.close()
