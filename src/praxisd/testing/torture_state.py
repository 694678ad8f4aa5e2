"""What the database holds, read with the bare drivers: the checker must not lean on the code it checks."""

import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TAG = re.compile(r"tag-[0-9a-f]+-[0-9]+")
"""The word each booking carries somewhere in its document."""
OCCUPYING = frozenset(("pending", "booked", "arrived", "fulfilled"))


@dataclass(frozen=True)
class Kept:
    """An appointment as it is stored; `tags` are all tags found in its document."""

    id: str
    version: int
    status: str
    start: int
    end: int
    schedules: tuple[str, ...]
    before: int
    after: int
    service: str | None
    portal: str | None
    replaces: str | None
    tags: frozenset[str]


@dataclass(frozen=True)
class Busy:
    """A row of `calendar_busy`."""

    schedule: str
    start: int
    end: int
    kind: str
    exclusive: bool
    owner: str


@dataclass(frozen=True)
class Noted:
    """An event about an appointment; `status` is the one it brought about."""

    seq: int
    type: str
    appointment: str
    version: int
    status: str | None


@dataclass(frozen=True)
class State:
    """All that one consistent look at the database showed. `groups`: schedules of each group, by service."""

    appointments: dict[str, Kept]
    busy: tuple[Busy, ...]
    events: tuple[Noted, ...]
    holds: frozenset[str]
    reservations: dict[str, tuple[int, int, frozenset[str]]]
    groups: dict[str, tuple[frozenset[str], ...]]
    faults: tuple[str, ...] = field(default=())


def sqlite_state(path: Path) -> State:
    """The state in a SQLite file no server has open, read from a copy with its log: the server must recover it itself."""
    with tempfile.TemporaryDirectory(prefix="praxisd-look-") as folder:
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copy(path.with_name(path.name + suffix), Path(folder) / ("look.db" + suffix))
        with closing(sqlite3.connect(Path(folder) / "look.db")) as connection:
            words = [str(r[0]) for r in connection.execute("PRAGMA integrity_check")]
            words += [f"foreign key: {r}" for r in connection.execute("PRAGMA foreign_key_check")]
            return _state(lambda sql: connection.execute(sql), tuple(w for w in words if w != "ok"))


def postgres_state(url: str) -> State:
    """The state in a PostgreSQL database, in one snapshot; servers may be at work."""
    import psycopg

    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, options="-c default_transaction_isolation=repeatable\\ read") as connection:
        return _state(lambda sql: connection.execute(sql.encode()), ())


def _state(ask: Callable[[str], Any], faults: tuple[str, ...]) -> State:
    # The first statement fixes the snapshot on both engines only inside a transaction.
    appointments = {row.id: row for row in _appointments(ask("SELECT doc FROM calendar_appointment"))}
    busy = tuple(
        Busy(r[0], int(r[1]), int(r[2]), r[3], bool(r[4]), r[5])
        for r in ask('SELECT schedule, start, "end", kind, exclusive, owner FROM calendar_busy')
    )
    events = tuple(
        Noted(int(r[0]), r[1], r[2], int(r[3]), json.loads(r[4]).get("codes", {}).get("status"))
        for r in ask(
            "SELECT seq, type, subject_id, version, detail FROM kernel_event"
            " WHERE subject_type = 'Appointment' ORDER BY seq"
        )
    )
    holds = frozenset(r[0] for r in ask("SELECT id FROM calendar_hold"))
    reservations = {}
    for (text,) in ask("SELECT doc FROM calendar_reservation"):
        doc = json.loads(text)
        reservations[doc["id"]] = (doc["start"], doc["end"], frozenset(doc["schedules"]))
    groups = {}
    for (text,) in ask("SELECT doc FROM calendar_service"):
        doc = json.loads(text)
        groups[doc["id"]] = tuple(frozenset(g) for g in doc.get("groups", ()))
    return State(appointments, busy, events, holds, reservations, groups, faults)


def _appointments(rows: Any) -> Iterator[Kept]:
    for (text,) in rows:
        doc = json.loads(text)
        yield Kept(
            id=doc["id"],
            version=doc["version"],
            status=doc["status"],
            start=doc["start"],
            end=doc["end"],
            schedules=tuple(doc.get("schedules", ())),
            before=doc.get("bufferBefore", 0),
            after=doc.get("bufferAfter", 0),
            service=doc.get("service"),
            portal=doc.get("portal"),
            replaces=doc.get("replaces"),
            tags=frozenset(TAG.findall(text)),
        )
