"""Lease: "X holds Y until T", with a fence that only grows.

One mechanism for record locks, job claims, background singletons, maintenance and leadership. Rows are
never deleted, so a fence never repeats. Times are epoch seconds by `Tx.lease_now()`.
"""

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
_SEED = insert(LEASE, ignore=True)
_PUT = upsert(LEASE, ("organization", "key"))
_HERE = sa.select(LEASE).where(mine(LEASE), _L.key == sa.bindparam("key"))
_GET = prepared(_HERE)
_GET_LOCKED = prepared(lambda dialect: _HERE.with_for_update() if dialect == "postgresql" else _HERE)
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


def acquire(tx: Tx, key: str, holder: str, seconds: int, detail: str = "{}") -> Lease | None:
    """Take or renew the lease; None when another holds it. A new holder, or a lapsed lease, gets a higher fence."""
    row = tx.first(_GET_LOCKED, key=key)
    if row is None:  # a lapsed first row, so that two nodes asking at once queue for the same row
        tx.run(_SEED, key=key, holder="", fence=0, acquired_at=0, expires_at=0, detail="{}")
        row = tx.first(_GET_LOCKED, key=key)
    now = tx.lease_now()
    if row is None:
        return None
    held = row.expires_at > now
    if held and row.holder != holder:
        return None
    fence, since = (row.fence, row.acquired_at) if held else (row.fence + 1, now)
    lease = Lease(key, holder, fence, since, now + seconds, detail)
    tx.run(
        _PUT,
        key=key,
        holder=holder,
        fence=fence,
        acquired_at=since,
        expires_at=lease.expires_at,
        detail=detail,
    )
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
    return Lease(row.key, row.holder, row.fence, row.acquired_at, row.expires_at, row.detail)


def uncut(tx: Tx) -> list[str]:
    """What must not be cut off now: the rest of the keys of leases that begin with UNCUT."""
    rows = tx.tuples(_UNCUT, moment=tx.lease_now(), organization=INSTALLATION)
    return [str(row[0]).removeprefix(UNCUT) for row in rows]


def guard(tx: Tx, record: str, fence: int | None) -> None:
    """Refuse a save of `Kind/id` while another holds its lock (`seats.locked`, 423) unless `fence` is the valid one."""
    lease = current(tx, f"record:{record}")
    if lease is not None and lease.fence != fence:
        raise Problem("seats.locked", 423, retry=True, until=lease.expires_at)
    if lease is None and fence is not None:
        raise Problem("seats.lock_lost", 423)
