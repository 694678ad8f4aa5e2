"""Lease: "X holds Y until T", with a fence that only grows.

One mechanism for record locks, job claims, background singletons, maintenance and leadership. Rows are
never deleted, so a fence never repeats. Times are epoch seconds by `Tx.lease_now()`.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

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
_PUT = upsert(LEASE, ("organization", "key"))
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


def _row(tx: Tx, key: str) -> Lease:
    """The lease's row, kept for this transaction; where there is none, a lapsed first one, so that two nodes asking at once
    queue for the same row.
    """
    found = last(tx, key, lock=True)
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
    lease = Lease(key, holder, fence, since, now + seconds, detail)
    tx.run(_PUT, **msgspec.structs.asdict(lease))
    return lease


def renew(tx: Tx, lease: Lease, seconds: int) -> bool:
    """Extend a lease still held; False when it lapsed or was taken over: its holder must stop."""
    now = tx.lease_now()
    values = {"key": lease.key, "who": lease.holder, "its_fence": lease.fence, "moment": now}
    return tx.run(_EXTEND, until=now + seconds, **values) == 1


def release(tx: Tx, lease: Lease) -> bool:
    """Give the lease back at once; False when it was no longer ours."""
    return tx.run(_FREE, key=lease.key, its_fence=lease.fence) == 1


def current(tx: Tx, key: str, organization: str | None = None) -> Lease | None:
    """Who holds the lease now, or None."""
    row = tx.first(_GET, key=key, organization=organization or tx.organization)
    if row is None or row.expires_at <= tx.lease_now():
        return None
    return _of(row)


def _of(row: Any) -> Lease:
    return Lease(row.key, row.holder, row.fence, row.acquired_at, row.expires_at, row.detail)


def last(tx: Tx, key: str, *, lock: bool = False) -> Lease | None:
    """The lease as it stands, held, lapsed or free (`expires_at` 0); None if nobody ever had it. `lock` keeps others off it."""
    row = tx.first(_GET_LOCKED if lock else _GET, key=key)
    return None if row is None else _of(row)


def resume(tx: Tx, key: str, holder: str, fence: int, seconds: int) -> bool:
    """Extend a lease that may have lapsed, but that nobody freed and nobody else got: its fence holds on. False otherwise."""
    until = tx.lease_now() + seconds
    return tx.run(_RESUME, key=key, who=holder, its_fence=fence, until=until) == 1


def take(
    tx: Tx, key: str, holder: str, seconds: int, detail: str = "{}", before: Lease | None = None
) -> Lease:
    """Take the lease whoever holds it, always with a higher fence: what its holder saves from now on is refused.

    `before` spares a look to whoever has read it with `last(lock=True)` in this transaction.
    """
    before = before or _row(tx, key)
    now = tx.lease_now()
    lease = Lease(key, holder, before.fence + 1, now, now + seconds, detail)
    tx.run(_PUT, **msgspec.structs.asdict(lease))
    return lease


def lapsed(tx: Tx, prefix: str) -> list[Lease]:
    """Leases under `prefix` whose time is over and that nobody freed, at most 200."""
    return [_of(r) for r in tx.all(_LAPSED, prefix=f"{prefix}%", moment=tx.lease_now())]


def unfreed(tx: Tx, prefix: str, holder: str | None = None) -> list[Lease]:
    """Leases under `prefix` that nobody freed, held or lapsed; with `holder`, only that one's."""
    if holder is None:
        return [_of(r) for r in tx.all(_ALL, prefix=f"{prefix}%")]
    return [_of(r) for r in tx.all(_OF_HOLDER, prefix=f"{prefix}%", who=holder)]


def renew_all(tx: Tx, prefix: str, holder: str, seconds: int) -> int:
    """Time all leases under `prefix` anew that this holder has and nobody freed; how many were changed. `seconds` may be less
    than what they had: the interval was made shorter.
    """
    return tx.run(_RENEW_ALL, prefix=f"{prefix}%", who=holder, until=tx.lease_now() + seconds)


def spare(tx: Tx, prefix: str, since: int, seconds: int) -> int:
    """Let leases under `prefix` hold for `seconds` from now if they had not lapsed at `since` (epoch seconds): nobody could
    renew them meanwhile. How many were extended.
    """
    return tx.run(_SPARE, prefix=f"{prefix}%", since=since, until=tx.lease_now() + seconds)


def cap(tx: Tx, prefix: str, seconds: int) -> int:
    """Let no lease under `prefix` hold for longer than `seconds` from now: the interval was made shorter, or the clock set
    back. How many were shortened.
    """
    return tx.run(_CAP, prefix=f"{prefix}%", until=tx.lease_now() + seconds)


def expire(tx: Tx, lease: Lease, detail: str = "{}") -> bool:
    """Free a lease as it was read, and say why in `detail`; False if it was renewed, freed or taken since."""
    values = {"key": lease.key, "its_fence": lease.fence, "as_seen": lease.expires_at}
    return tx.run(_EXPIRE, why=detail, **values) == 1


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
    row = tx.first(_GET_SHARED, key=f"record:{record}")
    lease = None if row is None or row.expires_at <= tx.lease_now() else _of(row)
    if lease is not None and lease.fence != fence:
        raise Problem("seats.locked", 423, retry=True, until=lease.expires_at)
    if lease is None and fence is not None:
        raise Problem("seats.lock_lost", 423)
