"""The door of messaging for other services. Functions that write take the open write transaction."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.store import Tx
from praxisd.services.messaging import account_store, store
from praxisd.services.messaging.accounts import Given as AccountGiven
from praxisd.services.messaging.accounts import put as put_account
from praxisd.services.messaging.bounces_parts import READ_MOST, decoded, take_apart
from praxisd.services.messaging.channel import Accepted, Lost, Refused
from praxisd.services.messaging.channels.mail_writing import Attachment
from praxisd.services.messaging.channels.mailbox import Letter, Mailbox, Seen
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
from praxisd.services.messaging.posting import can_mail, send_mail
from praxisd.services.messaging.quiet import next_allowed
from praxisd.services.messaging.reach import addresses
from praxisd.services.messaging.segments import measure
from praxisd.services.messaging.telling import (
    ToldRow,
    close_topic,
    language_for,
    public_link,
    tell,
    told_of,
)
from praxisd.services.messaging.templates import language_of, propose, render
from praxisd.services.messaging.templates import load as load_templates
from praxisd.services.messaging.values import Values
from praxisd.services.messaging.wishes import needs, prefer, say, wishes
from praxisd.services.messaging.wording import moment

if TYPE_CHECKING:
    from praxisd.kernel.app import House

__all__ = [
    "NOTHING_SAID",
    "READ_MOST",
    "About",
    "Accepted",
    "AccountGiven",
    "Attachment",
    "Doubtful",
    "Draft",
    "Held",
    "Landline",
    "Letter",
    "Lost",
    "Mail",
    "Mailbox",
    "Mobile",
    "Refused",
    "Seen",
    "Standing",
    "Told",
    "ToldRow",
    "Values",
    "Waits",
    "Wishes",
    "about",
    "account_facts",
    "addresses",
    "allowed",
    "below_cap",
    "book_credits",
    "can_mail",
    "channel_order",
    "close_letter",
    "close_letters",
    "close_topic",
    "credits",
    "decoded",
    "find",
    "greeted",
    "holding",
    "language_for",
    "language_of",
    "load_templates",
    "mail",
    "mark",
    "measure",
    "moment",
    "needs",
    "next_allowed",
    "number",
    "open_mailbox",
    "prefer",
    "prepare",
    "prices",
    "propose",
    "public_link",
    "put_account",
    "receive",
    "render",
    "resume",
    "say",
    "send_mail",
    "standing",
    "supersede",
    "take_apart",
    "tell",
    "told_of",
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


def open_mailbox(house: "House", values: Mapping[str, str], seen: Seen, days: int) -> Mailbox:
    """A mailbox by the fields of its form: `mailbox` is `folder` (with `folder`) or `imap` (with the `imap_…` and
    `certificate`). `seen` outlives it; mails of a server that arrived more than `days` ago are not looked at.
    """
    if values["mailbox"] == "folder":
        from praxisd.services.messaging.channels.mailbox_folder import Folder

        return Folder(values["folder"], seen)
    from praxisd.services.messaging.channels.mailbox_imap import Imap

    return Imap(values, seen, house.clock, days)
