"""The practice's media: which there are, where each is, which one a run writes on, and taking one out by software."""

import ntpath
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.backup import ImageDue, Judged, Medium, Place, Seen, Stay, Word
from praxisd.model.backup_kept import Drive, MediumKept, PlanKept, StayKept
from praxisd.services.backups import media_rules, plan_rules, plan_watch_rules, store, whereabouts_rules
from praxisd.services.backups.plans import drives, labels, looking, planning
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import running

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupMedium"
ADDED, MOVED, HELD = "backup_medium.added", "backup_medium.moved", "backup_medium.held"
RELEASED, RETIRED, IMAGED = "backup_medium.released", "backup_medium.retired", "backup_medium.imaged"
CHANGED = "backup_medium.changed"
EVENTS = (ADDED, CHANGED, MOVED, HELD, RELEASED, RETIRED, IMAGED)
NOT_AN_IMAGE, BUSY = "backups.not_an_image", "backups.medium_busy"
AWAY = "backups.target_away"
"""A target that should always be there is not: the NAS is off, the folder is gone."""
NEEDED = "backups.drive_needed"
"""Nobody has said where it is."""
TARGET_HELD = "backups.target_held"
"""A target that is always there is held back: nobody can take it out, and no other stands in for it."""
_LAST_RUNS, _EJECT_S = 5, 60.0
_NEVER = ("folder",)
"""Slots without a medium: a folder of the practice, whose content other software takes."""


def media(tx: Tx) -> list[MediumKept]:
    """All of them, the first set up first; retired ones too."""
    return sorted(store.MEDIUM.all(tx), key=lambda one: (one.created, one.medium.id))


def need(tx: Tx, id_: str) -> MediumKept:
    """The medium, or Problem `http.not_found`."""
    found = store.MEDIUM.get(tx, id_)
    if found is None:
        raise not_found(SUBJECT)
    return found


def put(tx: Tx, kept: MediumKept) -> MediumKept:
    """Write it in its place."""
    store.MEDIUM.put(tx, kept.medium.id, kept, at=tx.now)
    return kept


def stays(tx: Tx, id_: str, most: int = 200) -> list[StayKept]:
    """Where it was and who said so, the newest first."""
    return store.STAY.by(tx, "medium", id_, most=most)


def written(tx: Tx, medium_id: str, at: int, slot: str = "") -> MediumKept:
    """A run on it ended well at `at`. `slot`: the one it was written for, which a spare one takes over."""
    kept = need(tx, medium_id)
    one = msgspec.structs.replace(kept.medium, written=at, slot=kept.medium.slot or slot)
    return put(tx, msgspec.structs.replace(kept, medium=one))


def seen(tx: Tx, medium_id: str, drive_id: str, now: int) -> MediumKept:
    """It is in that drive, and no other is. Newly there: the drive itself says so, no person is needed."""
    kept = need(tx, medium_id)
    if kept.medium.kind == "removable":
        for other in store.MEDIUM.all(tx):
            if other.drive == drive_id and other.medium.id != medium_id:
                gone(tx, other.medium.id)
    if kept.drive == drive_id:
        return kept
    kept = msgspec.structs.replace(kept, drive=drive_id)
    if kept.medium.kind != "removable":
        return put(tx, kept)
    return _stay(tx, kept, "drive", "", now)


def gone(tx: Tx, medium_id: str) -> None:
    """It is in no drive any more; where it is, a person has to say."""
    put(tx, msgspec.structs.replace(need(tx, medium_id), drive=""))


def whereabouts(kept: MediumKept, there: Collection[str]) -> Place | None:
    """Where it is as far as that is known: „drive“ only while one of the drives `there` (ids) shows it."""
    place = whereabouts_rules.place_of(kept.medium)
    if place == "drive" and kept.medium.kind == "removable" and kept.drive not in there:
        return None
    return place


