"""REST shapes of what a day or week calendar draws, of its search, and of previews. Times are RFC 3339 with offset.

For masked actors ids and names of patients, notes, titles and reasons are null: left out on the server.
"""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from praxisd.model.people import Practitioner
from praxisd.model.places import Location
from praxisd.model.scheduling import HealthcareService, OpeningException, OpeningRule, Schedule
from praxisd.services.calendar.shapes import Id, In, Limit, Out, ServiceIn, Time

Words = Annotated[str, Meta(min_length=1, max_length=200)]


class ViewIn(In, frozen=True, kw_only=True):
    """The period to draw, at most 42 days; `schedules` narrows it to these columns, `cancelled` adds cancelled ones."""

    from_: Time = field(name="from")
    to: Time
    schedules: Annotated[tuple[Id, ...], Meta(max_length=200)] | None = None
    cancelled: bool = False


class Who(Out, frozen=True, kw_only=True, gc=False):
    """The patient of an appointment; both null for who may not see it."""

    id: str | None
    name: str | None


class ColumnDrawn(Out, frozen=True, kw_only=True):
    """A column, in the order in which columns stand beside each other."""

    id: str
    name: str
    color: str | None
    order: int
    active: bool
    practitioner: str | None
    location: str | None


class TypeDrawn(Out, frozen=True, kw_only=True):
    """An appointment type. `duration` in minutes, null where each booking says it."""

    id: str
    name: str
    color: str | None
    duration: int | None
    active: bool


class OpenDrawn(Out, frozen=True, kw_only=True, gc=False):
    """A column is open from `start` to `end`."""

    schedule: str
    start: str
    end: str


class AppointmentDrawn(Out, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An appointment. Buffers in minutes lie outside `start` to `end`. `portal` is where it was booked, if from outside."""

    id: str
    version: int
    status: str
    start: str
    end: str
    service: str | None
    schedules: tuple[str, ...]
    patient: Who | None
    note: str | None = None
    portal: str | None = None
    cancel_reason: str | None = None
    buffer_before: int = 0
    buffer_after: int = 0


class ReservationDrawn(Out, frozen=True, kw_only=True, omit_defaults=True):
    """Busy time without a patient."""

    id: str
    version: int
    title: str | None
    schedules: tuple[str, ...]
    start: str
    end: str
    note: str | None = None


class BusyDrawn(Out, frozen=True, kw_only=True, omit_defaults=True):
    """Time of a column taken by neither: a slot that is being booked (until `until`), or one taken in another system.

    `round`: it is being offered to the waiting list; ending that round sets it free.
    """

    schedule: str
    start: str
    end: str
    until: str | None = None
    round: str | None = None


class AbsenceDrawn(Out, frozen=True, kw_only=True, omit_defaults=True):
    """Local days without work, first to last inclusive; without `schedule` the whole practice."""

    id: str
    version: int
    first: date
    last: date
    schedule: str | None = None
    reason: str | None = None


class ClosedDrawn(Out, frozen=True, kw_only=True):
    """A closed date: public holiday or the practice's own word."""

    date: date
    name: str


class View(Out, frozen=True, kw_only=True):
    """All that is drawn of a period. `revision` is the number of the last event that is in it (see `/live?since=`)."""

    zone: str
    now: str
    revision: str
    schedules: list[ColumnDrawn]
    services: list[TypeDrawn]
    open: list[OpenDrawn]
    appointments: list[AppointmentDrawn]
    reservations: list[ReservationDrawn]
    busy: list[BusyDrawn]
    absences: list[AbsenceDrawn]
    closed: list[ClosedDrawn]


class CountsIn(In, frozen=True, kw_only=True):
    """Local days to count, first to last inclusive, at most 42."""

    first: date
    last: date


class DayCount(Out, frozen=True, kw_only=True):
    """What begins on a local day; `portals` of them were booked from outside."""

    date: date
    appointments: int
    portals: int


class Counts(Out, frozen=True, kw_only=True):
    """The days, in order."""

    days: list[DayCount]


class SearchWordsIn(In, frozen=True, kw_only=True):
    """Words of a patient's name or an appointment type; from `from` (now) on first, then those before."""

    text: Words
    from_: Time | None = field(name="from", default=None)
    limit: Limit = 50


class AppointmentsDrawn(Out, frozen=True, kw_only=True):
    """Appointments found: coming ones by time, then past ones, the latest first."""

    appointments: list[AppointmentDrawn]


class ColumnPreviewIn(In, frozen=True, kw_only=True):
    """A column as it would be; fields not given are as saved. Answers its free times of one appointment type."""

    hours: Annotated[tuple[OpeningRule, ...], Meta(max_length=200)] | UnsetType = UNSET
    exceptions: Annotated[tuple[OpeningException, ...], Meta(max_length=1000)] | UnsetType = UNSET
    observes_holidays: bool | UnsetType = UNSET
    service: Id
    from_: Time = field(name="from")
    to: Time
    limit: Limit = 200
    cursor: Annotated[str, Meta(max_length=20)] | None = None


class TypePreviewIn(In, frozen=True, kw_only=True):
    """An appointment type as it would be; `id` names the one that would be changed so. Answers its free times."""

    service: ServiceIn
    id: Id | None = None
    from_: Time = field(name="from")
    to: Time
    limit: Limit = 200
    cursor: Annotated[str, Meta(max_length=20)] | None = None


class Released(Out, frozen=True, kw_only=True):
    """What booking portals see, exactly as they see it."""

    schedules: list[Schedule]
    healthcare_services: list[HealthcareService]
    locations: list[Location]
    practitioners: list[Practitioner]
