"""The plan and its calendar in words: for the doors, the paper and the command line alike."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import sentences
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.backup import BackupPlan, CalendarDay, PlannedRun
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups import day_rules, plan_rules
from praxisd.services.backups.plans import drives, labels, media, planning
from praxisd.services.backups.plans.plan_shapes import (
    CalendarDayOut,
    CalendarOut,
    ImageOut,
    NamedSlot,
    PlanIn,
    PlanJobOut,
    PlannedOut,
    PlanOut,
    PreviewOut,
    SlotOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PREVIEW_DAYS, CALENDAR_DAYS, LONGEST = 14, 28, 400
RANGE, NO_PLAN = "backups.calendar_range", "backups.plan_missing"
_DRIVE_OF = {"away": "removable", "here": "removable", "image": "removable"}


def made(said: PlanIn) -> BackupPlan:
    """The plan that the wizard's answers mean. Problems (422) of `plan_rules.CODES`."""
    plan = plan_rules.make(
        said.variant,
        days=said.days,
        under=said.under,
        evening=said.evening,
        night=said.night,
        remote=said.remote,
        day_begins=said.day_begins,
        image=said.image,
        keep=said.keep,
    )
    jobs = tuple(
        msgspec.structs.replace(one, start=said.evening_start) if one.name == "evening" else one
        for one in plan.jobs
    )
    return plan_rules.check(msgspec.structs.replace(plan, jobs=jobs))


def asked(plan: BackupPlan) -> PlanIn:
    """The wizard's answers that mean this plan."""
    given = PlanIn(variant=plan.variant)
    times = {one.name: one.time for one in plan.jobs}
    starts = {one.name: one.start for one in plan.jobs}
    return PlanIn(
        variant=plan.variant,
        under=plan.under,
        days=plan.days,
        evening=times.get("evening", given.evening),
        evening_start=starts.get("evening", given.evening_start),
        night=times.get("night", times.get("snapshot", given.night)),
        remote=times.get("remote", given.remote),
        day_begins=plan.day_begins,
        image=plan.image,
        keep=plan.keep,
    )


def shown(house: "House", tx: Tx, lang: str) -> PlanOut | None:
    """The plan in force as the door shows it; `by` in words."""
    kept = planning.plan(tx)
    if kept is None:
        return None
    every = media.media(tx)
    return PlanOut(
        **msgspec.structs.asdict(asked(kept.plan)),
        version=kept.version,
        by="" if tx.actor.masked else sentences.actor_names(house, tx, [kept.by], lang)[kept.by],
        at=format_rfc3339(kept.at, planning.zone(house, tx)),
        title=house.texts.get(f"backups.variant.{kept.plan.variant}", lang),
        jobs=jobs(house, kept.plan, lang),
        slots=slots(house, tx, kept.plan, lang),
        unfilled=media.unfilled(kept, every),
        missing_drives=missing_drives(tx, kept.plan),
    )


def jobs(house: "House", plan: BackupPlan, lang: str) -> tuple[PlanJobOut, ...]:
    """The jobs of a plan."""
    return tuple(
        PlanJobOut(
            name=one.name,
            label=job_label(house, one.name, lang),
            use=one.use,
            days=one.days,
            time=one.time,
            start=one.start,
            closed_too=one.closed_too,
        )
        for one in plan.jobs
    )


def job_label(house: "House", name: str, lang: str) -> str:
    """„Abends“, „Nachts“ …"""
    return house.texts.get(f"backups.job_name.{name}", lang)


def slots(house: "House", tx: Tx, plan: BackupPlan, lang: str) -> tuple[SlotOut, ...]:
    """The slots of a plan with the media that fill them."""
    filled = {
        one.medium.slot: one.medium for one in media.media(tx) if not one.medium.retired and one.medium.slot
    }
    found = []
    for one in plan_rules.slots(plan):
        medium = filled.get(one.id)
        found.append(
            SlotOut(
                id=one.id,
                label=labels.label(house, one.id, lang),
                use=one.use,
                day=one.day,
                medium=medium.id if medium else None,
                medium_label=medium.label if medium else None,
            )
        )
    return tuple(found)


