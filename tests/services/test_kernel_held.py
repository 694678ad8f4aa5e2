"""SQLite's one writer held for the care of the database, and its connections exchanged under those who read."""

import sqlite3
import threading
from contextlib import closing

import pytest

from praxisd.kernel import database_at
from praxisd.kernel.engines import Conflict, Sqlite
from praxisd.kernel.errors import Problem
from praxisd.kernel.sqlite_files import Files


@pytest.fixture(name="engine")
def the_engine(tmp_path):
    engine = Sqlite(tmp_path / "one.db")
    with engine.write() as cursor:
        cursor.execute("CREATE TABLE word(it TEXT)")
        cursor.execute("INSERT INTO word VALUES('one')")
    yield engine
    engine.close()


def _other(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE word(it TEXT)")
        db.execute("INSERT INTO word VALUES('two')")
        db.commit()
    return path


def _word(engine):
    with engine.read() as cursor:
        return cursor.execute("SELECT it FROM word").fetchone()[0]


def test_nobody_writes_while_it_is_held_and_all_may_read(engine):
    entered, release = threading.Event(), threading.Event()

    def hold():
        with engine.held() as db:
            assert not db.in_transaction
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    try:
        assert _word(engine) == "one"
        with pytest.raises(Conflict), engine.held(patience_s=0.05):
            pass
    finally:
        release.set()
        thread.join()
    with engine.write() as cursor:
        cursor.execute("INSERT INTO word VALUES('more')")


def test_who_holds_it_does_not_write_beside_it(engine):
    with engine.held(), pytest.raises(RuntimeError), engine.write():
        pass


def test_readers_end_in_the_old_files_and_begin_in_the_new_ones(engine, tmp_path):
    fresh = Files(_other(tmp_path / "two.db"), 5.0)
    with engine.read() as old_reader:
        assert old_reader.execute("SELECT it FROM word").fetchone() == ("one",)
        with engine.held():
            old = engine.use(fresh)
        assert engine.path == tmp_path / "two.db"
        assert _word(engine) == "two"
        assert old_reader.execute("SELECT it FROM word").fetchone() == ("one",)
        assert not old.unread(0.02)
    assert old.unread(1.0)
    old.close_reading()
    old.close_writing()
    with engine.write() as cursor:
        cursor.execute("INSERT INTO word VALUES('three')")
    with closing(sqlite3.connect(tmp_path / "one.db")) as db:
        assert db.execute("SELECT count(*) FROM word").fetchone() == (1,)


def test_only_who_holds_it_exchanges_or_retires(engine, tmp_path):
    with pytest.raises(RuntimeError):
        engine.use(Files(tmp_path / "three.db", 1.0))
    with pytest.raises(RuntimeError):
        engine.retire()


def test_a_retired_one_is_read_and_not_written(engine):
    with engine.held():
        engine.retire()
    assert _word(engine) == "one"
    with pytest.raises(Problem) as refused, engine.write():
        pass
    assert (refused.value.code, refused.value.status) == (database_at.RETIRED, 503)
