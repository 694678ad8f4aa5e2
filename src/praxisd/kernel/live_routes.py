"""GET /live: the console hears what changed, without asking again and again. What is sent is `web/live.py`."""

import msgspec

from praxisd.kernel.service import EVENT_STREAM, Call, Permission, Route, Stream
from praxisd.kernel.shapes import Cursor

_DIGITS_MOST = 18


class LiveQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to go on: the `cursor` of `GET /console`, or the id of the last change seen."""

    since: Cursor | None = None


def follow(call: Call) -> Stream:
    """What changes, as it changes (server-sent events)

    `hello` with the cursor; `change` for each event of the practice; `reset` when too much was missed: load anew;
    `progress` of running jobs; `ping` every 15 s; `bye` with the reason when the server ends
    the stream. Last-Event-ID wins over `since`.
    """
    last = call.headers.get("last-event-id", "")
    known = last if last.isascii() and last.isdigit() and len(last) <= _DIGITS_MOST else call.query.since
    return Stream(None if known is None else int(known))


PERMISSIONS = (Permission("kernel.live.read", ("owner", "desk", "partner")),)
ROUTES = (
    Route(
        "GET",
        "/live",
        "live.follow",
        follow,
        "kernel.live.read",
        query=LiveQuery,
        quick=follow,
        safe=True,
        media_type=EVENT_STREAM,
        problems=((429, "live.too_many"),),
        tags=("console",),
    ),
)
