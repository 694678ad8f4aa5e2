"""The courier: a thread of each node that makes the calls that are due, of all practices.

Each call is claimed in a short transaction of its own for a minute: two nodes share the work, and what a node that died
had claimed is made again by another one, with the same id. No transaction is open while a receiver is called.
"""

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.model.portals import Webhook
from praxisd.services.directory import api as directory
from praxisd.services.portals import deliveries, deliveries_calls, webhooks
from praxisd.services.portals import deliveries_store as rows
from praxisd.services.portals.store import WEBHOOKS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CLAIM_S = 60
"""So long a claimed call belongs to its node. Well above the time a receiver may take. Seconds."""
MARGIN_S = 30
"""Nothing leaves in the last part of a claim: the answer has to come within it. Seconds."""
TOGETHER = 8
"""Calls under way at the same time, at most `OF_ONE` of them of one webhook."""
OF_ONE = 2
IDLE_S = 30.0
SOON_S = 1.0
GAP_S = 0.1
"""Pauses: with nothing to do, with something due soon, and after each round. Seconds."""
PURGE_S = 3_600
LOG_DAYS = "portals.webhook_log_days"
_WHO = "portals.webhooks"


class Claimed(NamedTuple):
    """What one call needs. `row` is the delivery as claimed."""

    organization: str
    row: Any
    hook: Webhook
    secret: str
    entries: tuple[str, ...]
    before: float


class Courier:
    """Makes the calls of one node. `step` is one round; `start` repeats it in a thread until the house stops."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._purged: float | None = None

    def start(self) -> None:
        """Begin; the house ends it."""
        self._thread = threading.Thread(target=self._turn, name="praxisd-webhooks", daemon=True)
        self._thread.start()
        self._house.closers.append(self.stop)

    def stop(self) -> None:
        """Finish the round at work and begin no other."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(deliveries_calls.TIMEOUT_S / 2)

    def _turn(self) -> None:
        house = self._house
        while not self._stop.is_set() and not house.stopping:
            seen = house.wake.mark()
            try:
                done, pause = self.step(), self.pause()
            except Exception as error:
                done, pause = 0, IDLE_S
                house.log.error("loop_failed", where="praxisd-webhooks", error=error)
            if not done and not house.stopping:
                house.wake.wait(seen, pause)
            self._stop.wait(GAP_S)

    def pause(self) -> float:
        """Seconds until something is due, if nobody wakes us before."""
        with self._house.store.read(system(_WHO)) as tx:
            due = rows.next_at(tx)
        return IDLE_S if due is None else min(IDLE_S, max(SOON_S, due - self._house.clock.now()))

    def step(self) -> int:
        """One round: claim what is due, make the calls, write down what they brought. How many calls."""
        self._purge()
        claimed = self._claim()
        if not claimed:
            return 0
        threads = [
            threading.Thread(target=self._make, args=(one,), name="praxisd-webhook", daemon=True)
            for one in claimed
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(claimed)

    def _claim(self) -> list[Claimed]:
        house = self._house
        with house.store.read(system(_WHO)) as tx:
            chosen = rows.due(tx, tx.now, OF_ONE)[:TOGETHER]
        claimed = [
            house.store.run(system(_WHO, row.organization), partial(self._take, row)) for row in chosen
        ]
        return [one for one in claimed if one is not None]

    def _take(self, row: Any, tx: Tx) -> Claimed | None:
        if not rows.claim(tx, row.id, row.attempts, tx.now + CLAIM_S):
            return None
        hook, fresh = WEBHOOKS.get(tx, row.webhook), rows.get(tx, row.id)
        if hook is None or fresh is None:
            return None
        if webhooks.shut_out(tx, hook):
            rows.change(
                tx, row.id, fresh.attempts, state="failed", code=deliveries_calls.SHUT_OUT, done_at=tx.now
            )
            return None
        house = self._house
        secret, entries = webhooks.secret_of(house, tx, hook.id), webhooks.entries(house, tx)
        return Claimed(row.organization, fresh, hook, secret, entries, tx.now + CLAIM_S - MARGIN_S)

    def _make(self, one: Claimed) -> None:
        house, row = self._house, one.row
        body = row.payload.encode()
        id_ = msgspec.json.decode(body, type=deliveries.Payload).id
        result = deliveries_calls.call(
            house, one.hook, one.secret, one.entries, id_, row.type, body, one.before
        )
        try:
            house.store.run(system(_WHO, one.organization), lambda tx: deliveries.record(tx, row, result))
        except Exception as error:  # called again when the claim is over
            house.log.error("delivery_lost", where=row.webhook, error=error)

    def _purge(self) -> None:
        house, now = self._house, self._house.clock.monotonic()
        if self._purged is not None and now - self._purged < PURGE_S:
            return
        self._purged = now
        with house.store.read(system(_WHO)) as tx:
            practices = directory.organization_ids(tx)
        for practice in practices:
            while house.store.run(system(_WHO, practice), self._forget):
                pass

    def _forget(self, tx: Tx) -> int:
        return rows.purge(tx, tx.now - int(self._house.settings.get(tx, LOG_DAYS)) * 86_400)


def start(house: "House") -> None:
    """Start the courier of this node."""
    courier = house.shared["webhooks"] = Courier(house)
    courier.start()
