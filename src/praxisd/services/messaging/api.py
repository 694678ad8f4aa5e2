"""The door of messaging for other services. Functions that write take the open write transaction."""

from praxisd.kernel.store import Tx
from praxisd.services.messaging import store
from praxisd.services.messaging.inbox import find, mark, receive

__all__ = ["find", "mark", "receive", "unread"]


def unread(tx: Tx) -> int:
    """How many messages wait to be read, as this actor may see them."""
    return store.COMMUNICATIONS.count(tx, store.in_state("unread"), *store.of_portal(tx.actor.portal))
