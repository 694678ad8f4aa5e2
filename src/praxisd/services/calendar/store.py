"""Tables of the calendar and the few statements on its hot paths.

`calendar_busy` is the one table in which every occupation is a row, buffers included; the database itself
refuses overlaps there (HOUSE „Calendar“): a trigger on SQLite, exclusion constraints on PostgreSQL.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Prepared, Tx, insert, mine, prepared, table, upsert
from praxisd.model.scheduling import (
    Absence,
    Appointment,
    HealthcareService,
    ImportedSlot,
    Reservation,
    Schedule,
)
from praxisd.services.calendar.repeating import last_day

ROW_LIMIT_S = 90_000
"""No busy row is longer (25 h, a local day in autumn): the overlap search has a lower bound (libs.md § 2)."""

LONG_S = 86_400
"""An appointment that lasts longer (only an imported one does) has an index of its own."""
LONG = f'"end" - start > {LONG_S}'

_BIG = sa.BigInteger
SCHEDULE = resource_table(
    "calendar_schedule",
    sa.Column("no", sa.Integer, nullable=False),
    sa.Column("busy_rev", _BIG, nullable=False),
    sa.UniqueConstraint("organization", "no", name="calendar_schedule_no"),
)
SERVICE = resource_table(
    "calendar_service",
    sa.Column("no", sa.Integer, nullable=False),
    sa.UniqueConstraint("organization", "no", name="calendar_service_no"),
)
APPOINTMENT = resource_table(
    "calendar_appointment",
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("patient", sa.Text),
    sa.Column("portal", sa.Text),
    sa.Column("service", sa.Text),
    sa.Index("calendar_appointment_time", "organization", "start"),
    sa.Index("calendar_appointment_patient", "organization", "patient"),
    sa.Index("calendar_appointment_portal", "organization", "portal", "id"),
)
sa.Index(  # of those alone that last longer than a day: a period is then read by the start of all others
    "calendar_appointment_long",
    APPOINTMENT.c.organization,
    APPOINTMENT.c.end,
    sqlite_where=sa.text(LONG),
    postgresql_where=sa.text(LONG),
)
RESERVATION = resource_table(
    "calendar_reservation",
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
)
ABSENCE = resource_table(
    "calendar_absence",
    sa.Column("schedule", sa.Text),
    sa.Column("first", sa.Text, nullable=False),
    sa.Column("last", sa.Text, nullable=False),
)
IMPORTED = resource_table(
    "calendar_slot",
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Index("calendar_slot_time", "organization", "schedule", "start"),
)
BUSY = table(
    "calendar_busy",
    sa.Column("no", _BIG().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("exclusive", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("expires_at", _BIG),
    sa.CheckConstraint(f'"end" > start AND "end" - start <= {ROW_LIMIT_S}', name="calendar_busy_length"),
    sa.Index("calendar_busy_time", "organization", "schedule", "start"),
    sa.Index("calendar_busy_owner", "organization", "owner"),
)
sa.Index(  # of the holds alone: each booking looks for those that have run out
    "calendar_busy_lapse",
    BUSY.c.organization,
    BUSY.c.schedule,
    BUSY.c.expires_at,
    sqlite_where=BUSY.c.expires_at.is_not(None),
    postgresql_where=BUSY.c.expires_at.is_not(None),
)
HOLD = table(
    "calendar_hold",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("schedules", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("expires_at", _BIG, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
)
CLOSING = table(
    "calendar_closing",
    sa.Column("date", sa.Text, nullable=False),
    sa.Column("closed", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "date"),
)
FEED = table(
    "calendar_feed",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("titles", sa.Integer, nullable=False),
    sa.Column("created_at", _BIG, nullable=False),
    sa.Column("revoked_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
)
COUNTER = table(
    "calendar_counter",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("value", _BIG, nullable=False),
    sa.PrimaryKeyConstraint("organization", "name"),
)
TABLES = tuple(
    t.name
    for t in (
        *(SCHEDULE, SERVICE, APPOINTMENT, RESERVATION, ABSENCE, IMPORTED),
        *(BUSY, HOLD, CLOSING, FEED, COUNTER),
    )
)

SERVICES: Records[HealthcareService] = Records(
    "HealthcareService", SERVICE, HealthcareService, lambda r: {"no": r.no}, lockable=False
)
APPOINTMENTS: Records[Appointment] = Records(
    "Appointment",
    APPOINTMENT,
    Appointment,
    lambda r: {n: getattr(r, n) for n in ("status", "start", "end", "patient", "portal", "service")},
    lockable=False,
)
RESERVATIONS: Records[Reservation] = Records(
    "Reservation", RESERVATION, Reservation, lambda r: {"start": r.start, "end": r.end}, lockable=False
)
ABSENCES: Records[Absence] = Records(
    "Absence",
    ABSENCE,
    Absence,
    lambda r: {"schedule": r.schedule, "first": r.first.isoformat(), "last": last_day(r).isoformat()},
    lockable=False,
)
IMPORTED_SLOTS: Records[ImportedSlot] = Records(
    "Slot",
    IMPORTED,
    ImportedSlot,
    lambda r: {n: getattr(r, n) for n in ("schedule", "start", "end", "status")},
    lockable=False,
)


class _Schedules(Records[Schedule]):
    """Schedules carry `busy_rev` beside their document: it is bumped by bookings, never by edits of the document."""

    def __init__(self) -> None:
        super().__init__(
            "Schedule", SCHEDULE, Schedule, lambda r: {"no": r.no, "busy_rev": 0}, lockable=False
        )
        names = {c.name for c in SCHEDULE.columns} - {"organization", "id", "busy_rev"}
        c = SCHEDULE.c
        self._save = prepared(
            sa.update(SCHEDULE)
            .where(mine(SCHEDULE), c.id == sa.bindparam("id"), c.version == sa.bindparam("expected"))
            .values({n: sa.bindparam(n) for n in names} | {"busy_rev": c.busy_rev + 1})
        )


SCHEDULES = _Schedules()

_B = BUSY.c
WINDOW = sa.and_(
    mine(BUSY),
    _B.start < sa.bindparam("until"),
    _B.start > sa.bindparam("since") - ROW_LIMIT_S,
    _B.end > sa.bindparam("since"),
)
_ROWS_OF = [_B.schedule, _B.start, _B.end, _B.owner, _B.expires_at]
_AT_ONCE = 64
"""Columns asked for in one statement."""
_BUSY_ROWS = prepared(sa.select(*_ROWS_OF).where(WINDOW))
_IMPORTED_START = prepared(
    sa.select(IMPORTED.c.id).where(mine(IMPORTED), IMPORTED.c.start == sa.bindparam("start")).limit(1)
)
_ADD_BUSY = insert(BUSY, without=("no",))
_DROP_BUSY = prepared(sa.delete(BUSY).where(mine(BUSY), _B.owner == sa.bindparam("owner")))
_DROP_LAPSED = prepared(
    sa.delete(BUSY).where(
        mine(BUSY), _B.schedule == sa.bindparam("schedule"), _B.expires_at <= sa.bindparam("moment")
    )
)
_BUMP = prepared(
    sa.update(SCHEDULE)
    .where(mine(SCHEDULE), SCHEDULE.c.id == sa.bindparam("schedule"))
    .values(busy_rev=SCHEDULE.c.busy_rev + 1)
)
_LINE_UP = prepared(
    sa.select(SCHEDULE.c.id)
    .where(mine(SCHEDULE), SCHEDULE.c.id == sa.func.any(sa.bindparam("schedules")))
    .order_by(SCHEDULE.c.id)
    .with_for_update()
)
_LOCK_APPOINTMENT = prepared(
    sa.select(APPOINTMENT.c.doc)
    .where(mine(APPOINTMENT), APPOINTMENT.c.id == sa.bindparam("id"))
    .with_for_update()
)
_REVS = prepared(sa.select(SCHEDULE.c.id, SCHEDULE.c.busy_rev).where(mine(SCHEDULE)))
_COUNTER = prepared(sa.select(COUNTER.c.value).where(mine(COUNTER), COUNTER.c.name == sa.bindparam("name")))
_COUNT = upsert(COUNTER, ("organization", "name"))
_RAISE = prepared(
    sa.update(COUNTER)
    .where(mine(COUNTER), COUNTER.c.name == sa.bindparam("name"))
    .values(value=COUNTER.c.value + 1)
)
CLOSINGS = prepared(sa.select(CLOSING).where(mine(CLOSING)))
PUT_CLOSING = upsert(CLOSING, ("organization", "date"))
DROP_CLOSING = prepared(sa.delete(CLOSING).where(mine(CLOSING), CLOSING.c.date == sa.bindparam("date")))


def busy_rows(
    tx: Tx, since: int, until: int, schedules: Sequence[str] | None = None
) -> list[tuple[str, int, int, str, int | None]]:
    """(schedule, start, end, owner, expires) of occupations that touch [since, until), lapsed holds included."""
    if schedules is None:
        return tx.tuples(_BUSY_ROWS, since=since, until=until)  # type: ignore[return-value]
    # Naming the columns lets the index find their rows; without them it would walk through the whole calendar.
    found: list[tuple[str, int, int, str, int | None]] = []
    for index in range(0, len(schedules), _AT_ONCE):
        some = schedules[index : index + _AT_ONCE]
        names = {f"s{number}": one for number, one in enumerate(some)}
        found += tx.tuples(_busy_rows_of(len(some)), since=since, until=until, **names)  # type: ignore[arg-type]
    return found


@lru_cache(maxsize=_AT_ONCE)
def _busy_rows_of(count: int) -> Prepared:
    """The statement for so many columns."""
    names: list[Any] = [sa.bindparam(f"s{number}") for number in range(count)]
    return prepared(sa.select(*_ROWS_OF).where(WINDOW, _B.schedule.in_(names)))


def imported_start(tx: Tx, start: int) -> bool:
    """Whether some imported free slot begins exactly then."""
    return tx.value(_IMPORTED_START, start=start) is not None


def occupy(
    tx: Tx,
    schedules: Iterable[str],
    start: int,
    end: int,
    kind: str,
    owner: str,
    expires_at: int | None = None,
) -> None:
    """Insert the rows of one occupation, cut into pieces of at most a day. Raises Violation on an overlap."""
    exclusive = int(kind in ("appointment", "hold"))
    for schedule in schedules:
        at = start
        while at < end:
            until = min(end, at + 86_400)
            tx.run(
                _ADD_BUSY,
                schedule=schedule,
                start=at,
                end=until,
                kind=kind,
                exclusive=exclusive,
                owner=owner,
                expires_at=expires_at,
            )
            at = until


def vacate(tx: Tx, owner: str) -> None:
    """Delete all rows of one occupation."""
    tx.run(_DROP_BUSY, owner=owner)


def drop_lapsed(tx: Tx, schedules: Iterable[str]) -> None:
    """Delete holds that have run out on these schedules, so that they stand in nobody's way."""
    for one in schedules:
        tx.run(_DROP_LAPSED, schedule=one, moment=tx.now)


