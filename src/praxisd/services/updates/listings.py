"""The history as a listing: all versions that were ever seen, and what became of each."""

from typing import TYPE_CHECKING

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd.services.updates import view

if TYPE_CHECKING:
    from praxisd.services.updates.shapes import PackageOut

READ = "updates.read"
_STATES = (
    "waiting", "ordered", "downloading", "available", "installed", "replaced", "rolled_back", "refused", "removed"
)  # fmt: skip


def _row(one: "PackageOut") -> Row:
    return Row(
        id=one.id,
        cells={
            "element": one.title,
            "version": one.version,
            "kind": one.kind,
            "state": one.state,
            "released": one.released or None,
            "seenAt": one.seen_at,
            "downloadedAt": one.downloaded_at,
            "installedAt": one.installed_at,
            "size": max(1, one.size // 1_000),
            "source": one.source,
        },
        alert=one.state in ("rolled_back", "refused"),
    )


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found = view.View(call.house, tx, call.actor, call.lang).packages()
    return arrange(PACKAGES, [_row(one) for one in found], query)


PACKAGES = Listing(
    "updates.packages",
    READ,
    (
        Column("element", sortable=True, filter=True),
        Column("version", sortable=True, filter=True),
        Column(
            "kind",
            "choice",
            sortable=True,
            filter=True,
            choices=("software", "plugin", "data"),
            words="update_kind",
        ),
        Column("state", "choice", sortable=True, filter=True, choices=_STATES, words="update_state"),
        Column("released", "date", sortable=True),
        Column("seenAt", "time", sortable=True),
        Column("downloadedAt", "time", sortable=True),
        Column("installedAt", "time", sortable=True),
        Column("size", "number", sortable=True),
        Column("source", "choice", filter=True, choices=("download", "push"), words="update_source"),
    ),
    _rows,
    text=True,
    period="seenAt",
    sort="-seenAt",
)
LISTINGS = (PACKAGES,)
