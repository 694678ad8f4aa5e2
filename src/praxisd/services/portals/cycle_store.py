"""Statements of what a cycle takes in beside bookings: unknown times, and busy times entered at a portal."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.portals.portal import Unknown
from praxisd.services.portals.store import BLOCKER, REQUEST, SECRET, UNKNOWN

_N, _B = UNKNOWN.c, BLOCKER.c
_ADD_UNKNOWN = insert(UNKNOWN, ignore=True)
_HERE = sa.and_(mine(UNKNOWN), _N.portal == sa.bindparam("whose"), _N.remote == sa.bindparam("number"))
_MOVED = prepared(
    sa.update(UNKNOWN)
    .where(_HERE, _N.settled_at.is_(None))
    .values(start=sa.bindparam("begin"), end=sa.bindparam("until"), version=sa.bindparam("revision"))
)
_UNKNOWN = prepared(sa.select(UNKNOWN).where(_HERE))
_CHOSEN = prepared(
    sa.select(UNKNOWN).where(
        mine(UNKNOWN), _N.portal == sa.bindparam("portal"), _N.choice.is_not(None), _N.settled_at.is_(None)
    )
)
_WAITING = sa.select(UNKNOWN).where(mine(UNKNOWN), _N.settled_at.is_(None))
_CHOOSE = prepared(
    sa.update(UNKNOWN).where(_HERE, _N.settled_at.is_(None)).values(choice=sa.bindparam("word"))
)
_SETTLE = prepared(sa.update(UNKNOWN).where(_HERE).values(settled_at=sa.bindparam("moment")))
_BLOCKERS = prepared(
    sa.select(BLOCKER).where(
        mine(BLOCKER), _B.portal == sa.bindparam("portal"), _B.calendar == sa.bindparam("calendar")
    )
)
_ALL_BLOCKERS = prepared(
    sa.select(BLOCKER).where(mine(BLOCKER), _B.portal == sa.bindparam("portal"), _B.reservation.is_not(None))
)
_UNREAD = prepared(
    sa.select(_B.calendar, sa.func.count().label("many"))
    .where(mine(BLOCKER), _B.portal == sa.bindparam("portal"), _B.start == _B.end)
    .group_by(_B.calendar)
)
_ADD_BLOCKER = insert(BLOCKER)
_BOOKED = sa.select(REQUEST.c.appointment).where(mine(REQUEST))
_AT_ONCE = 200
_DROP_BLOCKER = prepared(
    sa.delete(BLOCKER).where(
        mine(BLOCKER), _B.portal == sa.bindparam("portal"), _B.calendar == sa.bindparam("calendar"),
        _B.remote == sa.bindparam("remote"),
    )
)  # fmt: skip
_GET_SECRET = prepared(
    sa.select(SECRET.c.sealed).where(mine(SECRET), SECRET.c.owner == sa.bindparam("owner"))
)
_ADD_SECRET = insert(SECRET)
_DROP_SECRET = prepared(sa.delete(SECRET).where(mine(SECRET), SECRET.c.owner == sa.bindparam("owner")))


def sealed(tx: Tx, owner: str) -> str:
    """The sealed secrets of an owner; empty if there are none."""
    return str(tx.value(_GET_SECRET, owner=owner) or "")


def put_sealed(tx: Tx, owner: str, text: str) -> None:
    """Keep the sealed secrets of an owner; an empty text forgets them."""
    tx.run(_DROP_SECRET, owner=owner)
    if text:
        tx.run(_ADD_SECRET, owner=owner, sealed=text)


def keep_unknown(tx: Tx, portal: str, one: Unknown, version: str) -> bool:
    """A time at the portal of which nobody here knows; True if it was not known as such."""
    added = tx.run(
        _ADD_UNKNOWN, portal=portal, remote=one.id, calendar=one.calendar, start=one.start, end=one.end,
        version=version, found_at=tx.now, choice=None, settled_at=None,
    )  # fmt: skip
    if not added:
        tx.run(_MOVED, whose=portal, number=one.id, begin=one.start, until=one.end, revision=version)
    return added == 1


def drop_unknown(tx: Tx, portal: str, but: Collection[str]) -> int:
    """Forget times that the portal does not have any more; how many."""
    query = sa.delete(UNKNOWN).where(mine(UNKNOWN), _N.portal == portal, _N.choice.is_(None))
    return tx.run(query.where(_N.remote.not_in(list(but))) if but else query)


def unknown(tx: Tx, portal: str, remote: str) -> Any | None:
    """One unknown time."""
    return tx.first(_UNKNOWN, whose=portal, number=remote)


def unknowns(tx: Tx, portal: str | None = None) -> list[Any]:
    """Unknown times that wait, for a person or for the portal, the earliest first."""
    query = _WAITING if portal is None else _WAITING.where(_N.portal == portal)
    return tx.all(query.order_by(_N.start, _N.remote))


def chosen(tx: Tx, portal: str) -> list[Any]:
    """Unknown times about which a person has decided and the portal does not know it."""
    return tx.all(_CHOSEN, portal=portal)


def choose(tx: Tx, portal: str, remote: str, choice: str) -> bool:
    """A person's decision; False if there is no such time that waits."""
    return tx.run(_CHOOSE, whose=portal, number=remote, word=choice) == 1


def settle(tx: Tx, portal: str, remote: str) -> None:
    """The portal has heard of the decision."""
    tx.run(_SETTLE, whose=portal, number=remote, moment=tx.now)


def blockers(tx: Tx, portal: str, calendar: str) -> dict[str, Any]:
    """Busy times entered at the portal, by their ids there."""
    return {row.remote: row for row in tx.all(_BLOCKERS, portal=portal, calendar=calendar)}


def blocked_by(tx: Tx, portal: str) -> list[str]:
    """Reservations that stand here for busy times of the portal."""
    return [id_ for row in tx.all(_ALL_BLOCKERS, portal=portal) for id_ in reservations(row)]


def reservations(row: Any) -> dict[str, tuple[int, int]]:
    """The reservations that stand for a busy time of the portal: their ids, with the times at which they were made."""
    told = [one.split(":") for one in (row.reservation or "").split()]
    return {id_: (int(start), int(end)) for id_, start, end in told}


def own_bookings(tx: Tx, portal: str, appointments: Collection[str]) -> set[str]:
    """Which of these appointments were booked at the portal, by their ids."""
    ids, found = sorted(appointments), set[str]()
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        query = _BOOKED.where(REQUEST.c.portal == portal, REQUEST.c.appointment.in_(some))
        found |= {row.appointment for row in tx.all(query)}
    return found


def unread(tx: Tx, portal: str) -> dict[str, int]:
    """How many busy times of the portal cannot be read, by calendar."""
    return {row.calendar: row.many for row in tx.all(_UNREAD, portal=portal)}


def put_blocker(
    tx: Tx,
    portal: str,
    calendar: str,
    remote: str,
    *,
    reservations: Mapping[str, tuple[int, int]],
    **values: Any,
) -> None:
    """Keep a busy time of the portal: start, end, the reservations that stand for it, conflict."""
    tx.run(_DROP_BLOCKER, portal=portal, calendar=calendar, remote=remote)
    kept = " ".join(f"{id_}:{start}:{end}" for id_, (start, end) in reservations.items()) or None
    tx.run(_ADD_BLOCKER, portal=portal, calendar=calendar, remote=remote, reservation=kept, **values)


def drop_blocker(tx: Tx, portal: str, calendar: str, remote: str) -> None:
    """Forget one."""
    tx.run(_DROP_BLOCKER, portal=portal, calendar=calendar, remote=remote)
