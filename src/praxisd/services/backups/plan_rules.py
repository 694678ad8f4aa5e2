"""The seed's backup plans as data, and the calendar of media that follows from one. Pure.

Seed 003, „Art und Weise der Datensicherung“: variant 1 has ten media for Monday to Friday, two a working day: the evening's
is carried out of the practice, the night's stays in it; variant 2 five media and a NAS at night; variant 3 adds an
encrypted remote copy to either. „External“: a practice with its own software, which takes our nightly copy out of a folder.

What needs no hands (NAS, remote, folder) also runs on days on which nobody is there: bookings come in on those too. The
seed asks for every working day, which is part of that.
"""

from collections.abc import Collection, Iterator, Sequence, Set
from datetime import date, timedelta, tzinfo

from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import WEEKDAYS, Weekday
from praxisd.model.backup import (
    BackupPlan,
    CalendarDay,
    DueRun,
    ImagePlan,
    Job,
    PlanJob,
    PlannedRun,
    Retention,
    Slot,
    Under,
    Use,
    Variant,
)
from praxisd.services.backups import day_rules, retention_rules
from praxisd.services.backups.day_rules import backup_day, border, clock, instant, weekday

PLAN_DAYS, PLAN_JOBS, IMAGE_RANGE = "backups.plan_days", "backups.plan_jobs", "backups.image_range"
CODES = (*day_rules.CODES, *retention_rules.CODES, PLAN_DAYS, PLAN_JOBS, IMAGE_RANGE)
WORKING: tuple[Weekday, ...] = WEEKDAYS[:5]
BY_HAND: frozenset[Use] = frozenset({"away", "here"})
"""Slots whose media somebody changes every day."""
AHEAD = 62
"""So many days ahead a next working day is looked for; a practice that is closed for longer has none to remember."""


def make(
    variant: Variant,
    *,
    days: Collection[Weekday] = WORKING,
    under: Under | None = None,
    evening: str = "18:00",
    night: str = "01:30",
    remote: str = "03:30",
    day_begins: str = "06:00",
    image: ImagePlan | None = None,
    keep: Retention | None = None,
) -> BackupPlan:
    """A plan as the seed has it, checked; `under` is what variant 3, and only it, adds to."""
    kept = tuple(one for one in WEEKDAYS if one in days)
    return check(
        BackupPlan(
            variant=variant,
            days=kept,
            jobs=tuple(_jobs(variant, kept, under, evening, night, remote)),
            under=under,
            day_begins=day_begins,
            image=image,
            keep=keep or Retention(),
        )
    )


def _jobs(
    variant: Variant, days: tuple[Weekday, ...], under: Under | None, evening: str, night: str, remote: str
) -> Iterator[PlanJob]:
    """Evening, night, remote; or the one copy into a folder."""
    if variant == "external":
        yield PlanJob("snapshot", "folder", WEEKDAYS, night, closed_too=True)
        return
    yield PlanJob("evening", "away", days, evening, start="desk")
    if (under or variant) == "variant1":
        yield PlanJob("night", "here", days, night)
    else:
        yield PlanJob("night", "nas", WEEKDAYS, night, closed_too=True)
    if variant == "variant3":
        yield PlanJob("remote", "remote", WEEKDAYS, remote, closed_too=True)


def check(plan: BackupPlan) -> BackupPlan:
    """The same plan if it can be kept; Problems (422) of `CODES`.

    Times are `HH:MM`; the day begins between 04:00 and 12:00; media are changed on working days only; an image backup is
    asked for no more often than its locked media allow.
    """
    begins = border(plan.day_begins)
    retention_rules.check(plan.keep)
    if (plan.variant == "variant3") != (plan.under is not None) or len({one.name for one in plan.jobs}) < len(
        plan.jobs
    ):
        raise Problem(PLAN_JOBS, 422)
    if not plan.days or not plan.jobs or any(not one.days for one in plan.jobs):
        raise Problem(PLAN_DAYS, 422)
    for one in plan.jobs:
        at = clock(one.time)
        if one.start == "desk" and at < begins:
            raise Problem(day_rules.PLAN_TIME, 422)
        if one.use in BY_HAND and (one.closed_too or not set(one.days) <= set(plan.days)):
            raise Problem(PLAN_DAYS, 422)
    image = plan.image
    if image is not None and not (
        1 <= image.media <= 6
        and 7 <= image.every_days <= 366
        and 0 <= image.locked_days <= image.every_days * image.media
    ):
        raise Problem(IMAGE_RANGE, 422)
    return plan


