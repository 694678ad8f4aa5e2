"""Where media are, by whom that is confirmed, whether a copy is outside of the practice, and what the desk does next. Pure.

Seed 003, variants 1 and 2: the evening's medium is carried out and kept in a safe place; the night's stays in the practice,
in a safe too; both are changed every working day. SPEC 8.3: a named person confirms it.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, timedelta, tzinfo
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.model.backup import (
    BackupPlan,
    CalendarDay,
    DueRun,
    Expected,
    ImageDue,
    Judged,
    Medium,
    Place,
    Stay,
    Word,
)
from praxisd.services.backups import day_rules, media_rules, plan_rules, plan_watch_rules

PERSON_MISSING, STAY_TIME, FIXED = "backups.person_missing", "backups.stay_time", "backups.medium_fixed"
OVERDUE, OLD = "backups.offsite_overdue", "backups.offsite_old"
INSERT, START, TAKE_OUT = "backups.insert", "backups.start", "backups.take_out"
CARRY_OUT, TO_SAFE, BRING = "backups.carry_out", "backups.to_safe", "backups.bring"
REFUSALS = (PERSON_MISSING, STAY_TIME, FIXED)
CODES = (OVERDUE, OLD, INSERT, START, TAKE_OUT, CARRY_OUT, TO_SAFE, BRING)
GRACE_HOURS = 16
"""A medium written in the evening is confirmed outside by the next late morning."""
MISSED_DAYS = 3
"""So many days' media in a row may be missing outside before the newest copy there counts as old."""
START_AHEAD_S = 3600
"""So long before its time the desk is reminded of a run it begins."""


def moved(medium: Medium, place: Place, person: str, at: int, now: int) -> Stay:
    """A named person says where a medium is, since `at`.

    Problems (422): `backups.person_missing`, `backups.stay_time` (in the future, or before it was last written: then it was
    in the drive), `backups.medium_fixed` (a NAS or remote target does not travel).
    """
    name = " ".join(person.split())[:80]
    if medium.kind != "removable":
        raise Problem(FIXED, 422)
    if not name:
        raise Problem(PERSON_MISSING, 422)
    # A clock that was set back must not make the medium unmovable: then "now" is as early as can be said.
    earliest = min(medium.written or 0, now)
    if not earliest <= at <= now:
        raise Problem(STAY_TIME, 422)
    return Stay(place, name, at)


def place_of(medium: Medium) -> Place | None:
    """Where it is for all that is known: after it was written it is in the drive until somebody says otherwise.

    A remote target is always outside; a NAS and a folder never are.
    """
    if medium.kind != "removable":
        return "outside" if medium.kind == "remote" else "drive"
    if medium.written is not None and (medium.stay is None or medium.stay.at < medium.written):
        return "drive"
    return medium.stay.place if medium.stay else None


def offsite(
    plan: BackupPlan, media: Iterable[Medium], since: int, now: int, zone: tzinfo, closed: Set[date]
) -> list[Word]:
    """Is there a copy outside? `since`: begin of the plan.

    OVERDUE: the newest medium that has to leave was written more than 16 hours ago and nobody confirmed that it left. OLD:
    the newest copy outside (a remote one counts) lacks the last three days on which one should have left; `days` says how
    many. Closed days do not count: nobody is there to carry.
    """
    away = {one.id for one in plan_rules.slots(plan) if one.use == "away"}
    if not away:
        return []
    every = list(media)
    found: list[Word] = []
    leaving = [one for one in every if one.slot in away and one.written is not None and not one.held]
    newest = max(leaving, key=lambda one: (one.written or 0, one.id), default=None)
    if newest is not None and newest.written is not None and place_of(newest) != "outside":
        hours = (now - _inside_since(newest)) // 3600
        if hours >= GRACE_HOURS:
            found.append(Word(OVERDUE, {"label": newest.label, "hours": hours}, newest.id))
    outside = [one.written for one in every if one.written is not None and _was_outside(one, now)]
    border = plan.day_begins
    last = day_rules.backup_day(max([since, *outside]), zone, border)
    if not outside:
        last -= timedelta(days=1)
    yesterday = day_rules.backup_day(now, zone, border) - timedelta(days=1)
    missed = _days_that_leave(plan, last, yesterday, closed)
    if missed >= MISSED_DAYS:
        found.append(Word(OLD, {"days": missed}))
    return found


