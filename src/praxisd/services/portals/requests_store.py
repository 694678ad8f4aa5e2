"""Statements of the booking desk: requests by what they are known by, pages of them, answers on their way to portals."""

import re
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.model.portals import BookingRequest, There, Told
from praxisd.services.portals.store import ANSWER, REQUEST, REQUESTS

_R, _A = REQUEST.c, ANSWER.c
WAITING = ("open", "asked")
DECIDED = ("accepted", "refused", "withdrawn", "expired")
_EMPTY = (
    f'"told":{msgspec.json.encode(Told()).decode()}', '"original":""', '"subject":""', '"note":null'
)  # fmt: skip
"""As an emptied request is stored; inside a text the quotes would stand behind a backslash."""
_FULL = sa.or_(*(~_R.doc.contains(one, autoescape=True) for one in _EMPTY))
_ONE = sa.select(REQUEST.c.doc).where(mine(REQUEST))


def _locked(*conditions: Any) -> Any:
    return prepared(lambda _dialect: _ONE.where(*conditions).with_for_update())


_LOCK = _locked(_R.id == sa.bindparam("id"))
_OF_REMOTE = _locked(
    _R.origin == sa.bindparam("origin"), _R.portal == sa.bindparam("portal"), _R.remote == sa.bindparam("remote")
)  # fmt: skip
_OF_APPOINTMENT = _locked(_R.appointment == sa.bindparam("appointment"))
_READ_APPOINTMENT = prepared(_ONE.where(_R.appointment == sa.bindparam("appointment")))
_OF_ANSWER = prepared(sa.select(_R.organization, _R.id).where(_R.answer == sa.bindparam("answer")))
_OF_ANSWER.across = True
_COUNTS = prepared(
    sa.select(_R.state, sa.func.count(), sa.func.sum(sa.case((_R.appointment.is_(None), 1), else_=0)))
    .where(mine(REQUEST), _R.state.in_(WAITING))
    .group_by(_R.state)
)
_LAPSED = prepared(
    sa.select(_R.id)
    .where(mine(REQUEST), _R.state == "asked", _R.until <= sa.bindparam("moment"))
    .order_by(_R.until)
    .limit(sa.bindparam("at_most"))
)
_OLD = prepared(
    sa.select(sa.func.count(), sa.func.min(_R.received)).where(
        mine(REQUEST), _R.state == "open", _R.received <= sa.bindparam("moment")
    )
)
_OPEN_APPOINTMENTS = prepared(
    sa.select(_R.appointment).where(mine(REQUEST), _R.state.in_(WAITING), _R.appointment.is_not(None))
)
_ADD_ANSWER = insert(ANSWER)
_SUPERSEDE = prepared(
    sa.update(ANSWER)
    .where(mine(ANSWER), _A.request == sa.bindparam("whose"), _A.state.in_(("open", "failed")))
    .values(state="superseded")
)
_ANSWERS = prepared(
    sa.select(ANSWER)
    .where(mine(ANSWER), _A.request == sa.bindparam("request"))
    .order_by(_A.created_at, _A.id)
)


def lock(tx: Tx, id_: str) -> BookingRequest | None:
    """The request, which is about to be changed; others wait."""
    return _of(tx.value(_LOCK, id=id_))


def of_remote(tx: Tx, origin: str, portal: str, remote: str) -> BookingRequest | None:
    """The request of this sender's id, to be changed. `portal`: the portal's id, or empty."""
    return _of(tx.value(_OF_REMOTE, origin=origin, portal=portal, remote=remote))


def of_appointment(tx: Tx, appointment: str) -> BookingRequest | None:
    """The request of this appointment, to be changed."""
    return _of(tx.value(_OF_APPOINTMENT, appointment=appointment))


def about(tx: Tx, appointment: str) -> BookingRequest | None:
    """The request of this appointment, to be looked at."""
    return _of(tx.value(_READ_APPOINTMENT, appointment=appointment))


def of_answer(tx: Tx, digest: str) -> tuple[str, str] | None:
    """(organization, id) of the request whose patient answers under this address."""
    row = tx.first(_OF_ANSWER, answer=digest)
    return None if row is None else (row.organization, row.id)


def _of(doc: str | None) -> BookingRequest | None:
    return None if doc is None else REQUESTS.decode(doc)


def counts(tx: Tx) -> dict[str, tuple[int, int]]:
    """By state that waits: how many, and how many of them stand in no column."""
    return {row[0]: (int(row[1]), int(row[2] or 0)) for row in tx.tuples(_COUNTS)}


