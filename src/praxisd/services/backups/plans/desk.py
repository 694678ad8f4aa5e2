"""What people have to do today with the media, most pressing first, and what is wrong with them (SPEC 8.2, 8.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel.store import Tx
from praxisd.model.backup import CalendarDay, DueRun, Expected, ImageDue, Judged, Seen, Word
from praxisd.model.backup_kept import MediumKept, PlanKept, RunState
from praxisd.services.backups import (
    done_rules,
    media_rules,
    plan_rules,
    plan_watch_rules,
    store,
    whereabouts_rules,
)
from praxisd.services.backups.plans import drives, labels, looking, media, planning

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Action = Literal["start", "insert", "confirm_moved", "check_log"]
_ACTIONS: dict[str, Action] = {
    whereabouts_rules.START: "start",
    whereabouts_rules.CARRY_OUT: "confirm_moved",
    whereabouts_rules.TO_SAFE: "confirm_moved",
    whereabouts_rules.OVERDUE: "confirm_moved",
    whereabouts_rules.INSERT: "insert",
    **dict.fromkeys(set(media_rules.CODES) - {media_rules.NEARLY_FULL}, "insert"),
}
_ENDED_WELL: tuple[RunState, ...] = ("good", "warning")
_AROUND_S = 2 * 86_400
_LAST_RUNS = 200


@dataclass(frozen=True, slots=True)
class Outside:
    """What no table knows: what the drives show, by id, and when the last copy for other software was made (None: never)."""

    looks: Mapping[str, Seen]
    copied: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands now: the plan, the day, the next run by hand with its medium and what is in the drive for it.

    `busy`: a run works with a drive, nobody is to touch it; `asked`: the next run was started already and waits.
    """

    kept: PlanKept
    now: int
    today: CalendarDay
    media: tuple[MediumKept, ...]
    closed: frozenset[date]
    run: DueRun | None = None
    wanted: Expected | None = None
    judged: Judged | None = None
    image: ImageDue | None = None
    busy: bool = False
    asked: bool = False


def action(code: str) -> Action | None:
    """What a page offers beside a word of this code."""
    return _ACTIONS.get(code)


def outside(house: "House", *, remembered: bool = False) -> Outside:
    """Looks at the drives (`looking.around`): never inside a transaction."""
    from praxisd.services.backups import snapshot

    noted = snapshot.last(house)
    return Outside(looking.around(house, remembered=remembered), int(noted["at"]) if noted else None)


def standing(house: "House", tx: Tx, now: int, around: Outside) -> Standing | None:
    """None while no plan is in force."""
    kept = planning.plan(tx)
    if kept is None:
        return None
    zone, closed = planning.zone(house, tx), planning.closed_around(house, tx, now)
    day = planning.today(house, tx, kept, now)
    runs = store.RUN.by(tx, "kind", "backup", most=_LAST_RUNS)
    near = plan_rules.due_runs(kept.plan, now - _AROUND_S, now + _AROUND_S, zone, closed)
    done = {(one.run.day, one.run.job) for one in near if done_rules.done(one, runs, now, _ENDED_WELL)}
    # One that waits for its medium is what the desk has to be told of; any other comes to its turn by itself.
    busy = any(
        one.slot not in drives.ALWAYS
        and (one.state == "running" or (one.state == "waiting" and not one.facts.get("waits")))
        for one in runs
    )
    asked = {(one.day, one.job) for one in runs if one.state == "waiting"}
    run = plan_rules.expected(kept.plan, now, zone, closed, done)
    wanted = judged = None
    every = media.media(tx)
    if run is not None and not busy:
        slot = run.run.slot
        wanted = media_rules.expect(slot, labels.label(house, slot), [one.medium for one in every])
        judged = media.find(house, tx, slot, now, around.looks)[1]
    return Standing(
        kept=kept,
        now=now,
        today=plan_rules.calendar(kept.plan, day, day, closed)[0],
        media=tuple(every),
        closed=frozenset(closed),
        run=None if busy else run,
        wanted=wanted,
        judged=judged,
        image=media.image_due(house, tx, kept, now),
        busy=busy,
        asked=run is not None and (run.run.day, run.run.job) in asked,
    )


def words(house: "House", tx: Tx, now: int, around: Outside, found: Standing | None = None) -> list[Word]:
    """What is to be done or said now. `found`: what `standing` has found out already."""
    stand = found or standing(house, tx, now, around)
    if stand is None:
        return []
    plan, zone = stand.kept.plan, planning.zone(house, tx)
    mediums = [one.medium for one in stand.media if not one.medium.retired]
    said = whereabouts_rules.desk(
        stand.run,
        stand.wanted,
        stand.judged,
        mediums,
        msgspec.structs.replace(stand.today, bring_next=_away(stand)),
        now,
        uses={one.id: one.use for one in plan_rules.slots(plan)},
        labels=media.labelled(stand.media),
        image=stand.image,
    )
    if stand.asked:
        said = [one for one in said if one.code != whereabouts_rules.START]
    if stand.run is not None and stand.wanted is not None and stand.wanted.medium is None:
        said = [labels.unfilled(house, one, stand.run.run.slot) for one in said]
    said += whereabouts_rules.offsite(plan, mediums, stand.kept.at, now, zone, stand.closed)
    said += _always(house, tx, stand, now, around.looks)
    old = _external(stand, around, now)
    return [*said, *([old] if old is not None else [])]


def _away(stand: Standing) -> tuple[str, ...]:
    """Of the media wanted next: those that may be outside. One that never left, or lies in the safe, need not be brought."""
    away = set()
    for one in stand.media:
        place = whereabouts_rules.place_of(one.medium)
        inside = place == "drive" and (bool(one.drive) or one.medium.written is None)
        if not (place == "safe" or inside or one.medium.retired):
            away.add(one.medium.slot)
    return tuple(slot for slot in stand.today.bring_next if slot in away)


def _always(house: "House", tx: Tx, stand: Standing, now: int, looks: Mapping[str, Seen]) -> list[Word]:
    """Targets that are always there, and are not: the NAS is switched off, its folder is full or protected."""
    filled = {one.medium.slot for one in stand.media if not one.medium.retired}
    found = []
    for slot in plan_rules.slots(stand.kept.plan):
        if slot.id not in drives.ALWAYS or (slot.id != "folder" and slot.id not in filled):
            continue
        drive, judged = media.find(house, tx, slot.id, now, looks)
        word = judged.fault or judged.warning
        if drive is not None and word is not None:
            found.append(word)
    return found


def _external(stand: Standing, around: Outside, now: int) -> Word | None:
    """The age of the copy that the practice's own software takes."""
    if stand.kept.plan.variant != "external":
        return None
    return plan_watch_rules.external_old(around.copied, stand.kept.at, now)


def late(stand: Standing | None) -> bool:
    """Has the time of the next run by hand passed?"""
    return stand is not None and stand.run is not None and stand.now > stand.run.at


def near(stand: Standing | None) -> bool:
    """Is the next run by hand within the hour, or late?"""
    ahead = whereabouts_rules.START_AHEAD_S
    return stand is not None and stand.run is not None and stand.now >= stand.run.at - ahead


def day_of(stand: Standing) -> str:
    """The backup day it is, as ISO date."""
    return stand.today.day.isoformat()
