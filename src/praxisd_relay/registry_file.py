"""`hub.sqlite`: where a hub keeps its practices and codes, and what other programs changed in it.

The hub and the commands open the same file. Every change gets the next `seq`, so that a look at what is new costs one
pragma, and one small query when something is. WAL with `synchronous=FULL`: a revocation survives the power cut after it.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from praxisd_relay import hub_files
from praxisd_relay.records import Code, Practice, Record, key_of

VERSION = 2
BUSY_SECONDS = 5.0
_TABLES = """
CREATE TABLE practice (
    id TEXT PRIMARY KEY, key BLOB NOT NULL, label TEXT NOT NULL, turn INTEGER NOT NULL, since INTEGER NOT NULL,
    alias_of TEXT NOT NULL, closed INTEGER NOT NULL, names TEXT NOT NULL, stamp INTEGER NOT NULL, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX practice_seq ON practice (seq);
CREATE TABLE code (
    hash TEXT PRIMARY KEY, label TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, tries INTEGER NOT NULL,
    used_by TEXT NOT NULL, used_at INTEGER NOT NULL, stamp INTEGER NOT NULL, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX code_seq ON code (seq);
CREATE TABLE usage (
    id TEXT NOT NULL, hour INTEGER NOT NULL, streams INTEGER NOT NULL, received INTEGER NOT NULL, sent INTEGER NOT NULL,
    seen INTEGER NOT NULL, PRIMARY KEY (id, hour)
) WITHOUT ROWID;
CREATE INDEX usage_hour ON usage (hour);
CREATE TABLE seq (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
INSERT INTO seq VALUES (1, 0);
"""
_COLUMNS_2 = (
    "ALTER TABLE practice ADD COLUMN shut INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE practice ADD COLUMN came_from TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE practice ADD COLUMN came_at INTEGER NOT NULL DEFAULT 0",
)
_NEW_PRACTICES = (
    "SELECT id, key, label, turn, since, alias_of, closed, names, stamp, shut, came_from, came_at FROM practice"
    " WHERE seq > ? ORDER BY seq"
)
_NEW_CODES = (
    "SELECT hash, label, since, until, tries, used_by, used_at, stamp FROM code WHERE seq > ? ORDER BY seq"
)
_COUNT = (
    "INSERT INTO usage VALUES (?,?,?,?,?,?) ON CONFLICT (id, hour) DO UPDATE SET"
    " streams = streams + excluded.streams, received = received + excluded.received,"
    " sent = sent + excluded.sent, seen = max(seen, excluded.seen)"
)
_FORGET = (
    "DELETE FROM usage WHERE (id, hour) IN (SELECT id, hour FROM usage AS old WHERE hour < ? AND EXISTS"
    " (SELECT 1 FROM usage AS later WHERE later.id = old.id AND later.hour > old.hour) LIMIT ?)"
)
MOST_FORGOTTEN = 2000
_CODE = ("hash", "label", "since", "until", "tries", "used_by", "used_at", "stamp")


class NewerFile(RuntimeError):
    """The file was written by a newer version of this program."""


class RegistryFile:
    """One connection, for one thread."""

    def __init__(self, path: Path, busy_s: float = BUSY_SECONDS) -> None:
        """Opens the file, and makes it (0600) where there is none. Raises sqlite3.Error, OSError, NewerFile."""
        hub_files.create(path)
        self._db = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        with self.writing():
            found = self._one("PRAGMA user_version")
            if found > VERSION:
                raise NewerFile(str(found))
            if found == 0:
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._db.execute(statement)
            if found < VERSION:
                for statement in _COLUMNS_2:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={VERSION}")
        self._data_version = -1

    def close(self) -> None:
        """Done with it."""
        self._db.close()

    def _one(self, query: str, *args: Any) -> Any:
        return self._db.execute(query, args).fetchone()[0]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, of which there is one at a time over all programs."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def others_wrote(self) -> bool:
        """Has another connection committed since the last call? True at the first one."""
        found = self._one("PRAGMA data_version")
        if found == self._data_version:
            return False
        self._data_version = found
        return True

    def since(self, seq: int) -> tuple[int, list[Record]]:
        """All records changed after `seq`, and the last `seq` of the file."""
        found: list[Record] = [
            Practice(
                id=row[0],
                key=row[1],
                label=row[2],
                turn=row[3],
                since=row[4],
                alias_of=row[5],
                closed=bool(row[6]),
                names=tuple(json.loads(row[7])) if row[7] else (),
                stamp=row[8],
                shut=row[9],
                came_from=row[10],
                came_at=row[11],
            )
            for row in self._db.execute(_NEW_PRACTICES, (seq,))
        ]
        found += [Code(**dict(zip(_CODE, row, strict=True))) for row in self._db.execute(_NEW_CODES, (seq,))]
        return self._one("SELECT last FROM seq"), found

    def get(self, record_key: tuple[str, str]) -> Record | None:
        """The record as it is in the file now; inside `writing` nobody changes it meanwhile."""
        kind, name = record_key
        if kind == "practice":
            row = self._db.execute("SELECT seq FROM practice WHERE id = ?", (name,)).fetchone()
        else:
            row = self._db.execute("SELECT seq FROM code WHERE hash = ?", (name,)).fetchone()
        if row is None:
            return None
        _, near = self.since(row[0] - 1)
        return next(one for one in near if key_of(one) == record_key)

    def put(self, record: Record) -> None:
        """Write one record; inside `writing` only."""
        self._db.execute("UPDATE seq SET last = last + 1")
        seq = self._one("SELECT last FROM seq")
        if isinstance(record, Practice):
            values = (
                record.id,
                record.key,
                record.label,
                record.turn,
                record.since,
                record.alias_of,
                int(record.closed),
                json.dumps(record.names) if record.names else "",
                record.stamp,
                seq,
                record.shut,
                record.came_from,
                record.came_at,
            )
            self._db.execute("INSERT OR REPLACE INTO practice VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", values)
        else:
            row = tuple(getattr(record, name) for name in _CODE)
            self._db.execute("INSERT OR REPLACE INTO code VALUES (?,?,?,?,?,?,?,?,?)", (*row, seq))

    def count(self, rows: list[tuple[str, int, int, int, int, int]]) -> None:
        """Add counters: (id, hour since 1970, streams, bytes received, bytes sent, last linked at)."""
        with self.writing():
            self._db.executemany(_COUNT, rows)

    def forget(self, hour: int, second: int) -> int:
        """Drop some counters of before `hour` (the last of each id stays), and codes that ended before `second`.

        Returns how many counters went; call it again until there are none, so that nobody waits long for the file.
        """
        with self.writing():
            self._db.execute("DELETE FROM code WHERE until < ? AND used_at < ?", (second, second))
            return self._db.execute(_FORGET, (hour, MOST_FORGOTTEN)).rowcount

    def usage(self, from_hour: int) -> dict[str, tuple[int, int, int, int]]:
        """Per id: streams, bytes received and sent from that hour on, and when it was last linked."""
        query = (
            "SELECT id, sum(CASE WHEN hour >= ?1 THEN streams ELSE 0 END), sum(CASE WHEN hour >= ?1 THEN received ELSE 0 END),"
            " sum(CASE WHEN hour >= ?1 THEN sent ELSE 0 END), max(seen) FROM usage GROUP BY id"
        )
        return {row[0]: row[1:] for row in self._db.execute(query, (from_hour,))}
