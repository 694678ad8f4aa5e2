"""REST operations of the care of the database. Works run in a thread of their own; who asks reads the state meanwhile."""

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Permission, Route
from praxisd.services.care import (
    checking,
    compacting,
    moving,
    postgres_words,
    releasing,
    state,
    targets,
    working,
)
from praxisd.services.care.shapes import CheckIn, MoveIn, MoveOut, PlanOut, PostgresIn, StateOut, TargetOut
from praxisd.services.care.working import working_of

READ, WORK, MOVE = "care.database.read", "care.database.work", "care.database.move"
PERMISSIONS = (
    Permission(READ, ("owner", "partner"), shared=True),
    Permission(WORK, ("owner", "partner"), shared=True),
    Permission(MOVE, ("owner",), shared=True),
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


def look(call: Call) -> TargetOut:
    """Look at a move

    Whether the database may lie in this folder, whether there is room, and for how long nobody could save.
    """
    found = moving.begin(call.house, call.body.to)
    return state.target(found)


def move(call: Call) -> Answer:
    """Move the database into another folder

    While all others work. The old one stays valid until the new one is the same and has been checked, and it is kept.
    """
    house, actor, to = call.house, call.actor, call.body.to
    moving.begin(house, to)
    desk = working_of(house)
    desk.begin(
        "move", lambda: moving.move(house, actor, to, progress=desk.progress, stop=lambda: desk.stopped)
    )
    return Answer(state.shown(house, call.lang), 202)


def look_at_postgres(call: Call) -> PlanOut:
    """Look at a move to PostgreSQL

    A dry run: whether the target is empty and fits, and what would be taken along.
    """
    from praxisd.services.care import postgres_store  # a start on SQLite need not wait for psycopg

    found = postgres_store.looked(call.house, call.body.url)
    return PlanOut(place=found.place, size=found.size, rows=found.tables)


def move_to_postgres(call: Call) -> Answer:
    """Move the database to PostgreSQL

    The doors are closed meanwhile, all is compared, and afterwards praxisd must be started anew (a guard does so).
    """
    from praxisd.services.care import postgres_store

    house, actor, url = call.house, call.actor, call.body.url
    postgres_store.looked(house, url)
    desk = working_of(house)
    desk.begin(
        "move",
        lambda: postgres_store.move(house, actor, url, progress=desk.progress, stop=lambda: desk.stopped),
    )
    return Answer(state.shown(house, call.lang), 202)


def read_move(call: Call) -> MoveOut:
    """The move under way, or the last one"""
    found = state.moved(call.house, call.lang)
    if found is None:
        raise not_found("Move")
    return found


def release(call: Call) -> Answer:
    """Release an old database

    It is deleted. Only where the database in force was found good since the move.
    """
    releasing.release(call.house, call.actor, call.path["id"])
    return Answer(status=204)


_POSTGRES = (
    _BUSY,
    (400, postgres_words.BAD_URL),
    *((409, code) for code in (*postgres_words.CODES[1:], moving.PENDING, targets.NOT_SQLITE)),
)
_TARGET = tuple((409, code) for code in (working.BUSY, *targets.CODES, moving.PENDING, moving.IN_USE))
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
    Route(
        "POST", "/care/move/look", "care.lookAtMove", look, MOVE, TargetOut, body=MoveIn, problems=_TARGET,
        transaction=False, inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/care/move", "care.move", move, MOVE, StateOut, body=MoveIn, status=202, problems=_TARGET,
        transaction=False, inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/care/move/postgres/look", "care.lookAtPostgres", look_at_postgres, MOVE, PlanOut, body=PostgresIn,
        problems=_POSTGRES, transaction=False, inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/care/move/postgres", "care.moveToPostgres", move_to_postgres, MOVE, StateOut, body=PostgresIn, status=202,
        problems=_POSTGRES, transaction=False, inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/care/move", "care.readMove", read_move, READ, MoveOut, problems=((404, "http.not_found"),), inside=True,
        exempt=True, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/care/old/{id}/release", "care.release", release, MOVE, status=204, transaction=False, inside=True,
        problems=((404, "http.not_found"), *((409, code) for code in releasing.CODES)), tags=_TAGS,
    ),
)  # fmt: skip