def bump(tx: Tx, schedules: Iterable[str]) -> None:
    """Bump `busy_rev` in id order: on PostgreSQL this takes the row locks under which a booking decides."""
    for one in sorted(set(schedules)):
        tx.run(_BUMP, schedule=one)


def line_up(tx: Tx, schedules: Iterable[str]) -> None:
    """Queue for these columns, in id order: all a transaction may need at once, so that no two wait for each other.

    On SQLite the single writer is the queue.
    """
    if not tx.store.alone:
        tx.tuples(_LINE_UP, schedules=sorted(set(schedules)))


def locked_appointment(tx: Tx, id_: str) -> Appointment | None:
    """The appointment, to be changed in this transaction: another change of it waits. Comes before `line_up`."""
    if tx.store.alone:
        return APPOINTMENTS.get(tx, id_)
    doc = tx.value(_LOCK_APPOINTMENT, id=id_)
    return None if doc is None else APPOINTMENTS.decode(doc)


def revisions(tx: Tx) -> dict[str, int]:
    """`busy_rev` of every schedule."""
    return dict(tx.tuples(_REVS))  # type: ignore[arg-type]


def next_number(tx: Tx, name: str) -> int:
    """The next value of a counter, from 1; never given twice, also after a deletion."""
    if not tx.run(_RAISE, name=name):
        tx.run(_COUNT, name=name, value=1)
    return int(tx.value(_COUNTER, name=name))


