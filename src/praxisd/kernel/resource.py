"""Resource: a versioned record under its FHIR R4 name, kept as one row: keys and search columns beside its document.

Every save names the version it was made from (ETag) and, where another seat holds the record, is refused
without that seat's fence (SPEC 1.4, 9.1; HOUSE „Locks and ETags").
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from praxisd.kernel import leases
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import METADATA, Tx, insert, mine, prepared

R = TypeVar("R", bound=msgspec.Struct)


def resource_table(name: str, *columns: Any) -> sa.Table:
    """A table for one kind of record: organization, id, version, updated_at, doc, and the given search columns."""
    return sa.Table(
        name,
        METADATA,
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("doc", sa.Text, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name=f"{name}_id"),
    )


LOCKABLE: set[str] = set()
"""The kinds of records that may be locked: what was declared as `Records` so far."""


class Records(Generic[R]):
    """All records of one kind. `columns(record)` gives the values of the table's search columns.

    `lockable=False` for calendar records, which are never locked (HOUSE).
    """

    def __init__(
        self,
        kind: str,
        one: sa.Table,
        struct: type[R],
        columns: Callable[[R], Mapping[str, Any]] | None = None,
        *,
        lockable: bool = True,
    ) -> None:
        self.kind = kind
        self.table = one
        self.struct = struct
        self.lockable = lockable
        if lockable:
            LOCKABLE.add(kind)
        self._columns = columns or (lambda _r: {})
        self._decoder = msgspec.json.Decoder(struct)
        names = {c.name for c in one.columns} - {"organization", "id"}
        self._get = prepared(sa.select(one.c.doc).where(mine(one), one.c.id == sa.bindparam("id")))
        self._stamp = prepared(sa.select(one.c.updated_at).where(mine(one), one.c.id == sa.bindparam("id")))
        self._insert = insert(one)
        self._offer = insert(one, ignore=True)
        self._taken = prepared(sa.select(one.c.organization).where(one.c.id == sa.bindparam("id")))
        self._taken.across = True
        change = sa.update(one).where(
            mine(one), one.c.id == sa.bindparam("id"), one.c.version == sa.bindparam("expected")
        )
        self._save = prepared(change.values({n: sa.bindparam(n) for n in names}))
        self._delete = prepared(
            sa.delete(one).where(
                mine(one), one.c.id == sa.bindparam("id"), one.c.version == sa.bindparam("expected")
            )
        )

    def get(self, tx: Tx, id_: str) -> R | None:
        """The record, or None."""
        doc = tx.value(self._get, id=id_)
        return None if doc is None else self._decoder.decode(doc)

    def changed_at(self, tx: Tx, id_: str) -> int:
        """When the record was last saved, in epoch seconds (0 if there is none)."""
        return int(tx.value(self._stamp, id=id_) or 0)

    def need(self, tx: Tx, id_: str) -> R:
        """The record, or Problem `http.not_found` (404)."""
        found = self.get(tx, id_)
        if found is None:
            raise not_found(self.kind)
        return found

    def id_taken(self, tx: Tx, id_: str) -> bool:
        """True if the id is used anywhere in the installation (imported ids are kept only if free)."""
        return tx.value(self._taken, id=id_) is not None

    def decode(self, doc: str) -> R:
        """A record from its stored document."""
        return self._decoder.decode(doc)

    def insert(self, tx: Tx, record: Any) -> R:
        """Store a new record as version 1 and return it."""
        new = msgspec.structs.replace(record, version=1)
        tx.run(self._insert, **self._row(tx, new))
        return new  # type: ignore[no-any-return]

    def offer(self, tx: Tx, record: Any) -> R | None:
        """As `insert`; None where a unique value of it is taken. A taken one of another open transaction is waited for."""
        new = msgspec.structs.replace(record, version=1)
        return new if tx.run(self._offer, **self._row(tx, new)) == 1 else None

    def save(self, tx: Tx, record: Any, expected: int | None = None, fence: int | None = None) -> R:
        """Store a changed record and return it with its new version.

        `expected` is the version the change was made from; None takes the one in `record`. Raises
        `resource.stale` (412) when the stored version differs, `seats.locked` (423) when another holds
        the record's lock and `fence` is not the valid one, 404 when it is gone.
        """
        if self.lockable:
            leases.guard(tx, f"{self.kind}/{record.id}", fence)
        before = record.version if expected is None else expected
        new = msgspec.structs.replace(record, version=before + 1)
        if tx.run(self._save, expected=before, **self._row(tx, new)) != 1:
            self.need(tx, record.id)
            raise Problem("resource.stale", 412, kind=self.kind)
        return new  # type: ignore[no-any-return]

    def delete(self, tx: Tx, id_: str, expected: int, fence: int | None = None) -> None:
        """Remove a record; same refusals as `save`."""
        if self.lockable:
            leases.guard(tx, f"{self.kind}/{id_}", fence)
        if tx.run(self._delete, id=id_, expected=expected) != 1:
            self.need(tx, id_)
            raise Problem("resource.stale", 412, kind=self.kind)

    def page(
        self, tx: Tx, *conditions: Any, after: str | None = None, limit: int = 50
    ) -> tuple[list[R], str | None]:
        """Records in id order after `after`, and the cursor of the next page (None at the end)."""
        t = self.table
        query = sa.select(t.c.doc, t.c.id).where(mine(t), *conditions).order_by(t.c.id).limit(limit + 1)
        if after is not None:
            query = query.where(t.c.id > after)
        rows = tx.tuples(query)
        found = [self._decoder.decode(r[0]) for r in rows[:limit]]
        return found, (rows[limit - 1][1] if len(rows) > limit else None)

    def all(self, tx: Tx, *conditions: Any) -> list[R]:
        """All records that meet the conditions, in id order. For kinds that are few by nature."""
        t = self.table
        query = sa.select(t.c.doc).where(mine(t), *conditions).order_by(t.c.id)
        return [self._decoder.decode(r[0]) for r in tx.tuples(query)]

    def count(self, tx: Tx, *conditions: Any) -> int:
        """How many records meet the conditions."""
        t = self.table
        return int(tx.value(sa.select(sa.func.count()).select_from(t).where(mine(t), *conditions)))

    def _row(self, tx: Tx, record: Any) -> dict[str, Any]:
        return {
            "id": record.id,
            "version": record.version,
            "updated_at": tx.now,
            "doc": msgspec.json.encode(record).decode(),
            **self._columns(record),
        }


def check_version(expected: int | None, current: int, kind: str) -> None:
    """Refuse with `resource.stale` (412) when a given If-Match does not name the current version."""
    if expected is not None and expected != current:
        raise Problem("resource.stale", 412, kind=kind)


def changed_fields(old: msgspec.Struct, new: msgspec.Struct) -> tuple[str, ...]:
    """Names (never values) of the fields in which two records differ, for the event."""
    names: Iterable[str] = new.__struct_fields__
    return tuple(n for n in names if n not in ("version", "updated") and getattr(old, n) != getattr(new, n))
