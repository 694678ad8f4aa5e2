"""The database is moved while others read and write; what does not fit is refused before, and what fails changes nothing."""

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import database_at, engines, issues, moved
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.backups import api as backups
from praxisd.services.backups.restoring import exchange
from praxisd.services.backups.sources.own import own_sources
from praxisd.services.care import blocks, checks, journal, moving, releasing, targets
from praxisd.services.care.working import working_of
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

WHO = system("care")
TABLE = "CREATE TABLE IF NOT EXISTS strange_writing(number INTEGER PRIMARY KEY, what TEXT)"


@pytest.fixture(name="house")
def the_house(sqlite_houses):
    house = sqlite_houses.open()
    with house.store.write(WHO) as tx:
        tx.raw(TABLE)
    return house


@pytest.fixture(name="to")
def the_target(tmp_path):
    folder = tmp_path / "Neue Platte #1 100%?"
    folder.mkdir()
    return folder


def _move(house, to, stop=lambda: False, progress=lambda _done, _all: None):
    return moving.move(house, WHO, str(to), progress=progress, stop=stop)


def _numbers(house):
    with house.store.read(WHO) as tx:
        return [row[0] for row in tx.raw("SELECT number FROM strange_writing ORDER BY number").fetchall()]


@contextmanager
def _busy(house):
    """Writers and readers at work: what was acknowledged, and what failed."""
    stop, done, failed = threading.Event(), [], []

    def write():
        while not stop.wait(0.002):
            try:
                with house.store.write(WHO) as tx:
                    tx.raw("INSERT INTO strange_writing(what) VALUES(?)", ("y" * 200,))
                    number = tx.raw("SELECT last_insert_rowid()").fetchone()[0]
                done.append(number)
            except Exception as error:
                failed.append(error)

    def read():
        seen = 0
        while not stop.wait(0.001):
            try:
                with house.store.read(WHO) as tx:
                    now = tx.raw("SELECT count(*) FROM strange_writing").fetchone()[0]
                if now < seen:
                    failed.append(AssertionError(f"{now} after {seen}"))
                seen = now
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=one) for one in (write, write, read, read)]
    for one in threads:
        one.start()
    try:
        yield done, failed
    finally:
        stop.set()
        for one in threads:
            one.join()