def moved(tx: Tx, medium_id: str, place: Place, person: str, at: int | None = None) -> MediumKept:
    """A named person says where it is, since `at` (now). Problems of `whereabouts_rules.moved`, also for a time before it was
    set up; `http.not_found`.
    """
    kept = need(tx, medium_id)
    when = tx.now if at is None else at
    _after_its_set_up(kept, when, tx.now)
    stay = whereabouts_rules.moved(kept.medium, place, person, when, tx.now)
    kept = _stay(tx, kept, stay.place, stay.person, stay.at)
    events.note(tx, MOVED, SUBJECT, medium_id, place=place)
    return kept


def _after_its_set_up(kept: MediumKept, when: int, now: int) -> None:
    """Problem `backups.stay_time` for an earlier time. A clock that was set back must not keep all others from being said."""
    if when < min(kept.created, now):
        raise Problem(whereabouts_rules.STAY_TIME, 422)


def _stay(tx: Tx, kept: MediumKept, place: Place, person: str, at: int) -> MediumKept:
    one = Stay(place, person, at)
    store.STAY.put(tx, new_id(), StayKept(kept.medium.id, one), at=tx.now, medium=kept.medium.id)
    return put(tx, msgspec.structs.replace(kept, medium=msgspec.structs.replace(kept.medium, stay=one)))


def called(tx: Tx, kept: MediumKept, slot: str, label: str) -> MediumKept:
    """It fills this slot and bears this name from now on; whoever calls has made sure that both are free."""
    one = msgspec.structs.replace(kept.medium, slot=slot, label=label)
    if one == kept.medium:
        return kept
    fields = tuple(name for name in ("slot", "label") if getattr(one, name) != getattr(kept.medium, name))
    events.note(tx, CHANGED, SUBJECT, one.id, fields=fields)
    return put(tx, msgspec.structs.replace(kept, medium=one))


def hold(tx: Tx, medium_id: str, held: bool) -> MediumKept:
    """Keep it back („dieses Medium zurückhalten“), or release it again: nothing is written on it meanwhile."""
    kept = need(tx, medium_id)
    if kept.medium.held == held:
        return kept
    events.note(tx, HELD if held else RELEASED, SUBJECT, medium_id)
    return put(tx, msgspec.structs.replace(kept, medium=msgspec.structs.replace(kept.medium, held=held)))


def retire(tx: Tx, medium_id: str) -> MediumKept:
    """Never write on it again; it can still be restored from."""
    kept = need(tx, medium_id)
    if kept.medium.retired:
        return kept
    events.note(tx, RETIRED, SUBJECT, medium_id)
    one = msgspec.structs.replace(kept.medium, retired=True, held=False)
    return put(tx, msgspec.structs.replace(kept, medium=one))


def imaged(tx: Tx, medium_id: str, at: int | None = None) -> MediumKept:
    """A person says that an image backup was made on it. Problems `backups.not_an_image` (409), `backups.stay_time`."""
    kept, when = need(tx, medium_id), tx.now if at is None else at
    if not kept.medium.slot.startswith("image_"):
        raise Problem(NOT_AN_IMAGE, 409, label=kept.medium.label)
    if when > tx.now:
        raise Problem(whereabouts_rules.STAY_TIME, 422)
    _after_its_set_up(kept, when, tx.now)
    events.note(tx, IMAGED, SUBJECT, medium_id)
    return put(tx, msgspec.structs.replace(kept, medium=msgspec.structs.replace(kept.medium, written=when)))


def image_due(house: "House", tx: Tx, kept: PlanKept | None, now: int) -> ImageDue | None:
    """The next image backup, and which of its media are locked until when."""
    if kept is None:
        return None
    zone = planning.zone(house, tx)
    since = planning.today(house, tx, kept, kept.at)
    done = {one.medium.slot: one.medium.written for one in media(tx) if not one.medium.retired}
    known = {slot: at for slot, at in done.items() if at is not None}
    return plan_watch_rules.image_due(kept.plan, known, since, now, zone)


