"""Table of the console: the log of all calls of webhooks."""

from typing import Any

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, folded
from praxisd.kernel.service import Call
from praxisd.services.portals import deliveries_store, webhooks, webhooks_views
from praxisd.services.portals.webhooks_routes import READ

_SORTS = {"createdAt": "created_at", "state": "state", "attempts": "attempts", "doneAt": "done_at"}


def _deliveries(call: Call, query: ListingQuery) -> ListingPage:
    order = query.sort or DELIVERIES.sort
    house = call.house
    with call.read() as tx:
        names = {one.id: one.name for one in webhooks.visible(tx)}
        part = folded(query.filters.get("webhook", ""))
        wanted: dict[str, Any] = {
            "webhook": [id_ for id_, name in names.items() if part in folded(name)],
            "state": query.filters.get("state"),
            "since": parse_rfc3339(query.from_, "from") if query.from_ else None,
            "until": parse_rfc3339(query.to, "to") if query.to else None,
        }
        found, total = deliveries_store.page(
            tx, wanted, sort=_SORTS[order.removeprefix("-")], down=order.startswith("-"), offset=query.offset,
            limit=query.limit,
        )  # fmt: skip
        here = webhooks_views.here(tx)
        rows = []
        for one in found:
            why = webhooks_views.fault(house, one.code, one.status, call.lang)
            cells: dict[str, Any] = {
                "createdAt": format_rfc3339(one.created_at, here),
                "webhook": names[one.webhook],
                "event": webhooks_views.title(house, one.type, call.lang),
                "state": one.state,
                "attempts": one.attempts,
                "status": one.status,
                "reason": why.title if why else None,
                "nextAt": format_rfc3339(one.next_at, here) if one.state == "open" else None,
                "doneAt": format_rfc3339(one.done_at, here) if one.done_at is not None else None,
            }
            rows.append(Row(id=one.id, cells=cells, alert=one.state == "failed"))
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


DELIVERIES = Listing(
    "portals.deliveries",
    READ,
    (
        Column("createdAt", "time", sortable=True),
        Column("webhook", filter=True),
        Column("event"),
        Column(
            "state", "choice", sortable=True, filter=True, choices=("open", "delivered", "failed"),
            words="delivery_state",
        ),
        Column("attempts", "number", sortable=True),
        Column("status", "number"),
        Column("reason"),
        Column("nextAt", "time"),
        Column("doneAt", "time", sortable=True),
    ),
    _deliveries,
    period="createdAt",
    sort="-createdAt",
    problems=((409, "directory.organization_missing"),),
)  # fmt: skip
LISTINGS = (DELIVERIES,)
