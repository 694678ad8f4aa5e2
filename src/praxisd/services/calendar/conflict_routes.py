"""REST operations on conflicts, and their table in the console (SPEC 3.9)."""

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.calendar import conflict_store, conflicts, settling, shapes, store
from praxisd.services.calendar.conflict_shapes import ConflictOut, Conflicts, ConflictsIn, SettleIn, shown
from praxisd.services.calendar.view import views

READ, WRITE = "calendar.conflict.read", "calendar.conflict.write"
_LISTED = 2_000
"""So many of the latest are in the table."""


def search(call: Call) -> Conflicts:
    """Conflicts, latest found first."""
    body: ConflictsIn = call.body
    with call.read() as tx:
        found, after = conflict_store.page(tx, body.state, body.cursor, body.limit)
        return Conflicts(conflicts=shown(call.house, tx, found, call.lang), next=after)


def read(call: Call) -> Answer:
    """One conflict with both sides."""
    with call.read() as tx:
        one = conflicts.conflict(tx, call.path["id"])
        if one is None:
            raise not_found("Conflict")
        return Answer(shown(call.house, tx, [one], call.lang)[0], version=one.version)


def settle(call: Call) -> Answer:
    """Settle a conflict in one of its `ways`; both appointments follow in the same transaction."""
    body: SettleIn = call.body
    done = settling.settle_conflict(
        call.house,
        call.writing,
        call.path["id"],
        body.how,
        start=shapes.instant(body.start, "start") if body.start else None,
        schedules=body.schedules,
        minutes=body.minutes,
        expected=call.if_match,
    )
    return Answer(shown(call.house, call.writing, [done], call.lang)[0], version=done.version)


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        zone = views(call.house).calendar(tx).almanac.zone
        names = {one.id: one.name for one in store.SCHEDULES.all(tx)}
        found, _ = conflict_store.page(tx, None, None, _LISTED)
    rows = [
        Row(
            id=one.id,
            cells={
                "foundAt": shapes.at(one.found_at, zone),
                "start": shapes.at(one.start, zone),
                "end": shapes.at(one.end, zone),
                "schedule": names.get(one.schedule, one.schedule),
                "portal": one.portal,
                "what": one.code.removeprefix("calendar.conflict_"),
                "state": "open" if one.settled_at is None else "settled",
                "how": one.how,
            },
            alert=one.settled_at is None,
        )
        for one in found
    ]
    return arrange(CONFLICTS, rows, query)


CONFLICTS = Listing(
    "calendar.conflicts",
    READ,
    (
        Column("state", "choice", filter=True, choices=("open", "settled"), words="conflict_state"),
        Column("start", "time", sortable=True),
        Column("end", "time"),
        Column("schedule", sortable=True, filter=True),
        Column("portal", sortable=True, filter=True),
        Column("what", "choice", filter=True, choices=("taken", "absent", "blocker"), words="conflict_what"),
        Column("foundAt", "time", sortable=True),
        Column("how", "choice", choices=(*settling.WAYS, settling.GONE), words="conflict_how"),
    ),
    _rows,
    text=True,
    period="start",
    sort="-foundAt",
)
_FOUND = ((404, "http.not_found"),)
ROUTES = (
    Route(
        "POST", "/conflicts/search", "conflicts.search", search, READ, answer=Conflicts, body=ConflictsIn,
        transaction=False, tags=("conflicts",),
    ),
    Route("GET", "/conflicts/{id}", "conflicts.read", read, READ, answer=ConflictOut, problems=_FOUND, tags=("conflicts",)),
    Route(
        "POST", "/conflicts/{id}/settle", "conflicts.settle", settle, WRITE, answer=ConflictOut, body=SettleIn,
        problems=(
            *_FOUND, (412, "resource.stale"), (409, "calendar.conflict_settled"), (409, "calendar.conflict_stands"),
            (422, "calendar.conflict_way"), (409, "calendar.slot_taken"), (409, "calendar.frozen"),
            (409, "calendar.status_change"), (422, "calendar.service_unknown"), (422, "calendar.schedule_unfit"),
            (422, "calendar.wrong_duration"), (400, "calendar.range_reversed"), (400, "clock.naive_time"),
            (400, "clock.bad_time"),
        ),
        tags=("conflicts",),
    ),
)  # fmt: skip
