"""The one worker at a take-over: it holds the Lease, renews it with each transaction, and writes nothing once it is lost or a
person has stopped the work.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, leases
from praxisd.kernel.access import Actor, system
from praxisd.kernel.store import Tx
from praxisd.services.exchange import takeover_store as store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BUDGET_S = 0.03
"""A transaction begins no further record after so long, so that it stays below 50 ms. Seconds."""
BREATH_S = 0.002
PIECE = 200
_BEAT_S = 2.0


class Left_(Exception):
    """The work is not this worker's any more: stopped by a person, deleted, or taken over."""


class Holder:
    """One worker at one take-over; `until()` says when to leave the rest for later."""

    def __init__(self, house: "House", organization: str, id_: str, until: Callable[[], bool]) -> None:
        self._house, self._id, self._until = house, id_, until
        self._actor: Actor = system("exchange", organization)
        self._lease: leases.Lease | None = None
        self._beaten = float("-inf")
        self._read = 0

    def take(self) -> bool:
        """Become the one worker; False while another is. On SQLite whoever had it before is dead: nobody else may write."""
        house, key = self._house, f"takeover:{self._id}"

        def work(tx: Tx) -> leases.Lease | None:
            if house.store.alone:
                return leases.take(tx, key, house.node, house.config.job_lease_s)
            return leases.acquire(tx, key, house.node, house.config.job_lease_s)

        self._lease = house.store.run(self._actor, work)
        return self._lease is not None

    def release(self) -> None:
        """Let others work."""
        lease = self._lease
        if lease is not None:
            self._house.store.run(self._actor, lambda tx: leases.release(tx, lease))

    def _mine(self, tx: Tx, state: str) -> Any:
        """The take-over's row, if it is still ours to write; else the work ends here."""
        lease = self._lease
        if lease is None or not leases.renew(tx, lease, self._house.config.job_lease_s):
            raise Left_
        row = store.get(tx, self._id, lock=True)
        if row is None or row.state != state:
            raise Left_
        self._beaten = time.monotonic()
        return row

    def _beat(self, state: str, done: int) -> None:
        """While only reading: stay the worker, show how far it is, hear of a stop."""
        self._read = max(self._read, done)
        if time.monotonic() - self._beaten < min(_BEAT_S, self._house.config.job_lease_s / 4):
            return
        self._house.store.run(self._actor, lambda tx: store.save(tx, self._mine(tx, state), done=self._read))
        if self._until():
            raise Left_

    def _breathe(self) -> None:
        """Let others write between two transactions, and leave when it is time."""
        if self._until():
            raise Left_
        time.sleep(BREATH_S)

    def _note(self, tx: Tx, name: str, code: str = "", **numbers: int) -> None:
        """An event of the take-over: counts and codes only."""
        codes: dict[str, Any] = {**numbers} if not code else {"code": code, **numbers}
        events.note(tx, name, "Takeover", self._id, **codes)
