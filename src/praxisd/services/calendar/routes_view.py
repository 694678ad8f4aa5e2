"""REST operations of the calendar people look at: the period drawn, its search, previews, what is released."""

from typing import Any

from praxisd.kernel.service import Route
from praxisd.services.calendar import (
    counting,
    drawing,
    previewing,
    repeating,
    rule_words,
    shapes,
    view_shapes,
)
from praxisd.services.calendar.routes_columns import READ, WRITE

VIEW = "calendar.view.read"
_TIMES = ((400, "clock.naive_time"), (400, "clock.bad_time"))
_RANGE = ((400, "calendar.range_reversed"), (400, "calendar.range_too_long"), *_TIMES)
_SLOTS = (
    *_RANGE,
    (400, "calendar.cursor_invalid"),
    (422, "calendar.service_unknown"),
    (422, "calendar.wrong_duration"),
    (422, "calendar.type_invalid"),
)


def _route(path: str, name: str, call: Any, permission: str, answer: Any, body: Any, problems: Any) -> Route:
    """A question that goes by POST: what is asked is too long, or too personal, for an address."""
    return Route(
        "POST", path, name, call, permission, answer=answer, body=body, problems=problems,
        transaction=False, tags=(name.partition(".")[0],),
    )  # fmt: skip


ROUTES = (
    _route(
        "/calendar/view", "calendar.view", drawing.draw, VIEW, view_shapes.View, view_shapes.ViewIn,
        (*_RANGE, (422, "calendar.schedule_unknown")),
    ),
    _route(
        "/calendar/counts", "calendar.counts", counting.count, VIEW,
        view_shapes.Counts, view_shapes.CountsIn, (*_RANGE[:2], _TIMES[1]),
    ),
    _route(
        "/calendar/search", "calendar.search", drawing.search, VIEW,
        view_shapes.AppointmentsDrawn, view_shapes.SearchWordsIn, (*_TIMES, (403, "directory.search_masked")),
    ),
    _route(
        "/schedules/{id}/preview", "schedules.preview", previewing.column, WRITE,
        shapes.Slots, view_shapes.ColumnPreviewIn, (*_SLOTS, (404, "http.not_found"), *repeating.PROBLEMS),
    ),
    _route(
        "/healthcare-services/preview", "healthcareServices.preview", previewing.service, WRITE,
        shapes.Slots, view_shapes.TypePreviewIn, (*_SLOTS, (422, "calendar.schedule_unknown")),
    ),
    _route(
        "/recurrences/preview", "recurrences.preview", rule_words.preview, VIEW,
        rule_words.Repeated, rule_words.RuleIn, (*repeating.PROBLEMS, (409, "directory.organization_missing")),
    ),
    Route(
        "GET", "/released", "released.list", previewing.released, READ,
        answer=view_shapes.Released, tags=("released",),
    ),
)  # fmt: skip
