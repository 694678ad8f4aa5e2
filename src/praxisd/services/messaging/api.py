"""The door of messaging for other services. Functions that write take the open write transaction."""

from praxisd.kernel.store import Tx
from praxisd.services.messaging import store
from praxisd.services.messaging.consent_rules import NOTHING_SAID, Wishes, allowed, below_cap
from praxisd.services.messaging.consent_rules import channels as channel_order
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
from praxisd.services.messaging.phones import Doubtful, Landline, Mail, Mobile, mail, number
from praxisd.services.messaging.quiet import next_allowed
from praxisd.services.messaging.segments import measure
from praxisd.services.messaging.templates import language_of, propose, render
from praxisd.services.messaging.templates import load as load_templates
from praxisd.services.messaging.values import Values
from praxisd.services.messaging.wishes import needs, prefer, say, wishes

__all__ = [
    "NOTHING_SAID",
    "About",
    "Doubtful",
    "Draft",
    "Held",
    "Landline",
    "Mail",
    "Mobile",
    "Values",
    "Wishes",
    "about",
    "allowed",
    "below_cap",
    "channel_order",
    "credits",
    "find",
    "greeted",
    "holding",
    "language_of",
    "load_templates",
    "mail",
    "mark",
    "measure",
    "needs",
    "next_allowed",
    "number",
    "prefer",
    "prepare",
    "prices",
    "propose",
    "receive",
    "render",
    "say",
    "supersede",
    "tried",
    "unread",
    "waiting_today",
    "wishes",
    "withdraw",
    "withdraw_all",
    "withdrawn",
]


def unread(tx: Tx) -> int:
    """How many messages wait to be read, as this actor may see them."""
    return store.COMMUNICATIONS.count(tx, store.in_state("unread"), *store.of_portal(tx.actor.portal))
