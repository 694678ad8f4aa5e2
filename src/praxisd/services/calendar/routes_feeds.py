"""REST operations on calendar links (SPEC 1.8): made once, shown once, revoked at once, read by whoever has one."""

from typing import Any

from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.calendar import feeds, shapes
from praxisd.services.calendar.routes_columns import route_of
from praxisd.services.calendar.view import views

FEEDS = "calendar.feed.write"


class FeedOut(shapes.Out, frozen=True, kw_only=True, omit_defaults=True):
    """A calendar link. `url` is shown only when it is made."""

    id: str
    schedule: str
    titles: bool
    created_at: str
    revoked_at: str | None = None
    url: str | None = None


class Feeds(shapes.Out, frozen=True, kw_only=True):
    """Calendar links."""

    feeds: list[FeedOut]


def _feed_row(call: Call, tx: Any, row: Any) -> FeedOut:
    zone = views(call.house).calendar(tx).almanac.zone
    return FeedOut(
        id=row.id,
        schedule=row.schedule,
        titles=bool(row.titles),
        created_at=shapes.moment(row.created_at, zone),
        revoked_at=shapes.at(row.revoked_at, zone) if row.revoked_at else None,
    )


def list_feeds(call: Call) -> Answer:
    """Calendar links, revoked ones included; their secrets are not kept."""
    with call.read() as tx:
        return Answer(Feeds(feeds=[_feed_row(call, tx, row) for row in feeds.feeds(tx)]))


def add_feed(call: Call) -> Answer:
    """Make a secret calendar link for a column; its address is shown once."""
    tx = call.writing
    id_, secret = feeds.open_feed(tx, call.path["id"], call.body.titles)
    zone = views(call.house).calendar(tx).almanac.zone
    out = FeedOut(
        id=id_,
        schedule=call.path["id"],
        titles=call.body.titles,
        created_at=shapes.moment(tx.now, zone),
        url=f"{call.base_url}/ical/{secret}.ics",
    )
    return Answer(out, 201, headers={"Cache-Control": "no-store"})


def drop_feed(call: Call) -> Answer:
    """Revoke a calendar link at once."""
    feeds.revoke_feed(call.writing, call.path["id"])
    return Answer(None, 204)


def ical(call: Call) -> Answer:
    """The calendar behind a secret link, as RFC 5545."""
    data, tag = feeds.ical(call.house, call.path["token"].removesuffix(".ics"), call.lang)
    return Answer(data, etag=tag)


_FOUND = ((404, "http.not_found"),)
ROUTES = (
    route_of("GET", "/feeds", "feeds.list", list_feeds, FEEDS, answer=Feeds),
    route_of(
        "POST", "/schedules/{id}/feeds", "feeds.create", add_feed, FEEDS,
        answer=FeedOut, body=shapes.FeedIn, problems=_FOUND,
    ),
    route_of("DELETE", "/feeds/{id}", "feeds.revoke", drop_feed, FEEDS, problems=_FOUND),
    Route(
        "GET", "/ical/{token}", "feeds.ical", ical, None, root=True, media_type="text/calendar; charset=utf-8",
        why_open="the link itself is the secret (SPEC 1.8): 256 random bits, revocable, kept only as digest",
        problems=_FOUND, tags=("feeds",),
    ),
)  # fmt: skip
