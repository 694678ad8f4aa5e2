"""REST operations of remote support for the practice: let in, a new code, end, look at the record."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import Kind
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.relay import api as relay
from praxisd.services.support import remote, remote_record
from praxisd.services.support import remote_shapes as shapes
from praxisd.services.support.remote_store import Grant

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

PATH = "/support"
_NO_STORE = {"Cache-Control": "no-store"}


def now(call: Call) -> shapes.NowOut:
    """Remote support that holds now

    Everybody in the practice may know, and so may who was let in.
    """
    with call.read() as tx:
        one = remote.current(tx)
        desk = call.actor.may(remote.ASK) and bool(call.house.settings.get(tx, remote.DESK))
        shown = None if one is None else view(call.house, tx, one, call.lang)
    return shapes.NowOut(
        grant=shown,
        may_end=call.actor.may(remote.END),
        may_grant=call.actor.may(remote.WRITE) or desk,
    )


def grant(call: Call) -> Answer:
    """Let the service partner in for a while

    One at a time. The answer holds the address and, this once, the code to sign in with there.
    """
    body: shapes.GrantIn = call.body
    made = remote.grant(call.house, call.actor, name=body.name, purpose=body.purpose, minutes=body.minutes)
    return _made(call, made, 201)


def renew(call: Call) -> Answer:
    """Another code

    For somebody who lost the session: with the new code it is taken up again. The one before is good no more.
    """
    return _made(call, remote.renew(call.house, call.actor, call.path["id"]), 200)


def end(call: Call) -> shapes.GrantOut:
    """End remote support at once."""
    one = remote.end(call.house, call.actor, call.path["id"])
    with call.read() as tx:
        return view(call.house, tx, one, call.lang)


def grants(call: Call) -> shapes.GrantsOut:
    """Who was let in, the newest first."""
    with call.read() as tx:
        return shapes.GrantsOut(grants=[view(call.house, tx, one, call.lang) for one in remote.latest(tx)])


def record(call: Call) -> shapes.RecordOut:
    """What was done during remote support

    Operations, how often, how they were answered, and what they changed; never what was looked at.
    """
    query: shapes.RecordQuery = call.query
    with call.read() as tx:
        one = remote.find(tx, call.path["id"])
        shown = view(call.house, tx, one, call.lang)
    if query.cursor is not None and not query.cursor.isdecimal():
        raise not_found("Support")
    below = None if query.cursor is None else int(query.cursor)
    acts, after = remote_record.page(call.house, call.actor, one.id, below, query.limit, call.lang)
    return shapes.RecordOut(grant=shown, acts=acts, next=None if after is None else str(after))


def address_of(house: "House", base_url: str) -> tuple[str, bool]:
    """Where the partner signs in, and whether that is reachable from outside."""
    public = relay.public_url(house)
    return f"{public or base_url}{PATH}", public is not None


def view(house: "House", tx: "Tx", one: Grant, lang: str) -> shapes.GrantOut:
    """A grant with names in place of labels; to the partner no name of anybody in the practice."""
    people = {one.granted_by, *([one.ended_by] if one.ended_by else [])}
    names = {} if tx.actor.kind is Kind.SUPPORT else actor_names(house, tx, people, lang)

    def time(at: int | None) -> str | None:
        return None if at is None else format_rfc3339(at)

    ended = one.ended_by if one.ended_by != remote.TIME else None
    return shapes.GrantOut(
        id=one.id,
        state=remote.state(one, tx.now),
        name=one.name,
        purpose=one.purpose,
        granted_by=names.get(one.granted_by, ""),
        granted_at=format_rfc3339(one.granted_at),
        until=format_rfc3339(one.until),
        entered_at=time(one.entered_at),
        entered_from=one.entered_from,
        ended_at=time(one.ended_at),
        ended_by=None if ended is None else names.get(ended, ""),
    )


def _made(call: Call, made: remote.Made, status: int) -> Answer:
    address, outside = address_of(call.house, call.base_url)
    with call.read() as tx:
        shown = view(call.house, tx, made.grant, call.lang)
    body = shapes.GrantMade(grant=shown, address=address, outside=outside, code=made.code)
    return Answer(body, status, headers=_NO_STORE)


_TAGS = ("support",)
_GONE, _DESK = (404, "http.not_found"), (403, "support.remote_not_desk")
ROUTES = (
    Route("GET", "/support/remote/now", "remote.now", now, remote.READ, shapes.NowOut, safe=True, tags=_TAGS),
    Route("GET", "/support/remote", "remote.list", grants, remote.RECORD, shapes.GrantsOut, safe=True, tags=_TAGS),
    Route(
        "POST", "/support/remote", "remote.grant", grant, remote.ASK, shapes.GrantMade, body=shapes.GrantIn, status=201,
        problems=(_DESK, (409, "support.remote_open"), (422, "support.remote_invalid")), transaction=False, safe=True,
        tags=_TAGS,
    ),
    Route(
        "POST", "/support/remote/{id}/code", "remote.renew", renew, remote.ASK, shapes.GrantMade, body=shapes.Nothing,
        problems=(_DESK, _GONE, (409, "support.remote_over")), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/support/remote/{id}/end", "remote.end", end, remote.END, shapes.GrantOut, body=shapes.Nothing,
        problems=(_GONE,), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/support/remote/{id}/record", "remote.record", record, remote.RECORD, shapes.RecordOut,
        query=shapes.RecordQuery, problems=(_GONE,), safe=True, tags=_TAGS,
    ),
)  # fmt: skip