def test_nothing_is_lost_and_nobody_fails_while_it_moves_there_and_back(house, to):
    first = house.store.engine.path
    with _busy(house) as (done, failed):
        time.sleep(0.2)
        there = _move(house, to)
        assert house.store.engine.path == to / "praxisd.db"
        time.sleep(0.2)
        back = _move(house, house.folder)
        time.sleep(0.2)
    assert failed == []
    assert _numbers(house) == sorted(done) and len(done) > 50
    assert house.store.engine.path == first
    assert (there.phase, back.phase) == ("done", "done")
    with closing(sqlite3.connect(first)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database_at.is_stone(to / "praxisd.db")
    assert len(journal.old_ones(house.folder)) == 2


def test_the_next_start_opens_it_in_its_new_place(house, to, sqlite_houses):
    _move(house, to)
    house.stop()
    again = sqlite_houses.twin(house)
    assert again.store.engine.path == to / "praxisd.db"
    assert engines.sqlite_file(None, house.folder) == to / "praxisd.db"
    # A copy of praxisd's own data finds it there, and takes neither pointer nor kept ones along.
    database, beside = own_sources(again)
    assert database.path == to / "praxisd.db"
    stage = house.folder.parent / "staged"
    stage.mkdir()
    staged = beside.stage(stage, progress=lambda _done, _all: None, stop=lambda: False)
    names = {Path(one).relative_to(stage).as_posix() for one in staged.hashes}
    assert "data/vault.key" in names
    assert not [one for one in names if "database.at" in one or "praxisd.db" in one or "/care/" in one]


def test_no_empty_database_is_begun_where_the_disk_is_away(house, to):
    _move(house, to)
    house.stop()
    aside = to.with_name("pulled out")
    to.rename(aside)
    with pytest.raises(Problem) as away:
        engines.connect(None, house.folder)
    assert (away.value.code, away.value.params["path"]) == (database_at.AWAY, str(to / "praxisd.db"))
    (house.folder / database_at.POINTER).rename(
        house.folder / "kept"
    )  # and an older program stops at the stone
    with pytest.raises(Problem) as stone:
        engines.connect(None, house.folder)
    assert stone.value.code == database_at.AWAY
    (house.folder / database_at.POINTER).write_text("{")
    with pytest.raises(Problem) as torn:
        engines.connect(None, house.folder)
    assert torn.value.code == database_at.UNREADABLE
    assert not to.exists()


def test_who_names_another_database_in_the_configuration_later_means_that_one(house, to, tmp_path):
    _move(house, to)
    house.stop()
    url = f"sqlite:///{tmp_path}/mine.db"
    assert engines.sqlite_file(url, house.folder) == tmp_path / "mine.db"
    passed = database_at.passed_over(url, house.folder)
    assert passed is not None and passed.path == to / "praxisd.db"
    assert database_at.passed_over(None, house.folder) is None


def _refused(house, to):
    with pytest.raises(Problem) as refused:
        moving.begin(house, str(to))
    assert house.store.engine.path == house.folder / "praxisd.db"
    assert not list(house.folder.glob(".praxisd-try*"))
    return refused.value.code


def test_bad_targets_are_refused_before_anything_happens(house, to, monkeypatch, tmp_path):
    assert _refused(house, "relative") == targets.NO_FOLDER
    assert _refused(house, tmp_path / "not" / "there") == targets.NO_FOLDER
    (tmp_path / "file").write_text("x")
    assert _refused(house, tmp_path / "file") == targets.NO_FOLDER
    assert _refused(house, house.folder) == targets.SAME
    (tmp_path / "link").symlink_to(house.folder)
    assert _refused(house, tmp_path / "link") == targets.SAME
    assert _refused(house, house.folder / "backups") == targets.INSIDE
    (tmp_path / "inner").symlink_to(house.folder / "backups")
    assert _refused(house, tmp_path / "inner") == targets.INSIDE
    assert _refused(house, r"\\server\daten") == targets.NETWORK
    for name in ("praxisd.db", "praxisd.db-wal"):
        (to / name).write_text("somebody's")
        assert _refused(house, to) == targets.OCCUPIED
        assert (to / name).read_text() == "somebody's"
        (to / name).unlink()
    (tmp_path / "Nextcloud").mkdir()
    assert _refused(house, tmp_path / "Nextcloud") == targets.CLOUD
    (tmp_path / ".stfolder").mkdir()
    assert _refused(house, to) == targets.CLOUD
    (tmp_path / ".stfolder").rmdir()
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(targets, "MOUNTS", mounts)
    for kind, code in (("cifs", targets.NETWORK), ("nfs4", targets.NETWORK), ("tmpfs", targets.FLEETING)):
        mounts.write_text(f"x / ext4 rw 0 0\nx {str(to).replace(' ', chr(92) + '040')} {kind} rw 0 0\n")
        assert _refused(house, to) == code
    mounts.write_text("x / ext4 rw 0 0\n")
    real = shutil.disk_usage
    monkeypatch.setattr(targets.shutil, "disk_usage", lambda path: real(path)._replace(free=10_000_000))
    assert _refused(house, to) == targets.NO_SPACE
    assert os.listdir(to) == []


def test_a_folder_without_rights_or_read_only_is_refused(house):
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    root = os.geteuid() == 0
    try:
        folder.chmod(0o500)
        if root:
            os.seteuid(65534)  # else nothing is forbidden
        try:
            with pytest.raises(Problem) as refused:
                targets.looked(house, str(folder))
        finally:
            if root:
                os.seteuid(0)
        assert refused.value.code == targets.NO_RIGHTS
        assert os.listdir(folder) == []
    finally:
        folder.chmod(0o700)
        folder.rmdir()
    assert targets.refused(OSError(30, "Read-only file system"), folder).code == targets.READ_ONLY
    with pytest.raises(Problem) as system_:
        moving.begin(house, "/proc/self")
    assert system_.value.code in (targets.NO_RIGHTS, targets.NO_FOLDER, targets.READ_ONLY, targets.UNFIT)


def test_nothing_moves_while_the_server_moves_or_data_are_exchanged(house, to):
    moved.put_mark(house.folder, moved.LEAVING, to="x", id="1")
    assert _refused(house, to) == moving.PENDING
    moved.unmark(house.folder)
    (house.folder / "backups").mkdir(exist_ok=True)
    exchange.prepare(house.folder, exchange.Exchange("1", "restore", "ready", "t", 1, 1, "before-x", ()))
    assert backups.exchange_waits(house.folder)
    assert _refused(house, to) == moving.PENDING


def test_an_exchange_is_not_undone_once_the_database_lies_elsewhere(house, to):
    (house.folder / "backups" / "before-x").mkdir(parents=True)
    exchange.prepare(house.folder, exchange.Exchange("1", "restore", "ready", "t", 1, 1, "before-x", ()))
    exchange.mark(house.folder, phase="done")
    assert exchange.undoable(house.folder) is not None
    _move(house, to)
    assert exchange.undoable(house.folder) is None


def _goes_on(house, to, code):
    """As before: the old one valid, writable, nothing of the new one, and an issue to nobody."""
    assert house.store.engine.path == house.folder / "praxisd.db"
    with house.store.write(WHO) as tx:
        tx.raw("INSERT INTO strange_writing(what) VALUES('after')")
    assert database_at.pointer(house.folder) is None
    last = journal.known(house.folder)
    assert (last.phase, last.code) == ("failed", code)
    assert not (to / "praxisd.db").exists()


@pytest.mark.parametrize("instead", ["gone", "full"])
def test_a_target_that_vanishes_or_fills_up_in_the_midst_changes_nothing(house, to, monkeypatch, instead):
    def sync(source, target, **more):
        if instead == "full":
            raise OSError(28, "No space left on device")
        shutil.rmtree(to)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(blocks, "sync", sync)
    with _busy(house) as (_, failed), pytest.raises(Problem) as refused:
        _move(house, to)
    assert failed == []
    code = targets.NO_SPACE if instead == "full" else moving.VANISHED
    assert refused.value.code == code
    _goes_on(house, to, code)


def test_a_folder_that_is_pulled_away_while_it_is_copied(house, to):
    def pull(_done, _all):
        if to.exists():
            to.rename(to.with_name("pulled"))

    with pytest.raises(Problem) as refused:
        _move(house, to, progress=pull)
    assert refused.value.code in (moving.VANISHED, moving.DIFFERS)
    _goes_on(house, to, refused.value.code)
    assert list(checks.moves(house)) == [] or journal.known(house.folder).left


def test_a_move_is_stopped(house, to):
    with pytest.raises(Problem) as refused:
        _move(house, to, stop=lambda: True)
    assert refused.value.code == moving.STOPPED
    _goes_on(house, to, moving.STOPPED)
    assert os.listdir(to) == []


def test_who_reads_an_older_state_for_long_is_named(house, to, monkeypatch):
    monkeypatch.setattr(moving, "PAUSE_S", 0.01)
    monkeypatch.setattr(moving, "CHECKPOINT_MS", 20)
    with closing(sqlite3.connect(house.store.engine.path)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM strange_writing").fetchone()
        with house.store.write(WHO) as tx:
            tx.raw("INSERT INTO strange_writing(what) VALUES('newer')")
        with pytest.raises(Problem) as refused:
            _move(house, to)
    assert refused.value.code == moving.IN_USE
    _goes_on(house, to, moving.IN_USE)
    assert _move(house, to).phase == "done"  # and the file that was opened by hand is of use again
    assert _numbers(house) == [1, 2]


def test_a_pointer_that_cannot_be_written_leaves_the_old_one_valid(house, to, monkeypatch):
    real = database_at.put

    def full(path, data, mode=0o600):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(database_at, "put", full)
    with pytest.raises(Problem):
        _move(house, to)
    _goes_on(house, to, targets.NO_SPACE)
    calls = []

    def late(path, data, mode=0o600):  # it was replaced, and only then the disk said no
        calls.append(path)
        real(path, data, mode)
        if len(calls) == 1:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(database_at, "put", late)
    with pytest.raises(Problem):
        _move(house, to)
    _goes_on(house, to, moving.VANISHED)


def test_an_old_one_is_released_by_a_person_and_only_after_a_proof(house, to):
    _move(house, to)
    (old,) = journal.old_ones(house.folder)
    assert Path(old.path).is_file()
    with house.store.write(WHO) as tx:
        tx.raw("DELETE FROM care_work")
    with pytest.raises(Problem) as refused:
        releasing.release(house, WHO, old.id)
    assert refused.value.code == releasing.NOT_PROVEN and Path(old.path).is_file()
    house.clock.advance(8 * 86_400)
    issues.run_checks(house, ["care.moves"])
    with house.store.read(WHO) as tx:
        assert [one.code for one in issues.list_all(tx)] == [checks.KEPT]
    practice = small_practice(house)
    owner = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'Chefin')}"}
    partner = {"Authorization": f"Bearer {key_for(house, practice, 'partner', 'Partner')}"}
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        url = f"/api/v1/care/old/{old.id}/release"
        assert client.post(url, headers=partner).status_code == 403
        client.post("/api/v1/care/check", headers=owner, json={"level": "quick"})
        working_of(house).wait(30)
        assert client.get("/api/v1/care/state", headers=owner).json()["old"][0]["releasable"] is True
        assert client.post(url, headers=owner).status_code == 204
        assert client.post(url, headers=owner).json()["code"] == releasing.GONE
    assert not Path(old.path).exists() and list(checks.moves(house)) == []
    assert database_at.is_stone(house.folder / "praxisd.db")


