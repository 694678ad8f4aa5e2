"""REST operations on slots and appointments (SPEC 1.3–1.5, 14.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import booking, feeds, finding, holds, rules, shapes, store
from praxisd.services.calendar.view import views
from praxisd.services.directory import api as directory

READ, BOOK, CHANGE = "calendar.appointment.read", "calendar.appointment.book", "calendar.appointment.change"
SLOTS = "calendar.slot.read"
_PLACE = (
    (409, "calendar.slot_taken"),
    (422, "calendar.service_unknown"),
    (422, "calendar.schedule_unfit"),
    (422, "calendar.wrong_duration"),
    (422, "calendar.off_grid"),
    (422, "calendar.too_soon"),
    (422, "calendar.too_far"),
    (422, "calendar.absent"),
    (422, "calendar.holiday"),
    (422, "calendar.outside_hours"),
    (422, "calendar.end_missing"),
    (400, "calendar.range_reversed"),
    (400, "clock.naive_time"),
    (400, "clock.bad_time"),
)
_HOLD = ((422, "calendar.hold_unknown"), (409, "calendar.hold_expired"), (422, "calendar.hold_differs"))
_PATIENT = (
    (422, "directory.patient_unknown"),
    (422, "directory.patient_inactive"),
    (422, "directory.patient_incomplete"),
)


def _answer(call: Call, tx: Tx, one: Appointment, status: int = 200) -> Answer:
    body = _shown(call, tx, [one])[0]
    headers = {"Location": f"/api/v1/appointments/{one.id}"} if status == 201 else {}
    return Answer(body, status, version=one.version, headers=headers)


def _shown(call: Call, tx: Tx, some: Sequence[Appointment]) -> list[shapes.AppointmentOut]:
    """As this caller may see them; within the practice with the names of the patients, all by one question."""
    zone, masked = views(call.house).calendar(tx).almanac.zone, tx.actor.masked
    names: Mapping[str, str | None] = {}
    if tx.actor.portal is None and not masked:
        names = directory.name(tx, [one.patient for one in some if one.patient is not None])
    return [
        shapes.appointment_out(
            one, zone, booking.patient_shown(tx, one), name=names.get(one.patient or ""), masked=masked
        )
        for one in some
    ]


def _patient(tx: Tx, who: shapes.PatientIn) -> directory.Claimed:
    if who.id is not None:
        if any((who.family, who.given, who.birth_date, who.phone, who.email)):
            raise Problem("directory.patient_incomplete", 422, detail="either id or name and birthDate")
        return directory.Claimed(directory.resolve(tx, who.id), who.id)
    claim = PatientClaim(
        family=who.family or "",
        given=who.given or "",
        birth_date=who.birth_date,
        phone=who.phone,
        email=who.email,
    )
    return directory.claim(tx, claim)


def book(call: Call) -> Answer:
    """Book an appointment. 201 with the booking; 409 `calendar.slot_taken` when the time is gone."""
    body: shapes.BookIn = call.body
    tx = call.writing
    claimed = _patient(tx, body.patient)
    wish = booking.Wish(
        service=body.service,
        start=shapes.instant(body.start, "start"),
        end=shapes.instant(body.end, "end") if body.end else None,
        schedules=body.schedules,
        patient=claimed.patient,
        extra={"alias": claimed.shown} if tx.actor.portal is not None else {},
        note=body.note,
        hold=body.hold,
        outside_hours=body.outside_hours,
    )
    return _answer(call, tx, booking.book(call.house, tx, wish), 201)


def read(call: Call) -> Answer:
    """One appointment; a portal reads only its own."""
    with call.read() as tx:
        return _answer(call, tx, booking.get(tx, call.path["id"]))


def change(call: Call) -> Answer:
    """Move an appointment (same id, the old time is kept unless the new one fits), or change its status or note.

    A move stays in its columns unless it names others; `schedules: []` takes any that are free.
    """
    body: shapes.ChangeIn = call.body
    tx = call.writing
    old = booking.get(tx, call.path["id"], lock=True)
    expected = call.if_match
    changes: dict[str, Any] = {}
    if body.note is not UNSET:
        changes["note"] = body.note
    moving = any(f is not UNSET for f in (body.start, body.end, body.service, body.schedules, body.hold))
    if body.status is not UNSET and body.status != old.status:
        if tx.actor.portal is not None and body.status != "cancelled":
            raise Problem("calendar.status_change", 409, old=old.status, new="other")
        if moving:
            raise Problem("calendar.status_change", 409, old=old.status, new="moved")
        if body.status not in _STATUSES:
            raise Problem("calendar.status_unknown", 422)
        changes["status"] = body.status
    if not moving:
        return _answer(call, tx, booking.change(call.house, tx, old.id, expected, **changes))
    start = old.start if body.start is UNSET else shapes.instant(body.start, "start")
    end = None if body.end is UNSET else shapes.instant(body.end, "end")
    service = old.service if body.service is UNSET else body.service
    kind = views(call.house).calendar(tx).services.get(old.service or "")
    if (
        end is None
        and service == old.service
        and (tx.actor.portal is None or (kind and kind.duration is None))
    ):
        end = (
            start + old.end - old.start
        )  # the desk may have made it longer than its type, or the type has no length
    wish = booking.Wish(
        service=service,
        start=start,
        end=end,
        schedules=_columns(call, tx, old, body, service),
        hold=None if body.hold is UNSET else body.hold,
        outside_hours=body.outside_hours,
    )
    return _answer(call, tx, booking.move(call.house, tx, old.id, wish, expected, **changes))


def _columns(
    call: Call, tx: Tx, old: Appointment, body: shapes.ChangeIn, service: str | None
) -> tuple[str, ...]:
    """The columns a move asks for. Where it names none, it stays in its own: nobody gets another practitioner unasked.

    An empty list, another type, or an own column this caller may no longer use: any that fit.
    """
    if body.schedules is not UNSET:
        return body.schedules
    usable = views(call.house).calendar(tx).for_actor(tx.actor)
    stays = service == old.service and body.hold is UNSET and all(one in usable for one in old.schedules)
    return old.schedules if stays else ()


_STATUSES = frozenset(("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"))


def cancel(call: Call) -> Answer:
    """Cancel an appointment; its time is free at once. Doing it twice changes nothing."""
    reason = call.body.reason if call.body else None
    one = booking.cancel(call.house, call.writing, call.path["id"], reason, call.if_match)
    return _answer(call, call.writing, one)


def feed(call: Call) -> Answer:
    """Appointments changed since a cursor, each once, deleted ones as tombstones. Without `since`: all, then what changes."""
    query: shapes.FeedQuery = call.query
    with call.read() as tx:
        found, cursor, more = feeds.changes(tx, query.since, query.limit)
        zone = views(call.house).calendar(tx).almanac.zone
        rows = []
        for one in found:
            if one.appointment is None:
                rows.append(shapes.ChangeOut(id=one.id, deleted=True))
            else:
                shown = booking.patient_shown(tx, one.appointment)
                rows.append(shapes.change_out(one.appointment, zone, shown, tx.actor.masked))
    return Answer(shapes.Changes(changes=rows, cursor=cursor, more=more))


def search(call: Call) -> Answer:
    """Appointments of a period, a column, a patient or a status, in order of id."""
    body: shapes.SearchIn = call.body
    c = store.APPOINTMENT.c
    with call.read() as tx:
        conditions: list[Any] = []
        if tx.actor.portal is not None:
            conditions.append(c.portal == tx.actor.portal)
        begin = shapes.instant(body.from_, "from") if body.from_ else None
        end = shapes.instant(body.to, "to") if body.to else None
        if begin is not None and end is not None:
            rules.check_range(begin, end)
        if begin is not None:
            conditions.append(c.end > begin)
        if end is not None:
            conditions.append(c.start < end)
        if body.patient:
            conditions.append(c.patient == directory.known(tx, body.patient).id)
        if body.status:
            conditions.append(c.status == body.status)
        if body.schedule:
            needle = msgspec.json.encode(body.schedule).decode()
            conditions.append(c.doc.contains(needle, autoescape=True))
        page, after = store.APPOINTMENTS.page(tx, *conditions, after=body.cursor, limit=body.limit)
        if body.schedule:
            page = [one for one in page if body.schedule in one.schedules]
        rows = _shown(call, tx, page)
    return Answer(shapes.Appointments(appointments=rows, next=after))


def hold(call: Call) -> Answer:
    """Hold a slot; it is free again by itself when the hold expires."""
    body: shapes.HoldIn = call.body
    tx = call.writing
    one = holds.place(
        call.house, tx, body.service, shapes.instant(body.start, "start"), body.schedules, body.seconds
    )
    zone = views(call.house).calendar(tx).almanac.zone
    out = shapes.HoldOut(
        id=one.id,
        expires_at=shapes.moment(one.expires, zone),
        start=shapes.at(one.start, zone),
        end=shapes.at(one.end, zone),
        service=one.service,
        schedules=one.schedules,
    )
    return Answer(out, 201)


def release(call: Call) -> Answer:
    """Give a held slot back."""
    holds.release(call.house, call.writing, call.path["id"])
    return Answer(None, 204)


_FOUND = ((404, "http.not_found"),)
_STALE = ((412, "resource.stale"),)
_RANGE = (
    (400, "calendar.range_reversed"),
    (400, "calendar.range_too_long"),
    (400, "clock.naive_time"),
    (400, "clock.bad_time"),
)
ROUTES = (
    Route(
        "GET",
        "/slots",
        "slots.list",
        finding.slots,
        SLOTS,
        answer=shapes.Slots,
        query=shapes.SlotQuery,
        quick=finding.kept,
        problems=(
            *_RANGE,
            (400, "calendar.cursor_invalid"),
            (422, "calendar.service_unknown"),
            (422, "calendar.schedule_unknown"),
            (422, "calendar.wrong_duration"),
        ),
        tags=("slots",),
    ),
    Route(
        "POST",
        "/slots/hold",
        "slots.hold",
        hold,
        BOOK,
        answer=shapes.HoldOut,
        body=shapes.HoldIn,
        status=201,
        problems=(*_PLACE, (429, "calendar.too_many_holds")),
        tags=("slots",),
    ),
    Route(
        "DELETE",
        "/slots/hold/{id}",
        "slots.release",
        release,
        BOOK,
        status=204,
        problems=_FOUND,
        tags=("slots",),
    ),
    Route(
        "GET",
        "/appointments",
        "appointments.changes",
        feed,
        READ,
        answer=shapes.Changes,
        query=shapes.FeedQuery,
        problems=((400, "calendar.cursor_invalid"), (410, "calendar.cursor_expired")),
        tags=("appointments",),
    ),
    Route(
        "POST",
        "/appointments",
        "appointments.book",
        book,
        BOOK,
        answer=shapes.AppointmentOut,
        body=shapes.BookIn,
        status=201,
        problems=(*_PLACE, *_HOLD, *_PATIENT),
        tags=("appointments",),
    ),
    Route(
        "POST",
        "/appointments/search",
        "appointments.search",
        search,
        READ,
        answer=shapes.Appointments,
        body=shapes.SearchIn,
        problems=(*_RANGE, _PATIENT[0]),
        tags=("appointments",),
        transaction=False,
    ),
    Route(
        "GET",
        "/appointments/{id}",
        "appointments.read",
        read,
        READ,
        answer=shapes.AppointmentOut,
        problems=_FOUND,
        tags=("appointments",),
    ),
    Route(
        "PATCH",
        "/appointments/{id}",
        "appointments.change",
        change,
        CHANGE,
        answer=shapes.AppointmentOut,
        body=shapes.ChangeIn,
        problems=(
            *_FOUND,
            *_STALE,
            *_PLACE,
            *_HOLD,
            (409, "calendar.frozen"),
            (409, "calendar.status_change"),
            (422, "calendar.status_unknown"),
        ),
        tags=("appointments",),
    ),
    Route(
        "POST",
        "/appointments/{id}/cancel",
        "appointments.cancel",
        cancel,
        CHANGE,
        answer=shapes.AppointmentOut,
        body=shapes.CancelIn,
        problems=(*_FOUND, *_STALE, (409, "calendar.status_change")),
        tags=("appointments",),
    ),
)
