"""The history of take-overs as a table."""

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange.takeover_routes import USE
from praxisd.services.exchange.takeover_view import View

STATES = (
    "uploaded", "looking", "looked", "running", "stopped", "done", "undoing", "undone", "undecided", "failed"
)  # fmt: skip


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found = View(call.house, tx, call.lang).takeovers(store.page(tx, None, 1_000))
    rows = [
        Row(
            id=one.id,
            cells={
                "createdAt": one.created_at, "name": one.name, "format": one.format, "state": one.state,
                "new": one.counts.new, "merged": one.counts.merged, "doubt": one.counts.doubt, "refused": one.counts.refused,
                "createdBy": one.created_by,
            },
            alert=one.state in ("failed", "undecided"),
        )
        for one in found
    ]  # fmt: skip
    return arrange(TAKEOVERS, rows, query)


TAKEOVERS = Listing(
    "exchange.takeovers",
    USE,
    (
        Column("createdAt", "time", sortable=True),
        Column("name", personal=True),
        Column("format", sortable=True),
        Column("state", "choice", filter=True, choices=STATES, words="takeover_state"),
        Column("new", "number"),
        Column("merged", "number"),
        Column("doubt", "number"),
        Column("refused", "number"),
        Column("createdBy"),
    ),
    _rows,
    sort="-createdAt",
)
LISTINGS = (TAKEOVERS,)
