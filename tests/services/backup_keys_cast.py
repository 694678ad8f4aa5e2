"""Media for tests of the keys: folders with a real restic in them, or an engine that knows keys alone and costs nothing."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd.kernel.app import House
from praxisd.model.backup import Identity, Medium
from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import engine as codes
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.engine import EngineFault, Key, Repo, Snapshot
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.keys import keeping, keyring
from praxisd.services.backups.keys.opening import opens
from praxisd.services.backups.plans import looking, planning
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import never, quiet


@dataclass
class Shelf:
    """A house, its engine, and folders as media."""

    house: House
    engine: Any
    folder: Path

    def place(self, name: str) -> str:
        """Where the repository of this medium lies; the folder is there, the repository perhaps not yet."""
        top = self.folder / name
        top.mkdir(parents=True, exist_ok=True)
        return str(top / "restic")

    def copy(self, repo: Repo, file: Path) -> str:
        """Back up one file; the id of the state."""
        at = self.house.clock.now()
        return self.engine.back_up(
            repo, [file], tags=["test"], at=at, host="praxis", progress=quiet, stop=never
        ).id

    def who_opens(self, name: str) -> set[str]:
        """Which of all our passwords and recovery keys open this medium, tried one by one: „password 1“."""
        with self.house.store.read(keeping.OWN) as tx:
            every = keeping.passwords(tx) + keeping.recovery_keys(tx)
        place = self.place(name)
        return {
            f"{one.kind} {one.no}"
            for one in every
            if opens(self.engine, Repo(place, keeping.text_of(self.house, one))) is not None
        }


def shelf(house: House, folder: Path, engine: Any = None) -> Shelf:
    """The house with that engine; restic if none is given."""
    if engine is None:
        engine = QuickRestic(house.folder / "backups" / "engine", debian.program(["restic"], "restic"))
    house.shared[ENGINE] = engine
    return Shelf(house, engine, folder)


def medium(media: Shelf, name: str, **more: Any) -> Drive:
    """A drive with a medium of ours in it, both of this name."""
    house = media.house
    place = media.place(name)
    drive = Drive(id=f"drive-{name}", label=name, kind="removable", path=str(Path(place).parent))
    _, repository = keyring.set_up(house, media.engine, looking.place(drive), name)
    identity = Identity(name, planning.digest(house), name, "", 1)
    (Path(drive.path) / media_rules.FILE).write_bytes(media_rules.written(identity))
    kept = MediumKept(Medium(name, f"Medium {name}", "", **more), repository, 1, "test", drive.id)
    with house.store.write(keeping.OWN) as tx:
        store.DRIVE.put(tx, drive.id, drive, at=1)
        store.MEDIUM.put(tx, name, kept, at=1)
    return drive


class KeysOnly:
    """An engine as far as its keys go: by place, the password of each key by its id. A key in use is not taken away."""

    def __init__(self) -> None:
        self.places: dict[str, dict[str, str]] = {}
        self._ids = itertools.count(1)

    def init(self, repo: Repo) -> str:
        if repo.place in self.places:
            raise EngineFault(codes.FAILED, "there already")
        self.places[repo.place] = {}
        self._added(repo)
        return self.identity(repo)

    def identity(self, repo: Repo) -> str:
        return f"{repo.place:>64}"[-64:]

    def key_names(self, place: str) -> tuple[str, ...]:
        return tuple(key + "0" * 56 for key in self.places[place])

    def keys(self, repo: Repo) -> list[Key]:
        there = self.places[repo.place]
        if repo.secret not in there.values():
            raise EngineFault(codes.PASSWORD_WRONG)
        return [Key(key, 0, secret == repo.secret) for key, secret in there.items()]

    def add_key(self, repo: Repo, secret: str) -> Key:
        self.keys(repo)
        return self._added(Repo(repo.place, secret))

    def remove_key(self, repo: Repo, key: str) -> None:
        if next(one for one in self.keys(repo) if one.id == key).current:
            raise EngineFault(codes.FAILED)
        del self.places[repo.place][key]

    def snapshots(self, repo: Repo) -> list[Snapshot]:
        return []

    def _added(self, repo: Repo) -> Key:
        key = f"{next(self._ids):08x}"
        self.places[repo.place][key] = repo.secret
        return Key(key, 0)


class Killed(BaseException):
    """The end of the program in the middle."""


class Cut:
    """Ends the program at the n-th step (counted from 0) that engine or store takes, or right after the step of a name."""

    def __init__(self, at: int | str) -> None:
        self.at = at
        self.taken: list[str] = []

    def step(self, name: str) -> None:
        if self.at == len(self.taken):
            raise Killed
        self.taken.append(name)
        if self.at == name:
            raise Killed

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def cut(*args: Any, **more: Any) -> Any:
            self.step(f"before {name}")
            answer = call(*args, **more)
            self.step(f"after {name}")
            return answer

        return cut

    def engine(self, real: Any) -> Any:
        cut = self

        class Cutting:
            def __getattr__(self, name: str) -> Any:
                call = getattr(real, name)
                return cut.around(name, call) if name in ("init", "add_key", "remove_key", "keys") else call

        return Cutting()
