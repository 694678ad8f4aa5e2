"""Texts and persons of decided requests are not kept for ever: after `portals.request_days` they are emptied.

What came, when, and what became of it stays, so that the same message is still known; who it was stands with the
appointment. What was put away unread (no appointment ever stood for it: advertising, strays) is emptied after
`UNREAD_DAYS`. Nothing that waits is touched, and nothing whose appointment still lies ahead.
"""

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, Told
from praxisd.services.portals import requests_store, store
from praxisd.services.portals.desk_settings import REQUEST_DAYS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

UNREAD_DAYS = 30
AT_A_TIME = 200
_DAY_S = 86_400


def run(ctx: RunContext) -> None:
    """Empty what is old enough. Counts `emptied`."""
    after = ""
    while True:
        ctx.stop_if_asked()
        with ctx.read() as tx:
            found = _old(ctx.house, tx, after)
        for one in found:
            ctx.checkpoint(emptied=ctx.house.store.run(ctx.actor, partial(_empty, ctx.house, one)))
        if len(found) < AT_A_TIME:
            return
        after = found[-1]


def _old(house: "House", tx: Tx, after: str) -> list[str]:
    """Ids that may be old enough, in their order; none was received later than anything that is emptied."""
    days = int(house.settings.get(tx, REQUEST_DAYS))
    unread, decided = tx.now - UNREAD_DAYS * _DAY_S, tx.now - days * _DAY_S
    return requests_store.full(tx, after, unread=unread, decided=decided, limit=AT_A_TIME)


def _empty(house: "House", id_: str, tx: Tx) -> int:
    """1 if it was emptied now; 0 where it is too young, or waits again."""
    one = requests_store.lock(tx, id_)
    if one is None or not _over(one, tx.now, int(house.settings.get(tx, REQUEST_DAYS))):
        return 0
    new = msgspec.structs.replace(one, original="", subject="", told=Told(), note=None)
    new = store.REQUESTS.save(tx, new)
    events.note(tx, "request.emptied", "BookingRequest", new.id, version=new.version, origin=new.origin)
    return 1


def _over(one: BookingRequest, now: int, days: int) -> bool:
    if one.state not in requests_store.DECIDED or one.decided is None or (one.start or 0) > now:
        return False
    kept = min(days, UNREAD_DAYS) if one.appointment is None else days
    return one.decided <= now - kept * _DAY_S
