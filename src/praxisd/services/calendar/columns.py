"""Edit what the calendar is made of: columns, appointment types, reservations, absences, closings.

Each edit bumps the columns it touches, so that a booking under way queues behind it and looks again.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import FIRST_YEAR, LAST_YEAR
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Absence, Closing, HealthcareService, Reservation, Schedule
from praxisd.services.calendar import freeing, placing, repeating, rules, store
from praxisd.services.calendar.view import touch, views
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

R = TypeVar("R", bound=msgspec.Struct)
_LOOKED_AHEAD = timedelta(days=731)


def add_schedule(house: "House", tx: Tx, **fields: Any) -> Schedule:
    """A new column; `no` is given by the counter. Raises 422 for an unknown practitioner or location."""
    _check_places(tx, fields)
    id_ = fields.pop("id", None) or new_id()
    one = Schedule(id=id_, no=store.next_number(tx, "schedule"), **fields)
    repeating.check_rules(one)
    one = store.SCHEDULES.insert(tx, one)
    touch(house, tx)
    events.note(tx, "schedule.created", "Schedule", one.id, version=1)
    return one


def edit_schedule(house: "House", tx: Tx, id_: str, expected: int | None, **fields: Any) -> Schedule:
    """Change a column. Withdrawing `released` or `active` keeps what is booked (SPEC 1.2)."""
    old = store.SCHEDULES.need(tx, id_)
    check_version(expected, old.version, "Schedule")
    _check_places(tx, fields)
    new = replaced(old, fields)
    names = changed_fields(old, new)
    if not names:
        return old
    new = store.SCHEDULES.save(tx, new, old.version)
    touch(house, tx)
    events.note(tx, "schedule.changed", "Schedule", id_, version=new.version, fields=names)
    return new


def add_service(house: "House", tx: Tx, **fields: Any) -> HealthcareService:
    """A new appointment type. Raises calendar.schedule_unknown (422) for a group naming an unknown column."""
    check_groups(tx, fields)
    id_ = fields.pop("id", None) or new_id()
    one = checked(HealthcareService, {"id": id_, "no": store.next_number(tx, "service"), **fields})
    one = store.SERVICES.insert(tx, one)
    touch(house, tx)
    events.note(tx, "service.created", "HealthcareService", one.id, version=1)
    return one


def edit_service(house: "House", tx: Tx, id_: str, expected: int | None, **fields: Any) -> HealthcareService:
    """Change an appointment type; what is booked keeps its time and buffers."""
    old = store.SERVICES.need(tx, id_)
    check_version(expected, old.version, "HealthcareService")
    check_groups(tx, fields)
    new = replaced(old, fields)
    names = changed_fields(old, new)
    if not names:
        return old
    new = store.SERVICES.save(tx, new, old.version)
    touch(house, tx)
    events.note(tx, "service.changed", "HealthcareService", id_, version=new.version, fields=names)
    return new


def add_reservation(house: "House", tx: Tx, **fields: Any) -> Reservation:
    """Busy time without a patient, over several columns and days.

    Raises calendar.reservation_overlaps (409) where an appointment or a hold stands in it; it names them.
    """
    one = Reservation(id=fields.pop("id", None) or new_id(), **fields)
    _check_period(house, tx, one)
    one = store.RESERVATIONS.insert(tx, one)
    _reserve(house, tx, one)
    events.note(tx, "reservation.created", "Reservation", one.id, version=1)
    return one


def edit_reservation(house: "House", tx: Tx, id_: str, expected: int | None, **fields: Any) -> Reservation:
    """Change a reservation; its old time is given up only if the new one fits."""
    old = store.RESERVATIONS.need(tx, id_)
    check_version(expected, old.version, "Reservation")
    new = replaced(old, fields)
    _check_period(house, tx, new)
    touch(house, tx, [*old.schedules, *new.schedules])
    store.vacate(tx, f"Reservation/{id_}")
    new = store.RESERVATIONS.save(tx, new, old.version)
    _reserve(house, tx, new)
    freeing.given_up(house, tx, old, new)
    fields_ = changed_fields(old, new)
    events.note(tx, "reservation.changed", "Reservation", id_, version=new.version, fields=fields_)
    return new


def drop_reservation(house: "House", tx: Tx, id_: str, expected: int | None) -> None:
    """Delete a reservation; its time is free at once."""
    old = store.RESERVATIONS.need(tx, id_)
    check_version(expected, old.version, "Reservation")
    touch(house, tx, old.schedules)
    store.vacate(tx, f"Reservation/{id_}")
    store.RESERVATIONS.delete(tx, id_, old.version)
    freeing.given_up(house, tx, old)
    events.note(tx, "reservation.deleted", "Reservation", id_, version=old.version)


def add_absence(house: "House", tx: Tx, **fields: Any) -> tuple[Absence, list[str]]:
    """Whole days without work. Appointments standing in them stay; their ids are returned for the desk to move."""
    if fields["last"] < fields["first"] or (fields["last"] - fields["first"]).days > 3660:
        raise Problem("calendar.range_reversed", 400)
    if not FIRST_YEAR <= fields["first"].year <= fields["last"].year <= LAST_YEAR:
        raise Problem("calendar.date_invalid", 400)
    one = checked(Absence, {"id": fields.pop("id", None) or new_id(), **fields})
    if one.schedule is not None:
        _known(tx, [one.schedule])
    one = store.ABSENCES.insert(tx, one)
    touch(house, tx)
    events.note(tx, "absence.created", "Absence", one.id, version=1)
    return one, _standing_in(house, tx, one)


def drop_absence(house: "House", tx: Tx, id_: str) -> None:
    """Take an absence back."""
    old = store.ABSENCES.need(tx, id_)
    store.ABSENCES.delete(tx, id_, old.version)
    touch(house, tx)
    freeing.absence_gone(house, tx, old)
    events.note(tx, "absence.deleted", "Absence", id_, version=old.version)


def put_closing(house: "House", tx: Tx, closing: Closing) -> Closing:
    """The practice's own word on one date: closed, or open although it is a holiday."""
    tx.run(store.PUT_CLOSING, date=closing.date.isoformat(), closed=int(closing.closed), name=closing.name)
    touch(house, tx)
    events.note(tx, "closing.changed", "Closing", closing.date.isoformat(), closed=closing.closed)
    return closing


