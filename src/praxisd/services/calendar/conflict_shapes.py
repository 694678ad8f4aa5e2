"""Conflicts as the door shows them: both sides, what it is, and how it can be settled."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from praxisd.kernel.service import Cursor
from praxisd.kernel.store import Tx
from praxisd.services.calendar import rules, settling, shapes, store
from praxisd.services.calendar.conflict_store import Found
from praxisd.services.calendar.shapes import In, Out
from praxisd.services.calendar.view import views
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class Person(Out, frozen=True, kw_only=True):
    """A patient, by id and name."""

    id: str
    name: str | None


class Side(Out, frozen=True, kw_only=True):
    """One side. `Slot` is time taken in an imported calendar, `Hold` one that is just being booked, `Offer` one that is
    offered to the waiting list (`id` is the round's). Masked callers see neither patient nor title.
    """

    type: Literal["Appointment", "Reservation", "Absence", "Blocker", "Slot", "Hold", "Offer"]
    id: str
    version: int | None
    status: str | None
    start: str
    end: str
    schedules: tuple[str, ...]
    service: str | None
    patient: Person | None
    title: str | None


class ConflictOut(Out, frozen=True, kw_only=True):
    """A booking or blocker from outside (`online`; None: it is no more) and what stands here in its way (`local`).

    `ways` are those in which it can be settled now.
    """

    id: str
    version: int
    code: str
    found_at: str
    settled_at: str | None
    how: str | None
    portal: str | None
    portal_name: str | None
    schedule: str
    start: str
    end: str
    online: Side | None
    local: list[Side]
    title: str
    cause: str
    solution: str
    ways: list[str]


class Conflicts(Out, frozen=True, kw_only=True):
    """A page of them, latest found first."""

    conflicts: list[ConflictOut]
    next: str | None = None


class ConflictsIn(In, frozen=True, kw_only=True):
    """Open ones, settled ones, or both."""

    state: Literal["open", "settled"] | None = None
    limit: shapes.Limit = 50
    cursor: Cursor | None = None


class SettleIn(In, frozen=True, kw_only=True):
    """How: `keep_local` cancels the online booking; `move_online` puts it to `start`, `other_column` to `schedules`;
    `move_local` puts the appointment here to `start` or `schedules`; `seen`: it is arranged. `minutes`: another length.
    """

    how: Literal["keep_local", "move_online", "other_column", "move_local", "seen"]
    start: shapes.Time | None = None
    schedules: Annotated[tuple[shapes.Id, ...], Meta(min_length=1, max_length=8)] | None = None
    minutes: Annotated[int, Meta(ge=5, le=1440)] | None = None


def shown(house: "House", tx: Tx, some: Sequence[Found], lang: str) -> list[ConflictOut]:
    """As this caller may see them, the names of all patients by one question."""
    zone = views(house).calendar(tx).almanac.zone
    sides = {one.id: (_online(tx, one, zone), _local(tx, one, zone)) for one in some}
    patients = {
        side["patient"]
        for online, local in sides.values()
        for side in (*([online] if online else []), *local)
        if side["patient"]
    }
    names = {} if tx.actor.masked else directory.name(tx, sorted(patients))
    text = house.texts
    found = []
    for one in some:
        online, local = sides[one.id]
        found.append(
            ConflictOut(
                id=one.id,
                version=one.version,
                code=one.code,
                found_at=shapes.at(one.found_at, zone),
                settled_at=None if one.settled_at is None else shapes.at(one.settled_at, zone),
                how=one.how,
                portal=one.portal,
                portal_name=one.portal,
                schedule=one.schedule,
                start=shapes.at(one.start, zone),
                end=shapes.at(one.end, zone),
                online=None if online is None else _side(online, names, tx.actor.masked),
                local=[_side(side, names, tx.actor.masked) for side in local],
                title=text.get(f"{one.code}.title", lang),
                cause=text.get(f"{one.code}.cause", lang),
                solution=text.get(f"{one.code}.solution", lang),
                ways=settling.ways(house, tx, one),
            )
        )
    return found


def _side(fields: Mapping[str, Any], names: Mapping[str, str | None], masked: bool) -> Side:
    patient = fields["patient"]
    who = None if masked or patient is None else Person(id=patient, name=names.get(patient))
    return Side(**{**fields, "patient": who, "title": None if masked else fields["title"]})


def _fields(type_: str, id_: str, start: int, end: int, zone: ZoneInfo, **more: Any) -> dict[str, Any]:
    told = {"version": None, "status": None, "schedules": (), "service": None, "patient": None, "title": None}
    return {
        "type": type_, "id": id_, "start": shapes.at(start, zone), "end": shapes.at(end, zone), **told, **more,
    }  # fmt: skip


def _online(tx: Tx, one: Found, zone: ZoneInfo) -> dict[str, Any] | None:
    if one.appointment is not None:
        return _appointment(tx, one.appointment, zone)
    columns = (one.schedule,) if one.schedule else ()
    return _fields("Blocker", one.id, one.start, one.end, zone, schedules=columns)


def _appointment(tx: Tx, id_: str, zone: ZoneInfo) -> dict[str, Any] | None:
    one = store.APPOINTMENTS.get(tx, id_)
    if one is None:
        return None
    return _fields(
        "Appointment", id_, one.start, one.end, zone, version=one.version, status=one.status,
        schedules=one.schedules, service=one.service, patient=one.patient,
    )  # fmt: skip


def _local(tx: Tx, one: Found, zone: ZoneInfo) -> list[dict[str, Any]]:
    found = []
    for owner in one.others:
        kind, _, id_ = owner.partition("/")
        side = _SIDES[kind](tx, id_, zone) if kind in _SIDES else None
        found.append(side or _fields(kind, id_, one.start, one.end, zone) if kind in _KNOWN else None)
    return sorted((side for side in found if side is not None), key=lambda side: side["start"])


def _reservation(tx: Tx, id_: str, zone: ZoneInfo) -> dict[str, Any] | None:
    one = store.RESERVATIONS.get(tx, id_)
    if one is None:
        return None
    return _fields(
        "Reservation", id_, one.start, one.end, zone, version=one.version, schedules=one.schedules,
        title=one.title,
    )  # fmt: skip


def _absence(tx: Tx, id_: str, zone: ZoneInfo) -> dict[str, Any] | None:
    one = store.ABSENCES.get(tx, id_)
    if one is None:
        return None
    days = rules.span(one.first, one.last, zone)
    columns = (one.schedule,) if one.schedule else ()
    return _fields(
        "Absence", id_, days.start, days.end, zone, version=one.version, schedules=columns, title=one.reason
    )


def _slot(tx: Tx, id_: str, zone: ZoneInfo) -> dict[str, Any] | None:
    one = store.IMPORTED_SLOTS.get(tx, id_)
    if one is None:
        return None
    return _fields("Slot", id_, one.start, one.end, zone, version=one.version, schedules=(one.schedule,))


_SIDES = {"Appointment": _appointment, "Reservation": _reservation, "Absence": _absence, "Slot": _slot}
_KNOWN = (*_SIDES, "Hold", "Offer")
