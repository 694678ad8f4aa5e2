"""REST shapes of the calendar: what the door `/api/v1` takes and gives. Times are RFC 3339 with offset."""

from datetime import date
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.model.scheduling import Appointment, Code, OpeningException, OpeningRule

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
Time = Annotated[str, Meta(max_length=40, examples=["2026-11-23T09:00:00+01:00"])]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Note = Annotated[str, Meta(max_length=2000)]
Limit = Annotated[int, Meta(ge=1, le=200)]


@lru_cache(maxsize=16_384)
def at(epoch: int, zone: ZoneInfo) -> str:
    """RFC 3339 with the practice's offset, remembered: for times of the calendar, which are asked for again and again."""
    return format_rfc3339(epoch, zone)


@lru_cache(maxsize=2_048)
def moment(epoch: int, zone: ZoneInfo) -> str:
    """The same for when something happened: each has its own second, so that fewer are worth remembering (270 bytes each)."""
    return format_rfc3339(epoch, zone)


def instant(text: str, field: str) -> int:
    """Epoch seconds of an RFC 3339 time; Problem clock.naive_time or clock.bad_time (400) naming `field`."""
    return parse_rfc3339(text, field)


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class SlotQuery(In, frozen=True, kw_only=True):
    """`from`/`to`: RFC 3339, at most 92 days apart. `schedule`: one that must take part. `cursor`: from `next`."""

    service: Id
    from_: Time = msgspec.field(name="from")
    to: Time
    schedule: Id | None = None
    limit: Limit = 200
    cursor: Annotated[str, Meta(max_length=20)] | None = None


class SlotOut(Out, frozen=True, kw_only=True):
    """A free time and the columns it would take."""

    start: str
    end: str
    schedules: tuple[str, ...]
    service: str


class Slots(Out, frozen=True, kw_only=True):
    """Free times in order of start; `next` is the cursor of the following page, or null."""

    slots: list[SlotOut]
    next: str | None = None


class PatientIn(In, frozen=True, kw_only=True):
    """Who the appointment is for: an id, or what the portal knows of the person."""

    id: Id | None = None
    family: Name | None = None
    given: Name | None = None
    birth_date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None


class BookIn(In, frozen=True, kw_only=True):
    """A booking. `end` and `outsideHours` are for the practice itself; `hold` uses up a held slot."""

    service: Id
    start: Time
    end: Time | None = None
    schedules: Annotated[tuple[Id, ...], Meta(max_length=8)] = ()
    patient: PatientIn
    note: Note | None = None
    hold: Id | None = None
    outside_hours: bool = False


class ChangeIn(In, frozen=True, kw_only=True):
    """A move (`start`, `end`, `service`, `schedules`, `hold`) or a change (`status`, `note`); null clears a note."""

    start: Time | UnsetType = UNSET
    end: Time | UnsetType = UNSET
    service: Id | UnsetType = UNSET
    schedules: Annotated[tuple[Id, ...], Meta(max_length=8)] | UnsetType = UNSET
    hold: Id | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET
    status: str | UnsetType = UNSET
    outside_hours: bool = False


class CancelIn(In, frozen=True, kw_only=True):
    """Why; kept with the appointment."""

    reason: Annotated[str, Meta(max_length=500)] | None = None


class HoldIn(In, frozen=True, kw_only=True):
    """Hold a slot for `seconds` (at most the practice's limit)."""

    service: Id
    start: Time
    schedules: Annotated[tuple[Id, ...], Meta(max_length=8)] = ()
    seconds: Annotated[int, Meta(ge=10, le=3600)] | None = None


class HoldOut(Out, frozen=True, kw_only=True):
    """A held slot; book it with `hold` before `expiresAt`."""

    id: str
    expires_at: str
    start: str
    end: str
    service: str
    schedules: tuple[str, ...]


class AppointmentOut(Out, frozen=True, kw_only=True, omit_defaults=True):
    """An appointment. `patient` is the id as this caller knows it, `patientName` for the practice itself.

    Who may not see the patient (service partner) gets neither, and no note or reason.
    """

    id: str
    version: int
    status: str
    start: str
    end: str
    service: str | None
    schedules: tuple[str, ...]
    patient: str | None = None
    patient_name: str | None = None
    note: str | None = None
    cancel_reason: str | None = None
    replaces: str | None = None
    created_at: str
    updated_at: str