def find(
    house: "House", tx: Tx, slot: str, now: int, looks: Mapping[str, Seen]
) -> tuple[Drive | None, Judged]:
    """The drive with the medium that a run for this slot writes on, or why there is none: `Judged.fault` None is the only
    leave to write. `looks`: what the drives show (`looking.around`); one of which it says nothing shows nothing.
    """
    theirs = [one for one in drives.here(house, tx) if one.slot == (slot if slot in drives.ALWAYS else "")]
    if slot in drives.ALWAYS and not any(one.slot == slot for one in drives.drives(tx)):
        expected = {"text": labels.key(slot)}
        return None, Judged(
            Word(NEEDED, {"kind": {"text": f"backups.drive_kind.{slot}"}, "expected": expected})
        )
    shown = [looks.get(one.id, looking.ABSENT) for one in theirs]
    if slot in _NEVER:
        return _handed_over(house, slot, theirs, shown)
    judged = [judge(house, tx, slot, one, what, now) for one, what in zip(theirs, shown, strict=True)]
    number = media_rules.choose(judged)
    if number is None:
        return None, _said_of_target(slot, judge(house, tx, slot, None, looking.ABSENT, now))
    return theirs[number], _said_of_target(slot, judged[number])


def _said_of_target(slot: str, judged: Judged) -> Judged:
    """Nobody can insert a NAS, or take it out: that it is not there, or held back, is said in other words."""
    fault = judged.fault
    if slot not in drives.ALWAYS or fault is None:
        return judged
    if fault.code in (media_rules.HELD, media_rules.SUBSTITUTE):
        return msgspec.structs.replace(judged, fault=msgspec.structs.replace(fault, code=TARGET_HELD))
    if fault.code != media_rules.MISSING:
        return judged
    return Judged(
        Word(AWAY, {"label": fault.params["expected"], "expected": fault.params["expected"]}, fault.subject)
    )


def judge(house: "House", tx: Tx, slot: str, drive: Drive | None, shown: Seen, now: int) -> Judged:
    """What a drive shows, for this slot."""
    every = [one.medium for one in media(tx)]
    wanted = media_rules.expect(slot, labels.label(house, slot), every)
    if drive is not None and drives.is_address(drive.path):
        if wanted.medium is None and (held := wanted.instead_of) is not None:
            return Judged(Word(media_rules.HELD, {"expected": wanted.label, "label": held.label}, held.id))
        if wanted.medium is None:
            return Judged(Word(media_rules.NEW, {"expected": {"text": labels.key(slot)}}))
        return Judged(None, None, wanted.medium)
    due = image_due(house, tx, planning.plan(tx), now)
    judged = media_rules.judge(
        wanted,
        shown,
        {one.id: one for one in every},
        planning.digest(house),
        today=planning.today(house, tx, now=now),
        locked=due.locked if due is not None else {},
        room=media_rules.needed(_added(tx, wanted.medium)),
    )
    if wanted.medium is None and judged.fault is not None:
        return msgspec.structs.replace(judged, fault=labels.unfilled(house, judged.fault, slot))
    return judged


def _handed_over(
    house: "House", slot: str, theirs: Sequence[Drive], shown: Sequence[Seen]
) -> tuple[Drive | None, Judged]:
    """A folder for other software: nothing has to lie in it, it must be there and take something."""
    params = {"expected": {"text": labels.key(slot)}}
    for drive, what in zip(theirs, shown, strict=True):
        if what.present:
            fault = None if what.writable else Word(media_rules.READ_ONLY, params)
            return drive, Judged(fault)
    return (theirs[0] if theirs else None), _said_of_target(slot, Judged(Word(media_rules.MISSING, params)))


def _added(tx: Tx, medium: Medium | None) -> list[int]:
    """What the last runs added on it, in bytes."""
    if medium is None:
        return []
    found: list[int] = []
    for one in store.RUN.by(tx, "kind", "backup", most=200):
        if one.medium == medium.id and one.figures is not None and not one.first_on_medium:
            found.append(one.figures.added)
    return found[:_LAST_RUNS]


