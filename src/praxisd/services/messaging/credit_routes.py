"""REST doors of credits: what each mandator has left, every line of its ledger, booking by hand, reading the gateway."""

from typing import Any

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, Page, Route
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import accounts, ledger, ledger_store, outbox_views
from praxisd.services.messaging import outbox_shapes as shapes

_TAGS = ("messages",)
_NO_PRACTICE = (409, "directory.organization_missing")


def list_credits(call: Call) -> shapes.Credits:
    """What every mandator has left."""
    with call.read() as tx:
        return shapes.Credits(mandators=_views(tx, directory.mandators(tx)))


def book_credits(call: Call) -> shapes.CreditsView:
    """Book credits for a mandator by hand."""
    tx = call.writing
    one = _mandator(tx, call.body.mandator)
    ledger.book(tx, one.id, call.body.amount, call.body.note.strip())
    return _views(tx, [one])[0]


def read_credits(call: Call) -> shapes.CreditsView:
    """Take over what the SMS gateway says is left: for mandators that have an account of their own there."""
    house = call.house
    with call.read() as tx:
        one = _mandator(tx, call.path["mandator"])
        way = accounts.way(house, tx, "sms")
    before = house.store.run(call.actor, lambda tx: ledger.settled(tx, one.id))
    found = way.channel.balance() if way.channel.abilities.balance else None
    if found is None:
        raise Problem("messaging.balance_untold", 409)

    def save(tx: Tx) -> shapes.CreditsView:
        if ledger.settled(tx, one.id) != before:  # something was charged while the gateway was asked
            raise Problem("messaging.credits_under_way", 409, retry=True)
        ledger.set_to(tx, one.id, found)
        return _views(tx, [one])[0]

    return house.store.run(call.actor, save)


def list_entries(call: Call) -> shapes.Ledger:
    """The ledger of a mandator, the newest line first."""
    asked = call.query
    with call.read() as tx:
        one = _mandator(tx, call.path["mandator"])
        found = ledger_store.before(tx, one.id, asked.cursor, asked.limit + 1)
        where = outbox_views.here(tx)
        entries = [
            shapes.Entry(
                id=row.id, at=format_rfc3339(row.at, where), kind=row.kind, amount=row.amount, balance=row.balance,
                message=row.message, actor=row.actor, note=row.note,
            )
            for row in found[: asked.limit]
        ]  # fmt: skip
    return shapes.Ledger(
        entries=entries, next=found[asked.limit - 1].id if len(found) > asked.limit else None
    )


def _mandator(tx: Tx, id_: str) -> Any:
    found = next((one for one in directory.mandators(tx) if one.id == id_), None)
    if found is None:
        raise not_found("Mandator")
    return found


def _views(tx: Tx, found: list[Any]) -> list[shapes.CreditsView]:
    there = ledger_store.balances(tx)
    free = ledger.credits(tx, [one.id for one in found])
    return [
        shapes.CreditsView(
            mandator=one.id, name=one.name, active=one.active, balance=there.get(one.id, 0),
            reserved=there.get(one.id, 0) - free[one.id], spendable=free[one.id],
        )
        for one in found
    ]  # fmt: skip


ROUTES = (
    Route(
        "GET", "/credits", "credits.list", list_credits, "messaging.credits.read", answer=shapes.Credits,
        problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
    Route(
        "POST", "/credits", "credits.book", book_credits, "messaging.credits.write", answer=shapes.CreditsView,
        body=shapes.Booking, tags=_TAGS,
        problems=((404, "http.not_found"), (422, "messaging.credits_below_zero"), _NO_PRACTICE),
    ),
    Route(
        "GET", "/credits/{mandator}", "credits.entries", list_entries, "messaging.credits.read",
        answer=shapes.Ledger, query=Page, problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "POST", "/credits/{mandator}/read", "credits.read", read_credits, "messaging.credits.write",
        answer=shapes.CreditsView, transaction=False, tags=_TAGS,
        problems=(
            (404, "http.not_found"), (409, "messaging.account_missing"), (409, "messaging.balance_untold"),
            (409, "messaging.credits_under_way"),
            (502, "messaging.gateway_refused"), (503, "messaging.gateway_unreachable"), _NO_PRACTICE,
        ),
    ),
)  # fmt: skip
