"""The door of messaging for other services. Functions that write take the open write transaction."""

from praxisd.kernel.store import Tx
from praxisd.services.messaging import store
from praxisd.services.messaging.inbox import find, mark, receive
from praxisd.services.messaging.outbox import (
    About,
    Draft,
    Held,
    about,
    credits,
    greeted,
    holding,
    prepare,
    prices,
    supersede,
    tried,
    waiting_today,
    withdraw,
    withdraw_all,
    withdrawn,
)

__all__ = [
    "About",
    "Draft",
    "Held",
    "about",
    "credits",
    "find",
    "greeted",
    "holding",
    "mark",
    "prepare",
    "prices",
    "receive",
    "supersede",
    "tried",
    "unread",
    "waiting_today",
    "withdraw",
    "withdraw_all",
    "withdrawn",
]


def unread(tx: Tx) -> int:
    """How many messages wait to be read, as this actor may see them."""
    return store.COMMUNICATIONS.count(tx, store.in_state("unread"), *store.of_portal(tx.actor.portal))
