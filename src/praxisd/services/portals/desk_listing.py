"""Requests as a table of the console: when, from where, who, which time, what became of it."""

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row
from praxisd.kernel.service import Call
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import chain, requests_store

_STATES = (*requests_store.WAITING, *requests_store.DECIDED)
_ORIGINS = ("api", "portal", "mailbox", "folder", "hook", "waiting")


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    state = query.filters.get("state")
    states = (state,) if state in _STATES else _STATES
    down = (query.sort or REQUESTS.sort).startswith("-")
    with call.read() as tx:
        found, total = requests_store.listed(
            tx, states, query.filters.get("origin"), down=down, offset=query.offset, limit=query.limit
        )
        names = directory.name(tx, [one.patient for one in found if one.patient])
        kinds = calendar.views(call.house).calendar(tx).services
        here = zone(directory.organization(tx).zone)
        rows = []
        for one in found:
            told = " ".join(part for part in (one.told.given, one.told.family) if part)
            kind = kinds.get(one.service or "")
            rows.append(
                Row(
                    id=one.id,
                    cells={
                        "received": format_rfc3339(one.received, here),
                        "state": one.state,
                        "origin": one.origin,
                        "from": chain.origin_name(tx, one),
                        "patient": names.get(one.patient or "") or told or None,
                        "start": None if one.start is None else format_rfc3339(one.start, here),
                        "service": kind.name if kind else one.word or None,
                        "readable": one.appointment is not None,
                    },
                    alert=one.state == "open" and one.appointment is None,
                )
            )
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


REQUESTS = Listing(
    "portals.requests",
    "portals.request.read",
    (
        Column("received", "time", sortable=True),
        Column("state", "choice", filter=True, choices=_STATES, words="request_state"),
        Column("origin", "choice", filter=True, choices=_ORIGINS, words="request_origin"),
        Column("from"),
        Column("patient", personal=True),
        Column("start", "time"),
        Column("service", personal=True),
        Column("readable", "flag"),
    ),
    _rows,
    sort="-received",
    problems=((409, "directory.organization_missing"),),
)
LISTINGS = (REQUESTS,)
