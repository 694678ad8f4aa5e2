"""praxisd's own data back from a medium: made ready while it works, exchanged at the next start, undone by one command."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd import main
from praxisd.cli import root
from praxisd.kernel import job_plan, jobs, moved
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.plans import sources
from praxisd.services.backups.restoring import (
    after,
    bare,
    exchange,
    own_place,
    restoring,
    working,
)
from praxisd.services.backups.restoring.shapes import RestoreIn, TargetIn
from praxisd.services.backups.runs import running
from praxisd.services.backups.sources.own import COPIED, own_sources
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .backup_restoring_cast import again, backed_up, wanted, words
from .backups_scene import SYSTEM


def test_exchanged_at_the_next_start_and_back(houses: Houses, tmp_path: Path) -> None:
    house = houses.open()
    organization = small_practice(house).organization
    job_plan.Planner(house).step()
    with house.store.write(system("test", organization)) as tx:
        jobs.change(house, tx, "messaging.send", enabled=True)
        jobs.change(house, tx, "reminders.prepare", enabled=False)
    _, state = backed_up(house, tmp_path)
    assert words(house) == ["later", "nas"]
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    ended = running.run_now(house, run.id, stop=lambda: False)
    assert (ended.state, ended.code, ended.named) == ("good", restoring.PENDING, ())
    assert working.state(house).phase == "ready" and words(house) == ["later", "nas"], (
        "nothing is exchanged yet"
    )
    with pytest.raises(Problem) as caught:
        working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert caught.value.code == exchange.PENDING

    house = again(houses, house, begin=False)
    assert words(house) == ["later", "nas"], "a command does not exchange"
    house = again(houses, house)
    assert (
        words(house) == ["nas"] and (house.folder / "products" / "own.toml").read_text() == "# at the backup"
    )
    assert not (house.folder / COPIED).exists()
    assert [(one.code, one.severity.value) for one in after.look(house)] == [(after.DONE, "warning")]
    assert working.state(house).undoable

    working.undo(house, SYSTEM, "user:owner")
    house = again(houses, house)
    assert (
        words(house) == ["later", "nas"] and (house.folder / "products" / "own.toml").read_text() == "# later"
    )
    with house.store.read(system("test", organization)) as tx:
        paused = {one for one in after.PAUSED if not jobs.get_job(house, tx, one).enabled}
    assert paused == set(after.PAUSED), "whoever writes to patients waits"
    after.seen(house)
    with house.store.read(system("test", organization)) as tx:
        on = {one for one in after.PAUSED if jobs.get_job(house, tx, one).enabled}
    assert on == {"messaging.send"}, "only what was on before"
    assert list(after.look(house)) == []


def test_a_database_in_pieces(sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As large ones lie in a state: given back they are one file, in a folder and in place."""
    monkeypatch.setattr(sources, "own", lambda house: own_sources(house, pieces_from=1))
    house = sqlite_houses.open()
    _, state = backed_up(house, tmp_path)
    for number, names in enumerate([(), ("praxisd database",)]):
        into = tmp_path / f"back {number}"
        run = working.begin(
            house,
            SYSTEM,
            RestoreIn(snapshot=state, target=TargetIn(kind="folder", path=str(into)), sources=names),
            "x",
        )
        ended = running.run_now(house, run.id, stop=lambda: False)
        assert (ended.state, ended.named) == ("good", ())
        (file,) = into.rglob("praxisd.db")
        assert not list(into.rglob("*.pieces"))
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("SELECT count(*) FROM backups_drive").fetchone() == (1,)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    assert words(again(sqlite_houses, house)) == ["nas"]


