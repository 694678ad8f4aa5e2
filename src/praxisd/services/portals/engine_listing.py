"""The table of online calendars: which belongs to which column, and how fresh each one is."""

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd.services.portals import engine_views


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found = [
            Row(
                id=link.id,
                cells={
                    "portal": one.name,
                    "name": link.name,
                    "schedule": link.schedule_name,
                    "active": one.active,
                    "uploaded": link.state.uploaded,
                    "uploadedAt": link.state.uploaded_at,
                    "goodAt": link.state.good_at,
                    "lagMinutes": -(-link.state.lag_s // 60),
                    "nextAt": link.state.next_at,
                    "problem": None if link.state.problem is None else link.state.problem.title,
                },
                alert=link.state.problem is not None,
            )
            for one in engine_views.every(call.house, tx, call.lang)
            for link in one.calendars
        ]
    return arrange(CALENDARS, found, query)


CALENDARS = Listing(
    "portals.calendars",
    "portals.portal.read",
    (
        Column("portal", sortable=True, filter=True),
        Column("name", sortable=True, filter=True),
        Column("schedule", sortable=True, filter=True),
        Column("active", "flag", filter=True),
        Column("uploaded", "number", sortable=True),
        Column("uploadedAt", "time", sortable=True),
        Column("goodAt", "time", sortable=True),
        Column("lagMinutes", "minutes", sortable=True),
        Column("nextAt", "time", sortable=True),
        Column("problem"),
    ),
    _rows,
    text=True,
    sort="portal",
    problems=((409, "directory.organization_missing"),),
)
