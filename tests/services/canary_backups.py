"""The backups in the house of canaries: a plan, a drive with an empty medium in it, a medium that a person carried out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.store import Tx
from praxisd.model.backup import ImagePlan, Medium
from praxisd.model.backup_kept import Drive, MediumKept, MoveKept, SourceKept, StepKept
from praxisd.services.backups import plan_rules, store
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.plans import media, planning, sources

from .backup_desk_cast import Engine

if TYPE_CHECKING:
    from .canary_house import Aviary

DRIVE, OPEN = "canary-drive", "canary-open"
PLAN = {"variant": "variant2", "image": {}}
BODIES: dict[str, Any] = {
    "backupPlan.set": PLAN,
    "backupPlan.preview": {"variant": "variant1"},
    "backupDrives.create": {"label": "Zweites", "kind": "removable", "path": "/no/such/drive"},
    "backupDrives.update": {"label": "Erstes", "kind": "removable", "path": "/no/such/place"},
    "backupSources.set": {"kind": "excluded", "reason": "Sichert der Hersteller"},
    "backupMedia.create": {"drive": OPEN, "slot": "fri_away"},
    "backupMedium.update": {"slot": "thu_away", "label": "Donnerstag"},
    "backupMedium.moved": {"place": "safe", "person": "Erika Beispiel"},
    "backupMoveStep.set": {"state": "done"},
}
"""What the operations of plan, drives, sources and media are asked with on the tour."""


def let_in(nest: "Aviary") -> None:
    """All of it as rows, and the folder that stands for an empty medium."""
    house = nest.house
    house.shared[ENGINE] = Engine()
    there = Path(house.folder).parent / f"{house.folder.name}-medium"
    there.mkdir()
    carrier = nest.bird("backups.person")

    def work(tx: Tx) -> None:
        planning.put(tx, plan_rules.make("variant2", image=ImagePlan()))
        come = MoveKept(
            "canary-move", "arrived", tx.now, "old", {}, {"firewall": StepKept(), "old": StepKept()}
        )
        store.MOVE.put(tx, come.id, come, at=tx.now)
        store.DRIVE.put(tx, DRIVE, Drive(DRIVE, "Erstes", "removable", "/no/such/place"), at=tx.now)
        store.DRIVE.put(tx, OPEN, Drive(OPEN, "Offenes", "removable", str(there)), at=tx.now)
        for id_, slot in (("canary-image", "image_1"), ("canary-monday", "mon_away")):
            kept = MediumKept(Medium(id_, slot, slot), "", tx.now, "cli:cli")
            media.put(tx, kept)
            media.moved(tx, id_, "outside", carrier)
        sources.include(
            house, tx, SourceKept("Ablage", "folders", {"path": "/srv/ablage"}, "", "cli:cli", tx.now)
        )

    house.store.run(system("test", INSTALLATION), work)
    nest.note("drives", DRIVE)
    nest.note("steps", "firewall", "old")
    nest.note("media", "canary-image", "canary-monday")
    nest.note("sources", "Ablage")
