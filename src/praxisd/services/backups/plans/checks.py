"""Checks of the plan: what is left to set up, what people have to do with the media, what is wrong with one that is in."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.kernel.store import Tx
from praxisd.model.backup import Seen, Word
from praxisd.model.backup_kept import Drive
from praxisd.services.backups import engine, media_rules, plan_watch_rules, whereabouts_rules
from praxisd.services.backups.plans import (
    desk,
    drives,
    labels,
    looking,
    media,
    plan_view,
    planning,
    reminding,
)
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MISSING, TO_SET_UP, DRIVE = plan_view.NO_PLAN, "backups.media_to_set_up", media.NEEDED
CODES = (MISSING, TO_SET_UP, DRIVE)
SAME_DISK = "backups.same_disk"
_INFO = {
    whereabouts_rules.INSERT, whereabouts_rules.START, whereabouts_rules.TAKE_OUT, whereabouts_rules.CARRY_OUT,
    whereabouts_rules.TO_SAFE, whereabouts_rules.BRING,
}  # fmt: skip
_ERROR = {whereabouts_rules.OLD, plan_watch_rules.EXTERNAL_OLD, engine.FULL, engine.READ_ONLY}
_ELSEWHERE = ("nas", "remote")
"""Targets that are meant to outlive this computer."""
_WAITS = set(media_rules.CODES) - {media_rules.NEARLY_FULL}
"""What keeps a run from its medium: an error once its time has passed."""
_SAID = (
    *media_rules.CODES, *whereabouts_rules.CODES, *plan_watch_rules.CODES, media.AWAY, media.TARGET_HELD,
    engine.FULL, engine.READ_ONLY,
)  # fmt: skip
_LATE = Varies("backups.grave.late", (Severity.ERROR, Severity.WARNING))
_GRAVE: dict[str, Severity | Varies] = {
    **dict.fromkeys((*_SAID, reminding.UNSENT), Severity.WARNING),
    **dict.fromkeys(_WAITS, _LATE),
    **dict.fromkeys(_ERROR, Severity.ERROR),
    **dict.fromkeys(_INFO, Severity.INFO),
}


def set_up(house: "House") -> Iterator[Finding]:
    """Is there a plan, a drive for each of its kinds, a medium for each of its slots? Asked of practices that have patients."""
    with house.store.read(planning.SYSTEM) as tx:
        kept = planning.plan(tx)
        if kept is None:
            if _at_work(tx):
                yield Finding(MISSING, "", Severity.WARNING)
            return
        missing = plan_view.missing_drives(tx, kept.plan)
        slots = media.unfilled(kept, media.media(tx))
    for kind in missing:
        yield Finding(DRIVE, kind, Severity.WARNING, {"kind": {"text": f"backups.drive_kind.{kind}"}})
    waiting = [one for one in slots if _kind(one) not in missing]
    if waiting:
        told = {"count": len(waiting), "label": {"text": labels.key(waiting[0])}}
        yield Finding(TO_SET_UP, "", Severity.WARNING, told)


def _at_work(tx: Tx) -> bool:
    """Does any practice have patients already? Before that there is nothing to lose."""
    for practice in planning.practices(tx):
        with planning.within(tx, practice):
            if directory.has_patients(tx):
                return True
    return False


def _kind(slot: str) -> str:
    return slot if slot in drives.ALWAYS else "removable"


def watch(house: "House") -> Iterator[Finding]:
    """Look at the drives, note which media came and went, and say what is to be done."""
    with house.store.read(planning.SYSTEM) as tx:
        if planning.plan(tx) is None:
            return
        every, mine = drives.drives(tx), drives.here(house, tx)
    around = desk.outside(house)
    mine = [one for one in mine if one.id in around.looks]
    note(house, mine, around.looks)
    if every and not mine:
        return  # another computer of this practice has them, and looks
    with house.store.read(planning.SYSTEM) as tx:
        stand = desk.standing(house, tx, tx.now, around)
        said = desk.words(house, tx, tx.now, around, stand)
    seen: set[tuple[str, str]] = set()
    for number, one in enumerate(said):
        subject = one.subject if (one.code, one.subject) not in seen else f"{one.subject}/{number}"
        seen.add((one.code, one.subject))
        yield Finding(one.code, subject, _severity(one, desk.late(stand)), dict(one.params))
    with house.store.read(planning.SYSTEM) as tx:
        yield from reminding.unsent(tx)


def same_disk(house: "House") -> Iterator[Finding]:
    """A target that would be lost with the data: a network drive or data centre that lies on the disk of the data folder.

    Not of the folder that other software takes its copy from, and not in the sample practice, whose targets are folders.
    """
    if house.config.demo:
        return
    with house.store.read(planning.SYSTEM) as tx:
        if planning.plan(tx) is None:
            return
        mine = [
            one
            for one in drives.here(house, tx)
            if one.kind in _ELSEWHERE and not drives.is_address(one.path)
        ]
    for one in mine:
        if looking.look(one).present and looking.same_disk(house, one):
            yield Finding(SAME_DISK, one.id, Severity.WARNING, {"label": one.label})


def note(house: "House", mine: list[Drive], looks: Mapping[str, Seen]) -> None:
    """Keep what the look has shown: written only where something changed."""
    mounted = [
        one
        for one in mine
        if not one.mounted
        and looks[one.id].present
        and not drives.is_address(one.path)
        and looking.is_mounted(one.path)
    ]
    with house.store.read(planning.SYSTEM) as tx:
        moved = media.came_and_went(house, tx, looks)
    if not mounted and not moved:
        return

    def keep(tx: Tx) -> None:
        for one in mounted:
            drives.seen_mounted(tx, one)
        media.follow(house, tx, looks)

    house.store.run(planning.SYSTEM, keep)


def _severity(one: Word, late: bool) -> Severity:
    grave = _GRAVE.get(one.code, Severity.WARNING)
    if isinstance(grave, Varies):
        return Severity.ERROR if late else Severity.WARNING
    return grave


CHECKS = (
    Check("backups.set_up", CODES, set_up, every_s=60.0, grave=Severity.WARNING),
    Check(
        "backups.disk",
        (SAME_DISK,),
        same_disk,
        seconds=20.0,
        every_s=600.0,
        place=diagnosis.own_host,
        grave=Severity.WARNING,
    ),
    Check(
        "backups.watch",
        (*_SAID, reminding.UNSENT),
        watch,
        seconds=20.0,
        place=diagnosis.own_host,
        grave=_GRAVE,
    ),
)
