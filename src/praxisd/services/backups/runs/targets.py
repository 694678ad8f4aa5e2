"""Where a run writes to, or reads from: the medium in its drive, and the repository on it with what opens it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.model.backup import Word
from praxisd.model.backup_kept import Drive, MediumKept, RunKept
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.engine import Engine, Repo
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.plans import drives, looking, planning
from praxisd.services.backups.runs import recording

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


@dataclass(frozen=True, slots=True)
class Target:
    """A medium that is there, and how to get at it."""

    drive: Drive
    medium: MediumKept
    engine: Engine
    repo: Repo
    warning: Word | None = None


def missing(house: "House", tx: "Tx", run: RunKept) -> Word | None:
    """Why a backup cannot begin now, None if it can."""
    if run.job == "snapshot":
        return folder(house, tx)[1]
    return _find(house, tx, run)[2]


def target(house: "House", run: RunKept) -> Target:
    """Where a backup is to be written. `running.Failed` with the code of what is wrong with the medium; EngineFault, Problem."""
    from praxisd.services.backups.runs.running import Failed

    with house.store.read(recording.SYSTEM) as tx:
        drive, medium, fault, warning = _find(house, tx, run)
    if fault is not None or drive is None or medium is None:
        code = media_rules.MISSING if fault is None else fault.code
        subject = "" if fault is None else fault.subject
        raise Failed(code, facts={"subject": subject, "params": {} if fault is None else dict(fault.params)})
    return opened(house, drive, medium, warning)


def opened(house: "House", drive: Drive, medium: MediumKept, warning: Word | None = None) -> Target:
    """A medium in a drive with what opens it; one that was away when the password changed gets the new one now."""
    from praxisd.services.backups.keys import keyring

    engine, place = engine_of(house), looking.place(drive)
    keyring.rewrap(house, engine, place, medium.medium.id)
    return Target(drive, medium, engine, keyring.repo_of(house, place, medium.medium.id), warning)


def reachable(house: "House", tx: "Tx") -> list[tuple[Drive, MediumKept]]:
    """Media of ours that are in a drive of this computer now."""
    from praxisd.services.backups.plans import media

    known = {one.medium.id: one for one in media.media(tx)}
    found = []
    for drive in drives.here(house, tx):
        one = media.of_drive(house, drive, looking.glance(house, drive), known)
        if one is not None and not one.medium.retired:
            found.append((drive, one))
    return found


def folder(house: "House", tx: "Tx") -> tuple[Path | None, Word | None]:
    """Where the plan „external“ puts its copy; why it cannot be put there. An empty mount point is no such place."""
    from praxisd.services.backups.plans import media

    drive, judged = media.find(house, tx, "folder", tx.now)
    return (None if drive is None or judged.fault is not None else Path(drive.path)), judged.fault


def strange(house: "House", tx: "Tx", label: str) -> Word | None:
    """Where the medium of this label is looked for and not found: what is wrong with one that is in a drive instead."""
    for drive in drives.here(house, tx):
        seen = looking.glance(house, drive)
        if not seen.present or seen.identity is None:
            continue
        said = media_rules.parse(seen.identity)
        if said is None or said.practice != planning.digest(house):
            return Word(media_rules.UNREADABLE if said is None else media_rules.FOREIGN, {"expected": label})
    return None


def _find(
    house: "House", tx: "Tx", run: RunKept
) -> tuple[Drive | None, MediumKept | None, Word | None, Word | None]:
    """The drive and the medium for this run; what is wrong, what is to be said."""
    from praxisd.services.backups.plans import media

    kept = store.MEDIUM.get(tx, run.medium) if run.medium else None
    slot = run.slot or (kept.medium.slot if kept is not None else "")
    drive, judged = media.find(house, tx, slot, tx.now)
    fault = judged.fault
    found = None if judged.medium is None else store.MEDIUM.get(tx, judged.medium.id)
    if fault is None and run.medium and (found is None or found.medium.id != run.medium):
        label = "" if kept is None else kept.medium.label
        fault = Word(media_rules.MISSING, {"expected": label}, run.medium)
    return drive, found, fault, judged.warning
