"""Statements behind the calendar that people look at: what touches a period, and what words find."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Prepared, Tx, mine, prepared
from praxisd.model.scheduling import Absence, Reservation
from praxisd.services.calendar import store

_A, _B, _R = store.APPOINTMENT.c, store.BUSY.c, store.RESERVATION.c
_AT_ONCE = 64


class Drawn(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The fields of an appointment that are drawn; the rest of its document is passed over."""

    id: str
    version: int
    status: str
    start: int
    end: int
    service: str | None
    schedules: tuple[str, ...]
    buffer_before: int
    buffer_after: int
    patient: str | None
    portal: str | None
    note: str | None
    cancel_reason: str | None


_drawn = msgspec.json.Decoder(Drawn)
_SINCE: Any = sa.bindparam("since")
_UNTIL: Any = sa.bindparam("until")
_LONG = sa.text(store.LONG)
# Ordinary ones begin at most a day before the period, which the index on the start can say; those that last longer
# (imported) have an index of their own. Without either the whole past would be read to draw a day.
_ORDINARY = prepared(
    sa.select(_A.doc)
    .where(mine(store.APPOINTMENT), _A.start > _SINCE - store.LONG_S, _A.start < _UNTIL, _A.end > _SINCE)
    .order_by(_A.start, _A.id)
)
_LASTING = prepared(
    sa.select(_A.doc)
    # The sum keeps SQLite from taking the index on the start after all.
    .where(mine(store.APPOINTMENT), _LONG, _A.start + 0 <= _SINCE - store.LONG_S, _A.end > _SINCE)
    .order_by(_A.start, _A.id)
)
_RESERVED = prepared(
    sa.select(_R.doc)
    .where(mine(store.RESERVATION), _R.start < _UNTIL, _R.end > _SINCE)
    .order_by(_R.start, _R.id)
)
_COUNTED = prepared(
    sa.select(sa.func.count(), sa.func.count(_A.portal)).where(
        mine(store.APPOINTMENT),
        _A.start >= _SINCE,
        _A.start < _UNTIL,
        _A.status.not_in(("cancelled", "noshow")),
    )
)


def counted(tx: Tx, since: int, until: int) -> tuple[int, int]:
    """(appointments that begin in [since, until), those of them booked from outside), without cancelled and missed ones."""
    return tx.tuples(_COUNTED, since=since, until=until)[0]  # type: ignore[return-value]


def appointments(tx: Tx, since: int, until: int) -> list[Drawn]:
    """Appointments of any status that touch [since, until), in order of start."""
    rows = tx.tuples(_LASTING, since=since) + tx.tuples(_ORDINARY, since=since, until=until)
    return [_drawn.decode(row[0]) for row in rows]


def reservations(tx: Tx, since: int, until: int) -> list[Reservation]:
    """Reservations that touch [since, until), in order of start."""
    return [store.RESERVATIONS.decode(row[0]) for row in tx.tuples(_RESERVED, since=since, until=until)]


def reservations_beginning(tx: Tx, since: int | None, until: int | None) -> list[Reservation]:
    """Reservations that begin in [since, until), either end open where None, in id order."""
    begins = [] if since is None else [_R.start >= since]
    return store.RESERVATIONS.all(tx, *begins, *([] if until is None else [_R.start < until]))


def absences(tx: Tx, first: str, last: str) -> list[Absence]:
    """Absences that touch the local dates `first` to `last` (YYYY-MM-DD), both inclusive."""
    c = store.ABSENCE.c
    return store.ABSENCES.all(tx, c.first <= last, c.last >= first)


def other_busy(
    tx: Tx, since: int, until: int, schedules: Sequence[str]
) -> list[tuple[str, int, int, int | None, str]]:
    """(schedule, start, end, expires, owner) of holds in force and of times taken by imported slots."""
    found: list[tuple[Any, ...]] = []
    for index in range(0, len(schedules), _AT_ONCE):
        some = schedules[index : index + _AT_ONCE]
        names = {f"s{number}": one for number, one in enumerate(some)}
        found += tx.tuples(_others_of(len(some)), since=since, until=until, moment=tx.now, **names)
    return sorted(found, key=lambda row: (row[1], row[0]))  # type: ignore[return-value,arg-type]


@lru_cache(maxsize=_AT_ONCE)
def _others_of(count: int) -> Prepared:
    names: list[Any] = [sa.bindparam(f"s{number}") for number in range(count)]
    live = sa.or_(_B.expires_at.is_(None), _B.expires_at > sa.bindparam("moment"))
    return prepared(
        sa.select(_B.schedule, _B.start, _B.end, _B.expires_at, _B.owner).where(
            store.WINDOW, _B.schedule.in_(names), _B.kind.in_(("hold", "import")), live
        )
    )


def among(
    tx: Tx,
    patients: Collection[str] | None,
    services: Collection[str] | None,
    since: int,
    limit: int,
) -> list[Drawn]:
    """Appointments of these patients and types (None: any): from `since` on by start, then those before, latest first."""
    wanted = [mine(store.APPOINTMENT)]
    for column, values in ((_A.patient, patients), (_A.service, services)):
        if values is not None:
            wanted.append(column.in_(sorted(values)))
    query = sa.select(_A.doc).where(*wanted)
    coming = query.where(_A.start >= since).order_by(_A.start, _A.id).limit(limit)
    rows = tx.tuples(coming)
    if len(rows) < limit:
        before = query.where(_A.start < since).order_by(_A.start.desc(), _A.id.desc())
        rows += tx.tuples(before.limit(limit - len(rows)))
    return [_drawn.decode(row[0]) for row in rows]
