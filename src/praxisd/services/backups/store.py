"""Tables of the backups. All rows belong to the installation: one server is backed up, whatever practices it serves.

Each row is a document of `model/backup_kept.py` under its id; columns beside it are what is asked for.
"""

from typing import Generic, TypeVar

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, table, upsert
from praxisd.model.backup_kept import (
    Answer,
    Drive,
    LogCheck,
    MediumKept,
    MoveKept,
    PlanKept,
    RunKept,
    Secret,
    SnapshotKept,
    SourceKept,
    StayKept,
    Wrap,
)

D = TypeVar("D", bound=msgspec.Struct)


class Documents(Generic[D]):
    """A table of documents of one type. The transaction is bound to the installation by whoever calls."""

    def __init__(self, name: str, kind: type[D], *columns: str) -> None:
        self.name = name
        self._kind = kind
        self._table = table(
            name,
            sa.Column("id", sa.Text, nullable=False),
            *(sa.Column(column, sa.Text, nullable=False) for column in columns),
            sa.Column("doc", sa.Text, nullable=False),
            sa.Column("at", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint("organization", "id"),
            *((sa.Index(f"{name}_medium", "organization", "medium", "at"),) if "medium" in columns else ()),
            *((sa.Index(f"{name}_at", "organization", "at"),) if "kind" in columns else ()),
        )
        row = self._table.c
        asked = sa.select(row.doc).where(mine(self._table))
        self._one = prepared(asked.where(row.id == sa.bindparam("id")))
        self._all = prepared(asked.order_by(row.at, row.id))
        self._newest = prepared(
            asked.where(row.at < sa.bindparam("before"))
            .order_by(row.at.desc(), row.id.desc())
            .limit(sa.bindparam("most"))
        )
        self._remove = prepared(sa.delete(self._table).where(mine(self._table), row.id == sa.bindparam("id")))
        self._put = upsert(self._table, ("organization", "id"))
        self._by = {
            column: prepared(
                asked.where(row[column] == sa.bindparam("value"), row.at < sa.bindparam("before"))
                .order_by(row.at.desc(), row.id.desc())
                .limit(sa.bindparam("most"))
            )
            for column in columns
        }

    def get(self, tx: Tx, id: str) -> D | None:
        """The document of this id."""
        for (doc,) in tx.tuples(self._one, organization=INSTALLATION, id=id):
            return self._read(doc)
        return None

    def all(self, tx: Tx) -> list[D]:
        """All documents, oldest first."""
        return [self._read(doc) for (doc,) in tx.tuples(self._all, organization=INSTALLATION)]

    def newest(self, tx: Tx, most: int, *, before: int | None = None) -> list[D]:
        """At most so many, newest first; `before` an instant (exclusive) to page on."""
        found = tx.tuples(
            self._newest, organization=INSTALLATION, most=most, before=_END if before is None else before
        )
        return [self._read(doc) for (doc,) in found]

    def by(
        self, tx: Tx, column: str, value: str, *, most: int = 10_000, before: int | None = None
    ) -> list[D]:
        """Those whose column (`medium`, `kind`, `state`) has this value, newest first."""
        found = tx.tuples(
            self._by[column],
            organization=INSTALLATION,
            value=value,
            most=most,
            before=_END if before is None else before,
        )
        return [self._read(doc) for (doc,) in found]

    def put(self, tx: Tx, id: str, document: D, *, at: int, **columns: str) -> None:
        """Write it under this id, in place of what was there."""
        doc = msgspec.json.encode(document).decode()
        tx.run(self._put, organization=INSTALLATION, id=id, doc=doc, at=at, **columns)

    def remove(self, tx: Tx, id: str) -> None:
        """Take it away."""
        tx.run(self._remove, organization=INSTALLATION, id=id)

    def _read(self, doc: str) -> D:
        return msgspec.json.decode(doc, type=self._kind)


_END = 1 << 62
PLAN = Documents("backups_plan", PlanKept)
"""One row, id "plan"; earlier plans are in the audit."""
DRIVE = Documents("backups_drive", Drive)
"""Where media show up, and the targets that are always there (NAS, remote, folder)."""
MEDIUM = Documents("backups_medium", MediumKept)
STAY = Documents("backups_stay", StayKept, "medium")
"""Where a medium was, who said so: grows only."""
SOURCE = Documents("backups_source", SourceKept)
"""What is copied besides praxisd's own data, and what a person left out, each with its reason; id is the name."""
SECRET = Documents("backups_secret", Secret)
"""Passwords by number („Kennwort Nr. 3“), and the recovery keys; id is the number, for these "recovery/<no>"."""
WRAP = Documents("backups_wrap", Wrap, "medium")
"""Which password opens which medium, since when and until when; id is "<medium>/<id of the secret>"."""
RUN = Documents("backups_run", RunKept, "kind", "state")
"""Runs of every kind. `at` is when it was asked for."""
SNAPSHOT = Documents("backups_snapshot", SnapshotKept, "medium")
"""States on the media, also those that are gone. `at` is when it was taken."""
CHECK = Documents("backups_check", LogCheck)
"""Who has looked at the log; id is the backup day."""
ANSWER = Documents("backups_answer", Answer)
"""What the form asks and nobody can measure; id is the question."""
MOVE = Documents("backups_move", MoveKept)
"""Moves of the server to another computer; id is that of the move."""
TABLES = tuple(
    one.name for one in (PLAN, DRIVE, MEDIUM, STAY, SOURCE, SECRET, WRAP, RUN, SNAPSHOT, CHECK, ANSWER, MOVE)
)