def counter(tx: Tx, name: str) -> int:
    """The current value of a counter (0 at first)."""
    return int(tx.value(_COUNTER, name=name) or 0)


def guards(dialect: str) -> list[str]:
    """DDL of the overlap guards: appointments and holds exclude everything, reservations only those two."""
    if dialect == "sqlite":
        overlap = (
            "SELECT raise(ABORT, 'calendar_busy_overlap') WHERE EXISTS (SELECT 1 FROM calendar_busy b"
            " WHERE b.organization = new.organization AND b.schedule = new.schedule AND b.no IS NOT new.no"
            f' AND b.start < new."end" AND b.start > new.start - {ROW_LIMIT_S} AND b."end" > new.start'
            " AND (b.exclusive = 1 OR new.exclusive = 1));"
        )
        return [
            sql
            for name, when in (("insert", "INSERT"), ("update", "UPDATE"))
            for sql in (
                f"DROP TRIGGER IF EXISTS calendar_busy_no_overlap_{name}",
                f"CREATE TRIGGER calendar_busy_no_overlap_{name} BEFORE {when} ON calendar_busy BEGIN {overlap} END",
            )
        ]
    same = 'organization WITH =, schedule WITH =, int8range(start, "end") WITH &&'
    return [
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "ALTER TABLE calendar_busy DROP CONSTRAINT IF EXISTS calendar_busy_no_overlap",
        f"ALTER TABLE calendar_busy ADD CONSTRAINT calendar_busy_no_overlap EXCLUDE USING gist ({same})"
        " WHERE (exclusive = 1)",
        "ALTER TABLE calendar_busy DROP CONSTRAINT IF EXISTS calendar_busy_no_mixture",
        f"ALTER TABLE calendar_busy ADD CONSTRAINT calendar_busy_no_mixture EXCLUDE USING gist ({same},"
        " exclusive WITH <>)",
    ]


GUARDS = (
    "sqlite:calendar_busy_no_overlap_insert",
    "sqlite:calendar_busy_no_overlap_update",
    "postgresql:calendar_busy_no_overlap",
    "postgresql:calendar_busy_no_mixture",
)
