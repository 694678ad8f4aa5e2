"""Maintenance: one installation-wide Lease. While it is held every door answers 503 `maintenance` (SPEC 1.11).

Planned maintenance is no error: portals retry after the time the answer names. Each node looks at the lease at most
once a second (`kernel/glance`; HOUSE „Down or draining"); draining is something else and belongs to one node (`House.state`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx

KEY = "maintenance"
LONGEST_RETRY_S = 60
"""Portals are asked to come back after at most this many seconds: maintenance may end before its lease does."""
_REASON = re.compile(r"[a-z][a-z0-9_.]{0,40}")


class Maintenance(msgspec.Struct, frozen=True):
    """What is going on: who holds it, why (a code, never a sentence), from and until when (epoch seconds)."""

    holder: str
    reason: str
    since: int
    until: int
    fence: int


class _Detail(msgspec.Struct, frozen=True):
    reason: str = "planned"


@contextmanager
def _installation(tx: Tx) -> Iterator[None]:
    """The lease is the installation's, whoever's transaction it is written in."""
    before, tx.organization = tx.organization, INSTALLATION
    try:
        yield
    finally:
        tx.organization = before


def begin(tx: Tx, holder: str, seconds: int, reason: str = "planned") -> Maintenance:
    """Close all doors for at most `seconds`; the same holder may call again to extend it.

    Raises `maintenance` (503) when another holds it, ValueError for a reason that is no code or a time that is none.
    """
    if seconds <= 0 or not _REASON.fullmatch(reason):
        raise ValueError("maintenance needs a positive time in seconds and a code as reason")
    with _installation(tx):
        detail = msgspec.json.encode(_Detail(reason)).decode()
        lease = leases.acquire(tx, KEY, holder, seconds, detail)
    if lease is None:
        held = state(tx)
        raise problem(tx.lease_now(), held.until if held else 0)
    tx.after(tx.store.doubt)
    return _of(lease)


def end(tx: Tx, holder: str) -> bool:
    """Open the doors again; False when `holder` does not hold the maintenance (any more)."""
    lease = leases.current(tx, KEY, INSTALLATION)
    if lease is None or lease.holder != holder:
        return False
    tx.after(tx.store.doubt)
    with _installation(tx):
        return leases.release(tx, lease)


def state(tx: Tx) -> Maintenance | None:
    """The maintenance in force, or None."""
    lease = leases.current(tx, KEY, INSTALLATION)
    return None if lease is None else _of(lease)


def problem(now: int, until: int) -> Problem:
    """The refusal every door gives meanwhile, with `Retry-After` in seconds."""
    wait = min(max(until - now, 1), LONGEST_RETRY_S)
    return Problem("maintenance", 503, retry=True, headers={"Retry-After": str(wait)})


def _of(lease: leases.Lease) -> Maintenance:
    reason = msgspec.json.decode(lease.detail, type=_Detail).reason
    return Maintenance(lease.holder, reason, lease.acquired_at, lease.expires_at, lease.fence)