class ChangeOut(AppointmentOut, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the feed: an appointment, or a tombstone with `deleted`."""

    version: int = 0
    status: str = ""
    start: str = ""
    end: str = ""
    service: str | None = None
    schedules: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""
    deleted: bool = False


class Changes(Out, frozen=True, kw_only=True):
    """What changed since a cursor; keep `cursor` for the next question. `more`: ask again at once."""

    changes: list[ChangeOut]
    cursor: str
    more: bool = False


class FeedQuery(In, frozen=True, kw_only=True):
    """`since`: the cursor of the last answer; without it everything is brought first."""

    since: Annotated[str, Meta(max_length=100)] | None = None
    limit: Limit = 100


class SearchIn(In, frozen=True, kw_only=True):
    """Appointments of a period, a column or a patient (by POST: no ids of patients in addresses)."""

    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    schedule: Id | None = None
    patient: Id | None = None
    status: str | None = None
    limit: Limit = 100
    cursor: Id | None = None


class Appointments(Out, frozen=True, kw_only=True):
    """A page of appointments."""

    appointments: list[AppointmentOut]
    next: str | None = None


class ListQuery(In, frozen=True, kw_only=True):
    """A page of a list."""

    limit: Limit = 100
    cursor: Id | None = None


class ScheduleIn(In, frozen=True, kw_only=True):
    """A column to make."""

    name: Name
    practitioner: Id | None = None
    location: Id | None = None
    active: bool = True
    released: bool = False
    hours: Annotated[tuple[OpeningRule, ...], Meta(max_length=200)] = ()
    exceptions: Annotated[tuple[OpeningException, ...], Meta(max_length=1000)] = ()
    observes_holidays: bool = True
    order: int = 0
    color: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    service_type: tuple[Code, ...] = ()
    specialty: tuple[Code, ...] = ()


class SchedulePatch(In, frozen=True, kw_only=True):
    """What to change of a column; fields not given stay."""

    name: Name | UnsetType = UNSET
    practitioner: Id | None | UnsetType = UNSET
    location: Id | None | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    released: bool | UnsetType = UNSET
    hours: Annotated[tuple[OpeningRule, ...], Meta(max_length=200)] | UnsetType = UNSET
    exceptions: Annotated[tuple[OpeningException, ...], Meta(max_length=1000)] | UnsetType = UNSET
    observes_holidays: bool | UnsetType = UNSET
    order: int | UnsetType = UNSET
    color: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] | None | UnsetType = UNSET
    service_type: tuple[Code, ...] | UnsetType = UNSET
    specialty: tuple[Code, ...] | UnsetType = UNSET


class ServiceIn(In, frozen=True, kw_only=True):
    """An appointment type to make. Minutes are multiples of 5; one column of each group is needed."""

    name: Name
    duration: int | None = None
    groups: Annotated[tuple[tuple[Id, ...], ...], Meta(max_length=8)]
    active: bool = True
    released: bool = False
    buffer_before: int = 0
    buffer_after: int = 0
    start_every: int = 15
    min_notice: int = 0
    max_ahead: int | None = 365
    confirm: bool = False
    color: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    service_type: tuple[Code, ...] = ()
    specialty: tuple[Code, ...] = ()
    comment: Note | None = None


class ServicePatch(In, frozen=True, kw_only=True):
    """What to change of an appointment type; fields not given stay."""

    name: Name | UnsetType = UNSET
    duration: int | None | UnsetType = UNSET
    groups: Annotated[tuple[tuple[Id, ...], ...], Meta(max_length=8)] | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    released: bool | UnsetType = UNSET
    buffer_before: int | UnsetType = UNSET
    buffer_after: int | UnsetType = UNSET
    start_every: int | UnsetType = UNSET
    min_notice: int | UnsetType = UNSET
    max_ahead: int | None | UnsetType = UNSET
    confirm: bool | UnsetType = UNSET
    color: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] | None | UnsetType = UNSET
    service_type: tuple[Code, ...] | UnsetType = UNSET
    specialty: tuple[Code, ...] | UnsetType = UNSET
    comment: Note | None | UnsetType = UNSET


class ReservationIn(In, frozen=True, kw_only=True):
    """Busy time without a patient."""

    title: Name
    schedules: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=200)]
    start: Time
    end: Time
    note: Note | None = None


class ReservationPatch(In, frozen=True, kw_only=True):
    """What to change of a reservation."""

    title: Name | UnsetType = UNSET
    schedules: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    start: Time | UnsetType = UNSET
    end: Time | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET


class ReservationOut(Out, frozen=True, kw_only=True):
    """A reservation."""

    id: str
    version: int
    title: str
    schedules: tuple[str, ...]
    start: str
    end: str
    note: str | None


class AbsenceIn(In, frozen=True, kw_only=True):
    """Local days, first to last inclusive; without `schedule` the whole practice.

    `rule` (RRULE of RFC 5545, counted from `first`) repeats them; they are at most 62 days then.
    """

    first: date
    last: date
    schedule: Id | None = None
    reason: Annotated[str, Meta(max_length=200)] | None = None
    rule: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class ClosingIn(In, frozen=True, kw_only=True):
    """Closed, or open although it is a holiday."""

    closed: bool = True
    name: Annotated[str, Meta(max_length=200)] = ""


class FeedIn(In, frozen=True, kw_only=True):
    """`titles`: with the names of the appointment types instead of busy only."""

    titles: bool = False


def appointment_out(
    one: Appointment, zone: ZoneInfo, patient: str | None, *, name: str | None = None, masked: bool = False
) -> AppointmentOut:
    """The appointment as the door shows it; `patient` is the id as this caller knows it, `name` as it may see it."""
    return AppointmentOut(**_values(one, zone, patient, masked), patient_name=None if masked else name)


def change_out(one: Appointment, zone: ZoneInfo, patient: str | None, masked: bool = False) -> ChangeOut:
    """The same as an entry of the change feed."""
    return ChangeOut(**_values(one, zone, patient, masked))


def _values(one: Appointment, zone: ZoneInfo, patient: str | None, masked: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "status": one.status,
        "start": at(one.start, zone),
        "end": at(one.end, zone),
        "service": one.service,
        "schedules": one.schedules,
        "patient": None if masked else patient,
        "note": None if masked else one.note,
        "cancel_reason": None if masked else one.cancel_reason,
        "replaces": one.replaces,
        "created_at": moment(one.created, zone),
        "updated_at": moment(one.updated, zone),
    }