def drop_closing(house: "House", tx: Tx, on: date) -> None:
    """Forget the practice's own word; the public holiday (or its absence) holds again. 404 if there was none."""
    if not tx.run(store.DROP_CLOSING, date=on.isoformat()):
        raise not_found("Closing")
    touch(house, tx)
    events.note(tx, "closing.changed", "Closing", on.isoformat())


def checked(kind: type[R], fields: dict[str, Any]) -> R:
    """The record; Problem calendar.type_invalid (422) with what does not fit, and those of `repeating.check_rules`."""
    try:
        one = kind(**fields)
    except ValueError as error:
        raise Problem("calendar.type_invalid", 422, detail=str(error)) from None
    repeating.check_rules(one)
    return one


def replaced(old: R, fields: dict[str, Any]) -> R:
    """The record with other fields; Problem calendar.type_invalid (422). Built anew, so that the struct checks itself."""
    return checked(type(old), {name: getattr(old, name) for name in old.__struct_fields__} | fields)


def _known(tx: Tx, ids: Iterable[str]) -> None:
    known = store.revisions(tx)
    for one in ids:
        if one not in known:
            raise Problem("calendar.schedule_unknown", 422)


def check_groups(tx: Tx, fields: dict[str, Any]) -> None:
    """Problem calendar.schedule_unknown (422) for a group that names an unknown column."""
    _known(tx, {one for group in fields.get("groups") or () for one in group})


def _check_places(tx: Tx, fields: dict[str, Any]) -> None:
    if fields.get("practitioner"):
        directory.need_practitioner(tx, fields["practitioner"])
    if fields.get("location"):
        directory.need_location(tx, fields["location"])


def _check_period(house: "House", tx: Tx, one: Reservation) -> None:
    if one.end <= one.start:
        raise Problem("calendar.range_reversed", 400)
    if one.end - one.start > 366 * 86_400:
        raise Problem("calendar.range_too_long", 400, days=366)
    if not one.schedules or len(set(one.schedules)) != len(one.schedules):
        raise Problem("calendar.schedule_unknown", 422)
    _known(tx, one.schedules)


def _reserve(house: "House", tx: Tx, one: Reservation) -> None:
    touch(house, tx, one.schedules)
    store.drop_lapsed(tx, one.schedules)
    # The columns are locked: what is seen here is all there is, and can be named. The database judges all the same.
    rows = store.busy_rows(tx, one.start, one.end, one.schedules)
    told = placing.in_the_way(
        row[3] for row in rows if row[3].startswith(("Appointment/", "Hold/", "Offer/"))
    )
    if told:
        raise Problem("calendar.reservation_overlaps", 409, **told)
    try:
        store.occupy(tx, one.schedules, one.start, one.end, "reservation", f"Reservation/{one.id}")
    except Violation:
        raise Problem("calendar.reservation_overlaps", 409) from None


def _standing_in(house: "House", tx: Tx, one: Absence) -> list[str]:
    """Appointments in an absence; of one that repeats those of the next two years."""
    zone = views(house).calendar(tx).almanac.zone
    wanted = [one.schedule] if one.schedule else None
    since, until = one.first, one.last
    if one.rule is not None:
        since = max(since, rules.local_date(tx.now, zone))
        until = since + _LOOKED_AHEAD
    found = set()
    for first, last in repeating.periods(one, since, until):
        days = rules.span(first, last, zone)
        rows = store.busy_rows(tx, days.start, days.end, wanted)
        found |= {r[3].removeprefix("Appointment/") for r in rows if r[3].startswith("Appointment/")}
    return sorted(found)


def released_of(items: Sequence[Any]) -> list[Any]:
    """Only what is switched „in Online-Terminschnittstellen verfügbar“ and active."""
    return [one for one in items if one.released and one.active]


def outward(house: "House", tx: Tx, one: Any) -> Any:
    """A released column or type as a portal may see it: nothing in it points to what is not released."""
    if isinstance(one, HealthcareService):
        usable = views(house).calendar(tx).for_actor(tx.actor)
        groups = tuple(tuple(name for name in group if name in usable) for group in one.groups)
        # A group of which nothing is left: the type cannot be booked from outside, so none are named.
        return msgspec.structs.replace(one, groups=groups if all(groups) else (), extra={})
    calendar = views(house).calendar(tx)
    practitioners = {p.id for p in directory.practitioners(tx)}
    places = {p.id for p in directory.locations(tx)}
    hours = []
    for rule in one.hours:
        shown = tuple(name for name in rule.services if calendar.service_for(tx.actor, name) is not None)
        if shown or not rule.services:
            hours.append(msgspec.structs.replace(rule, services=shown))
    return msgspec.structs.replace(
        one,
        practitioner=one.practitioner if one.practitioner in practitioners else None,
        location=one.location if one.location in places else None,
        hours=tuple(hours),
        extra={},
    )


def as_fields(body: msgspec.Struct) -> dict[str, Any]:
    """The fields of a body that were given (not UNSET), by Python name."""
    values = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}