def page(
    tx: Tx, states: tuple[str, ...], cursor: str | None, limit: int, *, newest: bool
) -> tuple[list[BookingRequest], str | None]:
    """Requests in these states by when they came, and the cursor of the next page."""
    query = sa.select(_R.doc, _R.received, _R.id).where(mine(REQUEST), _R.state.in_(states))
    here = sa.tuple_(_R.received, _R.id)
    if cursor is not None:
        received, _, id_ = cursor.partition("-")
        known = re.fullmatch(r"[0-9]{1,15}", received) is not None
        after = sa.tuple_(sa.literal(int(received) if known else 0), sa.literal(id_.replace("\0", "")))
        query = query.where(here < after if newest else here > after)
    order = (_R.received.desc(), _R.id.desc()) if newest else (_R.received, _R.id)
    rows = tx.tuples(query.order_by(*order).limit(limit + 1))
    found = [REQUESTS.decode(row[0]) for row in rows[:limit]]
    return found, (f"{rows[limit - 1][1]}-{rows[limit - 1][2]}" if len(rows) > limit else None)


def listed(
    tx: Tx, states: tuple[str, ...], origin: str | None, *, down: bool, offset: int, limit: int
) -> tuple[list[BookingRequest], int]:
    """A page of the table, by when they came, and how many there are."""
    wanted = [_R.state.in_(states), *([_R.origin == origin] if origin else [])]
    total = REQUESTS.count(tx, *wanted)
    order = (_R.received.desc(), _R.id.desc()) if down else (_R.received, _R.id)
    query = sa.select(_R.doc).where(mine(REQUEST), *wanted).order_by(*order).offset(offset).limit(limit)
    return [REQUESTS.decode(row[0]) for row in tx.tuples(query)], total


def lapsed(tx: Tx, limit: int = 50) -> list[str]:
    """Ids of requests whose proposed time is over."""
    return [row[0] for row in tx.tuples(_LAPSED, moment=tx.now, at_most=limit)]


def full(tx: Tx, after: str, *, unread: int, decided: int, limit: int) -> list[str]:
    """Ids of decided requests with texts, in their order: received by `decided`, or by `unread` where nothing was booked."""
    never = sa.and_(_R.appointment.is_(None), _R.received <= unread)
    query = (
        sa.select(_R.id)
        .where(mine(REQUEST), _R.state.in_(DECIDED), _R.id > after, _FULL)
        .where(sa.or_(never, _R.received <= decided))
        .order_by(_R.id)
        .limit(limit)
    )
    return [row[0] for row in tx.tuples(query)]


def old(tx: Tx, before: int) -> tuple[int, int | None]:
    """How many wait for the desk since before then, and since when the oldest does."""
    row = tx.tuples(_OLD, moment=before)[0]
    return int(row[0]), row[1]


def open_appointments(tx: Tx) -> set[str]:
    """Appointments of all requests that wait."""
    return {row[0] for row in tx.tuples(_OPEN_APPOINTMENTS)}


def add_answer(
    tx: Tx, request: BookingRequest, kind: str, start: int | None, end: int | None, reason: str = ""
) -> None:
    """A decision on its way to the portal; an older one that is not out, or was given up, says nothing any more."""
    tx.run(_SUPERSEDE, whose=request.id)
    tx.run(
        _ADD_ANSWER, id=new_id(), portal=request.portal, request=request.id, remote=request.remote, kind=kind,
        start=start, end=end, reason=reason, state="open", attempts=0, next_at=tx.now, code=None,
        created_at=tx.now, sent_at=None,
    )  # fmt: skip


def no_answer(tx: Tx, request: str) -> None:
    """What is not out yet need not be told any more: the portal knows better."""
    tx.run(_SUPERSEDE, whose=request)


def answers(tx: Tx, request: str) -> list[Any]:
    """All decisions about a request that were to be told to its portal, the oldest first."""
    return tx.all(_ANSWERS, request=request)


def last_answer(tx: Tx, request: str) -> str:
    """Id of the newest decision that was to be told; empty where there is none."""
    found = answers(tx, request)
    return str(found[-1].id) if found else ""


def told_there(tx: Tx, request: BookingRequest, *kinds: str) -> int | None:
    """The time the portal knows: the one it heard from us in a decision of these kinds since, else what it said itself."""
    there = request.there
    if there is None:
        there = There(start=request.wished if request.wished is not None else request.start)
    told = [
        one
        for one in answers(tx, request.id)
        if one.state == "sent" and one.start is not None and one.kind in kinds and one.id > there.answer
    ]
    return int(told[-1].start) if told else there.start


def get(tx: Tx, id_: str) -> BookingRequest | None:
    """A request, to be looked at."""
    return REQUESTS.get(tx, id_)