def missing_drives(tx: Tx, plan: BackupPlan) -> tuple[str, ...]:
    """Kinds of drives that the plan needs and nobody has entered."""
    there = {one.kind for one in drives.drives(tx)}
    wanted = dict.fromkeys(_DRIVE_OF.get(one.use, one.use) for one in plan_rules.slots(plan))
    return tuple(one for one in wanted if one not in there)


def calendar(
    house: "House", tx: Tx, plan: BackupPlan, first: date, last: date, lang: str, kept: PlanKept | None = None
) -> CalendarOut:
    """The calendar of media from `first` to `last`. `kept`: the plan in force, for what depends on its past.

    Problem `backups.calendar_range` (422) if it is reversed or longer than 400 days.
    """
    length = (last - first).days + 1
    if not 1 <= length <= LONGEST or not 2000 <= first.year <= last.year <= 2199:
        raise Problem(RANGE, 422, days=LONGEST)
    shut = planning.closed(house, tx, first, last + timedelta(days=plan_rules.AHEAD))
    days = plan_rules.calendar(plan, first, last, shut)
    view = _View(house, tx, plan, lang)
    due = media.image_due(house, tx, kept, tx.now) if kept is not None else None
    image = None
    if due is not None:
        image = ImageOut(slot=due.slot, label=view.named(due.slot), day=due.day, late=due.late)
    return CalendarOut(days=tuple(view.day(one) for one in days), image=image)


def preview(house: "House", tx: Tx, plan: BackupPlan, lang: str) -> PreviewOut:
    """What a plan would mean, from today on; nothing is kept."""
    first = planning.today(house, tx, PlanKept(plan, 0, "", tx.now))
    found = calendar(house, tx, plan, first, first + timedelta(days=PREVIEW_DAYS - 1), lang)
    places = slots(house, tx, plan, lang)
    return PreviewOut(
        days=found.days,
        slots=places,
        jobs=jobs(house, plan, lang),
        media=sum(one.use in _DRIVE_OF for one in places),
        missing_drives=missing_drives(tx, plan),
    )


def range_of(house: "House", tx: Tx, first: date | None, last: date | None) -> tuple[date, date]:
    """The days asked for; left out: four weeks from today on."""
    begin = first or planning.today(house, tx)
    return begin, last or begin + timedelta(days=CALENDAR_DAYS - 1)


class _View:
    """What a day of the calendar needs to be said in words."""

    def __init__(self, house: "House", tx: Tx, plan: BackupPlan, lang: str) -> None:
        self._house, self._plan, self._lang = house, plan, lang
        self._labels = media.labelled(media.media(tx))
        self._zone = planning.zone(house, tx)
        self._today = planning.today(house, tx, PlanKept(plan, 0, "", tx.now))

    def named(self, slot: str) -> str:
        return self._labels.get(slot) or labels.label(self._house, slot, self._lang)

    def _slots(self, found: Iterable[str]) -> tuple[NamedSlot, ...]:
        return tuple(NamedSlot(slot=one, label=self.named(one)) for one in found)

    def _runs(self, found: Sequence[PlannedRun]) -> tuple[PlannedOut, ...]:
        begins = self._plan.day_begins
        return tuple(
            PlannedOut(
                slot=one.slot,
                label=self.named(one.slot),
                job=one.job,
                job_label=job_label(self._house, one.job, self._lang),
                time=one.time,
                start=one.start,
                next_morning=one.next_morning,
                at=format_rfc3339(day_rules.instant(one.day, one.time, self._zone, begins), self._zone),
            )
            for one in found
        )

    def day(self, one: CalendarDay) -> CalendarDayOut:
        return CalendarDayOut(
            day=one.day,
            weekday=day_rules.weekday(one.day),
            closed=one.closed,
            today=one.day == self._today,
            runs=self._runs(one.runs),
            bring=self._slots(one.bring),
            take=self._slots(one.take),
            bring_next=self._slots(one.bring_next),
            next_day=one.next_day,
        )
