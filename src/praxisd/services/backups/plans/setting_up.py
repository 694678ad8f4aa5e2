"""Making a medium one of ours: it gets a name, a repository that our password opens, and instructions for a bare computer.

Slow work with the medium: never inside a transaction. What is cut off leaves a medium that can be set up again.
"""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.kernel.texts import FIRST
from praxisd.model.backup import Identity, Kind, Medium, Seen
from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import engine, media_rules, plan_rules
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.plans import drives, labels, looking, media, planning, recognising
from praxisd_guard import durable

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SLOT, SLOT_TAKEN, LABEL_TAKEN = "backups.slot_unknown", "backups.slot_taken", "backups.label_taken"
KNOWN, ELSEWHERE = "backups.medium_known", "backups.drive_elsewhere"
CODES = (SLOT, SLOT_TAKEN, LABEL_TAKEN, KNOWN, ELSEWHERE)
FAULTS = (
    media_rules.MISSING, media_rules.FOREIGN, media_rules.UNREADABLE, media_rules.STRANGE, media_rules.READ_ONLY,
)  # fmt: skip
"""What may be wrong with what lies in the drive."""
_OURS = {looking.REPOSITORY, media_rules.FILE, "anleitung.txt", "restore.txt"}


def set_up(
    house: "House", actor: Actor, drive_id: str, slot: str, label: str, lang: str = FIRST
) -> MediumKept:
    """The medium in this drive as the one of this slot („“: a spare one). `label` "": as the slot is called in `lang`.

    One that bears our mark already and is not in the list is taken into it again, with all that is on it; one of
    the list whose mark is broken is marked anew and answered as it stands there. Problems: `CODES`,
    `FAULTS` (409), those of an engine (409), `http.not_found`, `backups.repository_there`.
    """
    with house.store.read(planning.SYSTEM) as tx:
        drive = drives.need(tx, drive_id)
        if not drives.is_here(house, drive):
            raise Problem(ELSEWHERE, 409, host=drive.host)
    seen = looking.glance(house, drive)
    if recognising.nameless(seen) and (mine := recognising.recognised(house, drive)) is not None:
        return _marked(house, actor, drive, mine)
    with house.store.read(planning.SYSTEM) as tx:
        name = _checked(tx, drive.kind, slot, " ".join(label.split()) or labels.label(house, slot, lang))
    before = _lies_there(house, drive, seen, name)
    with house.store.read(planning.SYSTEM) as tx:
        known = {one.medium.id for one in media.media(tx)}
    if before is not None and before.id in known:
        raise Problem(KNOWN, 409, label=before.label or name)
    try:
        repository, identity = _made(house, drive, slot, name, before)
    except EngineFault as fault:
        raise Problem(fault.code, 409, detail=fault.detail or None, retry=fault.retry) from None
    kept = MediumKept(
        Medium(identity.id, name, slot, drive.kind), repository, house.clock.now(), actor.label, drive=""
    )
    mounted = looking.is_mounted(drive.path)
    return house.store.run(actor, lambda tx: _kept(tx, drive, kept, mounted=mounted))


def _marked(house: "House", actor: Actor, drive: Drive, kept: MediumKept) -> MediumKept:
    try:
        return recognising.mark(house, actor, drive, kept)
    except EngineFault as fault:
        raise Problem(fault.code, 409, detail=fault.detail or None, expected=kept.medium.label) from None


def change(house: "House", actor: Actor, id_: str, slot: str, label: str) -> MediumKept:
    """Another slot („“: a spare one) and another name for a medium; if it is in a drive, it says so itself from now on.

    Problems (409, 422) as `set_up`, `http.not_found`.
    """

    def keep(tx: Tx) -> MediumKept:
        kept = media.need(tx, id_)
        name = _checked(tx, kept.medium.kind, slot, " ".join(label.split()) or kept.medium.label, id_)
        return media.called(tx, kept, slot, name)

    kept = house.store.run(actor, keep)
    with house.store.read(planning.SYSTEM) as tx:
        drive = drives.get(tx, kept.drive)
    if drive is not None and not drives.is_address(drive.path):
        _say_so(house, drive, kept)
    return kept


