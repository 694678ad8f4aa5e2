"""Digests of files that have not changed since they were read, so that a day's run reads only what is new."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from praxisd.services.backups.sources.walking import Print

RIPE_NS = 2_000_000_000
"""A file that was written only just now may be written again within the same tick of its clock: not remembered. Nanoseconds."""
_MAKE = """
CREATE TABLE IF NOT EXISTS digest(path BLOB PRIMARY KEY, size INT, changed INT, entry INT, number TEXT, digest TEXT) WITHOUT ROWID
"""


class Digests:
    """Use as a context. A file that is broken, or cannot be written, is only a slower run. `path` None: nothing is remembered."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._db: sqlite3.Connection | None = None
        self._known: dict[bytes, tuple[int, int, int, str, str]] = {}
        self._fresh: dict[bytes, tuple[int, int, int, str, str]] = {}
        self._met: set[bytes] = set()

    def __enter__(self) -> "Digests":
        if self._path is not None:
            try:
                self._open(self._path)
            except (sqlite3.Error, OSError):
                self._drop(self._path)
                with contextlib.suppress(sqlite3.Error, OSError):
                    self._open(self._path)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error), self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO digest VALUES(?, ?, ?, ?, ?, ?)",
                    [(path, *row) for path, row in self._fresh.items()],
                )
            self._db.close()
            self._db = None

    def of(self, path: str, known: Print) -> str | None:
        """The digest of this file as it is now, or None."""
        key = os.fsencode(path)
        self._met.add(key)
        found = self._known.get(key)
        return found[4] if found is not None and found[:4] == _row(known) else None

    def keep(self, path: str, known: Print, digest: str) -> None:
        """Remember it."""
        if max(known[1], known[2]) < int(self._now() * 1e9) - RIPE_NS:
            self._fresh[os.fsencode(path)] = (*_row(known), digest)

    def forget_others(self) -> None:
        """Those that were not asked for since: they are gone."""
        if self._db is not None:
            gone = [(one,) for one in self._known.keys() - self._met]
            with contextlib.suppress(sqlite3.Error), self._db:
                self._db.executemany("DELETE FROM digest WHERE path = ?", gone)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path)
        self._db.execute(_MAKE)
        asked = "SELECT path, size, changed, entry, number, digest FROM digest"
        self._known = {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in self._db.execute(asked)}
        os.chmod(path, 0o600)

    def _drop(self, path: Path) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        with contextlib.suppress(OSError):
            path.unlink()


def _row(known: Print) -> tuple[int, int, int, str]:
    """A number of a file may be larger than what SQLite calls an integer."""
    return known[0], known[1], known[2], str(known[3])
