"""One-time tickets: the way of a key from the console, where it is shown once, to the page of the interface (SPEC 2.9).

The ticket stands in the fragment of an address, which browsers send nowhere; the key itself is in no address. A ticket
is 256 random bits, kept as SHA-256 beside the key sealed by the vault. It is good once and for a minute; the row is
gone after use, or soon after its end.
"""

import hmac
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import token
from praxisd.kernel.store import Tx
from praxisd.services.accounts import keys, rules, store, ticket_store
from praxisd.services.accounts.gate import count_attempt

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House

LIFE_S = 60
"""So long a ticket is good: a click, and a page that loads slowly."""
_PURPOSE = "accounts.ticket"


class Ticket(NamedTuple):
    """A ticket as it is given out, and the second (epoch) from which on it is no good."""

    ticket: str
    ends_at: int


class _Good(NamedTuple):
    organization: str
    sealed: str


def make(house: "House", actor: "Actor", secret: str, address: str | None) -> Ticket:
    """A ticket for a valid key of the actor's practice.

    Any other text is Problem `accounts.ticket_key` (422), whatever is wrong with it, and counts as a guess from this
    address; 429 `accounts.rate_limited` when that is one too many.
    """
    ticket, digest = token(32), keys.digest(secret)

    def add(tx: Tx) -> Ticket | None:
        found = store.by_digest(tx, digest) if rules.could_be_key(secret) else None
        if found is None or not hmac.compare_digest(found[1], digest):
            return None
        key = found[0]
        if key.organization != tx.organization or key.state(tx.now) != "valid":
            return None
        ticket_store.drop_ended(tx, tx.now)
        sealed = house.vault.seal(_PURPOSE, tx.organization, secret.encode())
        ticket_store.add(tx, keys.digest(ticket), key.id, sealed, tx.now + LIFE_S)
        events.note(tx, "key.ticket_made", "ApiKey", key.id)
        return Ticket(ticket, tx.now + LIFE_S)

    made = house.store.run(actor, add)
    if made is None:
        count_attempt(house, address)
        raise Problem("accounts.ticket_key", 422)
    return made


def redeem(house: "House", ticket: str, address: str | None) -> str:
    """The key of a ticket, which is gone with that.

    A ticket that never was, was used, is too old, or whose key has ended since is one and the same Problem
    `accounts.ticket_refused` (404), and counts as a guess from this address; 429 `accounts.rate_limited` when that is
    one too many.
    """
    digest = keys.digest(ticket)

    def take(tx: Tx) -> _Good | None:
        row = ticket_store.find(tx, digest)
        if row is None or not hmac.compare_digest(row.digest, digest):
            return None
        tx.organization = row.organization
        if not ticket_store.take(tx, digest) or row.ends_at <= tx.now:
            return None
        key = store.key(tx, row.key)
        if key is None or key.state(tx.now) != "valid":
            return None
        events.note(tx, "key.ticket_used", "ApiKey", key.id)
        return _Good(row.organization, row.sealed)

    good = house.store.run(system("accounts"), take) if rules.could_be_token(ticket) else None
    if good is None:
        count_attempt(house, address)
        raise Problem("accounts.ticket_refused", 404)
    return house.vault.open(_PURPOSE, good.organization, good.sealed).decode()


def sweep(house: "House") -> int:
    """Remove tickets that nobody used in time; returns how many."""
    now = house.clock.now()
    with house.store.read(system("accounts")) as tx:
        homes = ticket_store.homes_of_ended(tx, now)

    def drop(tx: Tx) -> int:
        gone = 0
        for home in homes:
            tx.organization = home
            gone += ticket_store.drop_ended(tx, now)
        return gone

    return house.store.run(system("accounts"), drop) if homes else 0
