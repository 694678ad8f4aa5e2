"""Checks of sending: messages nobody knows about, credits, missing accounts, gateways that do not take anything."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.messaging import account_store, accounts, ledger, outcome, sending_store
from praxisd.services.messaging.outbox_declared import CHECK_CREDITS, MINIMUM_CREDITS

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

UNSURE = "messaging.unsure_messages"
LOW = "messaging.credits_low"
NO_ACCOUNT = "messaging.no_account"
FAILING = "messaging.gateway_failing"
_WHO = "messaging.checks"
SETTLED_BY_ITSELF_S = 900
"""A message that is unsure for longer will not be settled by asking the gateway again soon. Seconds."""
FAILED_TIMES = 2
"""A message that a gateway refused for now this often is worth an Issue; refused access at once."""


def _practices(house: "House") -> list[str]:
    with house.store.read(system(_WHO)) as tx:
        return directory.organization_ids(tx)


def sending(house: "House") -> Iterator[Finding]:
    """What waits for a person: unsure messages, a channel without account, a gateway that refuses."""
    for practice in _practices(house):
        with house.store.read(system(_WHO, practice)) as tx:
            counts, stuck = sending_store.counts(tx), sending_store.stuck(tx)
            unsure = sending_store.unsure_before(tx, tx.now - SETTLED_BY_ITSELF_S)
            broken = accounts.broken(house, tx)
            active = {row.channel for row in account_store.every(tx) if row.active}
            sends = _sends(house, tx)
        if unsure:
            yield Finding(UNSURE, "", Severity.ERROR, {"count": unsure}, practice)
        for channel in ("sms", "email"):
            waiting = counts.get(("prepared", channel), 0)
            if channel not in active and (waiting or (sends and not active and channel == "sms")):
                yield Finding(
                    NO_ACCOUNT, channel, Severity.ERROR, {"channel": channel, "count": waiting}, practice
                )
            worst = [
                (reason, number)
                for where, reason, number, attempts in stuck
                if where == channel
                and (attempts >= FAILED_TIMES or reason in outcome.ACCOUNT_CODES)
                and reason in outcome.GATEWAY_CODES
            ]
            if channel in broken:
                worst = [(broken[channel], waiting)]
            if worst and channel in active:
                code, number = max(worst, key=lambda one: one[1])
                params = {"channel": channel, "code": code, "count": number}
                yield Finding(FAILING, channel, Severity.ERROR, params, practice)


def _sends(house: "House", tx: "Tx") -> bool:
    found = {one.name: one for one in jobs.list_jobs(house, tx)}.get("messaging.send")
    return found is not None and found.enabled


def credits_low(house: "House") -> Iterator[Finding]:
    """Mandators whose credits run out, where the practice sends at all and wants to be warned (SPEC 5.4)."""
    for practice in _practices(house):
        with house.store.read(system(_WHO, practice)) as tx:
            if not house.settings.get(tx, CHECK_CREDITS) or not _sends(house, tx):
                continue
            least = int(house.settings.get(tx, MINIMUM_CREDITS))
            units = [one for one in directory.mandators(tx) if one.active]
            left = ledger.credits(tx, [one.id for one in units])
        for one in units:
            if left[one.id] < least or left[one.id] <= 0:
                params = {"mandator": one.name, "credits": left[one.id], "minimum": least}
                severity = Severity.ERROR if left[one.id] <= 0 else Severity.WARNING
                yield Finding(LOW, f"Mandator/{one.id}", severity, params, practice)


CHECKS = (
    Check("messaging.sending", (UNSURE, NO_ACCOUNT, FAILING), sending, grave=Severity.ERROR),
    Check(
        "messaging.credits",
        (LOW,),
        credits_low,
        grave=Varies("messaging.credits_low.grave", (Severity.ERROR, Severity.WARNING)),
    ),
)
