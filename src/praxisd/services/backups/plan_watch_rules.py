"""What of a plan is watched beside its runs: their queue, image backups, the age of a copy that others take. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from praxisd.model.backup import BackupPlan, ImageDue, Job, Queue, Waiting, Word
from praxisd.services.backups import plan_rules

IMAGE_DUE, EXTERNAL_OLD = "backups.image_due", "backups.external_old"
CODES = (IMAGE_DUE, EXTERNAL_OLD)
EXTERNAL_HOURS = 26
"""A nightly copy is older than this only if one was missed; the two hours are for one that takes long."""
_ORDER: tuple[Job, ...] = ("evening", "night", "remote", "snapshot")


def queue(waiting: Sequence[Waiting], busy: bool, now: int) -> Queue:
    """Jobs that overlap run one after the other, never beside each other, and none is lost.

    First what a person started, then what is due longest. One whose medium is missing, or that pauses before a retry, holds
    up nobody. One of an earlier day is overtaken once the same job of a later day is due: its medium is no longer at hand.
    """
    ordered = sorted(waiting, key=_turn)
    newest: dict[Job, date] = {}
    for one in ordered:
        if one.due <= now:
            newest[one.job] = max(one.day, newest.get(one.job, one.day))
    overtaken = tuple(one for one in ordered if not one.by_hand and one.day < newest.get(one.job, one.day))
    rest = [one for one in ordered if one not in overtaken]
    able = [one for one in rest if one.ready and max(one.due, one.not_before) <= now]
    start = able[0] if able and not busy else None
    return Queue(start, tuple(one for one in rest if one is not start), overtaken)


def _turn(one: Waiting) -> tuple[bool, int, int, str]:
    return (not one.by_hand, one.due, _ORDER.index(one.job), one.id)


def image_due(
    plan: BackupPlan, written: Mapping[str, int], since: date, now: int, zone: tzinfo
) -> ImageDue | None:
    """The next image backup; None where the plan has none. `written`: end of the last one by slot; `since`: plan's begin.

    Seed 003, „Sicherungsschema“: two more media, which are not overwritten for four weeks after the backup. The medium that
    was written longest ago is the next; while it is locked, the reminder waits for it. A clock that was set back locks
    nothing for longer than the plan says.
    """
    if plan.image is None:
        return None
    today = datetime.fromtimestamp(now, zone).date()
    days = {
        slot: min(today, datetime.fromtimestamp(written[slot], zone).date())
        for slot in plan_rules.image_slots(plan)
        if slot in written
    }
    locked = {slot: day + timedelta(days=plan.image.locked_days - 1) for slot, day in days.items()}
    slot = min(plan_rules.image_slots(plan), key=lambda one: days.get(one, date.min))
    wanted = max(days.values()) + timedelta(days=plan.image.every_days) if days else since
    free = locked[slot] + timedelta(days=1) if slot in locked else wanted
    due = max(wanted, free)
    return ImageDue(slot, due, today >= due, {one: day for one, day in locked.items() if day >= today})


def external_old(last: int | None, since: int, now: int, hours: int = EXTERNAL_HOURS) -> Word | None:
    """Is the copy that the practice's own software takes older than a night? `last`: the last whole one; `since`: plan's begin.

    One from the future (clock set back) counts as just made: the next one puts it right.
    """
    age = now - (since if last is None else last)
    return Word(EXTERNAL_OLD, {"hours": age // 3600}) if age > hours * 3600 else None
