"""Book, move, change and cancel appointments, and hold slots: each in the caller's one short transaction.

The database is the judge (`calendar_busy`); what is checked before it only makes the answer precise.
Order in every booking: the appointment (if there is one), then on PostgreSQL all columns that may be needed in
id order, the choice, `busy_rev` of the chosen ones, write, event last. Nobody waits for two things in another order.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import FROZEN, OCCUPYING, Appointment, may_change
from praxisd.services.calendar import conflicts, freeing, holds, placing, store
from praxisd.services.calendar.view import touch
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be booked. `end` None: the type's duration. `schedules`: those that must take part.

    `outside_hours` (right `calendar.hours.ignore`) accepts closed times; nothing accepts an overlap.
    """

    service: str | None
    start: int
    end: int | None = None
    schedules: tuple[str, ...] = ()
    patient: str | None = None
    note: str | None = None
    hold: str | None = None
    outside_hours: bool = False
    slots: tuple[str, ...] = ()
    replaces: str | None = None
    status: str | None = None
    id: str | None = None
    extra: dict[str, Any] = {}


def may_see(tx: Tx, one: Appointment | None) -> bool:
    """A portal sees its own bookings only; within the practice everyone with the permission sees all."""
    return one is not None and (tx.actor.portal is None or one.portal == tx.actor.portal)


def get(tx: Tx, id_: str, lock: bool = False) -> Appointment:
    """The appointment, or 404: also for another portal's. `lock`: it is about to be changed; others wait."""
    found = store.locked_appointment(tx, id_) if lock else store.APPOINTMENTS.get(tx, id_)
    if found is None or not may_see(tx, found):
        raise not_found("Appointment")
    return found


def patient_shown(tx: Tx, one: Appointment) -> str | None:
    """The patient's id as this caller knows it: for a portal the alias it booked under, never the practice's id."""
    if one.patient is None or tx.actor.portal is None:
        return one.patient
    alias = one.extra.get("alias")
    return alias if isinstance(alias, str) else directory.shown(tx, one.patient)


def book(house: "House", tx: Tx, wish: Wish) -> Appointment:
    """A new appointment, `booked`, or `pending` when the practice must confirm this type to a portal.

    Raises Problem calendar.slot_taken (409), calendar.service_unknown (422) and the refusals of `rules.place`.
    """
    service = placing.service_of(house, tx, wish.service)
    end = placing.end_of(service, wish.start, wish.end)
    held = holds.take(tx, wish.hold, wish.service, wish.start, end) if wish.hold else None
    must = held.schedules if held else wish.schedules
    if held:
        # The queue before the rows: a reservation is in it when it waits to see what becomes of them.
        store.line_up(tx, placing.candidates(service, must))
        store.vacate(tx, f"Hold/{held.id}")
    chosen = placing.choose(house, tx, wish.service, wish.start, end, must, wish.outside_hours)
    status = wish.status or ("pending" if service and service.confirm and tx.actor.portal else "booked")
    one = Appointment(
        id=wish.id or new_id(),
        status=status,  # type: ignore[arg-type]
        start=wish.start,
        end=end,
        service=wish.service,
        schedules=chosen,
        buffer_before=service.buffer_before if service else 0,
        buffer_after=service.buffer_after if service else 0,
        patient=wish.patient,
        portal=tx.actor.portal,
        note=wish.note,
        replaces=wish.replaces,
        slots=wish.slots,
        created=tx.now,
        updated=tx.now,
        extra=wish.extra,
    )
    one = store.APPOINTMENTS.insert(tx, one)
    occupy(tx, one)
    tell(tx, f"appointment.{'requested' if status == 'pending' else 'booked'}", one)
    return one


def move(
    house: "House", tx: Tx, id_: str, wish: Wish, expected: int | None = None, **changes: object
) -> Appointment:
    """Another time, column or type for the same appointment (same id); the old time is given up only if the new one fits.

    Raises what `book` raises, resource.stale (412), and calendar.frozen (409) for cancelled or past ones.
    """
    old = get(tx, id_, lock=True)
    check_version(expected, old.version, "Appointment")
    if old.status in FROZEN:
        raise Problem("calendar.frozen", 409, state=old.status)
    service = placing.service_of(house, tx, wish.service)
    end = placing.end_of(service, wish.start, wish.end)
    held = holds.take(tx, wish.hold, wish.service, wish.start, end) if wish.hold else None
    must = held.schedules if held else wish.schedules
    store.line_up(tx, {*old.schedules, *placing.candidates(service, must)})
    if held:
        store.vacate(tx, f"Hold/{held.id}")
    own = f"Appointment/{id_}"
    chosen = placing.choose(house, tx, wish.service, wish.start, end, must, wish.outside_hours, own)
    touch(house, tx, old.schedules)
    store.vacate(tx, own)
    same = old.service == wish.service
    status = old.status
    if service and service.confirm and tx.actor.portal:
        status = "pending"
    new = msgspec.structs.replace(
        old,
        status=wish.status or ("booked" if status == "proposed" else status),
        start=wish.start,
        end=end,
        service=wish.service,
        schedules=chosen,
        buffer_before=old.buffer_before if same or not service else service.buffer_before,
        buffer_after=old.buffer_after if same or not service else service.buffer_after,
        slots=wish.slots,
        updated=tx.now,
        **changes,  # type: ignore[arg-type]
    )
    new = store.APPOINTMENTS.save(tx, new, old.version)
    occupy(tx, new)
    freeing.given_up(house, tx, old, new)
    tell(tx, "appointment.moved", new, changed_fields(old, new))
    return new


