"""REST operations on the waiting list, and its table in the console (SPEC 1.14)."""

from typing import Any

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.calendar import offers, rounds, shapes, store, waiting, waiting_shapes, waiting_store
from praxisd.services.calendar.columns import as_fields
from praxisd.services.calendar.view import views
from praxisd.services.calendar.waiting_shapes import (
    EndIn,
    Entries,
    EntriesIn,
    EntryIn,
    EntryOut,
    EntryPut,
    OfferIn,
    OfferOut,
    Offers,
    OffersIn,
    RoundOut,
    Rounds,
    RoundsIn,
)
from praxisd.services.directory import api as directory

READ, WRITE = "calendar.waiting.read", "calendar.waiting.write"
_LISTED = 2_000
"""So many of the first in the queue are in the table."""


def search(call: Call) -> Entries:
    """Who waits, first come first."""
    body: EntriesIn = call.body
    with call.read() as tx:
        found, after = waiting_store.entries_page(tx, body.state, body.service, body.cursor, body.limit)
        return Entries(entries=waiting_shapes.entries(call.house, tx, found), next=after)


def enter(call: Call) -> Answer:
    """Put a patient on the waiting list."""
    one = waiting.enter(call.house, call.writing, **as_fields(call.body))
    out = waiting_shapes.entries(call.house, call.writing, [one])[0]
    return Answer(out, 201, version=one.version, headers={"Location": f"/api/v1/waiting/{one.id}"})


def read(call: Call) -> Answer:
    """One entry."""
    with call.read() as tx:
        one = waiting_store.ENTRIES.need(tx, call.path["id"])
        return Answer(waiting_shapes.entries(call.house, tx, [one])[0], version=one.version)


def change(call: Call) -> Answer:
    """Change what somebody waits for; the place in the queue stays."""
    fields = as_fields(call.body)
    one = waiting.change(call.house, call.writing, call.path["id"], call.if_match, **fields)
    return Answer(waiting_shapes.entries(call.house, call.writing, [one])[0], version=one.version)


