"""Tables of the calendar for the console: columns, appointment types, reservations, absences."""

from collections.abc import Mapping

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd.kernel.store import Tx
from praxisd.services.calendar import columns, rule_words, shapes, store, view_store
from praxisd.services.calendar.view import views
from praxisd.services.directory import api as directory

READ, RESERVE = "calendar.schedule.read", "calendar.reservation.write"
_FLAGS = (Column("active", "flag", filter=True), Column("released", "flag", filter=True))


def _schedules(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        people = {one.id: one.display for one in directory.practitioners(tx)}
        places = {one.id: one.name for one in directory.locations(tx)}
        found = store.SCHEDULES.all(tx)
        if call.actor.portal is not None:
            found = [columns.outward(call.house, tx, one) for one in columns.released_of(found)]
    rows = [
        Row(
            id=one.id,
            cells={
                "order": one.order,
                "name": one.name,
                "color": one.color,
                "practitioner": people.get(one.practitioner or ""),
                "location": places.get(one.location or ""),
                "active": one.active,
                "released": one.released,
            },
        )
        for one in sorted(found, key=lambda one: (one.order, one.no))
    ]
    return arrange(SCHEDULES, rows, query)


SCHEDULES = Listing(
    "calendar.schedules",
    READ,
    (
        Column("order", "number", sortable=True),
        Column("name", sortable=True),
        Column("color", "color"),
        Column("practitioner", sortable=True),
        Column("location", sortable=True),
        *_FLAGS,
    ),
    _schedules,
    text=True,
    sort="order",
)


def _services(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found = store.SERVICES.all(tx)
    if call.actor.portal is not None:
        found = columns.released_of(found)
    rows = [
        Row(
            id=one.id,
            cells={
                "name": one.name,
                "duration": one.duration,
                "color": one.color,
                "confirm": one.confirm,
                "active": one.active,
                "released": one.released,
            },
        )
        for one in found
    ]
    return arrange(SERVICES, rows, query)


SERVICES = Listing(
    "calendar.services",
    READ,
    (
        Column("name", sortable=True),
        Column("duration", "minutes", sortable=True),
        Column("color", "color"),
        Column("confirm", "flag", filter=True),
        *_FLAGS,
    ),
    _services,
    text=True,
    sort="name",
)


def _names(tx: Tx) -> Mapping[str, str]:
    return {one.id: one.name for one in store.SCHEDULES.all(tx)}


def _reservations(call: Call, query: ListingQuery) -> ListingPage:
    since = parse_rfc3339(query.from_, "from") if query.from_ else None
    until = parse_rfc3339(query.to, "to") if query.to else None
    with call.read() as tx:
        zone, names = views(call.house).calendar(tx).almanac.zone, _names(tx)
        found = view_store.reservations_beginning(tx, since, until)
    rows = [
        Row(
            id=one.id,
            cells={
                "start": shapes.at(one.start, zone),
                "end": shapes.at(one.end, zone),
                "title": one.title,
                "schedules": ", ".join(names.get(id_, id_) for id_ in one.schedules),
                "note": one.note,
            },
        )
        for one in found
    ]
    return arrange(RESERVATIONS, rows, query)


RESERVATIONS = Listing(
    "calendar.reservations",
    RESERVE,
    (
        Column("start", "time", sortable=True),
        Column("end", "time", sortable=True),
        Column("title", sortable=True, personal=True),
        Column("schedules"),
        Column("note", personal=True),
    ),
    _reservations,
    text=True,
    period="start",
    sort="-start",
)


def _absences(call: Call, query: ListingQuery) -> ListingPage:
    everybody = call.house.texts.get("console.absences.everybody", call.lang)
    with call.read() as tx:
        names, found = _names(tx), store.ABSENCES.all(tx)
    rows = [
        Row(
            id=one.id,
            cells={
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
                "schedule": everybody if one.schedule is None else names.get(one.schedule, one.schedule),
                "repeats": rule_words.of_absence(call.house.texts, call.lang, one),
                "reason": one.reason,
            },
        )
        for one in found
    ]
    return arrange(ABSENCES, rows, query)


ABSENCES = Listing(
    "calendar.absences",
    RESERVE,
    (
        Column("first", "date", sortable=True),
        Column("last", "date", sortable=True),
        Column("schedule", sortable=True, filter=True),
        Column("repeats"),
        Column("reason", personal=True),
    ),
    _absences,
    text=True,
    period="first",
    sort="-first",
)
LISTINGS = (SCHEDULES, SERVICES, RESERVATIONS, ABSENCES)
