"""What a reviewer tried against the move of the database: other programs beside it, a look meanwhile, an end in the middle."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from praxisd.kernel import database_at, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.care import compacting, journal, moving, releasing, settling, working
from praxisd.services.care.working import working_of

WHO = system("care")
PEEK = (
    "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); print(db.execute('SELECT count(*) FROM strange').fetchone()[0])"
    "; db.close()"
)


@pytest.fixture(name="house")
def the_house(sqlite_houses):
    house = sqlite_houses.open()
    _write(house, "CREATE TABLE strange(number INTEGER PRIMARY KEY)")
    return house


@pytest.fixture(name="to")
def the_target(tmp_path):
    folder = tmp_path / "Größere Platte"
    folder.mkdir()
    return folder


def _write(house, *said):
    with house.store.write(WHO) as tx:
        tx.raw(*said)


def _move(house, to, stop=lambda: False):
    return moving.move(house, WHO, str(to), progress=lambda _done, _all: None, stop=stop)


def test_another_program_that_looks_into_the_new_file_takes_no_log_away(house, to):
    """All locks of this process on a file go when any of its handles on it is closed: then the other would be the last one."""
    _move(house, to)
    path, log = to / "praxisd.db", to / "praxisd.db-wal"
    _write(house, "INSERT INTO strange VALUES(1)")
    there = log.stat().st_ino
    seen = subprocess.run(
        [sys.executable, "-c", PEEK, str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert seen.stdout.strip() == "1"
    assert log.exists() and log.stat().st_ino == there
    _write(house, "INSERT INTO strange VALUES(2)")
    plug = to.parent / "as after a power cut"
    plug.mkdir()
    for one in (path, log):
        shutil.copy(one, plug)
    with closing(sqlite3.connect(plug / "praxisd.db")) as db:
        assert db.execute("SELECT count(*) FROM strange").fetchone() == (2,)


@pytest.mark.parametrize("at", ["made", "copied", "synced", "switching", "gated", "pointed", "used"])
def test_a_look_meanwhile_disturbs_no_move(house, to, monkeypatch, at):
    said = []

    def begin():
        try:
            moving.begin(house, str(to.parent))
        except Problem as problem:
            said.append(problem.code)

    def look(_house, name):
        if name == at:
            other = threading.Thread(target=begin)
            other.start()
            other.join()

    monkeypatch.setattr(moving, "step", look)
    desk = working_of(house)
    done = []
    desk.begin("move", lambda: done.append(_move(house, to)))
    desk.wait(60)
    assert desk.now.code == ""
    assert (said, done[0].phase, done[0].cut) == ([working.BUSY], "done", False)
    assert house.store.engine.path == to / "praxisd.db" and (to / "praxisd.db").stat().st_size > 0


def test_a_server_that_ends_replaces_no_pointer_any_more(house, to, monkeypatch):
    """The next server may have begun: it has settled the move, and opened the old one."""
    ends = []
    monkeypatch.setattr(moving, "step", lambda _house, name: ends.append(name) if name == "gated" else None)
    with pytest.raises(Problem) as refused:
        _move(house, to, stop=lambda: bool(ends))
    assert refused.value.code == moving.STOPPED and ends == ["gated"]
    assert database_at.pointer(house.folder) is None and not (to / "praxisd.db").exists()
    _write(house, "INSERT INTO strange VALUES(1)")


def test_data_of_a_backup_that_were_made_ready_meanwhile_stop_the_move(house, to, monkeypatch):
    waiting = []
    monkeypatch.setattr(moving, "step", lambda _house, name: waiting.append(name))
    monkeypatch.setattr(moving.backups, "exchange_waits", lambda _folder: "switching" in waiting)
    with pytest.raises(Problem) as refused:
        _move(house, to)
    assert refused.value.code == moving.PENDING
    assert database_at.pointer(house.folder) is None and house.store.engine.path.parent == house.folder


def test_an_old_file_that_is_still_read_is_not_forgotten_by_the_next_move(house, to, tmp_path, monkeypatch):
    monkeypatch.setattr(moving, "UNREAD_S", 0.1)
    first = house.store.engine.path
    with house.store.read(WHO) as tx:
        tx.raw("SELECT count(*) FROM strange").fetchone()
        done = _move(house, to)
        assert (done.phase, done.kept) == ("done", "") and first.exists()
        third = tmp_path / "third"
        with pytest.raises(Problem) as refused:
            _move(house, third)
        assert refused.value.code == moving.IN_USE
    assert house.store.engine.path == to / "praxisd.db"
    house.stop()
    settling.settle(house.folder)
    assert database_at.is_stone(first)
    (old,) = journal.old_ones(house.folder)
    assert old.path.startswith(str(first))


def test_a_database_that_is_a_link_moves_as_the_file_it_is(sqlite_houses, tmp_path, to):
    house = sqlite_houses.open()
    house.stop()
    real = tmp_path / "elsewhere" / "praxisd.db"
    real.parent.mkdir()
    shutil.move(house.folder / "praxisd.db", real)
    (house.folder / "praxisd.db").symlink_to(real)
    house = sqlite_houses.twin(house)
    with pytest.raises(Problem) as same:
        moving.begin(house, str(real.parent))
    assert same.value.code == "care.move_same"
    _move(house, to)
    assert database_at.is_stone(real)
    (old,) = journal.old_ones(house.folder)
    assert old.path.startswith(str(real))
    releasing.release(house, WHO, old.id)
    assert [one.name for one in real.parent.iterdir()] == ["praxisd.db"]


def test_doors_that_a_killed_server_had_closed_for_the_database_are_open_after_the_next_start(house):
    house.store.run(WHO, lambda tx: maintenance.begin(tx, compacting.HOLDER, 4 * 3600, "care"))
    house.start_work()
    with house.store.read(WHO) as tx:
        assert maintenance.state(tx) is None


def test_doors_that_somebody_else_has_closed_stay_closed(house):
    house.store.run(WHO, lambda tx: maintenance.begin(tx, "cli", 600))
    house.start_work()
    with house.store.read(WHO) as tx:
        assert maintenance.state(tx) is not None


def test_what_lies_on_a_disk_that_is_away_is_not_called_deleted(house, to, tmp_path):
    """A mounted disk's folder is still there, and empty, once it is away."""
    _move(house, to)
    _move(house, tmp_path / "third")
    old = next(one for one in journal.old_ones(house.folder) if one.path.startswith(str(to)))
    away = to.rename(tmp_path / "away")
    to.mkdir()
    with pytest.raises(Problem) as refused:
        releasing.release(house, WHO, old.id)
    assert refused.value.code == releasing.STAYS
    to.rmdir()
    away.rename(to)
    assert releasing.release(house, WHO, old.id).released is not None
    assert [one.name for one in to.iterdir()] == ["praxisd.db"]


def test_an_old_one_that_a_person_has_deleted_can_be_released(house, to):
    _move(house, to)
    (old,) = journal.old_ones(house.folder)
    Path(old.path).unlink()
    assert releasing.release(house, WHO, old.id).released is not None


def test_a_half_copy_on_a_disk_that_has_another_number_now_is_told(house, to, monkeypatch):
    with pytest.raises(Problem):
        _move(house, to, stop=lambda: True)
    last = journal.known(house.folder)
    half = to / "praxisd.db"
    half.write_bytes(b"half")
    device, inode = journal.identity(half)
    cut = msgspec.structs.replace(last, phase="copying", made=(device + 1, inode), ended=None)
    journal.keep(house.folder, cut)
    settled = settling.settle(house.folder)
    assert (settled.phase, settled.left) == ("failed", True) and half.exists()
    half.unlink()
    assert settling.settle(house.folder).left is False
