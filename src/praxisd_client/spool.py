"""What the log has to say while no server is there: a small SQLite file, bounded, numbered for ever.

Numbers only grow, also when the file is lost: a new one begins at the microseconds since 1970, and nobody logs more than a
million entries a second. The server keeps each (seat, number) once, so that what is sent twice is there once.
"""

import json
import os
import sqlite3
import threading
import time
from typing import Any

MOST = 50_000
"""Entries kept; the oldest give way, and an entry says how many."""
DROPPED = "client.entries_dropped"
_TABLE = """
CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL, dropped INTEGER NOT NULL);
"""


class Spool:
    """Any thread may use it. `path` None: in memory only. A file belongs to one seat; its programs may share it."""

    def __init__(self, path: str | os.PathLike[str] | None = None, most: int = MOST) -> None:
        self.most = most
        self._lock = threading.Lock()
        name = ":memory:" if path is None else os.fspath(path)
        if path is not None and not os.path.exists(name):
            os.close(os.open(name, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(name, timeout=10, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLE)
        self._db.execute("INSERT OR IGNORE INTO state VALUES (1, ?, 0)", (int(time.time() * 1_000_000),))

    def put(self, body: dict[str, Any]) -> int:
        """Keep an entry; its number. After this returns, the end of the program does not lose it."""
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                number = self._number()
                self._db.execute("INSERT INTO entry VALUES (?, ?)", (number, text))
                self._bound()
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return number

    def _number(self) -> int:
        (number,) = self._db.execute("UPDATE state SET next = next + 1 RETURNING next - 1").fetchone()
        return int(number)

    def _bound(self) -> None:
        """Let the oldest go, a hundredth at once, and count them."""
        (held,) = self._db.execute(
            "SELECT max(seq) - min(seq) + 1 FROM entry"
        ).fetchone()  # they go oldest first
        if held > self.most:
            over = held - self.most + self.most // 100
            self._db.execute(
                "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry ORDER BY seq LIMIT ?)", (over,)
            )
            self._db.execute("UPDATE state SET dropped = dropped + ?", (over,))

    def batch(self, most: int = 200, most_bytes: int = 48_000) -> list[dict[str, Any]]:
        """The oldest entries with their numbers (`seq`), as many as one message carries."""
        with self._lock:
            rows = self._db.execute("SELECT seq, body FROM entry ORDER BY seq LIMIT ?", (most,)).fetchall()
        found, size = list[dict[str, Any]](), 0
        for number, text in rows:
            size += len(text.encode()) + 30
            if found and size > most_bytes:
                break
            found.append({"seq": number, **json.loads(text)})
        return found

    def done(self, numbers: list[int]) -> None:
        """The server has these."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM entry WHERE seq = ?", [(one,) for one in numbers])
            self._db.execute("COMMIT")

    def take_dropped(self) -> int:
        """How many entries had to give way since this was last asked."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            (number,) = self._db.execute("SELECT dropped FROM state").fetchone()
            if number:
                self._db.execute("UPDATE state SET dropped = 0")
            self._db.execute("COMMIT")
        return int(number)

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM entry").fetchone()[0])

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self._lock:
            self._db.close()
