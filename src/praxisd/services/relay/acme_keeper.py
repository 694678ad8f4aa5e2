"""Has the certificate fetched and renewed in time: a thread per node, which acts only where the link is held.

Only the node with the link can answer the authority; on others the thread looks and does nothing. What people ask for
(`renew`) is written down, so that any node may be asked.
"""

import time
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.relay import acme_record, identity, settings
from praxisd.services.relay.room import room_of

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

PAUSE_S = 1.0
"""How often the thread looks. Seconds."""
NAP_S = 0.1
_WHO = system("relay.certificate")
_SHARED = "relay.acme_context"


class Keeper:
    """See above. `step` may be called by tests in place of the thread."""

    def __init__(self, house: "House") -> None:
        self._house = house

    def turn(self) -> None:
        """Look until the house stops."""
        house = self._house
        while not house.stopping:
            try:
                self.step()
            except Exception as error:
                if not house.stopping:
                    house.log.error("loop_failed", where="relay.certificate", error=error)
            house._stop.wait(PAUSE_S)

    def step(self) -> bool:
        """Make a try if one is due and this node has a link that is up; was one made?"""
        house = self._house
        with house.store.read(_WHO) as tx:
            chosen, facts = settings.chosen(house, tx), identity.facts(tx)
            if (
                chosen.certificate != acme_record.ACME
                or not chosen.enabled
                or facts is None
                or not facts.host
            ):
                return False
            wanted, record = acme_record.wish(facts, chosen), acme_record.load(tx)
            if not acme_record.due(record, wanted, tx.now):
                return False
        runner = room_of(house).runner
        found = None if runner is None else runner.snapshot()
        if runner is None or found is None or not found.connected or not (house.store.alone or found.holds):
            return False
        from praxisd.services.relay import acme, acme_answers  # only where it is used

        answers = house.shared.setdefault(_SHARED, acme_answers.Answers())
        try:
            acme.Fetcher(house, answers, house._stop.wait).attempt(wanted)
        except acme.Stopped:
            return True
        house.store.run(
            _WHO,
            lambda tx: acme_record.change(house, tx, done=max(record.progress.asks, record.progress.done)),
        )
        runner.look()
        return True


def start(house: "House") -> None:
    """Called when the house starts its work."""
    house._spawn("relay-certificate", Keeper(house).turn)


def renew(house: "House", actor: "Actor", within_s: float) -> None:
    """Have a new certificate fetched now, and wait for the outcome at most so long; what became of it the state says.

    Problems: `relay.acme_unused` (409) where another source is chosen, `relay.not_enabled`, `relay.not_enrolled`,
    `relay.not_linked` (409).
    """
    with house.store.read(_WHO) as tx:
        chosen, facts = settings.chosen(house, tx), identity.facts(tx)
    if chosen.certificate != acme_record.ACME:
        raise Problem("relay.acme_unused", 409)
    if facts is None:
        raise Problem("relay.not_enrolled", 409)
    if not chosen.enabled:
        raise Problem("relay.not_enabled", 409)
    if not room_of(house).snapshot()[0].connected:
        raise Problem("relay.not_linked", 409)

    def ask(tx: "Tx") -> int:
        record = acme_record.load(tx)
        if _held_back(record, acme_record.wish(facts, chosen), tx.now):
            return 0
        return acme_record.change(house, tx, asks=max(record.progress.asks, record.progress.done) + 1).asks

    asked = house.store.run(actor, ask)
    end = time.monotonic() + within_s
    while asked and time.monotonic() < end and not house.stopping:
        with house.store.read(_WHO) as tx:
            if acme_record.load(tx).progress.done >= asked:
                return
        house._stop.wait(NAP_S)


def _held_back(record: acme_record.Record, wanted: acme_record.Wish, now: int) -> bool:
    """The authority said when to come again, and it is not yet time: asking earlier makes it later."""
    said = record.progress
    return said.told and now < said.not_before and said.tried[:1] == (wanted.directory,)
