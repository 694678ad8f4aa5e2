"""Maintenance: one installation-wide Lease. While it is held every door answers 503 `maintenance` (SPEC 1.11).

Planned maintenance is no error: portals retry after the time the answer names. Each node looks at the lease at most
once a second (HOUSE „Down or draining"); draining is something else and belongs to one node (`House.state`).
"""

import re
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Store, Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEY = "maintenance"
LONGEST_RETRY_S = 60
"""Portals are asked to come back after at most this many seconds: maintenance may end before its lease does."""
LOOK_S = 1.0
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
    _tell(tx)
    return _of(lease)


def end(tx: Tx, holder: str) -> bool:
    """Open the doors again; False when `holder` does not hold the maintenance (any more)."""
    lease = leases.current(tx, KEY, INSTALLATION)
    if lease is None or lease.holder != holder:
        return False
    _tell(tx)
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


def _tell(tx: Tx) -> None:
    """Once this is committed, the doors of this process look again at once; other nodes do within a second."""
    store = tx.store

    def look_again() -> None:
        for watch in tuple(_WATCHES):
            watch.expire(store)

    tx.after(look_again)


def _of(lease: leases.Lease) -> Maintenance:
    reason = msgspec.json.decode(lease.detail, type=_Detail).reason
    return Maintenance(lease.holder, reason, lease.acquired_at, lease.expires_at, lease.fence)


class Watch:
    """What this node knows of the maintenance: `fresh` says if that may still be trusted, `look` asks the store.

    Where no other process can write, nothing has changed while nothing was committed here.
    """

    def __init__(self, house: "House") -> None:
        self._house = house
        self._known: Maintenance | None = None
        self._looked = float("-inf")
        self._generation = -1
        _WATCHES.add(self)

    def expire(self, store: Store) -> None:
        """Trust nothing known of this store any longer."""
        if store is self._house.store:
            self._looked = float("-inf")
            self._generation = -1

    @property
    def fresh(self) -> bool:
        """True if the last look is less than a second old, or nothing can have changed since."""
        store = self._house.store
        if store.alone and store.generation == self._generation:
            return True
        return time.monotonic() - self._looked < LOOK_S

    def look(self) -> None:
        """Ask the store (call it in a thread). If the store does not answer, the last known state stays."""
        generation = self._house.store.generation
        try:
            with self._house.store.read(system("maintenance")) as tx:
                self._known = state(tx)
        except Exception as error:  # whatever ails the store, its own requests will say so
            self._house.log.warning("maintenance_unknown", error=error)
        else:
            self._generation = generation
        self._looked = time.monotonic()

    @property
    def now(self) -> Maintenance | None:
        """The maintenance in force as far as this node knows."""
        known = self._known
        return known if known is not None and known.until > self._house.clock.now() else None

    def refusal(self) -> Problem | None:
        """The Problem to answer while maintenance is in force, else None."""
        known = self.now
        return None if known is None else problem(self._house.clock.now(), known.until)


_WATCHES: "weakref.WeakSet[Watch]" = weakref.WeakSet()