def test_the_doors_look_move_and_tell(house, to):
    practice = small_practice(house)
    owner = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'Chefin')}"}
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        assert client.get("/api/v1/care/move", headers=owner).status_code == 404
        seen = client.post("/api/v1/care/move/look", headers=owner, json={"to": str(to)})
        assert seen.status_code == 200 and seen.json()["path"] == str(to / "praxisd.db")
        bad = client.post("/api/v1/care/move", headers=owner, json={"to": str(house.folder)})
        assert (bad.status_code, bad.json()["code"]) == (409, targets.SAME)
        assert client.post("/api/v1/care/move", headers=owner, json={"to": str(to)}).status_code == 202
        working_of(house).wait(60)
        told = client.get("/api/v1/care/move", headers=owner).json()
        assert (told["phase"], told["valid"]) == ("done", str(to / "praxisd.db"))
        state = client.get("/api/v1/care/state", headers=owner).json()
        assert state["place"] == str(to / "praxisd.db") and len(state["old"]) == 1


def test_blocks_are_written_only_where_they_differ(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    data = os.urandom(9_000_001)
    one.write_bytes(data)
    changed = bytearray(data[:8_000_000])
    changed[5_000_000] ^= 1
    two.write_bytes(bytes(changed))
    with one.open("rb", buffering=0) as source, two.open("r+b", buffering=0) as target:
        written = blocks.sync(source, target, stop=lambda: False)
        assert blocks.WRITE < written < 1_000_002 + 2 * blocks.WRITE
        assert blocks.sync(source, target, stop=lambda: False) == 0
        one.write_bytes(data[:100])
        blocks.sync(source, target, stop=lambda: False)
        with pytest.raises(blocks.TooSlow):
            blocks.sync(source, target, stop=lambda: True)
    assert two.read_bytes() == data[:100]
