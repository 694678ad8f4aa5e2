"""Seats and locks as tables: sorted, filtered, printed and exported."""

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.console import Cell, Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call
from praxisd.services.seats import store, views
from praxisd.services.seats.declared import READ, READ_LOCKS

STATES = ("waiting", "approved", "refused", "revoked")
_RANK = {"here": 0, "quiet": 1, "gone": 2}


def _seats(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
        found = views.seats(call.house, tx, store.seats(tx))
    rows = []
    for one in found:
        states = sorted((s.state for s in one.sessions), key=_RANK.__getitem__)
        people = sorted({s.person for s in one.sessions if s.person and s.state != "gone"})
        cells: dict[str, Cell] = {
            "name": one.name,
            "kind": one.kind,
            "state": one.state,
            "presence": states[0] if states else "gone",
            "viewer": one.viewer,
            "mayTake": one.may_take,
            "people": ", ".join(people) or None,
            "locks": sum(s.locks for s in one.sessions),
            "program": one.program or None,
            "seenAt": None if one.seen_at is None else format_rfc3339(parse_rfc3339(one.seen_at), zone),
        }
        rows.append(Row(id=one.id, cells=cells, alert=one.state == "waiting"))
    return arrange(SEATS, rows, query)


def _locks(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
        found = views.locks(call.house, tx)
    rows = [
        Row(
            id=one.record,
            cells={
                "record": one.record,
                "display": one.display,
                "seat": one.holder.seat_name,
                "person": one.holder.person or None,
                "since": format_rfc3339(parse_rfc3339(one.since), zone),
                "until": format_rfc3339(parse_rfc3339(one.until), zone),
                "waiting": len(one.waiting),
            },
        )
        for one in found
    ]
    return arrange(LOCKS, rows, query)


SEATS = Listing(
    "seats.seats",
    READ,
    (
        Column("name", sortable=True, filter=True),
        Column("kind", "choice", filter=True, choices=("program", "console"), words="seat_kind"),
        Column("state", "choice", sortable=True, filter=True, choices=STATES, words="seat_state"),
        Column("presence", "choice", sortable=True, filter=True, choices=tuple(_RANK), words="seat_presence"),
        Column("viewer", "flag", filter=True),
        Column("mayTake", "flag"),
        Column("people", personal=True),
        Column("locks", "number", sortable=True),
        Column("program", sortable=True),
        Column("seenAt", "time", sortable=True),
    ),
    _seats,
    text=True,
    sort="name",
)
LOCKS = Listing(
    "seats.locks",
    READ_LOCKS,
    (
        Column("record", sortable=True, filter=True),
        Column("display", sortable=True, personal=True),
        Column("seat", sortable=True, filter=True),
        Column("person", sortable=True, personal=True),
        Column("since", "time", sortable=True),
        Column("until", "time"),
        Column("waiting", "number", sortable=True),
    ),
    _locks,
    text=True,
    sort="since",
)
LISTINGS = (SEATS, LOCKS)
