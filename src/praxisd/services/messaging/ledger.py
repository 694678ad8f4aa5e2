"""Credits: what a mandator's messages may cost, and what they did (SPEC 5.4).

Booked by hand or read from the gateway; charged when a gateway takes a message, given back when it refuses it after
all. Each message is charged once: the database's unique constraint is the judge. All in the caller's transaction.
"""

from collections.abc import Sequence

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.messaging import ledger_store

MOST = 10_000_000
"""Credits of one booking, and of a balance."""


def left(tx: Tx, mandator: str) -> int:
    """The balance of a mandator; 0 where nothing was ever booked."""
    return ledger_store.balances(tx).get(mandator, 0)


def credits(tx: Tx, mandators: Sequence[str]) -> dict[str, int]:
    """What each mandator can still spend: the balance less what waits, is being sent or is unsure. Every id has a value."""
    wanted = list(dict.fromkeys(mandators))
    there, waiting = ledger_store.balances(tx), ledger_store.reserved(tx, wanted)
    return {one: there.get(one, 0) - waiting.get(one, 0) for one in wanted}


def spendable(tx: Tx, mandator: str) -> int:
    """What may be spent on the next message now: the balance (its row is held) less what is under way unpaid."""
    under_way = ledger_store.reserved(tx, [mandator], ("sending", "unsure"))
    return ledger_store.locked(tx, mandator) - under_way.get(mandator, 0)


def book(tx: Tx, mandator: str, amount: int, note: str = "") -> int:
    """Book credits by hand, negative ones to take them back; the new balance.

    Problem `messaging.credits_below_zero` (422) if more would be taken back than is left beside what messages under way
    (being sent, or unsure) still may have to be charged.
    """
    balance = ledger_store.locked(tx, mandator) + amount
    owed = ledger_store.reserved(tx, [mandator], ("sending", "unsure")).get(mandator, 0) if amount < 0 else 0
    if not owed <= balance <= MOST:
        raise Problem("messaging.credits_below_zero", 422, most=MOST)
    ledger_store.add(tx, mandator, "booked", amount, balance, None, note)
    events.note(tx, "credits.booked", "Mandator", mandator, amount=amount, balance=balance)
    return balance


def settled(tx: Tx, mandator: str) -> str | None:
    """The newest entry of a mandator of whom no message is under way; None where nothing was ever booked.

    Problem `messaging.credits_under_way` (409): of a message that is being sent, or unsure, nobody knows whether a balance
    the gateway tells is already without it.
    """
    ledger_store.locked(tx, mandator)
    if ledger_store.reserved(tx, [mandator], ("sending", "unsure")):
        raise Problem("messaging.credits_under_way", 409, retry=True)
    return next((str(one.id) for one in ledger_store.before(tx, mandator, None, 1)), None)


def set_to(tx: Tx, mandator: str, balance: int) -> int:
    """Take over what the gateway says is left there. Problem `messaging.credits_under_way` (409), see `settled`."""
    settled(tx, mandator)
    change = balance - ledger_store.locked(tx, mandator)
    ledger_store.add(tx, mandator, "read", change, balance, None, "")
    events.note(tx, "credits.booked", "Mandator", mandator, amount=change, balance=balance, read=True)
    return balance


def charge(tx: Tx, mandator: str | None, message: str, cost: int) -> int:
    """Charge a message that the gateway has taken, once; what it was charged now (0 the second time)."""
    if mandator is None or cost <= 0:
        return 0
    balance = ledger_store.locked(tx, mandator) - cost
    return cost if ledger_store.add(tx, mandator, "charged", -cost, balance, message, "") else 0


def give_back(tx: Tx, mandator: str | None, message: str, charged: int) -> bool:
    """Give back what a message was charged, once."""
    if mandator is None or charged <= 0:
        return False
    balance = ledger_store.locked(tx, mandator) + charged
    return ledger_store.add(tx, mandator, "returned", charged, balance, message, "")
