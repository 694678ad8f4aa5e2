"""Lease: "X holds Y until T", with a fence that only grows.

One mechanism for record locks, job claims, background singletons, maintenance and leadership. Rows are
never deleted, so a fence never repeats. Times are epoch seconds by `Tx.lease_now()`.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

LEASE = table(
    "kernel_lease",
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("acquired_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "key"),
)
_L = LEASE.c
_held_index = sa.Index(
    "kernel_lease_held",
    LEASE.c.organization,
    LEASE.c.holder,
    sqlite_where=sa.text("expires_at > 0"),
    postgresql_where=sa.text("expires_at > 0"),
)
"""Rows are never deleted, but few are not free: those of a holder, and those that lapsed, are found among these alone."""
_NOT_FREE = sa.text("expires_at > 0")
_SEED = insert(LEASE, ignore=True)
_KEY = ("organization", "key")
_PUT = upsert(LEASE, _KEY)


def _put_all(_dialect: str) -> sa.Executable:
    """Many rows of all columns at once, as a JSON list of lists."""
    names = [one.name for one in LEASE.columns]
    each = sa.func.json_each(sa.bindparam("rows")).table_valued("value")
    fields = [sa.func.json_extract(each.c.value, sa.literal_column(f"'$[{n}]'")) for n in range(len(names))]
    put = sqlite.insert(LEASE).from_select(names, sa.select(*fields).where(sa.true()))
    rest = {one: put.excluded[one] for one in names if one not in _KEY}
    return put.on_conflict_do_update(index_elements=_KEY, set_=rest)


_PUT_ALL = prepared(_put_all)
_HERE = sa.select(LEASE).where(mine(LEASE), _L.key == sa.bindparam("key"))
_GET = prepared(_HERE)
_GET_LOCKED = prepared(lambda dialect: _HERE.with_for_update() if dialect == "postgresql" else _HERE)
_GET_SHARED = prepared(lambda dialect: _HERE.with_for_update(read=True) if dialect == "postgresql" else _HERE)
_EXTEND = prepared(
    sa.update(LEASE)
    .where(
        mine(LEASE),
        _L.key == sa.bindparam("key"),
        _L.holder == sa.bindparam("who"),
        _L.fence == sa.bindparam("its_fence"),
        _L.expires_at > sa.bindparam("moment"),
    )
    .values(expires_at=sa.bindparam("until"))
)
_FREE = prepared(
    sa.update(LEASE)
    .where(mine(LEASE), _L.key == sa.bindparam("key"), _L.fence == sa.bindparam("its_fence"))
    .values(expires_at=0)
)
_UNDER = (mine(LEASE), _NOT_FREE, _L.key.like(sa.bindparam("prefix")))
_LAPSED = prepared(
    sa.select(LEASE).where(*_UNDER, _L.expires_at <= sa.bindparam("moment")).order_by(_L.key).limit(200)
)
_ALL = prepared(sa.select(LEASE).where(*_UNDER).order_by(_L.key))
_OF_HOLDER = prepared(sa.select(LEASE).where(*_UNDER, _L.holder == sa.bindparam("who")).order_by(_L.key))
_RESUME = prepared(
    sa.update(LEASE)
    .where(
        mine(LEASE),
        _L.key == sa.bindparam("key"),
        _L.holder == sa.bindparam("who"),
        _L.fence == sa.bindparam("its_fence"),
        _NOT_FREE,
    )
    .values(expires_at=sa.bindparam("until"))
)
_RENEW_ALL = prepared(
    sa.update(LEASE)
    .where(*_UNDER, _L.holder == sa.bindparam("who"), _L.expires_at != sa.bindparam("until"))
    .values(expires_at=sa.bindparam("until"))
)
_SPARE = prepared(
    sa.update(LEASE)
    .where(*_UNDER, _L.expires_at > sa.bindparam("since"), _L.expires_at < sa.bindparam("until"))
    .values(expires_at=sa.bindparam("until"))
)
_CAP = prepared(
    sa.update(LEASE)
    .where(*_UNDER, _L.expires_at > sa.bindparam("until"))
    .values(expires_at=sa.bindparam("until"))
)
_EXPIRE = prepared(
    sa.update(LEASE)
    .where(
        mine(LEASE),
        _L.key == sa.bindparam("key"),
        _L.fence == sa.bindparam("its_fence"),
        _L.expires_at == sa.bindparam("as_seen"),
        _NOT_FREE,
    )
    .values(expires_at=0, detail=sa.bindparam("why"))
)
UNCUT = "uncut:"
"""So begin the keys of leases of the installation that planned restarts and the guard wait for, such as `uncut:updates`."""
_UNCUT = prepared(
    sa.select(_L.key)
    .where(mine(LEASE), _L.key.like(f"{UNCUT}%"), _L.expires_at > sa.bindparam("moment"))
    .order_by(_L.key)
)


class Lease(msgspec.Struct, frozen=True):
    """One held lease. `detail` is a small JSON text of non-personal facts about the holder."""

    key: str
    holder: str
    fence: int
    acquired_at: int
    expires_at: int
    detail: str = "{}"


class Book:
    """Leases in memory, for one thread that writes them again and again where nobody else writes (SQLite). From `open` to
    `close` the functions of this module read and write here; `close` puts all that has changed into the same transaction, by
    one statement. What was read before is believed only while nothing else was written since.
    """

    MOST = 10_000
    """Rows that are remembered."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Lease | None] = {}
        self._changed: dict[tuple[str, str], Lease] = {}
        self._seen: tuple[int, int] | None = None

    def open(self, tx: Tx) -> bool:
        """Use it in this transaction; it is left aside where others write too. True if nothing at all was written since the
        last one that used it.
        """
        now, before = tx.writing(), self._seen
        good = now is not None and before is not None and now == (before[0] + 1, before[1])
        self._seen = None  # until this one is committed
        self._changed.clear()
        if not good or len(self._rows) > self.MOST:
            self._rows.clear()
        if now is not None:
            tx.kept = self
            tx.after(lambda: self._committed(now))
        return good

    def _committed(self, seen: tuple[int, int]) -> None:
        self._seen = seen

    def close(self, tx: Tx) -> None:
        """Write what has changed; to be called before the commit."""
        self.write(tx)
        tx.kept = None

    def last(self, tx: Tx, key: str) -> Lease | None:
        """As `leases.last`."""
        where = tx.organization, key
        if where in self._rows:
            return self._rows[where]
        row = tx.first(_GET, key=key)
        found = self._rows[where] = None if row is None else _of(row)
        return found

    def put(self, tx: Tx, lease: Lease) -> None:
        """A lease as it is from now on."""
        where = tx.organization, lease.key
        self._rows[where] = self._changed[where] = lease

    def write(self, tx: Tx) -> None:
        """Put into the database what has changed: whoever asks it by other ways must find it."""
        if self._changed:
            rows = [
                (organization, one.key, one.holder, one.fence, one.acquired_at, one.expires_at, one.detail)
                for (organization, _key), one in self._changed.items()
            ]
            tx.run(_PUT_ALL, rows=msgspec.json.encode(rows).decode())
            self._changed.clear()

    def forget(self) -> None:
        """Rows were changed in the database itself."""
        self._rows.clear()


