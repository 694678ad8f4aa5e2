"""REST operations of the care of the database. Works run in a thread of their own; who asks reads the state meanwhile."""

from praxisd.kernel.service import Answer, Call, Permission, Route
from praxisd.services.care import checking, compacting, state, working
from praxisd.services.care.shapes import CheckIn, StateOut
from praxisd.services.care.working import working_of

READ, WORK = "care.database.read", "care.database.work"
PERMISSIONS = (
    Permission(READ, ("owner", "partner")),
    Permission(WORK, ("owner", "partner")),
)
_TAGS = ("care",)
_BUSY = (409, working.BUSY)


def read_state(call: Call) -> StateOut:
    """How the database is

    Where it lies, how large and how full it is, what was found when it was last checked, and whether compacting is worth it.
    """
    return state.shown(call.house, call.lang)


def check(call: Call) -> Answer:
    """Check the database

    Begins at once and works beside all others; the state tells how it ends.
    """
    body: CheckIn = call.body
    house, actor = call.house, call.actor
    desk = working_of(house)
    desk.begin(body.level, lambda: checking.check(house, actor, body.level, lambda: desk.stopped))
    return Answer(state.shown(house, call.lang), 202)


def compact(call: Call) -> Answer:
    """Compact the database

    Nobody can save for as long as the estimate says; where that is more than a few seconds, the doors are closed meanwhile.
    """
    house, actor = call.house, call.actor
    desk = working_of(house)
    desk.begin("compact", lambda: compacting.compact(house, actor, lambda: desk.stopped))
    return Answer(state.shown(house, call.lang), 202)


ROUTES = (
    Route("GET", "/care/state", "care.read", read_state, READ, StateOut, inside=True, safe=True, tags=_TAGS),
    Route(
        "POST", "/care/check", "care.check", check, WORK, StateOut, body=CheckIn, status=202, problems=(_BUSY,),
        transaction=False, inside=True, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/care/compact", "care.compact", compact, WORK, StateOut, status=202, problems=(_BUSY,),
        transaction=False, inside=True, tags=_TAGS,
    ),
)  # fmt: skip