def leave(call: Call) -> Answer:
    """Take a patient off the waiting list; an open offer is declined."""
    one = waiting.leave(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(waiting_shapes.entries(call.house, call.writing, [one])[0], version=one.version)


def search_offers(call: Call) -> Offers:
    """Offers, latest made first."""
    body: OffersIn = call.body
    wanted = [(n, v) for n in ("round", "entry", "state") if (v := getattr(body, n)) is not None]
    with call.read() as tx:
        found, after = waiting_store.offers_page(tx, wanted, body.cursor, body.limit)
        return Offers(offers=waiting_shapes.offers(call.house, tx, found), next=after)


def make(call: Call) -> Answer:
    """Offer a time to somebody who waits; it is kept until the answer."""
    body: OfferIn = call.body
    start = shapes.instant(body.start, "start")
    one = rounds.by_hand(call.house, call.writing, body.entry, start, body.schedules, body.round)
    return Answer(waiting_shapes.offers(call.house, call.writing, [one])[0], 201)


def _answered(call: Call) -> Answer:
    one = waiting_store.offer(call.writing, call.path["id"])
    if one is None:
        raise not_found("Offer")
    return Answer(waiting_shapes.offers(call.house, call.writing, [one])[0])


def accept(call: Call) -> Answer:
    """The patient takes it (says so at the desk, by telephone): it is booked. 409 where somebody else was first."""
    offers.accept_offer(call.house, call.writing, call.path["id"])
    return _answered(call)


def decline(call: Call) -> Answer:
    """The patient does not want it, and waits on; the next one is asked."""
    offers.decline_offer(call.house, call.writing, call.path["id"])
    return _answered(call)


def search_rounds(call: Call) -> Rounds:
    """Times that became free, latest first, with their offers and who would fit."""
    body: RoundsIn = call.body
    with call.read() as tx:
        found, after = waiting_store.rounds_page(tx, body.state, body.cursor, body.limit)
        return Rounds(rounds=waiting_shapes.rounds(call.house, tx, found), next=after)


def end(call: Call) -> Answer:
    """End a round: its offers are gone, and its time is free for everybody at once."""
    one = rounds.stop(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(waiting_shapes.rounds(call.house, call.writing, [one])[0], version=one.version)


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        calendar = views(call.house).calendar(tx)
        found, _ = waiting_store.entries_page(tx, None, None, None, _LISTED)
        names = directory.name(tx, sorted({one.patient for one in found}))
        services = {one.id: one.name for one in store.SERVICES.all(tx)}
    zone = calendar.almanac.zone
    columns = calendar.schedules
    rows = [
        Row(
            id=one.id,
            cells={
                "created": shapes.moment(one.created, zone),
                "patient": names.get(one.patient),
                "service": services.get(one.service, one.service),
                "schedules": ", ".join(columns[n].name for n in one.schedules if n in columns) or None,
                "first": one.first.isoformat() if one.first else None,
                "last": one.last.isoformat() if one.last else None,
                "state": one.state,
                "note": one.note,
            },
        )
        for one in found
    ]
    return arrange(WAITING, rows, query)


WAITING = Listing(
    "calendar.waiting",
    READ,
    (
        Column("created", "time", sortable=True),
        Column("patient", sortable=True, personal=True),
        Column("service", sortable=True, filter=True),
        Column("schedules"),
        Column("first", "date", sortable=True),
        Column("last", "date", sortable=True),
        Column(
            "state",
            "choice",
            filter=True,
            choices=("waiting", "booked", "left", "expired"),
            words="waiting_state",
        ),
        Column("note", personal=True),
    ),
    _rows,
    text=True,
    period="created",
    sort="created",
)
_FOUND = ((404, "http.not_found"),)
_STALE = (412, "resource.stale")
_TIMES = ((400, "clock.naive_time"), (400, "clock.bad_time"))
_ENTRY = (
    (422, "calendar.service_unknown"), (422, "calendar.schedule_unfit"), (422, "calendar.waiting_replaces"),
    (422, "calendar.type_invalid"), (422, "directory.patient_unknown"), (422, "directory.patient_inactive"),
)  # fmt: skip


def _route(method: str, path: str, name: str, call: Any, permission: str, answer: Any, **more: Any) -> Route:
    return Route(
        method, f"/waiting{path}", name, call, permission, answer=answer, tags=("waiting",), **more
    )  # fmt: skip


ROUTES = (
    _route("POST", "/search", "waiting.search", search, READ, Entries, body=EntriesIn, transaction=False),
    _route("POST", "", "waiting.enter", enter, WRITE, EntryOut, body=EntryIn, status=201, problems=_ENTRY),
    _route(
        "POST", "/offers/search", "waitingOffers.search", search_offers, READ, Offers, body=OffersIn,
        transaction=False,
    ),
    _route(
        "POST", "/offers", "waitingOffers.make", make, WRITE, OfferOut, body=OfferIn, status=201,
        problems=(
            *_FOUND, *_TIMES, (409, "calendar.not_waiting"), (409, "calendar.offer_open"), (409, "calendar.slot_taken"),
            (422, "calendar.offer_later"), (422, "calendar.service_unknown"), (422, "calendar.schedule_unfit"),
            (422, "calendar.too_soon"), (422, "calendar.absent"), (422, "calendar.holiday"),
            (422, "calendar.outside_hours"), (422, "directory.patient_inactive"),
        ),
    ),
    _route(
        "POST", "/offers/{id}/accept", "waitingOffers.accept", accept, WRITE, OfferOut, body=EndIn,
        problems=(*_FOUND, (409, "calendar.offer_gone")),
    ),
    _route(
        "POST", "/offers/{id}/decline", "waitingOffers.decline", decline, WRITE, OfferOut, body=EndIn,
        problems=(*_FOUND, (409, "calendar.offer_gone")),
    ),
    _route("POST", "/rounds/search", "waitingRounds.search", search_rounds, READ, Rounds, body=RoundsIn, transaction=False),
    _route(
        "POST", "/rounds/{id}/end", "waitingRounds.end", end, WRITE, RoundOut, body=EndIn, problems=(*_FOUND, _STALE)
    ),
    _route("GET", "/{id}", "waiting.read", read, READ, EntryOut, problems=_FOUND),
    _route(
        "PUT", "/{id}", "waiting.change", change, WRITE, EntryOut, body=EntryPut,
        problems=(*_FOUND, _STALE, (409, "calendar.not_waiting"), *_ENTRY),
    ),
    _route(
        "POST", "/{id}/leave", "waiting.leave", leave, WRITE, EntryOut, body=EndIn, problems=(*_FOUND, _STALE)
    ),
)  # fmt: skip
