"""What the doors of plan and calendar take and answer. Days are ISO dates, times of day `HH:MM` in the practice's zone."""

from datetime import date
from typing import Annotated

import msgspec

from praxisd.kernel.schedule import Weekday
from praxisd.model.backup import ImagePlan, Job, Retention, Start, Under, Use, Variant
from praxisd.services.backups.plan_rules import WORKING

_Time = Annotated[str, msgspec.Meta(max_length=5)]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all answers share: camelCase names."""


class PlanIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the wizard asks: which of the seed's schemes, on which days the practice works, and when.

    `under`: what variant 3 adds its remote copy to, null for the others. `evening_start`: „desk“ (a click after work, with a
    reminder at the time) or „time“ (by itself). A time before `day_begins` is that of the following morning.
    """

    variant: Variant
    under: Under | None = None
    days: Annotated[tuple[Weekday, ...], msgspec.Meta(max_length=7)] = WORKING
    evening: _Time = "18:00"
    evening_start: Start = "desk"
    night: _Time = "01:30"
    remote: _Time = "03:30"
    day_begins: _Time = "06:00"
    image: ImagePlan | None = None
    keep: Retention = Retention()


class SlotOut(_Out, frozen=True, kw_only=True):
    """A place in the rotation, and which medium fills it (null: none is set up yet)."""

    id: str
    label: str
    use: Use
    day: Weekday | None
    medium: str | None
    medium_label: str | None


class PlanJobOut(_Out, frozen=True, kw_only=True):
    """A job of the plan, as `PlanJob`; `label` says it in words."""

    name: Job
    label: str
    use: Use
    days: tuple[Weekday, ...]
    time: str
    start: Start
    closed_too: bool


class PlanOut(PlanIn, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The plan in force: what was asked for, by whom and when, its jobs, its slots, and what is left to set up.

    `by`: who put it in force, not for masked callers. `missing_drives`: kinds for which no drive is entered yet
    („removable“, „nas“, „remote“, „folder“).
    """

    version: int
    by: str
    at: str
    title: str
    jobs: tuple[PlanJobOut, ...]
    slots: tuple[SlotOut, ...]
    unfilled: tuple[str, ...]
    missing_drives: tuple[str, ...]


class PlanAnswer(_Out, frozen=True, kw_only=True):
    """The plan in force; null while there is none."""

    plan: PlanOut | None


class NamedSlot(_Out, frozen=True, kw_only=True):
    """A slot and what the medium in it is called."""

    slot: str
    label: str


class PlannedOut(NamedSlot, frozen=True, kw_only=True):
    """A run of the calendar: `at` is when it begins (or the desk is reminded), as an instant."""

    job: Job
    job_label: str
    time: str
    start: Start
    next_morning: bool
    at: str


class CalendarDayOut(_Out, frozen=True, kw_only=True):
    """A backup day. `bring`: media that must come in from outside; `take`: those that leave after work; `bring_next`: those
    wanted on `next_day`, the next day on which one is needed.
    """

    day: date
    weekday: Weekday
    closed: bool
    today: bool
    runs: tuple[PlannedOut, ...]
    bring: tuple[NamedSlot, ...]
    take: tuple[NamedSlot, ...]
    bring_next: tuple[NamedSlot, ...]
    next_day: date | None


class ImageOut(NamedSlot, frozen=True, kw_only=True):
    """The next image backup: on which medium, from which day on, and whether that day has come."""

    day: date
    late: bool


class CalendarOut(_Out, frozen=True, kw_only=True):
    """The calendar of media, day by day. `image`: the next image backup, if the plan has them."""

    days: tuple[CalendarDayOut, ...]
    image: ImageOut | None = None


class PreviewOut(CalendarOut, frozen=True, kw_only=True):
    """What a plan would mean: its slots (so many media are needed), its jobs, and its next two weeks. Nothing is kept."""

    slots: tuple[SlotOut, ...]
    jobs: tuple[PlanJobOut, ...]
    media: int
    missing_drives: tuple[str, ...]


class CalendarQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """From which day to which, both included; left out: four weeks from today on."""

    first: date | None = msgspec.field(default=None, name="from")
    last: date | None = msgspec.field(default=None, name="to")
