"""REST operations on what the calendar is made of: columns, types, reservations, absences, closings."""

from datetime import date
from typing import Any

import msgspec

from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.people import MASK
from praxisd.model.scheduling import Absence, Closing, HealthcareService, Reservation, Schedule
from praxisd.services.calendar import columns, repeating, rules, shapes, store
from praxisd.services.calendar.view import closing_rows, views
from praxisd.services.directory import api as directory

READ, WRITE = "calendar.schedule.read", "calendar.schedule.write"
RESERVE = "calendar.reservation.write"


class Schedules(shapes.Out, frozen=True, kw_only=True):
    """Columns; `next` is the cursor of the following page."""

    schedules: list[Schedule]
    next: str | None = None


class Services(shapes.Out, frozen=True, kw_only=True):
    """Appointment types."""

    healthcare_services: list[HealthcareService]
    next: str | None = None


class Reservations(shapes.Out, frozen=True, kw_only=True):
    """Reservations."""

    reservations: list[shapes.ReservationOut]
    next: str | None = None


class Absences(shapes.Out, frozen=True, kw_only=True):
    """Absences."""

    absences: list[Absence]
    next: str | None = None


class AbsenceMade(shapes.Out, frozen=True, kw_only=True):
    """The absence, and the appointments that stand in it and must be moved by hand."""

    absence: Absence
    appointments: list[str]


class Holiday(shapes.Out, frozen=True, kw_only=True):
    """A closed date with its name."""

    date: date
    name: str


class Closings(shapes.Out, frozen=True, kw_only=True):
    """`closed`: dates closed in this year as they count; `own`: the practice's own words about single dates."""

    closed: list[Holiday]
    own: list[Closing]


class YearQuery(shapes.In, frozen=True, kw_only=True):
    """The calendar year."""

    year: int


def _page(call: Call, records: Any, conditions: tuple[Any, ...] = ()) -> tuple[list[Any], str | None]:
    after, limit = call.query.cursor, call.query.limit
    with call.read() as tx:
        if call.actor.portal is None:
            return records.page(tx, *conditions, after=after, limit=limit)  # type: ignore[no-any-return]
        # Chosen before the page is cut: neither a cursor nor a short page tells of what is not released.
        known = [one for one in columns.released_of(records.all(tx)) if after is None or one.id > after]
        found = known[:limit]
        return [columns.outward(call.house, tx, one) for one in found], (
            found[-1].id if len(known) > limit else None
        )


def _one(call: Call, records: Any) -> Answer:
    with call.read() as tx:
        found = records.need(tx, call.path["id"])
        if call.actor.portal is not None:
            if not (found.released and found.active):
                raise not_found(records.kind)
            found = columns.outward(call.house, tx, found)
    return Answer(found, version=found.version)


def schedules(call: Call) -> Answer:
    """Columns; a portal sees the released ones."""
    found, after = _page(call, store.SCHEDULES)
    return Answer(Schedules(schedules=found, next=after))


def schedule(call: Call) -> Answer:
    """One column."""
    return _one(call, store.SCHEDULES)


def add_schedule(call: Call) -> Answer:
    """Make a column."""
    one = columns.add_schedule(call.house, call.writing, **columns.as_fields(call.body))
    return Answer(one, 201, one.version, headers={"Location": f"/api/v1/schedules/{one.id}"})


def edit_schedule(call: Call) -> Answer:
    """Change a column; what is booked stays."""
    fields = columns.as_fields(call.body)
    one = columns.edit_schedule(call.house, call.writing, call.path["id"], call.if_match, **fields)
    return Answer(one, version=one.version)


def services(call: Call) -> Answer:
    """Appointment types; a portal sees the released ones."""
    found, after = _page(call, store.SERVICES)
    return Answer(Services(healthcare_services=found, next=after))


def service(call: Call) -> Answer:
    """One appointment type."""
    return _one(call, store.SERVICES)


def add_service(call: Call) -> Answer:
    """Make an appointment type."""
    one = columns.add_service(call.house, call.writing, **columns.as_fields(call.body))
    return Answer(one, 201, one.version, headers={"Location": f"/api/v1/healthcare-services/{one.id}"})


def edit_service(call: Call) -> Answer:
    """Change an appointment type; what is booked keeps its time and buffers."""
    fields = columns.as_fields(call.body)
    one = columns.edit_service(call.house, call.writing, call.path["id"], call.if_match, **fields)
    return Answer(one, version=one.version)