def change(house: "House", tx: Tx, id_: str, expected: int | None = None, **changes: Any) -> Appointment:
    """Change what is not time, column, type or patient (`status`, `note`, `cancel_reason`, `extra` …).

    A status that needs the time again (a no-show who comes after all) is checked like a booking. Raises
    calendar.status_change (409) for a change that makes no sense.
    """
    old = get(tx, id_, lock=True)
    check_version(expected, old.version, "Appointment")
    status = changes.get("status", old.status)
    if not may_change(old.status, status):
        raise Problem("calendar.status_change", 409, old=old.status, new=status)
    new = msgspec.structs.replace(old, updated=tx.now, **changes)
    if not changed_fields(old, new):
        return old
    if old.status in OCCUPYING and status not in OCCUPYING:
        touch(house, tx, old.schedules)
        store.vacate(tx, f"Appointment/{id_}")
    elif status in OCCUPYING and old.status not in OCCUPYING:
        chosen = placing.choose(house, tx, old.service, old.start, old.end, old.schedules, True)
        new = msgspec.structs.replace(new, schedules=chosen)
        occupy(tx, new)
    new = store.APPOINTMENTS.save(tx, new, old.version)
    if status not in OCCUPYING:
        freeing.given_up(house, tx, old, new)
    event = {"cancelled": "cancelled", "booked": "confirmed"}.get(
        status if status != old.status else "", "changed"
    )
    tell(tx, f"appointment.{event}", new, changed_fields(old, new))
    return new


def cancel(
    house: "House", tx: Tx, id_: str, reason: str | None = None, expected: int | None = None
) -> Appointment:
    """Cancel; its time is free at once. Cancelling a cancelled one changes nothing and is no error."""
    old = get(tx, id_, lock=True)
    if old.status == "cancelled":
        return old
    return change(house, tx, id_, expected, status="cancelled", cancel_reason=reason)


def import_appointment(house: "House", tx: Tx, one: Appointment) -> tuple[Appointment, str | None]:
    """Store an appointment from outside as it is; if its time is taken, as `proposed` with a conflict record.

    Returns (what was stored, conflict id or None). Never refuses for hours, notice or duration: it exists.
    """
    others: list[str] = []
    if one.status in OCCUPYING and one.schedules:
        touch(house, tx, one.schedules)
        store.drop_lapsed(tx, one.schedules)
        before, after = one.buffer_before * 60, one.buffer_after * 60
        others = conflicts.in_the_way(tx, one.schedules, one.start - before, one.end + after)
    if others:
        one = msgspec.structs.replace(one, status="proposed")
    one = store.APPOINTMENTS.insert(tx, one)
    if one.status in OCCUPYING:
        occupy(tx, one)
    tell(tx, "appointment.imported", one)
    if not others:
        return one, None
    found = conflicts.note_conflict(
        tx,
        appointment=one.id,
        others=others,
        code=conflicts.TAKEN,
        portal=one.portal,
        start=one.start,
        end=one.end,
        schedule=one.schedules[0],
    )
    return one, found


def occupy(tx: Tx, one: Appointment) -> None:
    """Its rows in `calendar_busy`, buffers included; Problem calendar.slot_taken (409)."""
    first, last = one.start - one.buffer_before * 60, one.end + one.buffer_after * 60
    try:
        store.occupy(tx, one.schedules, first, last, "appointment", f"Appointment/{one.id}")
    except Violation:
        raise Problem("calendar.slot_taken", 409) from None


def tell(tx: Tx, type_: str, one: Appointment, fields: Sequence[str] = ()) -> None:
    """The event about an appointment."""
    events.note(
        tx,
        type_,
        "Appointment",
        one.id,
        version=one.version,
        fields=fields,
        portal=one.portal,
        status=one.status,
    )
