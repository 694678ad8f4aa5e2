"""The page's table: columns are declared, the console draws, sorts, filters, prints and exports it."""

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd_fridge import rules, store

MOST = 5000


def rows(call: Call, query: ListingQuery) -> ListingPage:
    """All readings that are kept, as the query wants them."""
    with call.read() as tx:
        lowest, highest = (call.house.settings.get(tx, f"fridge.{one}") for one in ("lowest", "highest"))
        found = store.newest(tx, MOST)
    shown = []
    for one in found:
        state = rules.verdict(one.tenths, lowest, highest)
        cells = {"at": format_rfc3339(one.at), "celsius": one.tenths / 10, "state": state, "by": one.person}
        shown.append(Row(id=one.id, cells=cells, alert=state != "good"))
    return arrange(READINGS, shown, query)


READINGS = Listing(
    "fridge.readings",
    "fridge.reading.read",
    (
        Column("at", "time", sortable=True),
        Column("celsius", "number", sortable=True),
        Column("state", "choice", filter=True, choices=("good", "warm", "cold"), words="fridge_state"),
        Column("by", filter=True),
    ),
    rows,
    period="at",
    sort="-at",
)
