"""Statements of the engine: how the contact with each portal and each online calendar stands, and what was uploaded."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.portals import engine_clock_store
from praxisd.services.portals.store import (
    ANSWER,
    BLOCKER,
    CALENDAR,
    CALENDARS,
    CYCLE,
    PORTAL,
    REQUEST,
    SECRET,
    STATE,
    UNKNOWN,
    UPLOAD,
)

_C, _S, _U, _A = CYCLE.c, STATE.c, UPLOAD.c, ANSWER.c
CLEAN, OWED, UNDER_WAY, OUTDATED = 0, 1, 2, 3
"""Values of `STATE.force`: nothing owed; an upload is; one is under way (found without its end, two are owed); one that
was made with an outdated view may have come in between.
"""
_ADD_CYCLE = insert(CYCLE)
_CYCLE = prepared(sa.select(CYCLE).where(mine(CYCLE), _C.portal == sa.bindparam("portal")))
_CYCLES = prepared(sa.select(CYCLE).where(mine(CYCLE)))
_IS_ACTIVE = sa.and_(PORTAL.c.organization == _C.organization, PORTAL.c.id == _C.portal, PORTAL.c.active == 1)
_DUE = prepared(
    sa.select(_C.organization, _C.portal)
    .join(PORTAL, _IS_ACTIVE)
    .where(sa.or_(_C.due_at <= sa.bindparam("now"), engine_clock_store.ahead(sa.bindparam("now"))))
    .order_by(_C.due_at, _C.portal)
)
_DUE.across = True
_NEXT = prepared(
    sa.select(sa.func.min(_C.due_at)).join(PORTAL, _IS_ACTIVE).where(_C.due_at > sa.bindparam("now"))
)
_NEXT.across = True
_ANY_STATE = prepared(sa.select(_S.calendar).where(mine(STATE)).limit(1))
_ADD_STATE = insert(STATE)
_STATE = prepared(sa.select(STATE).where(mine(STATE), _S.calendar == sa.bindparam("calendar")))
_STATES = prepared(sa.select(STATE).where(mine(STATE), _S.portal == sa.bindparam("portal")))
_ALL_STATES = prepared(sa.select(STATE).where(mine(STATE)))
_SEEN = prepared(
    sa.update(STATE)
    .where(mine(STATE), _S.calendar == sa.bindparam("name"))
    .values(
        seq=sa.bindparam("new_seq"), dirty_at=sa.bindparam("new_dirty"), good_at=sa.bindparam("moment"),
        tried_at=sa.bindparam("moment"), failures=0, code=None, retry=None,
    )
)  # fmt: skip
_IN_STEP = prepared(
    sa.update(STATE)
    .where(mine(STATE), _S.calendar == sa.bindparam("name"))
    .values(seq=sa.bindparam("new_seq"), dirty_at=sa.bindparam("new_dirty"))
)
_MARK = prepared(
    sa.update(STATE)
    .where(mine(STATE), _S.dirty_at.is_(None), _S.seq < sa.bindparam("number"))
    .values(dirty_at=sa.bindparam("moment"))
)
_ADD_UPLOAD = insert(UPLOAD)
_UPLOADS = (
    sa.select(UPLOAD)
    .where(mine(UPLOAD), _U.calendar == sa.bindparam("calendar"))
    .order_by(_U.id.desc())
    .limit(sa.bindparam("at_most"))
)
_OLD_UPLOADS = prepared(sa.delete(UPLOAD).where(mine(UPLOAD), _U.at < sa.bindparam("before")))
_SHOWN_BY = prepared(
    sa.select(_U.at)
    .where(
        mine(UPLOAD),
        _U.calendar == sa.bindparam("calendar"),
        _U.seq >= sa.bindparam("number"),
        _U.code.is_(None),
    )
    .order_by(_U.id)
    .limit(1)
)
_DUE_ANSWERS = prepared(
    sa.select(ANSWER)
    .where(
        mine(ANSWER),
        _A.portal == sa.bindparam("portal"),
        _A.state == "open",
        _A.next_at <= sa.bindparam("now"),
    )
    .order_by(_A.created_at, _A.id)
)
_CALENDARS = prepared(
    sa.select(CALENDAR.c.doc)
    .where(mine(CALENDAR), CALENDAR.c.portal == sa.bindparam("portal"))
    .order_by(CALENDAR.c.id)
)
_OPEN_ANSWERS = prepared(
    sa.select(sa.func.count()).select_from(ANSWER).where(
        mine(ANSWER), _A.portal == sa.bindparam("portal"), _A.state == "open"
    )
)  # fmt: skip
_NEWER_ANSWER = prepared(
    sa.select(_A.id).where(
        mine(ANSWER), _A.portal == sa.bindparam("portal"), _A.remote == sa.bindparam("remote"),
        _A.state != "superseded", _A.id > sa.bindparam("number"),
    ).limit(1)
)  # fmt: skip
_FAILED_ANSWERS = prepared(
    sa.select(_A.portal, sa.func.count().label("count"))
    .where(mine(ANSWER), _A.state == "failed", _A.created_at >= sa.bindparam("since"))
    .group_by(_A.portal)
)
_NEWER = ANSWER.alias("newer")
_OUTDONE = sa.exists().where(
    _NEWER.c.organization == _A.organization,
    _NEWER.c.portal == _A.portal,
    _NEWER.c.remote == _A.remote,
    _NEWER.c.id > _A.id,
    _NEWER.c.state != "superseded",
)
_REOPEN = prepared(
    sa.update(ANSWER)
    .where(
        mine(ANSWER), _A.portal == sa.bindparam("whose"), _A.created_at >= sa.bindparam("since"),
        _A.state.in_(("failed", "open")), ~_OUTDONE,
    )
    .values(state="open", next_at=sa.bindparam("moment"))
)  # fmt: skip

_REQUESTED = prepared(
    sa.select(REQUEST.c.id).where(mine(REQUEST), REQUEST.c.portal == sa.bindparam("portal")).limit(1)
)


def has_requests(tx: Tx, portal: str) -> bool:
    """True if a booking ever came from this portal."""
    return tx.value(_REQUESTED, portal=portal) is not None


def add_cycle(tx: Tx, portal: str) -> None:
    """The row of a new portal: due at once."""
    tx.run(
        _ADD_CYCLE, portal=portal, due_at=tx.now, contacted_at=None, fetched_at=None, good_at=None,
        reconciled_on=None, failures=0, code=None, retry=None, mark=None, memory="{}",
    )  # fmt: skip


def cycle(tx: Tx, portal: str) -> Any | None:
    """How the contact with a portal stands."""
    return tx.first(_CYCLE, portal=portal)


def cycles(tx: Tx) -> dict[str, Any]:
    """The same of all portals, by their ids."""
    return {row.portal: row for row in tx.all(_CYCLES)}


@lru_cache(maxsize=256)
def _change(table: sa.Table, key: str, names: tuple[str, ...]) -> Any:
    """Set these columns of one row; made once for each choice of columns."""
    row = (mine(table), table.c[key] == sa.bindparam("row_key"))
    return prepared(sa.update(table).where(*row).values({one: sa.bindparam(f"new_{one}") for one in names}))


def _set(tx: Tx, table: sa.Table, key: str, id_: str, values: dict[str, Any]) -> None:
    tx.run(
        _change(table, key, tuple(values)), row_key=id_, **{f"new_{one}": to for one, to in values.items()}
    )


def change_cycle(tx: Tx, portal: str, **values: Any) -> None:
    """Set these columns."""
    _set(tx, CYCLE, "portal", portal, values)


def due(tx: Tx, now: int) -> list[tuple[str, str]]:
    """(organization, portal) of all active portals that are due, of all practices, the most urgent first."""
    return [(row.organization, row.portal) for row in tx.all(_DUE, now=now)]


def next_due(tx: Tx, now: int) -> int | None:
    """When the next active portal of any practice is due, of those that are not yet."""
    found = tx.value(_NEXT, now=now)
    return None if found is None else int(found)


def add_state(tx: Tx, calendar: str, portal: str) -> None:
    """The row of a calendar that was just linked: everything is to be uploaded."""
    tx.run(
        _ADD_STATE, calendar=calendar, portal=portal, dirty_at=tx.now, force=OWED, digest=None, seq=0, uploaded=None,
        uploaded_at=None, good_at=None, tried_at=None, failures=0, code=None, retry=None, first=None, last=None,
        hours=None,
    )  # fmt: skip


def any_state(tx: Tx) -> bool:
    """True if this practice has an online calendar at all."""
    return tx.value(_ANY_STATE) is not None


def state(tx: Tx, calendar: str) -> Any | None:
    """How a calendar stands."""
    return tx.first(_STATE, calendar=calendar)


def states(tx: Tx, portal: str | None = None) -> dict[str, Any]:
    """The same of all calendars of a portal (None: of the practice), by their ids."""
    found = tx.all(_ALL_STATES) if portal is None else tx.all(_STATES, portal=portal)
    return {row.calendar: row for row in found}


def change_state(tx: Tx, calendar: str, **values: Any) -> None:
    """Set these columns."""
    _set(tx, STATE, "calendar", calendar, values)


def finish_force(tx: Tx, calendar: str, owed: int) -> None:
    """An upload has ended well: `owed` remains, and one more if something came in between."""
    kept = sa.case((_S.force == UNDER_WAY, owed), else_=OWED)
    tx.run(sa.update(STATE).where(mine(STATE), _S.calendar == calendar).values(force=kept))


def in_step(tx: Tx, calendar: str, seq: int, dirty_at: int | None) -> None:
    """What happened up to event `seq` concerns nothing that the portal was told; it was not asked."""
    tx.run(_IN_STEP, name=calendar, new_seq=seq, new_dirty=dirty_at)


def seen(tx: Tx, calendar: str, seq: int, dirty_at: int | None, now: int) -> None:
    """The portal shows what the practice had up to event `seq`."""
    tx.run(_SEEN, name=calendar, new_seq=seq, new_dirty=dirty_at, moment=now)


def mark(tx: Tx, seq: int, at: int) -> int:
    """Event `seq` changed the calendar: what the portals show may not include it. How many calendars are dirty by it."""
    return tx.run(_MARK, number=seq, moment=at)


def calendars(tx: Tx, portal: str | None = None) -> list[Any]:
    """The online calendars of a portal, or of the practice, oldest first."""
    if portal is None:
        return CALENDARS.all(tx)
    return [CALENDARS.decode(doc) for (doc,) in tx.tuples(_CALENDARS, portal=portal)]


def saved_at(tx: Tx, calendar: str) -> int:
    """When a link was last saved (epoch seconds)."""
    return CALENDARS.changed_at(tx, calendar)


def add_upload(tx: Tx, calendar: str, portal: str, **values: Any) -> None:
    """Note an upload, or the first of failures in a row."""
    row = {"seq": 0, "first": None, "last": None, "count": None, "code": None} | values
    tx.run(_ADD_UPLOAD, id=new_id(), calendar=calendar, portal=portal, **row)


def uploads(tx: Tx, calendar: str, before: str | None, limit: int) -> list[Any]:
    """Uploads of a calendar, the newest first, before the one with that id."""
    query = _UPLOADS if before is None else _UPLOADS.where(_U.id < before)
    return tx.all(query, calendar=calendar, at_most=limit)


def drop_uploads(tx: Tx, before: int) -> int:
    """Forget uploads older than that; how many."""
    return tx.run(_OLD_UPLOADS, before=before)


def shown_by(tx: Tx, calendar: str, seq: int) -> int | None:
    """When the first upload was made that includes event `seq`."""
    found = tx.value(_SHOWN_BY, calendar=calendar, number=seq)
    return None if found is None else int(found)


def due_answers(tx: Tx, portal: str, now: int) -> list[Any]:
    """Decisions that are to be told now, the oldest first."""
    return tx.all(_DUE_ANSWERS, portal=portal, now=now)


def open_answers(tx: Tx, portal: str) -> int:
    """Decisions on their way to a portal."""
    return int(tx.value(_OPEN_ANSWERS, portal=portal))


def outdone(tx: Tx, row: Any) -> bool:
    """True if there is a newer decision on the same booking, told or not."""
    return tx.value(_NEWER_ANSWER, portal=row.portal, remote=row.remote, number=row.id) is not None


def change_answer(tx: Tx, id_: str, **values: Any) -> None:
    """Set these columns of a decision that is still open."""
    tx.run(sa.update(ANSWER).where(mine(ANSWER), _A.id == id_, _A.state == "open").values(**values))


def reopen_answers(tx: Tx, portal: str, since: int) -> None:
    """A person asks for it: tell now what waits or was given up since then, and is the last word on its booking."""
    tx.run(_REOPEN, whose=portal, since=since, moment=tx.now)


def failed_answers(tx: Tx, since: int) -> dict[str, int]:
    """Decisions that a portal would not hear, made since then, by portal."""
    return {row.portal: int(row.count) for row in tx.all(_FAILED_ANSWERS, since=since)}


def forget_calendar(tx: Tx, calendar: str) -> None:
    """Drop all that is kept beside an online calendar."""
    for one in (STATE, UPLOAD, BLOCKER):
        _drop(tx, one, one.c.calendar == calendar)


def forget_portal(tx: Tx, portal: str) -> None:
    """Drop all that is kept beside a portal. Requests and answers already told stay as they are."""
    for one in (CYCLE, UNKNOWN, BLOCKER):
        _drop(tx, one, one.c.portal == portal)
    _drop(tx, ANSWER, _A.portal == portal, _A.state != "sent")
    _drop(tx, SECRET, SECRET.c.owner == f"Portal/{portal}")


def _drop(tx: Tx, one: sa.Table, *conditions: Any) -> None:
    tx.run(sa.delete(one).where(mine(one), *conditions))
