"""Bookings that exist already elsewhere: taken in, never refused; accepted by the desk, or put to another time.

Hours, notice, duration and the grid refuse nothing here: somebody was told of the appointment. An overlap does: what
cannot be put beside what is here is kept as `proposed`, with a conflict that names both sides (HOUSE „Calendar“).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import OCCUPYING, Appointment, HealthcareService
from praxisd.services.calendar import booking, conflicts, freeing, placing, rules, store
from praxisd.services.calendar.booking import Wish
from praxisd.services.calendar.view import touch, views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_OPEN = ("pending", "proposed")


def request(
    house: "House", tx: Tx, wish: Wish, *, created_by_portal: str | None
) -> tuple[Appointment, str | None]:
    """Take in a booking from outside: `pending` (or the wish's `booked`) if its time is free, else `proposed`.

    Returns it with the id of its conflict. An absence on that day is a conflict too, but the time is kept. Outside the
    columns' hours it is never booked without a person: pending. Problems:
    calendar.service_unknown, calendar.schedule_unfit, calendar.end_missing, calendar.wrong_duration (422: over a day).
    """
    service = _service(house, tx, wish.service)
    end = placing.end_of(service, wish.start, wish.end)
    buffers = (service.buffer_before, service.buffer_after) if service else (0, 0)
    chosen, taken = _room(house, tx, service, wish.start, end, wish.schedules, buffers)
    away = [] if taken else conflicts.absences(house, tx, chosen, wish.start, end)
    status = "proposed" if taken else "pending" if away else wish.status or "pending"
    if status == "booked" and not _is_open(house, tx, service, wish.start, end, chosen, buffers):
        status = "pending"
    one = store.APPOINTMENTS.insert(
        tx,
        Appointment(
            id=wish.id or new_id(),
            status=status,  # type: ignore[arg-type]
            start=wish.start,
            end=end,
            service=wish.service,
            schedules=chosen,
            buffer_before=buffers[0],
            buffer_after=buffers[1],
            patient=wish.patient,
            portal=created_by_portal,
            note=wish.note,
            replaces=wish.replaces,
            slots=wish.slots,
            created=tx.now,
            updated=tx.now,
            extra=wish.extra,
        ),
    )
    if not taken:
        booking.occupy(tx, one)
    booking.tell(tx, "appointment.booked" if status == "booked" else "appointment.requested", one)
    return one, noted(tx, one, taken or away)


def noted(tx: Tx, one: Appointment, others: Sequence[str]) -> str | None:
    """The conflict of an appointment with these owners; None where there are none, or all are known."""
    if not others:
        return None
    code = conflicts.ABSENT if all(o.startswith("Absence/") for o in others) else conflicts.TAKEN
    return conflicts.note_conflict(
        tx,
        appointment=one.id,
        others=others,
        code=code,
        portal=one.portal,
        start=one.start,
        end=one.end,
        schedule=one.schedules[0] if one.schedules else "",
    )


def accept(
    house: "House",
    tx: Tx,
    id_: str,
    *,
    minutes: int | None = None,
    service: str | None = None,
    schedules: Sequence[str] | None = None,
    start: int | None = None,
    expected: int | None = None,
) -> Appointment:
    """A pending or proposed appointment is booked, with another length, type, column or time if given.

    Raises calendar.slot_taken (409) where something else stands there, calendar.status_change (409) for one that is decided
    already, resource.stale (412) and the Problems of `request`. Nothing is changed then.
    """
    return put(house, tx, id_, "booked", start, minutes, service, schedules, expected)


def reschedule(
    house: "House",
    tx: Tx,
    id_: str,
    start: int,
    minutes: int | None = None,
    schedules: Sequence[str] | None = None,
    expected: int | None = None,
) -> Appointment:
    """A pending or proposed appointment at another time (and column): pending, until somebody accepts it.

    Raises what `accept` raises.
    """
    return put(house, tx, id_, "pending", start, minutes, None, schedules, expected)


def put(
    house: "House",
    tx: Tx,
    id_: str,
    status: str,
    start: int | None,
    minutes: int | None,
    service_id: str | None,
    schedules: Sequence[str] | None,
    expected: int | None = None,
) -> Appointment:
    """A pending or proposed appointment in this status, at this time, length, type and columns (None: as it is).

    Raises what `accept` raises. A proposal whose time became free is told as `appointment.requested`.
    """
    old = booking.get(tx, id_, lock=True)
    check_version(expected, old.version, "Appointment")
    if old.status not in _OPEN:
        raise Problem("calendar.status_change", 409, old=old.status, new=status)
    same = service_id is None or service_id == old.service
    service = _service(house, tx, old.service if same else service_id, active=not same)
    begin = old.start if start is None else start
    end = begin + (
        old.end - old.start if same or not service or not service.duration else service.duration * 60
    )
    if minutes is not None:
        end = begin + minutes * 60
    buffers = (old.buffer_before, old.buffer_after)
    if not same and service is not None:
        buffers = service.buffer_before, service.buffer_after
    must = tuple(schedules) if schedules is not None else old.schedules
    if schedules is None and not same and service is not None:
        must = tuple(name for name in old.schedules if any(name in group for group in service.groups))
    own = f"Appointment/{id_}"
    chosen, taken = _room(house, tx, service, begin, end, must, buffers, old.schedules, own)
    if taken:
        told = placing.in_the_way(taken) if tx.actor.portal is None else {}
        raise Problem("calendar.slot_taken", 409, **told)
    if old.status in OCCUPYING:
        touch(house, tx, old.schedules)
        store.vacate(tx, own)
    new = msgspec.structs.replace(
        old,
        status=status,  # type: ignore[arg-type]
        start=begin,
        end=end,
        service=service_id or old.service,
        schedules=chosen,
        buffer_before=buffers[0],
        buffer_after=buffers[1],
        updated=tx.now,
    )
    new = store.APPOINTMENTS.save(tx, new, old.version)
    booking.occupy(tx, new)
    freeing.given_up(house, tx, old, new)
    names = changed_fields(old, new)
    stays = (old.start, old.end, old.schedules) == (begin, end, chosen)
    event = "confirmed" if status == "booked" else "requested" if stays else "moved"
    booking.tell(tx, f"appointment.{event}", new, names)
    return new


def _service(house: "House", tx: Tx, id_: str | None, active: bool = False) -> HealthcareService | None:
    """The type, also one that is not (or no longer) released: the booking exists."""
    if id_ is None:
        return None
    found = views(house).calendar(tx).services.get(id_)
    if found is None or (active and not found.active):
        raise Problem("calendar.service_unknown", 422)
    return found


def _is_open(
    house: "House",
    tx: Tx,
    service: HealthcareService | None,
    start: int,
    end: int,
    columns: Sequence[str],
    buffers: tuple[int, int],
) -> bool:
    """True if these columns are open then, whatever stands there."""
    calendar = views(house).calendar(tx)
    try:
        rules.place(
            service,
            calendar.schedules,
            calendar.almanac,
            start,
            end,
            busy={},
            now=tx.now,
            must=columns,
            buffers=buffers,
            ignore_notice=True,
            ignore_duration=True,
        )
    except Problem:
        return False
    return True


def _room(
    house: "House",
    tx: Tx,
    service: HealthcareService | None,
    start: int,
    end: int,
    must: Sequence[str],
    buffers: tuple[int, int],
    also: Sequence[str] = (),
    but: str = "",
) -> tuple[tuple[str, ...], list[str]]:
    """(columns, what stands in the way there): locked, and free where the second is empty. `also`: columns locked too."""
    calendar = views(house).calendar(tx)
    queue = [name for name in placing.candidates(service, must) if name in calendar.schedules]
    queue = sorted({*queue, *(name for name in must if name in calendar.schedules)})
    store.line_up(tx, {*queue, *also})
    low, high = start - buffers[0] * 60, end + buffers[1] * 60
    busy: dict[str, list[tuple[int, int]]] = {}
    for schedule, first, last, owner, expires in store.busy_rows(tx, low, high, queue):
        if owner != but and (expires is None or expires > tx.now):
            busy.setdefault(schedule, []).append((first, last))

    def place(taken: rules.Rows) -> tuple[str, ...] | None:
        for kind in (service, None) if service is not None and must else (service,):
            try:
                return rules.place(
                    kind,
                    calendar.schedules,
                    calendar.almanac,
                    start,
                    end,
                    busy=taken,
                    now=tx.now,
                    must=must,
                    buffers=buffers,
                    ignore_hours=True,
                    ignore_notice=True,
                    ignore_duration=True,
                )
            except Problem as problem:
                if problem.code == "calendar.slot_taken":
                    return None
                if (
                    problem.code != "calendar.schedule_unfit" or kind is None or not must
                ):  # columns alone then
                    raise
        return None

    chosen = place(busy)
    if chosen is not None:
        touch(house, tx, chosen)
        store.drop_lapsed(tx, chosen)
        return chosen, []
    wanted = place({}) or tuple(must)
    return wanted, conflicts.in_the_way(tx, wanted, low, high, (but,))
