"""Scheduling vocabulary: schedules, appointment types, appointments and everything that occupies time.

Instants are integer epoch seconds (UTC), local dates are `datetime.date`, wall times are "HH:MM" in the
practice's time zone, durations and buffers are minutes. JSON names are camelCase as in FHIR.
Structs that people edit check themselves when made, so a decoder reports the broken field with its path;
structs that the server computes by the thousand (Slot, Busy) do not.
"""

import re
from datetime import date
from typing import Any, Literal

import msgspec

UNIT_MINUTES = 5
"""Grid of the calendar: durations and buffers are multiples of it."""

DAY_MINUTES = 24 * 60
BUFFER_LIMIT = 12 * 60
GROUP_LIMIT = 8

AppointmentStatus = Literal["proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"]
SlotStatus = Literal["free", "busy", "busy-unavailable", "busy-tentative", "entered-in-error"]

OCCUPYING: frozenset[str] = frozenset({"pending", "booked", "arrived", "fulfilled"})
"""Statuses whose appointment takes its time in every schedule; holds do so too."""

REPEATED_DAYS = 62
"""Longest absence that may repeat: whether a date lies in one costs a question for each of its days."""

FROZEN: frozenset[str] = frozenset({"fulfilled", "cancelled", "noshow"})
"""Statuses in which time, schedules and patient of an appointment may no longer change."""

_CHANGES: dict[str, frozenset[str]] = {
    "proposed": frozenset({"pending", "booked", "cancelled"}),
    "pending": frozenset({"booked", "cancelled"}),
    "booked": frozenset({"arrived", "fulfilled", "cancelled", "noshow"}),
    # A patient may leave before being seen; a mistaken click can be taken back.
    "arrived": frozenset({"booked", "fulfilled", "cancelled"}),
    "fulfilled": frozenset({"arrived"}),
    # The late patient who comes after all, and the mistaken click.
    "noshow": frozenset({"booked", "arrived"}),
    # A cancelled time may be somebody else's by now: book anew.
    "cancelled": frozenset(),
}


def may_change(old: str, new: str) -> bool:
    """Whether an appointment in status `old` may be given status `new`; keeping a known status is allowed.

    A change from a status outside OCCUPYING into it (proposed to booked, noshow to arrived) takes time
    again: the caller must check it like a new booking.
    """
    if old not in _CHANGES or new not in _CHANGES:
        return False
    return old == new or new in _CHANGES[old]


_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def clock_minutes(text: str) -> int:
    """Minutes since midnight on the wall clock for "HH:MM"; "24:00" is the end of the day.

    Raises ValueError for anything else.
    """
    if text == "24:00":
        return DAY_MINUTES
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"not a wall time HH:MM: {text[:16]!r}")
    return int(match[1]) * 60 + int(match[2])


def _check_span(start: str, end: str) -> None:
    if clock_minutes(end) <= clock_minutes(start):
        raise ValueError("end must be after start; hours over midnight are two entries")