def _say_so(house: "House", drive: Drive, kept: MediumKept) -> None:
    """Only on the medium itself, if it is still in: whose it is tells its id, so that a name of old does no harm."""
    seen = looking.glance(house, drive)
    said = media_rules.parse(seen.identity) if seen.identity else None
    if said is None or said.id != kept.medium.id or not seen.writable:
        return
    new = Identity(said.id, said.practice, kept.medium.label, kept.medium.slot, said.created)
    from praxisd.services.backups.keys import keyring

    with contextlib.suppress(OSError):
        keyring.write_instructions(Path(drive.path), new)
        durable.put(Path(drive.path) / media_rules.FILE, media_rules.written(new), 0o644)


def _checked(tx: Tx, kind: Kind, slot: str, name: str, itself: str = "") -> str:
    """The name, if a medium of this kind, this slot and this name go together. `itself`: a medium that may have them already."""
    plan = planning.plan(tx)
    allowed = {one.id for one in plan_rules.slots(plan.plan)} if plan is not None else set()
    if kind == "removable":
        fits = not slot or (slot in allowed and slot not in drives.ALWAYS)
    else:
        fits = slot == drives.ALWAYS[kind] != "folder"
    if not fits:
        raise Problem(SLOT, 422, slot=slot or "-")
    for one in (kept.medium for kept in media.media(tx) if not kept.medium.retired):
        if one.id == itself:
            continue
        if slot and one.slot == slot and not one.held:
            raise Problem(SLOT_TAKEN, 409, label=one.label)
        if one.label.casefold() == name.casefold():
            raise Problem(LABEL_TAKEN, 409, label=one.label)
    return name


def _lies_there(house: "House", drive: Drive, seen: Seen, name: str) -> Identity | None:
    """What the medium says of itself, None for an empty one. Problems of `FAULTS`."""
    if drives.is_address(drive.path):
        return None
    if not seen.present:
        raise Problem(media_rules.MISSING, 409, expected=name)
    if not seen.writable:
        raise Problem(media_rules.READ_ONLY, 409, expected=name)
    if seen.identity is None:
        if drive.kind == "removable" and not seen.empty and not _half_made(drive.path):
            raise Problem(media_rules.STRANGE, 409, expected=name)
        return None
    said = media_rules.parse(seen.identity)
    if said is None:
        raise Problem(media_rules.UNREADABLE, 409, expected=name)
    if said.practice != planning.digest(house):
        raise Problem(media_rules.FOREIGN, 409, expected=name)
    return said


def _half_made(path: str) -> bool:
    """Nothing lies there but what a set-up that was cut off has left."""
    try:
        return all(one.casefold() in _OURS or looking.of_the_system(one) for one in os.listdir(path))
    except OSError:
        return False


def _made(
    house: "House", drive: Drive, slot: str, name: str, before: Identity | None
) -> tuple[str, Identity]:
    """The repository on it, and its mark. The mark comes last: what was cut off before it is no medium yet."""
    from praxisd.services.backups.keys import keyring

    found, place = engine_of(house), looking.place(drive)
    id_ = before.id if before is not None else new_id()
    identity = Identity(id_, planning.digest(house), name, slot, house.clock.now())
    repository = ""
    if before is not None and _has_repository(place):
        repository = found.identity(keyring.repo_of(house, place, id_))
    elif not slot.startswith("image_"):
        _, repository = keyring.set_up(house, found, place, id_)
    if not drives.is_address(drive.path):
        try:
            keyring.write_instructions(Path(drive.path), identity)
            durable.put(Path(drive.path) / media_rules.FILE, media_rules.written(identity), 0o644)
        except OSError as error:
            raise EngineFault(engine.READ_ONLY, type(error).__name__) from None
    return repository, identity


def _has_repository(place: str) -> bool:
    return os.path.isdir(place) and bool(os.listdir(place))


def _kept(tx: Tx, drive: Drive, kept: MediumKept, *, mounted: bool) -> MediumKept:
    _checked(tx, drive.kind, kept.medium.slot, kept.medium.label)  # somebody else may have been quicker
    media.put(tx, kept)
    events.note(
        tx, media.ADDED, media.SUBJECT, kept.medium.id, slot=kept.medium.slot or "spare", kind=drive.kind
    )
    if mounted:
        drives.seen_mounted(tx, drive)
    return media.seen(tx, kept.medium.id, drive.id, tx.now)
