"""The copy of the database before an update: whole, checked, made while others write; or a clear word why there is none."""

import os
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from praxisd.kernel import jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.updates import downloading, saving, store, watching
from praxisd.testing import postgres
from praxisd.testing.houses import Houses
from praxisd.testing.trials import run_log, settle

DAY_S = 86_400


def note(house: House, name: str) -> None:
    house.store.run(system("test"), lambda tx: store.put_fact(tx, name, "x"))


def facts_in(file: Path) -> set[str]:
    link = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        return {row[0] for row in link.execute("SELECT name FROM updates_fact")}
    finally:
        link.close()


def test_a_copy_of_sqlite_holds_all_that_was_committed_before_and_others_go_on(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    note(house, "before")
    ended = threading.Event()
    written: list[str] = []

    def writes() -> None:
        while not ended.is_set():
            note(house, f"during{len(written)}")
            written.append("one")

    writer = threading.Thread(target=writes)
    writer.start()
    try:
        file = saving.save(house, "9.1")
    finally:
        ended.set()
        writer.join()
    note(house, "after")
    found = facts_in(file)
    assert "before" in found and "after" not in found and written
    assert file.name.startswith("before-9.1-20261123T") and file.stat().st_mode & 0o077 == 0
    assert [one.name for one in file.parent.iterdir()] == [file.name]  # no journal beside it
    assert saving.save(house, "9.1") != file


def test_a_database_that_is_damaged_gives_no_copy(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    real = saving.sqlite_file

    def damaged(url: str | None, folder: Path) -> Path | None:
        file = real(url, folder)
        assert file is not None
        broken = folder / "broken.db"
        link = sqlite3.connect(file)
        link.execute("VACUUM INTO ?", (str(broken),))
        link.close()
        data = bytearray(broken.read_bytes())
        data[8192:32768] = bytes(24576)
        broken.write_bytes(data)
        return broken

    monkeypatch.setattr(saving, "sqlite_file", damaged)
    with pytest.raises(Problem) as refused:
        saving.save(house, "9.1")
    assert refused.value.code == "updates.no_copy"
    assert list((house.folder / "updates" / "saved").iterdir()) == []


def test_a_copy_of_postgresql_is_a_dump_that_can_be_read(
    postgres_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = postgres_houses.open()
    note(house, "before")
    folder = postgres.programs()
    monkeypatch.setenv("PATH", str(folder))
    file = saving.save(house, "9.1")
    listed = subprocess.run(
        [str(folder / "pg_restore"), "--data-only", "--table=updates_fact", "--file=-", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "installation\tbefore\tx" in listed.stdout
    assert file.suffix == ".dump" and file.stat().st_mode & 0o077 == 0


def test_without_pg_dump_or_with_one_that_fails_there_is_no_copy(
    postgres_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = postgres_houses.open()
    monkeypatch.setenv("PATH", str(tmp_path))
    for script in (None, "#!/bin/sh\nexit 3\n"):
        if script is not None:
            (tmp_path / "pg_dump").write_text(script)
            (tmp_path / "pg_dump").chmod(0o755)
        with pytest.raises(Problem) as refused:
            saving.save(house, "9.1")
        assert refused.value.code == "updates.no_copy"
        assert refused.value.params["reason"] == ("pg_dump" if script is None else "pg_dump 3")
    assert list((house.folder / "updates" / "saved").iterdir()) == []


def test_no_copy_outlives_a_month_even_while_nothing_is_downloaded(
    sqlite_houses: Houses, clock: FrozenClock
) -> None:
    """An erased patient must not live on in it."""
    house = sqlite_houses.open(clock=clock)
    house.store.run(system("test"), lambda tx: house.settings.put(tx, "updates.active", False))
    first = saving.save(house, "9.1")
    strange = first.with_name("copied-by-hand")
    strange.write_bytes(b"x")
    os.utime(strange, (clock.now(), clock.now()))
    clock.advance(20 * DAY_S)
    second = saving.save(house, "9.2")
    watching.start(house)
    assert first.exists() and strange.exists()
    clock.advance(11 * DAY_S)
    watching.start(house)
    assert list(first.parent.iterdir()) == [second]
    clock.advance(20 * DAY_S)
    house.store.run(system("test", INSTALLATION), lambda tx: jobs.run_now(house, tx, downloading.NAME))
    settle(house)
    assert [run.state for run in run_log(house, downloading.NAME)][-1] == "success"
    assert list(first.parent.iterdir()) == []