def _reservation(call: Call, tx: Any, one: Reservation) -> shapes.ReservationOut:
    zone = views(call.house).calendar(tx).almanac.zone
    return shapes.ReservationOut(
        id=one.id,
        version=one.version,
        title=MASK if tx.actor.masked else one.title,
        schedules=one.schedules,
        start=shapes.at(one.start, zone),
        end=shapes.at(one.end, zone),
        note=None if tx.actor.masked else one.note,
    )


def reservations(call: Call) -> Answer:
    """Reservations over columns and days."""
    with call.read() as tx:
        found, after = store.RESERVATIONS.page(tx, after=call.query.cursor, limit=call.query.limit)
        rows = [_reservation(call, tx, one) for one in found]
    return Answer(Reservations(reservations=rows, next=after))


def reservation(call: Call) -> Answer:
    """One reservation."""
    with call.read() as tx:
        one = store.RESERVATIONS.need(tx, call.path["id"])
        return Answer(_reservation(call, tx, one), version=one.version)


def _times(body: Any) -> dict[str, Any]:
    fields = columns.as_fields(body)
    for name in ("start", "end"):
        if name in fields:
            fields[name] = shapes.instant(fields[name], name)
    return fields


def add_reservation(call: Call) -> Answer:
    """Reserve time without a patient; refused where an appointment stands in it."""
    one = columns.add_reservation(call.house, call.writing, **_times(call.body))
    headers = {"Location": f"/api/v1/reservations/{one.id}"}
    return Answer(_reservation(call, call.writing, one), 201, one.version, headers=headers)


def edit_reservation(call: Call) -> Answer:
    """Change a reservation."""
    one = columns.edit_reservation(
        call.house, call.writing, call.path["id"], call.if_match, **_times(call.body)
    )
    return Answer(_reservation(call, call.writing, one), version=one.version)


