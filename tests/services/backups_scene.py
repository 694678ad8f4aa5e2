"""A practice with a backup plan on folders: a NAS that is always there, and drives for media, made as a person would."""

from datetime import date
from pathlib import Path
from typing import Any

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.ids import new_id
from praxisd.model.backup import BackupPlan, Identity, Kind, Medium
from praxisd.model.backup_kept import Drive, MediumKept, RunKept, SnapshotKept
from praxisd.services.backups import engine_checks, media_rules, plan_rules, store
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import looking, planning
from praxisd.services.backups.runs import asking, history, running
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic

SYSTEM = system("test", INSTALLATION)


class Scene:
    """A house with the real engine, whose passwords cost nothing."""

    def __init__(self, house: House, top: Path) -> None:
        self.house = house
        self.top = top
        folder = house.folder / "backups" / "engine"
        self.engine = QuickRestic(folder, debian.program(["restic"], "restic"))
        house.shared[engine_checks.ENGINE] = self.engine

    def plan(self, made: BackupPlan | None = None) -> BackupPlan:
        """Put a plan in force; variant 2 if none is given."""
        with self.house.store.write(SYSTEM) as tx:
            return planning.put(tx, made or plan_rules.make("variant2")).plan

    def drive(self, name: str, kind: Kind = "nas") -> Drive:
        """A folder in which a medium shows up, or a target that is always there."""
        path = self.top / name
        path.mkdir(exist_ok=True)
        slot = "" if kind == "removable" else kind
        drive = Drive(id=name, label=name, kind=kind, path=str(path), slot=slot)
        with self.house.store.write(SYSTEM) as tx:
            store.DRIVE.put(tx, name, drive, at=tx.now)
        return drive

    def medium(self, drive: Drive, slot: str, label: str = "") -> str:
        """Set up what is in the drive as the medium of this slot; its id."""
        id = new_id()
        place = looking.place(drive)
        Path(drive.path).mkdir(exist_ok=True)
        _, repository = keyring.set_up(self.house, self.engine, place, id)
        identity = Identity(id, planning.digest(self.house), label or slot, slot, self.house.clock.now())
        (Path(drive.path) / media_rules.FILE).write_bytes(media_rules.written(identity))
        kept = MediumKept(
            Medium(id=id, label=label or slot, slot=slot, kind=drive.kind),
            repository,
            self.house.clock.now(),
            "test",
            drive.id,
        )
        with self.house.store.write(SYSTEM) as tx:
            store.MEDIUM.put(tx, id, kept, at=tx.now)
        return id

    def ask(self, kind: Any = "backup", **more: Any) -> RunKept:
        """Ask for a run as a person at the desk."""
        with self.house.store.write(SYSTEM) as tx:
            return asking.ask(self.house, tx, kind, by="user:desk", **more)

    def run(self, kind: Any = "backup", **more: Any) -> RunKept:
        """Ask for a run and do it."""
        return running.run_now(self.house, self.ask(kind, **more).id, stop=lambda: False)

    def states(self, medium: str) -> list[SnapshotKept]:
        """What is on a medium by the table."""
        with self.house.store.read(SYSTEM) as tx:
            return history.states(tx, medium)

    def runs(self, day: date | None = None) -> list[RunKept]:
        """All runs, or those of a backup day; oldest first."""
        with self.house.store.read(SYSTEM) as tx:
            every = [one for one in store.RUN.all(tx) if day in (None, one.day)]
        return sorted(every, key=lambda one: one.asked)
