"""Where a run writes to, or reads from: the medium in its drive, and the repository on it with what opens it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.model.backup import Seen, Word
from praxisd.model.backup_kept import Drive, MediumKept, RunKept
from praxisd.services.backups import engine, media_rules, store
from praxisd.services.backups.engine import Engine, EngineFault, Repo
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.plans import drives, looking, planning
from praxisd.services.backups.runs import recording

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_MAY_BE_GONE = (engine.NO_REPOSITORY, engine.DAMAGED, engine.PASSWORD_WRONG, engine.READ_ONLY, engine.FAILED)
"""What an engine may take the folder for that a medium has left behind."""


@dataclass(frozen=True, slots=True)
class Target:
    """A medium that is there, and how to get at it."""

    drive: Drive
    medium: MediumKept
    engine: Engine
    repo: Repo
    warning: Word | None = None


def missing(house: "House", tx: "Tx", run: RunKept, looks: Mapping[str, Seen]) -> Word | None:
    """Why a backup cannot begin now, None if it can. `looks`: what the drives show."""
    if run.job == "snapshot":
        return _folder(house, tx, looks)[1]
    return _find(house, tx, run, looks)[2]


def target(house: "House", run: RunKept) -> Target:
    """Where a backup is to be written. `running.Failed` with the code of what is wrong with the medium; EngineFault, Problem."""
    from praxisd.services.backups.runs.running import Failed

    looks = looking.around(house)
    with house.store.read(recording.SYSTEM) as tx:
        drive, medium, fault, warning = _find(house, tx, run, looks)
    if fault is not None or drive is None or medium is None:
        code = media_rules.MISSING if fault is None else fault.code
        subject = "" if fault is None else fault.subject
        raise Failed(code, facts={"subject": subject, "params": {} if fault is None else dict(fault.params)})
    return opened(house, drive, medium, warning)


def opened(house: "House", drive: Drive, medium: MediumKept, warning: Word | None = None) -> Target:
    """A medium in a drive with what opens it; one that was away when the password changed gets the new one now."""
    from praxisd.services.backups.keys import keyring

    used, place = engine_of(house), looking.place(drive)
    try:
        keyring.rewrap(house, used, place, medium.medium.id)
        return Target(drive, medium, used, keyring.repo_of(house, place, medium.medium.id), warning)
    except EngineFault as fault:
        raise told(house, medium.medium.id, fault) from None


def told(house: "House", medium: str, fault: EngineFault) -> EngineFault:
    """What an engine says of a medium that is in no drive any more: not what is missing on it, but that it is gone."""
    if fault.code not in _MAY_BE_GONE:
        return fault
    if any(one.medium.id == medium for _, one in reachable(house, retired=True)):
        return fault
    return EngineFault(engine.UNPLUGGED, f"it is gone: {fault.detail}", retry=True)


def reachable(house: "House", *, retired: bool = False) -> list[tuple[Drive, MediumKept]]:
    """Media of ours that are in a drive of this computer now. Looks at the drives: never inside a transaction. `retired`:
    those too on which nothing is written any more, and from which can be restored.
    """
    from praxisd.services.backups.plans import media

    looks = looking.around(house)
    with house.store.read(recording.SYSTEM) as tx:
        known = {one.medium.id: one for one in media.media(tx)}
        mine = [one for one in drives.here(house, tx) if one.id in looks]
    found = ((drive, media.of_drive(house, drive, looks[drive.id], known)) for drive in mine)
    return [(drive, one) for drive, one in found if one is not None and (retired or not one.medium.retired)]


def folder(house: "House") -> tuple[Path | None, Word | None]:
    """Where the plan „external“ puts its copy; why it cannot be put there. An empty mount point is no such place."""
    looks = looking.around(house)
    with house.store.read(recording.SYSTEM) as tx:
        return _folder(house, tx, looks)


def _folder(house: "House", tx: "Tx", looks: Mapping[str, Seen]) -> tuple[Path | None, Word | None]:
    from praxisd.services.backups.plans import media

    drive, judged = media.find(house, tx, "folder", tx.now, looks)
    return (None if drive is None or judged.fault is not None else Path(drive.path)), judged.fault


def strange(house: "House", label: str) -> Word | None:
    """Where the medium of this label is looked for and not found: what is wrong with one that is in a drive instead."""
    for seen in looking.around(house).values():
        if not seen.present or seen.identity is None:
            continue
        said = media_rules.parse(seen.identity)
        if said is None or said.practice != planning.digest(house):
            return Word(media_rules.UNREADABLE if said is None else media_rules.FOREIGN, {"expected": label})
    return None


def _find(
    house: "House", tx: "Tx", run: RunKept, looks: Mapping[str, Seen]
) -> tuple[Drive | None, MediumKept | None, Word | None, Word | None]:
    """The drive and the medium for this run; what is wrong, what is to be said."""
    from praxisd.services.backups.plans import media

    kept = store.MEDIUM.get(tx, run.medium) if run.medium else None
    slot = run.slot or (kept.medium.slot if kept is not None else "")
    drive, judged = media.find(house, tx, slot, tx.now, looks)
    fault = judged.fault
    found = None if judged.medium is None else store.MEDIUM.get(tx, judged.medium.id)
    if fault is None and run.medium and (found is None or found.medium.id != run.medium):
        label = "" if kept is None else kept.medium.label
        fault = Word(media_rules.MISSING, {"expected": label}, run.medium)
    return drive, found, fault, judged.warning