def drop_reservation(call: Call) -> Answer:
    """Delete a reservation; its time is free at once."""
    columns.drop_reservation(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(None, 204)


def absences(call: Call) -> Answer:
    """Absences of columns and of the whole practice."""
    found, after = _page(call, store.ABSENCES)
    if call.actor.masked:
        found = [msgspec.structs.replace(one, reason=None) for one in found]
    return Answer(Absences(absences=found, next=after))


def add_absence(call: Call) -> Answer:
    """Enter an absence; the answer names the appointments that stand in it."""
    one, standing = columns.add_absence(call.house, call.writing, **columns.as_fields(call.body))
    return Answer(AbsenceMade(absence=one, appointments=standing), 201, one.version)


def drop_absence(call: Call) -> Answer:
    """Take an absence back."""
    columns.drop_absence(call.house, call.writing, call.path["id"])
    return Answer(None, 204)


def closings(call: Call) -> Answer:
    """The closed dates of a year: public holidays of the region and the practice's own words."""
    year = call.query.year
    if not 1970 <= year <= 2200:
        raise Problem("calendar.range_too_long", 400, days=rules.RANGE_DAYS)
    with call.read() as tx:
        own = [Closing(date=d, closed=bool(c), name=n) for d, c, n in closing_rows(tx)]
        region = directory.organization(tx).region
    own = [one for one in own if one.date.year == year]
    closed = rules.closed_days(region, [year], own, call.lang)
    return Answer(Closings(closed=[Holiday(date=d, name=n) for d, n in closed.items()], own=own))


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Problem("calendar.date_invalid", 400) from None
    if found.isoformat() != text:  # "20260101" and "2026-W01-1" are dates, too, but not ours
        raise Problem("calendar.date_invalid", 400)
    return found


def put_closing(call: Call) -> Answer:
    """Say that the practice is closed on a date, or open although it is a holiday."""
    closing = Closing(date=_date(call.path["date"]), closed=call.body.closed, name=call.body.name)
    return Answer(columns.put_closing(call.house, call.writing, closing))


def drop_closing(call: Call) -> Answer:
    """Forget the practice's own word on a date."""
    columns.drop_closing(call.house, call.writing, _date(call.path["date"]))
    return Answer(None, 204)


_UNKNOWN = ((422, "calendar.schedule_unknown"),)
_FOUND = ((404, "http.not_found"),)
_STALE = (*_FOUND, (412, "resource.stale"))
_TYPE = (*_UNKNOWN, (422, "calendar.type_invalid"))
_TIMES = ((400, "clock.naive_time"), (400, "clock.bad_time"), (400, "calendar.range_reversed"))
_RESERVE = (*_TIMES, *_UNKNOWN, (400, "calendar.range_too_long"), (409, "calendar.reservation_overlaps"))
_PLACES = ((422, "directory.practitioner_unknown"), (422, "directory.location_unknown"))


def route_of(method: str, path: str, name: str, call: Any, permission: str | None, **more: Any) -> Route:
    """A route whose tag and status follow from its name and method."""
    status = more.pop("status", {"POST": 201, "DELETE": 204}.get(method, 200))
    tag = name.partition(".")[0]
    return Route(method, path, name, call, permission, status=status, tags=(tag,), **more)


L = shapes.ListQuery
ROUTES = (
    route_of("GET", "/schedules", "schedules.list", schedules, READ, answer=Schedules, query=L),
    route_of(
        "POST", "/schedules", "schedules.create", add_schedule, WRITE,
        answer=Schedule, body=shapes.ScheduleIn, problems=(*_PLACES, *repeating.PROBLEMS),
    ),
    route_of("GET", "/schedules/{id}", "schedules.read", schedule, READ, answer=Schedule, problems=_FOUND),
    route_of(
        "PATCH", "/schedules/{id}", "schedules.change", edit_schedule, WRITE,
        answer=Schedule, body=shapes.SchedulePatch,
        problems=(*_STALE, *_PLACES, (422, "calendar.type_invalid"), *repeating.PROBLEMS),
    ),
    route_of(
        "GET", "/healthcare-services", "healthcareServices.list", services, READ, answer=Services, query=L
    ),
    route_of(
        "POST", "/healthcare-services", "healthcareServices.create", add_service, WRITE,
        answer=HealthcareService, body=shapes.ServiceIn, problems=_TYPE,
    ),
    route_of(
        "GET", "/healthcare-services/{id}", "healthcareServices.read", service, READ,
        answer=HealthcareService, problems=_FOUND,
    ),
    route_of(
        "PATCH", "/healthcare-services/{id}", "healthcareServices.change", edit_service, WRITE,
        answer=HealthcareService, body=shapes.ServicePatch, problems=(*_STALE, *_TYPE),
    ),
    route_of(
        "GET", "/reservations", "reservations.list", reservations, RESERVE, answer=Reservations, query=L
    ),
    route_of(
        "POST", "/reservations", "reservations.create", add_reservation, RESERVE,
        answer=shapes.ReservationOut, body=shapes.ReservationIn, problems=_RESERVE,
    ),
    route_of(
        "GET", "/reservations/{id}", "reservations.read", reservation, RESERVE,
        answer=shapes.ReservationOut, problems=_FOUND,
    ),
    route_of(
        "PATCH", "/reservations/{id}", "reservations.change", edit_reservation, RESERVE,
        answer=shapes.ReservationOut, body=shapes.ReservationPatch, problems=(*_STALE, *_RESERVE),
    ),
    route_of(
        "DELETE", "/reservations/{id}", "reservations.delete", drop_reservation, RESERVE, problems=_STALE
    ),
    route_of("GET", "/absences", "absences.list", absences, RESERVE, answer=Absences, query=L),
    route_of(
        "POST", "/absences", "absences.create", add_absence, RESERVE,
        answer=AbsenceMade, body=shapes.AbsenceIn,
        problems=(*_TYPE, (400, "calendar.range_reversed"), (400, "calendar.date_invalid"), *repeating.PROBLEMS),
    ),
    route_of("DELETE", "/absences/{id}", "absences.delete", drop_absence, RESERVE, problems=_FOUND),
    route_of(
        "GET", "/closings", "closings.list", closings, RESERVE, answer=Closings, query=YearQuery,
        problems=((400, "calendar.range_too_long"),),
    ),
    route_of(
        "PUT", "/closings/{date}", "closings.put", put_closing, WRITE, answer=Closing, body=shapes.ClosingIn,
        problems=((400, "calendar.date_invalid"),),
    ),
    route_of(
        "DELETE", "/closings/{date}", "closings.delete", drop_closing, WRITE,
        problems=(*_FOUND, (400, "calendar.date_invalid")),
    ),
)  # fmt: skip
