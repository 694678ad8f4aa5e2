"""A practice with a drive, media in a drawer and a NAS: what a desk clerk has in hand, and the doors she works with."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.ids import new_id
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.plans import looking, media
from praxisd.testing.practice import Practice, small_practice

from .backup_keys_cast import KeysOnly
from .diagnosis_cast import Door, opened

SYSTEM = system("test", INSTALLATION)
DAYS = ("mon", "tue", "wed", "thu", "fri")


class Engine(KeysOnly):
    """Knows keys alone; a repository is a folder that is not empty."""

    name = "restic"

    def version(self) -> tuple[int, ...]:
        return 0, 14, 0

    def init(self, repo: Repo) -> str:
        found = super().init(repo)
        if "://" not in repo.place and not repo.place.startswith("sftp:"):
            Path(repo.place).mkdir(exist_ok=True)
            (Path(repo.place) / "config").write_text("x")
        return found


class Desk:
    """`slot` is where a medium is pushed in: a link to its folder, or nothing at all."""

    def __init__(self, house: House, practice: Practice, door: Door, top: Path) -> None:
        self.house, self.practice, self.door = house, practice, door
        self.top = top
        self.slot = top / "drive"
        self.nas = top / "nas"
        self.engine = Engine()
        house.shared[ENGINE] = self.engine

    def insert(self, name: str) -> Path:
        """Push a medium in; a new, empty one if there is none of that name."""
        self.pull()
        folder = self.top / name
        folder.mkdir(exist_ok=True)
        self.slot.symlink_to(folder)
        return folder

    def pull(self) -> None:
        """Take out what is in."""
        self.slot.unlink(missing_ok=True)

    def at(self, text: str) -> None:
        """Let the clock be at this wall time of Berlin in winter: `2026-11-23 18:30`."""
        self.house.clock.set(parse_rfc3339(f"{text.replace(' ', 'T')}:00+01:00"))  # type: ignore[attr-defined]

    def drives(self, *, nas: bool = True) -> str:
        """Enter the drive, and the NAS; the id of the drive."""
        if nas:
            self.nas.mkdir(exist_ok=True)
            said = {"label": "NAS im Keller", "kind": "nas", "path": str(self.nas), "raid": "RAID 1"}
            self.door("POST", "/backups/drives", status=201, json=said)
        said = {"label": "RDX", "kind": "removable", "path": str(self.slot)}
        found: str = self.door("POST", "/backups/drives", status=201, json=said)["id"]
        return found

    def set_up(self, drive: str, *slots: str) -> dict[str, str]:
        """A new medium for each slot; their ids by slot."""
        found = {}
        for slot in slots:
            self.insert(slot)
            made = self.door("POST", "/backups/media", status=201, json={"drive": drive, "slot": slot})
            found[slot] = made["medium"]["id"]
        self.pull()
        return found

    def written(self, medium: str, day: date, job: str, slot: str) -> None:
        """A run for this day ended well now."""
        with self.house.store.write(SYSTEM) as tx:
            run = RunKept(
                id=new_id(), kind="backup", day=day, by="desk", asked=tx.now, state="good", job=job, slot=slot,  # type: ignore[arg-type]
                medium=medium, began=tx.now, ended=tx.now, figures=Figures(1, 1, 1, 1),
            )  # fmt: skip
            store.RUN.put(tx, run.id, run, at=tx.now, kind="backup", state="good")
            media.written(tx, medium, tx.now, slot)

    def open_issues(self) -> dict[str, str]:
        """Run the checks of the plan: severity by code of what is open of the backups."""
        report = issues.run_checks(self.house, ["backups.set_up", "backups.watch"])
        return {one.code: one.severity.value for one in report.issues if one.code.startswith("backups.")}

    def said(self, code: str, lang: str = "de") -> str:
        """The hint of an open issue, as the desk reads it."""
        report = issues.run_checks(self.house, ["backups.set_up", "backups.watch"])
        one = next(one for one in report.issues if one.code == code)
        return issues.hint(self.house, one, lang)

    def wipe(self, name: str) -> None:
        """Empty a medium."""
        shutil.rmtree(self.top / name)
        (self.top / name).mkdir()


@contextmanager
def desk(house: House, top: Path) -> Iterator[Desk]:
    """The practice at its door."""
    practice = small_practice(house)
    with opened(house, practice) as door:
        yield Desk(house, practice, door, top)


def plan(door: Door, variant: str = "variant2", **more: Any) -> Any:
    """Put a plan in force."""
    return door("PUT", "/backups/plan", json={"variant": variant, **more})["plan"]


def ready(scene: Desk, variant: str = "variant2", **more: object) -> dict[str, str]:
    """A plan, the drives and all its media; their ids by slot."""
    made = plan(scene.door, variant, **more)
    drive = scene.drives()
    ids = scene.set_up(drive, *(one["id"] for one in made["slots"] if one["id"] != "nas"))
    nas = scene.door("GET", "/backups/drives")["drives"][0]["id"]
    if any(one["id"] == "nas" for one in made["slots"]):
        answer = scene.door("POST", "/backups/media", status=201, json={"drive": nas, "slot": "nas"})
        ids["nas"] = answer["medium"]["id"]
    return ids


def shown(scene: Desk, slot: str) -> tuple[str | None, str | None]:
    """Fault and label of what is in the drive, for a run into this slot."""
    looks = looking.around(scene.house)
    with scene.house.store.read(SYSTEM) as tx:
        _, judged = media.find(scene.house, tx, slot, scene.house.clock.now(), looks)
    fault = judged.fault.code.removeprefix("backups.") if judged.fault else None
    return fault, judged.medium.label if judged.medium else None