def _inside_since(medium: Medium) -> int:
    """Since when it is in the practice: written here, or brought in again for its next run. A safe here is no way out."""
    brought = medium.stay.at if medium.stay is not None and medium.stay.place == "drive" else 0
    return max(medium.written or 0, brought)


def _was_outside(medium: Medium, now: int) -> bool:
    """It is outside; or it was until it was brought in for its run, and is not yet due to be out again."""
    if place_of(medium) == "outside":
        return True
    stay = medium.stay
    return stay is not None and stay.place == "drive" and now - stay.at < GRACE_HOURS * 3600


def _days_that_leave(plan: BackupPlan, after: date, until: date, closed: Set[date]) -> int:
    """Days after `after`, up to `until`, on which a medium should have left the practice."""
    jobs = {one.name for one in plan.jobs if one.use == "away"}
    days = (after + timedelta(days=number) for number in range(1, (until - after).days + 1))
    return sum(any(run.job in jobs for run in plan_rules.runs_on(plan, day, closed)) for day in days)


def desk(
    run: DueRun | None,
    wanted: Expected | None,
    judged: Judged | None,
    media: Sequence[Medium],
    today: CalendarDay,
    now: int,
    *,
    uses: Mapping[str, str],
    labels: Mapping[str, str],
    image: ImageDue | None = None,
) -> list[Word]:
    """What the desk has to do now, most pressing first.

    `run`: the next run by hand (`plan_rules.expected`), `wanted` its medium, `judged` what is in the drive (None: not looked
    at); `uses` and `labels` (of its medium) by slot. A medium that was written and is still in the drive goes out before the
    next one goes in; one of a later day is only to be brought. What may not be written on is named; a wrong or missing medium
    is only asked for while the run's time is more than an hour off (a missing one until then), never called a fault.
    """
    found: list[Word] = []
    inside = judged.medium if judged is not None else None
    for one in media:
        if one.written is None or one.kind != "removable" or place_of(one) != "drive":
            continue
        brought = one.stay is not None and one.stay.at > one.written
        mine = inside is not None and inside.id == one.id
        if mine and brought and wanted is not None and wanted.medium == one:
            continue  # brought in again, for the next run
        if mine:
            found.append(Word(TAKE_OUT, {"label": one.label}, one.id))
        leaves = uses.get(one.slot) == "away"
        found.append(Word(CARRY_OUT if leaves else TO_SAFE, {"label": one.label}, one.id))
    if run is not None and wanted is not None and judged is not None and run.run.day <= today.day:
        found += _next(run, wanted, judged, now)
    for slot in today.bring_next:
        if today.next_day is not None:
            found.append(Word(BRING, {"label": _label(slot, labels), "day": day_rules.told(today.next_day)}))
    if image is not None and image.late:
        found.append(Word(plan_watch_rules.IMAGE_DUE, {"label": _label(image.slot, labels)}))
    return found


def _label(slot: str, labels: Mapping[str, str]) -> Any:
    """The label of the slot's medium; while it has none, that of the slot, in whichever language it is read."""
    return labels.get(slot) or {"text": f"backups.slot.{slot}"}


def _next(run: DueRun, wanted: Expected, judged: Judged, now: int) -> list[Word]:
    """Insert, start, or what is wrong with the medium in the drive."""
    near = now >= run.at - START_AHEAD_S
    subject = wanted.medium.id if wanted.medium else ""
    if judged.fault is None:
        words = [judged.warning] if judged.warning is not None else []
        if run.run.start == "desk" and near:
            words.append(Word(START, {"label": wanted.label}, subject))
        return words
    late = judged.fault.code == media_rules.MISSING and now > run.at
    asked = judged.fault.code in (media_rules.MISSING, media_rules.WRONG) and not near
    if asked or (judged.fault.code == media_rules.MISSING and not late):
        return [Word(INSERT, {"label": wanted.label}, subject)]
    return [judged.fault]