def test_what_came_back_wrong_is_never_exchanged(
    houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = houses.open()
    scene, state = backed_up(house, tmp_path)
    real = scene.engine.restore

    def bent(repo: Any, snapshot: str, into: Path, **more: Any) -> Any:
        back = real(repo, snapshot, into, **more)
        for one in into.rglob("own.toml"):
            one.write_text("# bent on the way")
        return back

    monkeypatch.setattr(scene.engine, "restore", bent)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    ended = running.run_now(house, run.id, stop=lambda: False)
    assert (ended.state, ended.code) == ("failed", own_place.DIFFERS)
    assert (
        exchange.known(house.folder) is None and not (house.folder / "backups" / "exchange" / "new").exists()
    )


def test_a_state_of_a_newer_program(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    _, state = backed_up(house, tmp_path)
    here = restoring.here(house)
    older = own_place.Here(here.folder, here.database, here.vault, {**here.heads, "kernel": "kernel_0001"})
    from praxisd.services.backups.restoring import manifest, opening

    found = opening.opened(house, state)
    snapshot = manifest.of(found.engine, found.repo, found.kept.engine_id)
    assert snapshot is not None
    for place, code in ((older, own_place.NEWER), (own_place.Here(here.folder, None), own_place.OTHER_KIND)):
        with pytest.raises(Problem) as caught:
            own_place.ready(
                place, found.engine, found.repo, snapshot,
                by="x", now=1, progress=lambda _d, _w: None, stop=lambda: False,
            )  # fmt: skip
        assert caught.value.code == code
    assert bare._heads() == {name: head for name, head in here.heads.items() if name in bare._heads()}
    assert "kernel" in bare._heads() and "backups" in bare._heads()


class Guard:
    """A guard as far as it is given orders."""

    def __init__(self) -> None:
        self.orders: list[str] = []

    def order(self, kind: str, by: str, reason: str) -> str:
        self.orders.append(kind)
        return kind


def test_safe_mode_restores_without_jobs(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    _, state = backed_up(house, tmp_path)
    house.safe = True
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    for _ in range(600):
        if working.shown(house, run.id).state not in ("waiting", "running"):
            break
        house.wake.wait(house.wake.mark(), 0.1)
    assert working.shown(house, run.id).exchange and working.state(house).phase == "ready"
    assert working.restart(house, SYSTEM) is False, "nobody guards it: a person restarts"
    guard = Guard()
    house.guard = guard  # type: ignore[assignment]
    assert working.restart(house, SYSTEM)
    house.safe = False
    assert working.restart(house, SYSTEM)
    assert guard.orders == ["try_again", "restart"]
    house.guard = None
    working.cancel(house, SYSTEM)
    assert working.state(house).phase == "none"


def test_a_broken_database_is_mended_from_the_medium_alone(sqlite_houses: Houses, tmp_path: Path) -> None:
    """No house can be opened any more: the command, the medium and the recovery key are enough."""
    house = sqlite_houses.open()
    backed_up(house, tmp_path)
    with house.store.read(SYSTEM) as tx:
        key = keeping.newest_recovery(tx)
    assert key is not None
    word = tmp_path / "typed"
    word.write_text(keeping.text_of(house, key) + "\n")
    house.stop()
    own = ["backup", "restore", "--own", "--data", str(house.folder), "--from", str(tmp_path / "nas")]
    moved.put_mark(house.folder, moved.LEFT, to="/usb")
    left = CliRunner().invoke(root, [*own, "--password-file", str(word), "--lang", "en"])
    assert left.exit_code and "control.moved" in left.output, "it is kept on another computer now"
    moved.unmark(house.folder)
    assert moved.MARK in own_place._LEFT, "no state brings such a mark back"
    file = house.folder / "praxisd.db"
    broken = b"not a database at all" * 1000
    file.write_bytes(broken)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    medium = str(tmp_path / "nas")
    run = CliRunner()
    common = ["--data", str(house.folder), "--from", medium, "--password-file", str(word), "--lang", "en"]
    listed = run.invoke(root, ["backup", "snapshots", *common])
    assert listed.exit_code == 0 and "2026" in listed.output, listed.output
    back = run.invoke(root, ["backup", "restore", "--to", str(tmp_path / "elsewhere"), *common])
    assert back.exit_code == 0 and "Restored" in back.output, back.output
    assert list((tmp_path / "elsewhere").rglob("praxisd.db"))
    nowhere = ["--data", str(tmp_path / "not there"), *common[2:]]
    back = run.invoke(root, ["backup", "restore", "--to", str(tmp_path / "again"), *nowhere])
    assert back.exit_code == 0 and not (tmp_path / "not there").exists(), back.output
    left = house.folder / "backups" / "scratch" / "manifest-left"
    left.mkdir(parents=True)
    done = run.invoke(root, ["backup", "restore", "--own", *common])
    assert done.exit_code == 0 and "--undo" in done.output and not left.exists(), done.output
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM backups_drive").fetchone() == (1,)
    found = main.open_practice(house.folder, house.config)
    assert words(found) == ["nas"]
    found.stop()
    undone = run.invoke(root, ["backup", "restore", "--undo", "--data", str(house.folder), "--lang", "en"])
    assert undone.exit_code == 0, undone.output
    assert file.read_bytes() == broken, "even that is not thrown away"
    wrong = tmp_path / "wrong"
    wrong.write_text("not this one")
    refused = run.invoke(
        root,
        [
            "backup",
            "restore",
            "--own",
            "--data",
            str(house.folder),
            "--from",
            medium,
            "--password-file",
            str(wrong),
        ],
    )
    assert refused.exit_code == 1 and "backups.password_wrong" in refused.output
