"""Appointments by the hundred thousand for those who remind of them, and what a message about one of them may say."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.services.calendar import store
from praxisd.services.directory import api as directory

_A = store.APPOINTMENT.c
_CHUNK = 500


class ReminderRow(msgspec.Struct, frozen=True, gc=False):
    """What decides about a reminder; the rest of the appointment is passed over. Times are epoch seconds.

    `created` is when it was entered, here or where it came from.
    """

    id: str
    version: int
    status: str
    start: int
    end: int
    patient: str | None = None
    service: str | None = None
    schedules: tuple[str, ...] = ()
    created: int = 0


_row = msgspec.json.Decoder(ReminderRow)
_COMING = prepared(
    sa.select(_A.doc)
    .where(
        mine(store.APPOINTMENT),
        _A.start >= sa.bindparam("since"),
        _A.start < sa.bindparam("until"),
        sa.or_(_A.start > sa.bindparam("since"), _A.id > sa.bindparam("after")),
    )
    .order_by(_A.start, _A.id)
    .limit(sa.bindparam("most"))
)


def for_reminders(
    tx: Tx, start: int, end: int, after: tuple[int, str] | None, limit: int
) -> list[ReminderRow]:
    """At most `limit` appointments of any status that begin in [start, end), by start and id.

    `after` is (start, id) of the last one seen: the next page begins behind it. An appointment that is moved behind the
    mark meanwhile comes (again); who goes through all of them knows each by its id.
    """
    since, seen = (start, "") if after is None or after[0] < start else after
    decode = _row.decode
    rows = tx.tuples(_COMING, since=since, until=end, after=seen, most=limit)
    return [decode(row[0]) for row in rows]


class AppointmentFacts(NamedTuple):
    """What a message about an appointment may say. Names are joined by commas where there are several, "" for none."""

    id: str
    version: int
    status: str
    start: int
    end: int
    patient: str | None
    service: str
    practitioner: str
    location: str
    schedules: tuple[str, ...]


def appointment_facts(tx: Tx, ids: Sequence[str]) -> dict[str, AppointmentFacts]:
    """Facts by id of the appointment; ids of none are left out. Types, columns and people are read once for all."""
    found = [one for one in dict.fromkeys(ids) if one]
    if not found:
        return {}
    services = {one.id: one.name for one in store.SERVICES.all(tx)}
    columns = {one.id: one for one in store.SCHEDULES.all(tx)}
    people = {one.id: one.display for one in directory.practitioners(tx)}
    places = {one.id: one.name for one in directory.locations(tx)}
    facts: dict[str, AppointmentFacts] = {}
    for index in range(0, len(found), _CHUNK):
        some = found[index : index + _CHUNK]
        query = sa.select(_A.doc).where(mine(store.APPOINTMENT), _A.id.in_(some))
        for (doc,) in tx.tuples(query):
            one = _row.decode(doc)
            its = [columns[name] for name in one.schedules if name in columns]
            facts[one.id] = AppointmentFacts(
                one.id,
                one.version,
                one.status,
                one.start,
                one.end,
                one.patient,
                services.get(one.service or "", ""),
                _joined(people.get(c.practitioner or "") for c in its),
                _joined(places.get(c.location or "") for c in its),
                tuple(c.name for c in its),
            )
    return facts


def _joined(names: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))