def _book(tx: Tx) -> Book | None:
    found: Book | None = tx.kept
    return found


def _settled(tx: Tx) -> None:
    """Before rows are asked for that a Book may hold."""
    book = _book(tx)
    if book is not None:
        book.write(tx)


def _changed(tx: Tx, statement: Any, **values: Any) -> int:
    """Change rows by their holder or time; how many."""
    book = _book(tx)
    _settled(tx)
    found = tx.run(statement, **values)
    if found and book is not None:
        book.forget()
    return found


def _put(tx: Tx, lease: Lease) -> Lease:
    book = _book(tx)
    if book is None:
        tx.run(_PUT, **msgspec.structs.asdict(lease))
    else:
        book.put(tx, lease)
    return lease


def _row(tx: Tx, key: str) -> Lease:
    """The lease's row, kept for this transaction; where there is none, a lapsed first one, so that two nodes asking at once
    queue for the same row.
    """
    found = last(tx, key, lock=True)
    if found is None and _book(tx) is not None:
        return Lease(key, "", 0, 0, 0)
    if found is None:
        tx.run(_SEED, key=key, holder="", fence=0, acquired_at=0, expires_at=0, detail="{}")
        found = last(tx, key, lock=True)
    if found is None:
        raise RuntimeError("rows of leases are never deleted")
    return found


def acquire(tx: Tx, key: str, holder: str, seconds: int, detail: str = "{}") -> Lease | None:
    """Take or renew the lease; None when another holds it. A new holder, or a lapsed lease, gets a higher fence."""
    before = _row(tx, key)
    now = tx.lease_now()
    held = before.expires_at > now
    if held and before.holder != holder:
        return None
    fence, since = (before.fence, before.acquired_at) if held else (before.fence + 1, now)
    return _put(tx, Lease(key, holder, fence, since, now + seconds, detail))


def renew(tx: Tx, lease: Lease, seconds: int) -> bool:
    """Extend a lease still held; False when it lapsed or was taken over: its holder must stop."""
    now = tx.lease_now()
    values = {"key": lease.key, "who": lease.holder, "its_fence": lease.fence, "moment": now}
    return _changed(tx, _EXTEND, until=now + seconds, **values) == 1


def release(tx: Tx, lease: Lease) -> bool:
    """Give the lease back at once; False when it was no longer ours."""
    book = _book(tx)
    if book is None:
        return tx.run(_FREE, key=lease.key, its_fence=lease.fence) == 1
    there = book.last(tx, lease.key)
    if there is None or there.fence != lease.fence:
        return False
    book.put(tx, Lease(there.key, there.holder, there.fence, there.acquired_at, 0, there.detail))
    return True


def current(tx: Tx, key: str, organization: str | None = None) -> Lease | None:
    """Who holds the lease now, or None."""
    _settled(tx)
    row = tx.first(_GET, key=key, organization=organization or tx.organization)
    if row is None or row.expires_at <= tx.lease_now():
        return None
    return _of(row)


