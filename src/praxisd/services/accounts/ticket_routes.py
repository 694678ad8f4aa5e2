"""REST operations of one-time tickets. They open their own transactions: a kept answer would hold a secret."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.accounts import tickets

_NO_STORE = {"Cache-Control": "no-store"}
Secret = Annotated[str, Meta(min_length=1, max_length=200)]


class TicketIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The whole key that the page of the interface is to be opened with."""

    key: Secret


class TicketOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A ticket, how long it is good, and the address to open: the ticket stands behind `#`, which is sent nowhere."""

    ticket: str
    expires_at: str
    path: str


class RedeemIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A ticket to use up."""

    ticket: Secret


class RedeemOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The key of the ticket."""

    key: str


def make_ticket(call: Call) -> Answer:
    """Make a ticket that opens the page of the interface with a key

    Good once, for a minute.
    """
    body: TicketIn = call.body
    made = tickets.make(call.house, call.actor, body.key, call.visit.address)
    answer = TicketOut(
        ticket=made.ticket, expires_at=format_rfc3339(made.ends_at), path=f"/docs#ticket={made.ticket}"
    )
    return Answer(answer, 201, headers=_NO_STORE)


def redeem_ticket(call: Call) -> Answer:
    """Use up a ticket; the answer is its key."""
    if call.visit.foreign:
        raise Problem("accounts.csrf_refused", 403)
    body: RedeemIn = call.body
    return Answer(
        RedeemOut(key=tickets.redeem(call.house, body.ticket, call.visit.address)), headers=_NO_STORE
    )


_LIMITED = (429, "accounts.rate_limited")

ROUTES = (
    Route(
        "POST",
        "/key-tickets",
        "keyTickets.create",
        make_ticket,
        "accounts.key.write",
        answer=TicketOut,
        body=TicketIn,
        status=201,
        problems=((422, "accounts.ticket_key"), _LIMITED),
        transaction=False,
        tags=("accounts",),
    ),
    Route(
        "POST",
        "/key-tickets/redeem",
        "keyTickets.redeem",
        redeem_ticket,
        None,
        answer=RedeemOut,
        body=RedeemIn,
        problems=((404, "accounts.ticket_refused"), (403, "accounts.csrf_refused"), _LIMITED),
        why_open="the ticket itself, 256 random bits good once for a minute, is what is asked for; the page has no key yet",
        transaction=False,
        inside=True,
        tags=("accounts",),
    ),
)
