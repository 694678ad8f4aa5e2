"""Media for tests of the keys: folders with a real restic in them whose passwords cost nothing to try."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd.kernel.app import House
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.keys.opening import opens
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import never, quiet


@dataclass
class Shelf:
    """A house, its engine, and folders as media."""

    house: House
    engine: QuickRestic
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


def shelf(house: House, folder: Path) -> Shelf:
    """The house with that engine."""
    engine = QuickRestic(house.folder / "backups" / "engine", debian.program(["restic"], "restic"))
    house.shared[ENGINE] = engine
    return Shelf(house, engine, folder)


class Killed(BaseException):
    """The end of the program in the middle."""


class Cut:
    """An engine, and a store, that end the program before or after the n-th step they take (counted from 0)."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps = 0
        self.taken: list[str] = []

    def step(self, name: str) -> None:
        self.steps += 1
        if self.steps > self.at:
            raise Killed
        self.taken.append(name)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def cut(*args: Any, **more: Any) -> Any:
            self.step(f"before {name}")
            answer = call(*args, **more)
            self.step(f"after {name}")
            return answer

        return cut

    def engine(self, real: QuickRestic) -> Any:
        cut = self

        class Cutting:
            def __getattr__(self, name: str) -> Any:
                call = getattr(real, name)
                return cut.around(name, call) if name in ("init", "add_key", "remove_key", "keys") else call

        return Cutting()
