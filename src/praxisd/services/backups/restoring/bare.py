"""Giving back where no praxisd can start: from a medium alone, with a typed password, under the lock of the data folder.

For a damaged database, and for a medium that this installation does not know. The folder's server must not run.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import praxisd.kernel
import praxisd.services
from praxisd.kernel import config, control, database_at, moved
from praxisd.kernel.engines import sqlite_file
from praxisd.kernel.errors import Problem
from praxisd.services.backups.engine import Engine, EngineFault, Named, Repo, Restored, Snapshot
from praxisd.services.backups.engines import chosen
from praxisd.services.backups.keys import alphabet
from praxisd.services.backups.restoring import exchange, manifest, opening, own_place, targets
from praxisd.services.backups.restoring.exchange import Exchange
from praxisd.services.backups.restoring.own_place import Here
from praxisd_guard.durable import discard

RUNS = "backups.restore_server_runs"
CODES = (RUNS,)
REPOSITORY = "restic"
MOVE = "praxisd-move"
"""Tag of what was carried to another computer: it is none of the states that people go back to."""


@dataclass(frozen=True)
class Medium:
    """A medium as it lies there: its engine, what opens it, its states (oldest first)."""

    engine: Engine
    repo: Repo
    states: tuple[Snapshot, ...]

    def state(self, id: str) -> Snapshot:
        """By the first letters of its id, or the newest. `backups.restore_state_gone` (409)."""
        wanted = id.rpartition("/")[2]
        found = [one for one in self.states if one.id.startswith(wanted) and (wanted or MOVE not in one.tags)]
        chosen_one = manifest.newest(found) if not id or len(found) == 1 else None
        if chosen_one is None:
            raise opening.gone()
        return chosen_one


def medium(folder: Path, place: Path, password: str, engine: Engine | None = None) -> Medium:
    """Open the medium in `place` (the folder that holds `restic`, or the repository itself). Problems as of an engine."""
    there = place / REPOSITORY if (place / REPOSITORY).is_dir() else place
    one = engine or chosen(_engine_folder(folder))
    repo = Repo(os.path.abspath(there), alphabet.typed(password))
    try:
        return Medium(one, repo, tuple(one.snapshots(repo)))
    except EngineFault as fault:
        raise opening.problem(fault) from None


def _engine_folder(folder: Path) -> Path:
    """Of this installation; where there is none, none is made."""
    if folder.is_dir():
        return folder / "backups" / "engine"
    made = Path(tempfile.mkdtemp(prefix="praxisd-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def to_folder(found: Medium, state: Snapshot, into: Path, only: list[str], own: Path) -> Restored:
    """Everything, or these paths, into a new or empty folder. Problems of `targets` and of the engine."""
    target = targets.checked(os.path.abspath(into), own, [str(Path(found.repo.place).parent)])
    try:
        back = found.engine.restore(
            found.repo, state.id, target, only=only, progress=lambda _done, _whole: None, stop=lambda: False
        )
        if only:
            return back
        with tempfile.TemporaryDirectory(prefix="praxisd-") as look:
            told = manifest.read(found.engine, found.repo, state, Path(look), lambda: False)
    except EngineFault as fault:
        raise opening.problem(fault) from None
    except Problem as problem:
        if problem.code != manifest.NONE:
            raise
        strange = (Named(problem.path, "outside"),) if isinstance(problem, manifest.Refused) else ()
        return replace(back, named=(*back.named, *strange))
    return replace(back, named=(*back.named, *manifest.joined(target, told.sources, lambda: False)))


def own_data(folder: Path, found: Medium, state: Snapshot, now: int) -> Exchange:
    """praxisd's own data of this state in place of those that are there, at once.

    Problems: RUNS (409) while a server has the folder, those of `moved.refuse`.
    """
    with _alone(folder):
        known = _config(folder)
        database = sqlite_file(known.database_url, folder)
        vault = Path(known.vault_key) if known.vault_key else None
        exchange.settle(folder, lambda: database_at.address(known.database_url, folder), begin=False)
        for left in (folder / "backups" / "scratch").glob("*"):  # of one that was cut off
            discard(left)
        try:
            own_place.ready(
                Here(folder, database, vault, _heads()), found.engine, found.repo, state,
                by="cli", now=now, progress=lambda _done, _whole: None, stop=lambda: False,
            )  # fmt: skip
        except EngineFault as fault:
            raise opening.problem(fault) from None
        return _done(
            exchange.settle(folder, lambda: database_at.address(known.database_url, folder), begin=True)
        )


def undo(folder: Path, now: int) -> Exchange:
    """The way back of the last exchange, at once. RUNS (409), `backups.exchange_nothing` (404)."""
    with _alone(folder):
        known = _config(folder)
        exchange.settle(folder, lambda: database_at.address(known.database_url, folder), begin=False)
        exchange.undo(folder, "cli", now)
        return _done(
            exchange.settle(folder, lambda: database_at.address(known.database_url, folder), begin=True)
        )


def serves(folder: Path) -> bool:
    """Is a server, or another command, at work on this folder?"""
    try:
        with control.owning(folder):
            return control.kept(folder)
    except Problem:
        return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with control.owning(folder):
            if control.kept(folder):
                raise Problem(RUNS, 409)
            moved.refuse(folder)
            yield
    except Problem as problem:
        if problem.code == "control.folder_in_use":
            raise Problem(RUNS, 409) from None
        raise


def _done(ended: Exchange | None) -> Exchange:
    if ended is None or ended.phase != "done":
        code = exchange.FAILED if ended is None else ended.code or exchange.FAILED
        raise Problem(code, 409, detail=None if ended is None else ended.detail or None)
    return ended


def _config(folder: Path) -> config.Config:
    """The configuration that the folder's server has."""
    named = os.environ.get("PRAXISD_CONFIG")
    note = folder / "run" / "config"
    if not named and note.is_file():
        named = note.read_text(encoding="utf-8")
    return config.load(Path(named) if named and Path(named).is_file() else None, folder)


def _heads() -> dict[str, str]:
    """How far the schema of each built-in service is, by the names of its migrations."""
    found: dict[str, str] = {}
    tops = [Path(str(praxisd.kernel.__file__)).parent, *Path(str(praxisd.services.__file__)).parent.iterdir()]
    for top in tops:
        numbers = sorted(one.name[:4] for one in (top / "migrations").glob("[0-9][0-9][0-9][0-9]_*.py"))
        if numbers:
            found[top.name] = f"{top.name}_{numbers[-1]}"
    return found