def _of(row: Any) -> Lease:
    return Lease(row.key, row.holder, row.fence, row.acquired_at, row.expires_at, row.detail)


def last(tx: Tx, key: str, *, lock: bool = False) -> Lease | None:
    """The lease as it stands, held, lapsed or free (`expires_at` 0); None if nobody ever had it. `lock` keeps others off it."""
    book = _book(tx)
    if book is not None:
        return book.last(tx, key)
    row = tx.first(_GET_LOCKED if lock else _GET, key=key)
    return None if row is None else _of(row)


def resume(tx: Tx, key: str, holder: str, fence: int, seconds: int) -> bool:
    """Extend a lease that may have lapsed, but that nobody freed and nobody else got: its fence holds on. False otherwise."""
    until = tx.lease_now() + seconds
    return _changed(tx, _RESUME, key=key, who=holder, its_fence=fence, until=until) == 1


def take(
    tx: Tx, key: str, holder: str, seconds: int, detail: str = "{}", before: Lease | None = None
) -> Lease:
    """Take the lease whoever holds it, always with a higher fence: what its holder saves from now on is refused.

    `before` spares a look to whoever has read it with `last(lock=True)` in this transaction.
    """
    before = before or _row(tx, key)
    now = tx.lease_now()
    return _put(tx, Lease(key, holder, before.fence + 1, now, now + seconds, detail))


def lapsed(tx: Tx, prefix: str) -> list[Lease]:
    """Leases under `prefix` whose time is over and that nobody freed, at most 200."""
    _settled(tx)
    return [_of(r) for r in tx.all(_LAPSED, prefix=f"{prefix}%", moment=tx.lease_now())]


def unfreed(tx: Tx, prefix: str, holder: str | None = None) -> list[Lease]:
    """Leases under `prefix` that nobody freed, held or lapsed; with `holder`, only that one's."""
    _settled(tx)
    if holder is None:
        return [_of(r) for r in tx.all(_ALL, prefix=f"{prefix}%")]
    return [_of(r) for r in tx.all(_OF_HOLDER, prefix=f"{prefix}%", who=holder)]


def renew_all(tx: Tx, prefix: str, holder: str, seconds: int) -> int:
    """Time all leases under `prefix` anew that this holder has and nobody freed; how many were changed. `seconds` may be less
    than what they had: the interval was made shorter.
    """
    return _changed(tx, _RENEW_ALL, prefix=f"{prefix}%", who=holder, until=tx.lease_now() + seconds)


def spare(tx: Tx, prefix: str, since: int, seconds: int) -> int:
    """Let leases under `prefix` hold for `seconds` from now if they had not lapsed at `since` (epoch seconds): nobody could
    renew them meanwhile. How many were extended.
    """
    return _changed(tx, _SPARE, prefix=f"{prefix}%", since=since, until=tx.lease_now() + seconds)


def cap(tx: Tx, prefix: str, seconds: int) -> int:
    """Let no lease under `prefix` hold for longer than `seconds` from now: the interval was made shorter, or the clock set
    back. How many were shortened.
    """
    return _changed(tx, _CAP, prefix=f"{prefix}%", until=tx.lease_now() + seconds)


def expire(tx: Tx, lease: Lease, detail: str = "{}") -> bool:
    """Free a lease as it was read, and say why in `detail`; False if it was renewed, freed or taken since."""
    values = {"key": lease.key, "its_fence": lease.fence, "as_seen": lease.expires_at}
    return _changed(tx, _EXPIRE, why=detail, **values) == 1


def queue_for(tx: Tx, keys: Iterable[str]) -> None:
    """Before several leases of the transaction's organization are changed: wait for all of them, in one order for all nodes."""
    if tx.store.alone:
        return
    for key in sorted(set(keys)):
        if tx.first(_GET_LOCKED, key=key) is None:
            tx.run(_SEED, key=key, holder="", fence=0, acquired_at=0, expires_at=0, detail="{}")
            tx.first(_GET_LOCKED, key=key)


def uncut(tx: Tx) -> list[str]:
    """What must not be cut off now: the rest of the keys of leases that begin with UNCUT."""
    rows = tx.tuples(_UNCUT, moment=tx.lease_now(), organization=INSTALLATION)
    return [str(row[0]).removeprefix(UNCUT) for row in rows]


def guard(tx: Tx, record: str, fence: int | None) -> None:
    """Refuse a save of `Kind/id` while another holds its lock (`seats.locked`, 423) unless `fence` is the valid one.

    Nobody can take the lock before the save that was guarded is committed: SQLite has one writer, PostgreSQL keeps the row.
    """
    _settled(tx)
    row = tx.first(_GET_SHARED, key=f"record:{record}")
    lease = None if row is None or row.expires_at <= tx.lease_now() else _of(row)
    if lease is not None and lease.fence != fence:
        raise Problem("seats.locked", 423, retry=True, until=lease.expires_at)
    if lease is None and fence is not None:
        raise Problem("seats.lock_lost", 423)