def _check_minutes(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high or value % UNIT_MINUTES:
        raise ValueError(f"{name} must be a multiple of {UNIT_MINUTES} minutes from {low} to {high}")


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Shared encoding of the structs below: immutable, keyword only, camelCase in JSON."""


class Part(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Encoding of the values that people write inside a record: a misspelt field is refused, not ignored."""


class Code(Part, frozen=True, kw_only=True):
    """A coded term as in FHIR's Coding."""

    code: str
    system: str | None = None
    display: str | None = None


class OpeningRule(Part, frozen=True, kw_only=True):
    """Recurring opening hours in wall time: on ISO weekdays `days` (1 = Monday) from `start` to `end`.

    `valid_from` and `valid_to` are inclusive. `every_weeks` counts ISO weeks (Monday to Sunday) from the
    week of `valid_from`, which it therefore needs. So does `rule`, an RRULE of RFC 5545 (`model.recurrence`): of the
    weekdays only those dates that it names are open. `services` empty: any appointment type; else only these
    HealthcareService ids may be booked in these hours.
    """

    days: tuple[int, ...]
    start: str
    end: str
    valid_from: date | None = None
    valid_to: date | None = None
    every_weeks: int = 1
    services: tuple[str, ...] = ()
    rule: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when the rule could never mean anything."""
        if not self.days or len(set(self.days)) != len(self.days) or not set(self.days) <= set(range(1, 8)):
            raise ValueError("days must name each weekday once, 1 (Monday) to 7 (Sunday)")
        _check_span(self.start, self.end)
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("validTo must not be before validFrom")
        if not 1 <= self.every_weeks <= 52:
            raise ValueError("everyWeeks must be from 1 to 52")
        if self.every_weeks > 1 and self.valid_from is None:
            raise ValueError("everyWeeks needs validFrom to count from")
        if self.rule is not None and (self.valid_from is None or self.every_weeks > 1):
            raise ValueError("rule needs validFrom to count from, and stands in place of everyWeeks")


class OpeningException(Part, frozen=True, kw_only=True):
    """Opening hours of one local date: they replace the rules entirely; `open` empty means closed."""

    date: date
    open: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a malformed or reversed period."""
        for start, end in self.open:
            _check_span(start, end)


class Schedule(Record, frozen=True, kw_only=True):
    """One bookable column („Terminspalte“). `no` is never reused; `extra` keeps unknown FHIR elements."""

    id: str
    no: int
    version: int = 1
    name: str
    active: bool = True
    released: bool = False
    practitioner: str | None = None
    location: str | None = None
    hours: tuple[OpeningRule, ...] = ()
    exceptions: tuple[OpeningException, ...] = ()
    observes_holidays: bool = True
    order: int = 0
    color: str | None = None
    service_type: tuple[Code, ...] = ()
    specialty: tuple[Code, ...] = ()
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Raises ValueError when two exceptions claim the same date: neither could be preferred."""
        dates = [entry.date for entry in self.exceptions]
        if len(set(dates)) != len(dates):
            raise ValueError("exceptions must name each date once")


class HealthcareService(Record, frozen=True, kw_only=True):
    """An appointment type („Terminart“).

    `duration` None: the booking says how long (imported types). `groups`: one schedule of *each* group is
    needed; a schedule standing in several groups serves only one of them at a time. `start_every`: offered
    starts are wall-clock multiples of it, counted from midnight. `min_notice` minutes of lead time,
    `max_ahead` days beyond today (None: no limit). `confirm`: the practice must confirm a booking.
    """

    id: str
    no: int
    version: int = 1
    name: str
    active: bool = True
    released: bool = False
    duration: int | None
    buffer_before: int = 0
    buffer_after: int = 0
    groups: tuple[tuple[str, ...], ...] = ()
    start_every: int = 15
    min_notice: int = 0
    max_ahead: int | None = 365
    confirm: bool = False
    color: str | None = None
    service_type: tuple[Code, ...] = ()
    specialty: tuple[Code, ...] = ()
    comment: str | None = None
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Raises ValueError for values outside the grid or beyond what a day can hold."""
        if self.duration is not None:
            _check_minutes("duration", self.duration, UNIT_MINUTES, DAY_MINUTES)
        _check_minutes("bufferBefore", self.buffer_before, 0, BUFFER_LIMIT)
        _check_minutes("bufferAfter", self.buffer_after, 0, BUFFER_LIMIT)
        _check_minutes("startEvery", self.start_every, UNIT_MINUTES, DAY_MINUTES)
        if not 0 <= self.min_notice <= 365 * DAY_MINUTES:
            raise ValueError("minNotice must be from 0 minutes to one year")
        if self.max_ahead is not None and not 0 <= self.max_ahead <= 3660:
            raise ValueError("maxAhead must be from 0 to 3660 days")
        if len(self.groups) > GROUP_LIMIT:
            raise ValueError(f"groups: at most {GROUP_LIMIT}")
        for group in self.groups:
            if not group or len(set(group)) != len(group):
                raise ValueError("groups: each group names at least one schedule, and none twice")


class Appointment(Record, frozen=True, kw_only=True):
    """A patient's time („Termin“) from `start` to `end`; buffers (minutes) lie outside and occupy too.

    `replaces`: id of the appointment this one moved from. `slots`: FHIR slot ids it was booked by.
    """

    id: str
    version: int = 1
    status: AppointmentStatus
    start: int
    end: int
    service: str | None = None
    schedules: tuple[str, ...] = ()
    buffer_before: int = 0
    buffer_after: int = 0
    patient: str | None = None
    portal: str | None = None
    note: str | None = None
    cancel_reason: str | None = None
    replaces: str | None = None
    slots: tuple[str, ...] = ()
    created: int = 0
    updated: int = 0
    extra: dict[str, Any] = {}


class Reservation(Record, frozen=True, kw_only=True):
    """Busy time without a patient („Sperrzeit“), over several columns and days."""

    id: str
    version: int = 1
    title: str
    schedules: tuple[str, ...]
    start: int
    end: int
    note: str | None = None


class Absence(Record, frozen=True, kw_only=True):
    """Whole local days, `first` to `last` inclusive, without work; `schedule` None: the whole practice.

    With `rule`, an RRULE of RFC 5545 counted from `first` (`model.recurrence`), the same number of days is without work
    from each date that it names; it stands for the first time as well, so `first` counts only if the rule names it.
    """

    id: str
    version: int = 1
    schedule: str | None = None
    first: date
    last: date
    reason: str | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a reversed period, and for a repeated one that is too long."""
        if self.last < self.first:
            raise ValueError("last must not be before first")
        if self.rule is not None and (self.last - self.first).days >= REPEATED_DAYS:
            raise ValueError(f"an absence that repeats lasts at most {REPEATED_DAYS} days")


class Closing(Record, frozen=True, kw_only=True):
    """The practice's own entry in the list of holidays: closed, or (`closed` False) a holiday worked."""

    date: date
    closed: bool = True
    name: str = ""


class Hold(Record, frozen=True, kw_only=True):
    """A slot kept for a portal until `expires`; `start` to `end` is the appointment, without buffers."""

    id: str
    service: str
    schedules: tuple[str, ...]
    start: int
    end: int
    expires: int
    portal: str | None = None


class Busy(Record, frozen=True, kw_only=True):
    """All that a portal may learn of an occupied time. Adding a field here would send it outside."""

    start: int
    end: int


class Slot(Record, frozen=True, kw_only=True, gc=False):
    """A free time that was computed, never stored: one deterministic combination of schedules."""

    start: int
    end: int
    schedules: tuple[str, ...]
    service: str


class ImportedSlot(Record, frozen=True, kw_only=True):
    """A FHIR Slot that came from outside and keeps its id; `free` ones open time beyond the hours."""

    id: str
    version: int = 1
    schedule: str
    start: int
    end: int
    status: SlotStatus = "free"
    extra: dict[str, object] = {}