def slots(plan: BackupPlan) -> tuple[Slot, ...]:
    """All media and targets the plan needs, in the order of the week; one slot each.

    Variant 1 from Monday to Friday: ten; variant 2: five and the NAS; and two for image backups where they are wanted.
    """
    found = {
        slot_of(one.use, day): Slot(slot_of(one.use, day), one.use, day if one.use in BY_HAND else None)
        for day in WEEKDAYS
        for one in plan.jobs
        if day in one.days
    }
    ordered = sorted(found.values(), key=lambda one: one.day is None)
    return (*ordered, *(Slot(one, "image") for one in image_slots(plan)))


def slot_of(use: Use, day: Weekday) -> str:
    """The id of the slot that a job of this use writes into on that weekday."""
    return f"{day}_{use}" if use in BY_HAND else use


def image_slots(plan: BackupPlan) -> tuple[str, ...]:
    """The extra media for image backups: `image_1`, `image_2`."""
    return tuple(f"image_{number}" for number in range(1, plan.image.media + 1)) if plan.image else ()


def runs_on(plan: BackupPlan, day: date, closed: Set[date]) -> tuple[PlannedRun, ...]:
    """What the plan wants on a backup day, in the order in which it begins. `closed`: holidays and days the practice is shut."""
    begins = clock(plan.day_begins)
    found = [
        PlannedRun(
            one.name,
            day,
            slot_of(one.use, weekday(day)),
            one.time,
            one.start,
            next_morning=clock(one.time) < begins,
        )
        for one in plan.jobs
        if weekday(day) in one.days and (one.closed_too or day not in closed)
    ]
    return tuple(sorted(found, key=lambda one: (one.next_morning, one.time)))


def calendar(plan: BackupPlan, first: date, last: date, closed: Set[date]) -> tuple[CalendarDay, ...]:
    """The calendar of media from `first` to `last`, both included; empty if `last` is earlier."""
    length = max(0, (last - first).days + 1)
    days = [first + timedelta(days=number) for number in range(length + (AHEAD if length else 0))]
    planned = {day: runs_on(plan, day, closed) for day in days}
    outgoing = {day: _outgoing(plan, runs) for day, runs in planned.items()}
    found: list[CalendarDay] = []
    coming: date | None = None
    for number in range(len(days) - 1, -1, -1):
        day = days[number]
        if number < length:
            found.append(
                CalendarDay(
                    day,
                    day in closed or weekday(day) not in plan.days,
                    planned[day],
                    bring=outgoing[day],
                    take=outgoing[day],
                    bring_next=outgoing[coming] if coming else (),
                    next_day=coming,
                )
            )
        if outgoing[day]:
            coming = day
    return tuple(reversed(found))


def _outgoing(plan: BackupPlan, runs: Sequence[PlannedRun]) -> tuple[str, ...]:
    """The slots of these runs that are kept outside of the practice: brought for the run, taken away after it."""
    away = {one.name for one in plan.jobs if one.use == "away"}
    return tuple(one.slot for one in runs if one.job in away)


def due_runs(plan: BackupPlan, after: int, until: int, zone: tzinfo, closed: Set[date]) -> tuple[DueRun, ...]:
    """The runs whose time lies after `after` and not after `until`, in order of time."""
    day = backup_day(after, zone, plan.day_begins) - timedelta(days=1)
    end = backup_day(until, zone, plan.day_begins)
    found: list[DueRun] = []
    while day <= end:
        for run in runs_on(plan, day, closed):
            at = instant(day, run.time, zone, plan.day_begins)
            if after < at <= until:
                found.append(DueRun(run, at))
        day += timedelta(days=1)
    return tuple(sorted(found, key=lambda one: (one.at, one.run.day, one.run.slot)))


def expected(
    plan: BackupPlan, now: int, zone: tzinfo, closed: Set[date], done: Collection[tuple[date, Job]]
) -> DueRun | None:
    """The run whose medium belongs into the drive now: the first of today that is not done, else of the days to come.

    One that was missed is overtaken as soon as a later one of the same day is due: its medium is wanted now. None where the
    plan has no media that are changed, or nothing comes within two months.
    """
    by_hand = {one.name for one in plan.jobs if one.use in BY_HAND}
    today = backup_day(now, zone, plan.day_begins)
    for ahead in range(AHEAD + 1):
        day = today + timedelta(days=ahead)
        runs = [
            DueRun(one, instant(day, one.time, zone, plan.day_begins))
            for one in runs_on(plan, day, closed)
            if one.job in by_hand
        ]
        for number, one in enumerate(runs):
            overtaken = any(later.at <= now for later in runs[number + 1 :])
            if (day, one.run.job) not in done and not overtaken:
                return one
    return None
