"""The doors of support packages: make one, read it line by line, save it, send it; and the list of those there are."""

from typing import Any

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Answer, Call, EventType, Permission, Raw, Retention, Route
from praxisd.kernel.store import Tx
from praxisd.services.support import bundle, store
from praxisd.services.support.bundle_shapes import BundlePage, HandoverOut, LinesQuery
from praxisd.services.support.contact_routes import NO_MAIL, told
from praxisd.services.support.contact_shapes import OnceIn, SentOut
from praxisd.services.support.partner import MISSING
from praxisd.services.support.posting import shown

READ, WRITE, SEND = "support.bundle.read", "support.bundle.write", "support.bundle.send"
_TAGS = ("support",)
_HERE = (404, "http.not_found")


def make_bundle(call: Call) -> Answer:
    """A new support package

    Collected now and kept as it is. Nothing leaves the practice.
    """
    made = bundle.make(call.house, call.actor)
    with call.read() as tx:
        return Answer(_page(call, tx, made, LinesQuery()), 201)


def read_bundle(call: Call) -> BundlePage:
    """A support package, line by line

    The lines as they would leave, and each time it left.
    """
    with call.read() as tx:
        return _page(call, tx, bundle.get(tx, call.path["id"]), call.query)


def save_bundle(call: Call) -> Raw:
    """A support package as a file

    Byte for byte what was shown; that it was saved is kept with it.
    """
    found = bundle.saved(call.house, call.actor, call.path["id"])
    headers = {"Content-Disposition": f'attachment; filename="{found.file}"'}
    return Raw(found.data, bundle.MEDIA, headers=headers)


def send_bundle(call: Call) -> SentOut:
    """Send a support package to the service partner

    By the practice's own e-mail account, byte for byte what was shown. The answer says honestly what is known.
    """
    to, outcome = bundle.send(call.house, call.actor, call.path["id"], call.body.once, call.lang)
    return told(call, outcome, to)


def _page(call: Call, tx: Tx, one: bundle.Bundle, query: LinesQuery) -> BundlePage:
    left, lines = store.left(tx, one.id), one.lines
    zone = zone_of(zone_name(call.house, tx))
    names = actor_names(call.house, tx, {one.created_by, *(each.by for each in left)}, call.lang)
    first = min(int(query.cursor), len(lines))
    end = first + query.limit
    return BundlePage(
        id=one.id,
        created_at=format_rfc3339(one.created_at, zone),
        created_by=names[one.created_by],
        lines=len(lines),
        bytes=len(one.data),
        digest=one.digest,
        file=one.file,
        first=first + 1,
        text=lines[first:end],
        next=str(end) if end < len(lines) else None,
        handovers=[
            HandoverOut(
                at=format_rfc3339(each.at, zone),
                by=names[each.by],
                way=each.way,
                target=each.target,
                outcome=shown(each, tx.now),
            )
            for each in left
        ],
    )


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found, left, now = store.every(tx), store.all_left(tx), tx.now
        zone = zone_of(zone_name(call.house, tx))
        names = actor_names(call.house, tx, {one.created_by for one in found}, call.lang)
    last: dict[str, Any] = {}
    for each in left:  # the newest first
        last.setdefault(each.bundle, each)
    rows = []
    for one in found:
        gone = last.get(one.id)
        rows.append(
            Row(
                id=one.id,
                cells={
                    "createdAt": format_rfc3339(one.created_at, zone),
                    "createdBy": names[one.created_by],
                    "lines": one.lines,
                    "bytes": one.bytes,
                    "way": None if gone is None else gone.way,
                    "outcome": None if gone is None else shown(gone, now),
                    "leftAt": None if gone is None else format_rfc3339(gone.at, zone),
                    "target": None if gone is None else gone.target or None,
                },
            )
        )
    return arrange(BUNDLES, rows, query)


BUNDLES = Listing(
    "support.bundles",
    READ,
    (
        Column("createdAt", "time", sortable=True),
        Column("createdBy", sortable=True),
        Column("lines", "number"),
        Column("bytes", "number"),
        Column("way", "choice", filter=True, choices=("mail", "file"), words="bundle_way"),
        Column(
            "outcome",
            "choice",
            filter=True,
            choices=("sending", "sent", "unsure", "failed"),
            words="support_outcome",
        ),
        Column("leftAt", "time", sortable=True),
        Column("target"),
    ),
    _rows,
    period="createdAt",
    sort="-createdAt",
)
LISTINGS = (BUNDLES,)
EVENTS = (
    EventType("support.bundle_made", Retention.ACTIVITY),
    EventType("support.bundle_saved", Retention.AUDIT),
    EventType("support.bundle_sent", Retention.AUDIT),
)
PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner")),
    Permission(WRITE, ("owner", "desk", "partner")),
    Permission(SEND, ("owner", "desk")),
)
ROUTES = (
    Route(
        "POST", "/support/bundle", "supportBundle.make", make_bundle, WRITE, BundlePage, status=201, transaction=False,
        safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/support/bundle/{id}", "supportBundle.read", read_bundle, READ, BundlePage, query=LinesQuery, problems=(_HERE,),
        safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/support/bundle/{id}/file", "supportBundle.save", save_bundle, READ, media_type=bundle.MEDIA, problems=(_HERE,),
        safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/support/bundle/{id}/send", "supportBundle.send", send_bundle, SEND, SentOut, body=OnceIn, transaction=False,
        problems=(_HERE, (409, MISSING), NO_MAIL), safe=True, tags=_TAGS,
    ),
)  # fmt: skip
