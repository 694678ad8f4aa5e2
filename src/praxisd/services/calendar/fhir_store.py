"""Statements behind the calendar's FHIR door."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine
from praxisd.model.scheduling import Appointment, ImportedSlot
from praxisd.services.calendar import store

_A = store.APPOINTMENT.c
_S = store.IMPORTED.c
_CHUNK = 400


def _own(tx: Tx) -> list[Any]:
    """A portal meets its own appointments only: others' would tell which type somebody came for."""
    return [] if tx.actor.portal is None else [_A.portal == tx.actor.portal]


def standing(tx: Tx, since: int, until: int) -> list[Appointment]:
    """Appointments of any status that touch [since, until), in order of start; for a portal its own."""
    during = (_A.start < until, _A.start > since - store.ROW_LIMIT_S, _A.end > since)
    query = sa.select(_A.doc).where(mine(store.APPOINTMENT), *during, *_own(tx)).order_by(_A.start, _A.id)
    return [store.APPOINTMENTS.decode(row[0]) for row in tx.tuples(query)]


def imported(tx: Tx, since: int, until: int, schedules: Sequence[str], limit: int) -> list[ImportedSlot]:
    """Imported slots of these columns that start in [since, until), by start and id."""
    query = (
        sa.select(_S.doc)
        .where(mine(store.IMPORTED), _S.start >= since, _S.start < until, _S.schedule.in_(schedules))
        .order_by(_S.start, _S.id)
        .limit(limit)
    )
    return [store.IMPORTED_SLOTS.decode(row[0]) for row in tx.tuples(query)]


def running(tx: Tx, moment: int, schedules: Sequence[str]) -> list[ImportedSlot]:
    """Imported slots of these columns that began before the moment and end after it."""
    return store.IMPORTED_SLOTS.all(tx, _S.start < moment, _S.end > moment, _S.schedule.in_(schedules))


def naming(tx: Tx, slot: str) -> list[Appointment]:
    """Appointments that name this slot id; for a portal its own."""
    found = store.APPOINTMENTS.all(tx, _A.doc.contains(f'"{slot}"', autoescape=True), *_own(tx))
    return [one for one in found if slot in one.slots]


def appointments(
    tx: Tx,
    *,
    ids: Iterable[str] | None,
    statuses: Iterable[str] | None,
    patients: Iterable[str] | None,
    services: Iterable[str] | None,
    slots: tuple[Iterable[int], Iterable[str]] | None,
    since: int | None,
    until: int | None,
    after: str | None,
) -> tuple[list[Any], Any]:
    """(conditions, cursor condition) of a search; starts in [since, until). `slots`: (starts of computed ones, other ids)."""
    found = _own(tx)
    for column, values in ((_A.id, ids), (_A.status, statuses), (_A.service, services)):
        if values is not None:
            found.append(column.in_(sorted(values)))
    if patients is not None:  # one that could not be resolved stands in the document only
        found.append(sa.or_(_A.patient.in_(sorted(patients)), _A.patient.is_(None)))
    if slots is not None:
        starts, others = slots
        named = [_A.doc.contains(f'"{id_}"', autoescape=True) for id_ in sorted(others)]
        found.append(sa.or_(_A.start.in_(sorted(starts)), *named))
    if since is not None:
        found.append(_A.start >= since)
    if until is not None:
        found.append(_A.start < until)
    return found, ([] if after is None else [_A.id > after])


def replaced(tx: Tx, kind: Any, system: str, id_: str) -> str | None:
    """Id of the record that came with this id, which could not be kept; None if there is none."""
    needle = f'\\"system\\":\\"{system}\\",\\"value\\":\\"{id_}\\"'
    query = sa.select(kind.table.c.id).where(
        mine(kind.table), kind.table.c.doc.contains(needle, autoescape=True)
    )
    found = tx.value(query)
    return None if found is None else str(found)
