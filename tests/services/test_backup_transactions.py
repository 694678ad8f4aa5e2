"""While a transaction is open nobody asks the disk: a network drive that does not answer would hold up the whole practice."""

import builtins
import io
import os
import subprocess
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel.access import Actor
from praxisd.kernel.store import Store, Tx
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups.plans import checks as plan_checks
from praxisd.services.backups.plans import reminding, source_routes, sources
from praxisd.services.backups.runs import checks, jobs, overview, queueing, recovering
from praxisd.testing.houses import Houses

from .backup_desk_cast import Desk, desk, ready

_ASKS = (
    (os, "stat"), (os, "lstat"), (os, "listdir"), (os, "scandir"), (os, "fsync"), (os, "mkdir"), (os, "unlink"),
    (os, "rename"), (os, "replace"), (os.path, "realpath"), (builtins, "open"), (io, "open"), (subprocess, "Popen"),
    (psycopg, "connect"),
)  # fmt: skip
_NOT_OURS = ("importlib", "linecache", "zoneinfo", "traceback", "engines.py", "holidays")
"""What a transaction itself does, the interpreter, or a library when it is used for the first time."""
_PAGES = (
    "answers", "calendar", "calendar.pdf", "coverage", "exchange", "keys", "log", "media", "move", "overview", "plan",
    "protocol.pdf", "runs", "snapshots", "sources", "statistics",
)  # fmt: skip


class Watch:
    """Notes where the backups ask for something outside of the database while this thread has a transaction open."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._open = threading.local()
        self.found: set[str] = set()
        for name in ("read", "write"):
            self._transactions(patch, name)
        for whose, name in _ASKS:
            self._asks(patch, whose, name)

    def _transactions(self, patch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(Store, name)

        @contextmanager
        def watched(store: Store, actor: Actor) -> Iterator[Tx]:
            with real(store, actor) as tx:
                self._open.number = getattr(self._open, "number", 0) + 1
                try:
                    yield tx
                finally:
                    self._open.number -= 1

        patch.setattr(Store, name, watched)

    def _asks(self, patch: pytest.MonkeyPatch, whose: Any, name: str) -> None:
        real = getattr(whose, name)

        def watched(*given: Any, **more: Any) -> Any:
            if getattr(self._open, "number", 0):
                self._open.number, held = 0, self._open.number
                self._note(name)
                self._open.number = held
            return real(*given, **more)

        patch.setattr(whose, name, watched)

    def _note(self, name: str) -> None:
        stack = traceback.extract_stack()[:-2]
        if any(part in one.filename for one in stack for part in _NOT_OURS):
            return
        ours = [one for one in stack if "/services/backups/" in one.filename]
        if ours:
            self.found.add(f"{name}: {ours[-1].filename.rpartition('/backups/')[2]}:{ours[-1].lineno}")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def test_the_watch_sees(watch: Watch, sqlite_houses: Houses, tmp_path: Path) -> None:
    scene = Scene(sqlite_houses.open(), tmp_path)
    with scene.house.store.read(SYSTEM) as tx:
        overview.desk.outside(scene.house)
        assert tx.now
    assert any("snapshot.py" in one for one in watch.found)


def test_runs(watch: Watch, houses: Houses, tmp_path: Path) -> None:
    scene = Scene(houses.open(), tmp_path)
    house = scene.house
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    folder = tmp_path / "bilder"
    folder.mkdir()
    (folder / "a").write_text("a")
    said = SourceKept("Bilder", "folders", {"path": str(folder)}, "", "user:x", house.clock.now())
    source_routes.looked_at(house, said)
    with house.store.write(SYSTEM) as tx:
        sources.include(house, tx, said)
    scene.ask(job="night", slot="nas")
    scene.ask("verify", medium=nas)
    scene.ask("prove", medium=nas)
    done = queueing.work(house, stop=lambda: False)
    assert done is not None and [one.state for one in done.runs] == ["good"] * 3
    recovering.recover(house)
    assert not recovering.left_over(house)
    assert list(checks.runs(house)) == []
    assert jobs.NAMES and overview.overview(house, SYSTEM, "de").media
    assert watch.found == set()


def test_doors(watch: Watch, sqlite_houses: Houses, tmp_path: Path) -> None:
    with desk(sqlite_houses.open(), tmp_path) as scene:
        _walk(scene, tmp_path)
    assert watch.found == set()


def _walk(scene: Desk, top: Path) -> None:
    """What persons do with the plan, its media and sources."""
    ids = ready(scene)
    door = scene.door
    scene.insert("mon_away")
    (top / "bilder").mkdir()
    said = {"kind": "folders", "spec": {"path": str(top / "bilder")}}
    for name in ("Bilder", "Bilder"):
        door("PUT", f"/backups/sources/{name}", json=said)
    door("PUT", "/backups/sources/Alt", json={"kind": "excluded", "reason": "leer", "spec": {"path": "/alt"}})
    door("POST", "/backups/sources/Bilder/test")
    drive = door("GET", "/backups/drives")["drives"][1]
    changed = {key: drive[key] for key in ("label", "kind", "path")}
    door("PUT", f"/backups/drives/{drive['id']}", json={**changed, "label": "RDX links"})
    door("GET", f"/backups/media/{ids['mon_away']}")
    door("PUT", f"/backups/media/{ids['mon_away']}", json={"slot": "mon_away", "label": "Montag"})
    door("POST", f"/backups/media/{ids['mon_away']}/eject")
    for path in _PAGES:
        door("GET", f"/backups/{path}")
    for one in (plan_checks.set_up, plan_checks.watch, plan_checks.same_disk, checks.runs):
        list(one(scene.house))
    reminding.due(scene.house)