def at_work(tx: Tx, medium_id: str) -> list[str]:
    """The runs that work with it right now."""
    return [one.id for one in store.RUN.by(tx, "state", "running") if one.medium == medium_id]


def of_drive(house: "House", drive: Drive, shown: Seen, known: Mapping[str, MediumKept]) -> MediumKept | None:
    """Which of our media a drive shows; behind an address, the one that was set up there, a retired one if there is no other."""
    if drives.is_address(drive.path):
        theirs = [one for one in known.values() if one.drive == drive.id]
        return next((one for one in theirs if not one.medium.retired), theirs[-1] if theirs else None)
    return _marked(house, shown, known)


def _marked(house: "House", shown: Seen, known: Mapping[str, MediumKept]) -> MediumKept | None:
    identity = media_rules.parse(shown.identity) if shown.present and shown.identity else None
    if identity is None or identity.practice != planning.digest(house):
        return None
    return known.get(identity.id)


def came_and_went(house: "House", tx: Tx, looks: Mapping[str, Seen]) -> dict[str, str]:
    """Media whose drive is another one than noted ("": none), by id. An address shows nothing, and is left as it is."""
    listed = {one.id for one in drives.drives(tx)}
    known = {one.medium.id: one for one in media(tx)}
    there = {drive: _marked(house, shown, known) for drive, shown in looks.items()}
    inside = {one.medium.id: drive for drive, one in there.items() if one is not None}
    found = {}
    for id_, kept in known.items():
        drive = inside.get(id_, "")
        came = drive and drive != kept.drive
        left = kept.drive in looks or (kept.drive and kept.drive not in listed)
        went = not drive and left and kept.medium.kind == "removable"
        if came or went:
            found[id_] = drive
    return found


def follow(house: "House", tx: Tx, looks: Mapping[str, Seen]) -> None:
    """Note which media came into a drive and which left one since it was looked at last."""
    for id_, drive in came_and_went(house, tx, looks).items():
        if drive:
            seen(tx, id_, drive, tx.now)
        else:
            gone(tx, id_)


def labelled(every: Iterable[MediumKept]) -> dict[str, str]:
    """The label of the medium that fills a slot, by slot."""
    return {one.medium.slot: one.medium.label for one in every if one.medium.slot and not one.medium.retired}


def unfilled(kept: PlanKept | None, every: Iterable[MediumKept]) -> tuple[str, ...]:
    """The slots of the plan that have no medium yet."""
    if kept is None:
        return ()
    wanted = [one.id for one in plan_rules.slots(kept.plan) if one.id not in _NEVER]
    return media_rules.unfilled(wanted, [one.medium for one in every])


def eject(drive: Drive) -> bool:
    """Take the medium out by software, so that nobody pulls it while something is still to be written. True if it went.

    Linux: `eject` or `umount`; macOS: `diskutil`; Windows: as „Auswerfen“ in the Explorer. Only where a person said that
    the drive can do it.
    """
    if not drive.eject or drive.kind != "removable" or not os.path.isdir(drive.path):
        return False
    commands = _windows(drive.path) if os.name == "nt" else _unix(drive.path)
    for command in commands:
        try:
            if running.run(command, limit_s=_EJECT_S, stop=lambda: False).code == 0:
                return True
        except SourceFault:
            continue
    return False


def _unix(path: str) -> list[list[str]]:
    if sys.platform == "darwin":
        return [["diskutil", "eject", path]]
    known = [["eject", path], ["umount", path]]
    return [one for one in known if shutil.which(one[0])] if looking.is_mounted(path) else []


def _windows(path: str) -> list[list[str]]:
    drive = ntpath.splitdrive(path)[0]
    if not (len(drive) == 2 and drive[0].isascii() and drive[0].isalpha()):
        return []
    say = f"(New-Object -ComObject Shell.Application).Namespace(17).ParseName('{drive}').InvokeVerb('Eject')"
    return [["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", say]]
