"""Tables of the console: messages to patients, letters to be written in place of messages, and the ledger of credits."""

from typing import Any, get_args

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, folded
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Call
from praxisd.kernel.store import Tx
from praxisd.model.communication import Kind
from praxisd.services.directory import api as directory
from praxisd.services.messaging import ledger_store, outbox_views
from praxisd.services.messaging import outbox_view_store as seen

_STATES = ("prepared", "sending", "accepted", "delivered", "failed", "expired", "unsure", "withdrawn")
_OPEN = ("prepared", "sending", "unsure")
"""States in which a message may still cost what it would cost."""
_KINDS: tuple[str, ...] = get_args(Kind)
_CHANNELS = ("sms", "email")
_NO_PRACTICE = ((409, "directory.organization_missing"),)
_FOUND_MOST = 200
"""Patients that a searched text may name."""


def _units(tx: Tx, query: ListingQuery) -> list[str]:
    """Mandators whose names the filter gives."""
    part = folded(query.filters["mandatorName"])
    return [id_ for id_, name in outbox_views.mandators(tx).items() if part in folded(name)]


def _wanted(tx: Tx, query: ListingQuery, **more: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = {**query.filters, **more}
    if "mandatorName" in query.filters:
        wanted["mandators"] = _units(tx, query)
    if query.from_ is not None:
        wanted["since"] = parse_rfc3339(query.from_, "from")
    if query.to is not None:
        wanted["until"] = parse_rfc3339(query.to, "to")
    if query.text.strip():
        wanted["patients"] = directory.find(tx, query.text, _FOUND_MOST)
    return wanted


def _page(call: Call, query: ListingQuery, listing: Listing, **more: Any) -> ListingPage:
    order = query.sort or listing.sort
    with call.read() as tx:
        found, total = seen.page(
            tx, _wanted(tx, query, **more), sort=order.removeprefix("-"), down=order.startswith("-"),
            offset=query.offset, limit=query.limit,
        )  # fmt: skip
        names = directory.name(tx, [row.patient for row in found])
        units, where = outbox_views.mandators(tx), outbox_views.here(tx)
        rows = [
            _row(call, row, names, units, where, **(_by_post(tx, row.patient) if more else {}))
            for row in found
        ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


def _by_post(tx: Tx, patient: str) -> dict[str, str | None]:
    """Where a letter goes, and the number to ring instead: enough to work from the printed list."""
    one = directory.patient(tx, patient)
    home = next((each for each in one.address if each.use != "old"), None)
    if home is None:
        return {"postal": None, "phone": one.phone}
    place = " ".join(part for part in (home.postal_code, home.city) if part)
    return {"postal": ", ".join(part for part in (*home.line, place) if part) or None, "phone": one.phone}


def _row(
    call: Call, row: Any, names: dict[str, str | None], units: dict[str, str], where: Any, **more: Any
) -> Row:
    reason = outbox_views.words(call.house, row.reason, call.lang)
    cells: dict[str, Any] = {
        "preparedAt": format_rfc3339(row.prepared_at, where),
        "state": row.state,
        "kind": row.kind,
        "channel": row.channel or None,
        "patient": names.get(row.patient),
        "address": row.address,
        "start": outbox_views.time(row.stamp or None, where),
        "nextAt": outbox_views.time(row.next_at if row.state == "prepared" else None, where),
        "sentAt": outbox_views.time(row.sending_at, where),
        "reason": None if reason is None else reason.title,
        "reply": row.reply,
        "letter": row.letter,
        "mandatorName": units.get(row.mandator or ""),
        "parts": row.parts,
        "credits": row.cost if row.state in _OPEN else row.charged,
        **more,
    }
    return Row(id=row.id, cells=cells, alert=row.state in ("failed", "unsure"))


def _outbox(call: Call, query: ListingQuery) -> ListingPage:
    return _page(call, query, OUTBOX)


def _letters(call: Call, query: ListingQuery) -> ListingPage:
    return _page(call, query, LETTERS, letters=True)


def _ledger(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        mandator = _units(tx, query) if "mandatorName" in query.filters else None
        down = (query.sort or LEDGER.sort).startswith("-")
        found = ledger_store.entries(tx, mandator, down=down, offset=query.offset, limit=query.limit)
        total = ledger_store.count(tx, mandator)
        where, units = outbox_views.here(tx), outbox_views.mandators(tx)
        who = actor_names(call.house, tx, {one.actor for one in found}, call.lang)
    rows = [
        Row(
            id=one.id,
            cells={
                "at": format_rfc3339(one.at, where), "mandatorName": units.get(one.mandator), "kind": one.kind,
                "amount": one.amount, "balance": one.balance, "message": one.message, "actor": who[one.actor],
                "note": one.note or None,
            },
        )
        for one in found
    ]  # fmt: skip
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


_MANDATOR = Column("mandatorName", filter=True)
OUTBOX = Listing(
    "messaging.outbox",
    "messaging.outbox.read",
    (
        Column("preparedAt", "time", sortable=True),
        Column("state", "choice", sortable=True, filter=True, choices=_STATES, words="outbox_state"),
        Column("kind", "choice", filter=True, choices=_KINDS, words="message_kind"),
        Column("channel", "choice", filter=True, choices=_CHANNELS, words="message_channel"),
        Column("patient", personal=True),
        Column("address", personal=True),
        Column("start", "time", sortable=True),
        Column("nextAt", "time", sortable=True),
        Column("sentAt", "time"),
        Column("reason"),
        Column(
            "reply", "choice", filter=True, words="message_reply",
            choices=("confirmed", "cancelled", "cancel_asked", "stopped", "answered", "accepted", "declined", "late"),
        ),
        _MANDATOR,
        Column("parts", "number"),
        Column("credits", "number"),
    ),
    _outbox,
    text=True,
    period="preparedAt",
    sort="-preparedAt",
    problems=_NO_PRACTICE,
)  # fmt: skip
LETTERS = Listing(
    "messaging.letters",
    "messaging.outbox.write",
    (
        Column("letter", "choice", filter=True, choices=("open", "done"), words="letter_state"),
        Column("patient", personal=True),
        Column("postal", personal=True),
        Column("phone", personal=True),
        Column("start", "time", sortable=True),
        Column("reason"),
        Column("kind", "choice", filter=True, choices=_KINDS, words="message_kind"),
        Column("channel", "choice", choices=_CHANNELS, words="message_channel"),
        Column("address", personal=True),
        Column("preparedAt", "time", sortable=True),
    ),
    _letters,
    text=True,
    period="preparedAt",
    sort="start",
    problems=_NO_PRACTICE,
)
LEDGER = Listing(
    "messaging.ledger",
    "messaging.credits.read",
    (
        Column("at", "time", sortable=True),
        _MANDATOR,
        Column("kind", "choice", choices=("booked", "read", "charged", "returned"), words="ledger_kind"),
        Column("amount", "number"),
        Column("balance", "number"),
        Column("message"),
        Column("actor"),
        Column("note"),
    ),
    _ledger,
    sort="-at",
    problems=_NO_PRACTICE,
)
LISTINGS = (OUTBOX, LETTERS, LEDGER)
