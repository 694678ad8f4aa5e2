"""The door of messaging for other services. Functions that write take the open write transaction."""

import msgspec

from praxisd.kernel.store import Tx
from praxisd.services.messaging import account_store, store
from praxisd.services.messaging.accounts import Given as AccountGiven
from praxisd.services.messaging.accounts import put as put_account
from praxisd.services.messaging.consent_rules import NOTHING_SAID, Wishes, allowed, below_cap
from praxisd.services.messaging.consent_rules import channels as channel_order
from praxisd.services.messaging.inbox import find, mark, receive
from praxisd.services.messaging.ledger import book as book_credits
from praxisd.services.messaging.outbox import (
    About,
    Draft,
    Held,
    Standing,
    Told,
    Waits,
    about,
    close_letter,
    close_letters,
    credits,
    greeted,
    holding,
    prepare,
    prices,
    resume,
    standing,
    supersede,
    tried,
    waiting,
    waiting_kind,
    waiting_today,
    withdraw,
    withdraw_all,
    withdrawn,
    withdrawn_since,
)
from praxisd.services.messaging.phones import Doubtful, Landline, Mail, Mobile, mail, number
from praxisd.services.messaging.quiet import next_allowed
from praxisd.services.messaging.reach import addresses
from praxisd.services.messaging.segments import measure
from praxisd.services.messaging.templates import language_of, propose, render
from praxisd.services.messaging.templates import load as load_templates
from praxisd.services.messaging.values import Values
from praxisd.services.messaging.wishes import needs, prefer, say, wishes

__all__ = [
    "NOTHING_SAID",
    "About",
    "AccountGiven",
    "Doubtful",
    "Draft",
    "Held",
    "Landline",
    "Mail",
    "Mobile",
    "Standing",
    "Told",
    "Values",
    "Waits",
    "Wishes",
    "about",
    "account_facts",
    "addresses",
    "allowed",
    "below_cap",
    "book_credits",
    "channel_order",
    "close_letter",
    "close_letters",
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
    "put_account",
    "receive",
    "render",
    "resume",
    "say",
    "standing",
    "supersede",
    "tried",
    "unread",
    "waiting",
    "waiting_kind",
    "waiting_today",
    "wishes",
    "withdraw",
    "withdraw_all",
    "withdrawn",
    "withdrawn_since",
]


def unread(tx: Tx) -> int:
    """How many messages wait to be read, as this actor may see them."""
    return store.COMMUNICATIONS.count(tx, store.in_state("unread"), *store.of_portal(tx.actor.portal))


def account_facts(tx: Tx, channel: str) -> dict[str, str] | None:
    """The gateway and the open fields of a channel's access data; None where nothing is set up."""
    row = account_store.get(tx, channel)
    if row is None:
        return None
    return {**msgspec.json.decode(row.fields, type=dict[str, str]), "gateway": row.gateway}
