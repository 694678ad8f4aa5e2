"""praxisd's own data as a source, and the copy in a folder for another backup software (plan „external“)."""

import contextlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.kernel import control
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.vault import Vault
from praxisd.services.backups import cli, snapshot
from praxisd.services.backups import source as codes
from praxisd.services.backups.sources.own import Own, own, own_sources
from praxisd.testing.engine_faults import small
from praxisd.testing.engine_suite import never, picture, quiet
from praxisd.testing.houses import Houses
from praxisd.testing.source_suite import Case, SourceSuite, fault


def filled(folder: Path) -> Path:
    """A data folder as one that has worked for a while."""
    folder.mkdir()
    Vault(folder / "vault.key")
    for name in (
        "praxisd.toml", "praxisd.db", "praxisd.db-wal", "praxis.lic", "products/own.toml", "ServiceProvider_a/b.ini",
        "run/lock", "backups/staging/x", "updates/root.json", "updates/files/big.json.bin", "plugins/p/current.json",
        "plugins/p/1.0/p/data.json",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


class TestOwn(SourceSuite):
    """The contract, on a data folder with everything in it."""

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        top = filled(tmp_path / "data")
        config = tmp_path / "elsewhere.toml"
        config.write_text("instance = 'x'")
        one = Own(
            "praxisd", top, {"praxisd": "1"}, elsewhere={"praxisd.toml": config}, database=top / "praxisd.db"
        )
        return Case(one, tmp_path, lambda: picture(top), lambda: (top / "vault.key").unlink())

    def test_what_a_new_computer_needs_is_in_it(self, case: Case) -> None:
        staged = case.stage()
        top = staged.paths[0].parent
        assert {os.path.relpath(path, top) for path in staged.hashes} == {
            "data/praxisd.toml", "data/vault.key", "data/praxis.lic", "data/products/own.toml", "data/ServiceProvider_a/b.ini",
            "data/updates/root.json", "data/plugins/p/current.json", "elsewhere/praxisd.toml", "installation.json",
            "data/copied.json",
        }  # fmt: skip
        assert all(Path(path).stat().st_mode & 0o077 == 0 for path in staged.hashes)


def test_files_that_are_links_are_not_forgotten(tmp_path: Path) -> None:
    top = filled(tmp_path / "data")
    for name in ("vault.key", "praxisd.toml"):
        (top / name).rename(tmp_path / f"moved {name}")
        (top / name).symlink_to(tmp_path / f"moved {name}")
    (top / "dangling").symlink_to("nowhere")
    (tmp_path / "s").mkdir()
    one = Own("praxisd", top, {}, database=top / "praxisd.db")
    staged = one.stage(tmp_path / "s", progress=quiet, stop=never)
    key = tmp_path / "s" / "data" / "vault.key"
    assert not key.is_symlink() and key.read_bytes() == (tmp_path / "moved vault.key").read_bytes()
    assert str(tmp_path / "s" / "data" / "praxisd.toml") in staged.hashes


@pytest.fixture
def house(houses: Houses) -> House:
    return houses.open()


def test_folders_that_are_links_are_not_forgotten(tmp_path: Path) -> None:
    top = filled(tmp_path / "data")
    (tmp_path / "s").mkdir()
    disk = tmp_path / "another disk"
    (disk / "deep").mkdir(parents=True)
    (disk / "deep" / "letter.txt").write_text("kept")
    (disk / "round").symlink_to(top)
    (top / "papers").symlink_to(disk)
    (top / "care").symlink_to(disk)  # what is left out by name stays left out
    one = Own("praxisd", top, {}, database=top / "praxisd.db")
    found = one.stage(tmp_path / "s", progress=quiet, stop=never)
    kept = {str(Path(one).relative_to(tmp_path / "s")) for one in found.hashes}
    assert "data/papers/deep/letter.txt" in kept
    assert not [one for one in kept if one.startswith(("data/care", "data/papers/round"))]


def test_the_sources_of_a_house(house: House, tmp_path: Path) -> None:
    """On SQLite and on PostgreSQL: the database by its own backup, and the list of versions and plug-ins."""
    database, _ = own_sources(house)
    assert database.kind == ("sqlite" if house.store.engine.name == "sqlite" else "postgres")
    assert database.refuse() is None
    (tmp_path / "own").mkdir()
    found = own(house).stage(tmp_path / "own", progress=quiet, stop=never)
    told = json.loads((tmp_path / "own" / "installation.json").read_text())
    assert told["engine"] == house.store.engine.name and any("accounts" in one for one in told["schema"])
    assert str(tmp_path / "own" / "data" / "vault.key") in found.hashes


def test_a_copy_in_a_folder_is_replaced_by_a_newer_whole_one(house: House, tmp_path: Path) -> None:
    to = tmp_path / "for others"
    assert snapshot.last(house) is None
    first = snapshot.take(house, to, progress=quiet, stop=never)
    assert first.folder == to / "praxisd" and first.rows > 0 and snapshot.proven(first.folder) == []
    assert [one.name for one in to.iterdir()] == ["praxisd"]
    manifest = json.loads((first.folder / "manifest.json").read_text())
    assert [one["kind"] for one in manifest["sources"]][1] == "own" and manifest["at"] == house.clock.now()
    note = snapshot.last(house)
    assert note is not None and note["to"] == str(to) and note["bytes"] == first.bytes > 1000
    if house.store.engine.name == "sqlite":
        with contextlib.closing(sqlite3.connect(first.folder / "database" / "praxisd.db")) as db:
            assert db.execute("SELECT count(*) FROM alembic_version").fetchone()[0] > 3
    inode = first.folder.stat().st_ino
    second = snapshot.take(house, to, progress=quiet, stop=never)
    assert second.folder.stat().st_ino != inode and snapshot.proven(second.folder) == []

    before = picture(second.folder)
    fault(lambda: snapshot.take(house, to, progress=quiet, stop=lambda: True), codes.STOPPED)
    assert picture(second.folder) == before and [one.name for one in to.iterdir()] == ["praxisd"]

    (second.folder / "own" / "data" / "vault.key").write_text("something else")
    assert snapshot.proven(second.folder) == ["own/data/vault.key"]


def test_a_copy_that_was_cut_off_is_mended(house: House, tmp_path: Path) -> None:
    taken = snapshot.take(house, tmp_path, progress=quiet, stop=never)
    taken.folder.rename(tmp_path / ".praxisd.old")
    (tmp_path / ".praxisd.new").mkdir()
    fault(lambda: snapshot.take(house, tmp_path, progress=quiet, stop=lambda: True), codes.STOPPED)
    assert snapshot.proven(tmp_path / "praxisd") == [], "the one before is back in its place"


def test_what_is_not_ours_is_not_replaced(house: House, tmp_path: Path) -> None:
    (tmp_path / "praxisd").mkdir()
    (tmp_path / "praxisd" / "letter.txt").write_text("of somebody")
    with pytest.raises(Problem) as caught:
        snapshot.take(house, tmp_path, progress=quiet, stop=never)
    assert caught.value.code == snapshot.FOREIGN
    assert (tmp_path / "praxisd" / "letter.txt").read_text() == "of somebody"
    with pytest.raises(Problem) as caught:
        snapshot.take(house, tmp_path / "no" / "such", progress=quiet, stop=never)
    assert caught.value.code == snapshot.TARGET
    with pytest.raises(Problem) as caught:
        snapshot.take(house, house.folder / "copies", progress=quiet, stop=never)
    assert caught.value.code == snapshot.TARGET and not (house.folder / "copies").exists()


def test_a_target_that_is_full_keeps_the_copy_it_has(house: House, tmp_path: Path) -> None:
    with small(tmp_path / "disk", 64 + 16) as disk:
        taken = snapshot.take(house, disk, progress=quiet, stop=never)
        (disk / "ballast").write_bytes(b"x" * (14 << 20))
        with pytest.raises(Problem) as caught:
            snapshot.take(house, disk, progress=quiet, stop=never)
        assert caught.value.code == snapshot.FULL and snapshot.proven(taken.folder) == []
        assert sorted(one.name for one in disk.iterdir() if one.name != "lost+found") == [
            "ballast",
            "praxisd",
        ]


def test_the_command_makes_it(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def perform(_folder: Path, name: str, args: dict[str, Any]) -> dict[str, Any]:
        return control.perform(house, name, args)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRAXISD_LANG", "de")

    def said(*more: str) -> str:
        done = CliRunner().invoke(
            cli.backup, ["snapshot", "--to", "ziel", *more], obj=perform, catch_exceptions=False
        )
        assert done.exit_code == 0
        return done.output

    assert "Geprüfte Kopie" in said() and str(tmp_path / "ziel" / "praxisd") in said()
    told = json.loads(said("--json"))
    assert told["folder"] == str(tmp_path / "ziel" / "praxisd") and told["rows"] > 0
    assert snapshot.proven(Path(told["folder"])) == []
    (tmp_path / "ziel" / "praxisd" / "manifest.json").unlink()
    with pytest.raises(Problem) as caught:
        control.perform(house, "backups.snapshot", {"to": str(tmp_path / "ziel")})
    assert caught.value.code == snapshot.FOREIGN
    with pytest.raises(Problem):
        control.perform(house, "backups.snapshot", {"to": "relative"})
