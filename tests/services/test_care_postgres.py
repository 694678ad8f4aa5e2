"""From SQLite to PostgreSQL: dry run, all rows with counts and digests, numbers that go on, guards, and nothing half."""

import signal
import subprocess
import sys

import psycopg
import pytest

from praxisd import main
from praxisd.kernel import database_at, engines, migrations
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.engines import Postgres
from praxisd.kernel.errors import Problem
from praxisd.services.care import copy_store, figures, journal, postgres_store, settling, targets
from praxisd.services.care import postgres_words as words
from praxisd.testing import care_killed
from praxisd.testing.practice import small_practice
from praxisd.testing.programs import command

WHO = system("care")
BINARY = (
    "INSERT INTO messaging_binary(organization, id, media_type, size, created_at, actor, extra, data) "
    "VALUES('o', ?, 'text/plain', 3, 1, 'a', ?, ?)"
)


def _plain(url):
    return url.replace("+psycopg", "")


@pytest.fixture(name="house")
def the_house(sqlite_houses):
    house = sqlite_houses.open()
    small_practice(house)
    with house.store.write(WHO) as tx:
        tx.raw(BINARY, ("1", 'Müller\t"Zahn"\\N\n\\. € 🦷', b"\x00\xff\\\n\t"))
        tx.raw(BINARY, ("2", "", b""))
        tx.raw("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'kernel_event'")  # newer ones were purged
    return house


def _move(house, url):
    return postgres_store.move(house, WHO, url, progress=lambda _done, _all: None, stop=lambda: False)


def _refused(house, url):
    with pytest.raises(Problem) as refused:
        postgres_store.looked(house, url)
    return refused.value


def test_all_of_it_is_there_afterwards_and_the_next_start_uses_it(house, postgres_url, sqlite_houses):
    plan = postgres_store.looked(house, postgres_url)
    with psycopg.connect(_plain(postgres_url)) as db:
        assert db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert plan.tables["messaging_binary"] == 2 and plan.tables["kernel_event"] > 0
    old = house.store.engine.path
    work = _move(house, postgres_url)
    assert work.phase == "done" and "@" not in work.new
    with figures.reading(old) as source, psycopg.connect(_plain(postgres_url)) as db:
        for table in copy_store.tables(house.registry):
            ours = copy_store.digest(copy_store.of_sqlite(source, table))
            theirs = copy_store.digest(copy_store.of_postgres(db, table))
            if table.name == "kernel_event":  # and the one that tells of the move
                assert (ours[0] + 1, plan.tables["kernel_event"]) == (theirs[0], ours[0])
                continue
            assert ours == theirs, table.name
        extra, data = db.execute("SELECT extra, data FROM messaging_binary WHERE id = '1'").fetchone()
        assert (extra, bytes(data)) == ('Müller\t"Zahn"\\N\n\\. € 🦷', b"\x00\xff\\\n\t")
        assert db.execute("SELECT max(seq) FROM kernel_event").fetchone() == (5001,)
        assert db.execute("SELECT to_regclass('praxisd_moving')").fetchone() == (None,)
    with pytest.raises(Problem) as retired, house.store.write(WHO):
        pass
    assert (retired.value.code, retired.value.retry) == (database_at.RETIRED, True)
    house.stop()
    main.finish_moves(house.folder, house.config, begin=False)
    again = main.open_practice(house.folder, house.config)
    try:
        assert isinstance(again.store.engine, Postgres)
        assert migrations.missing_guards(again.store, again.registry) == []
        assert database_at.is_stone(old) and len(journal.old_ones(house.folder)) == 1
        assert engines.sqlite_file(None, house.folder) is None
        with again.store.write(system("care", INSTALLATION)) as tx:
            tx.raw("INSERT INTO kernel_cursor(organization, name, seq, updated_at) VALUES('o', 'n', 1, 1)")
        assert _refused(again, postgres_url).code == targets.NOT_SQLITE
    finally:
        again.stop()
    (pointer,) = [house.folder / database_at.POINTER]
    assert pointer.stat().st_mode & 0o077 == 0


def test_what_does_not_fit_is_refused_and_nothing_is_touched(house, postgres_url):
    for bad in ("sqlite:///x", "postgresql://host:port/x", "postgresql://user:secret@host/"):
        problem = _refused(house, bad)
        assert problem.code == words.BAD_URL and "secret" not in str(problem.params) + str(problem.detail)
    unescaped = _refused(
        house, "postgresql://u:my@secret@127.0.0.1:1/x"
    )  # else the host were secret@127.0.0.1
    assert unescaped.code == words.BAD_URL and "secret" not in str(unescaped.params) + str(unescaped.detail)
    away = _refused(house, "postgresql://u:secret@127.0.0.1:1/x")
    assert away.code == words.UNREACHED and "secret" not in str(away.detail)
    with psycopg.connect(_plain(postgres_url), autocommit=True) as db:
        db.execute("CREATE TABLE somebodys(id int)")
        assert _refused(house, postgres_url).code == words.USED
        db.execute("CREATE TABLE praxisd_moving(id text)")  # the mark of nobody's move drops nothing
        db.execute("INSERT INTO praxisd_moving VALUES('x')")
        assert _refused(house, postgres_url).code == words.USED
        assert db.execute("SELECT to_regclass('somebodys')").fetchone() == ("somebodys",)
        db.execute("DROP TABLE somebodys, praxisd_moving")
    with house.store.write(WHO) as tx:
        tx.raw("CREATE TABLE gone_thing(id int)")
    postgres_store.looked(house, postgres_url)  # empty: nothing would be left behind
    with house.store.write(WHO) as tx:
        tx.raw("INSERT INTO gone_thing VALUES(1)")
    assert _refused(house, postgres_url).code == words.STRANGE


def test_a_row_that_is_not_taken_leaves_all_as_before_and_the_next_try_begins_anew(house, postgres_url):
    with house.store.write(WHO) as tx:
        tx.raw(BINARY, ("3", "zero\x00byte", b""))
    with pytest.raises(Problem) as refused:
        _move(house, postgres_url)
    assert refused.value.code == words.REFUSED and "zero" not in str(refused.value.detail)
    assert journal.known(house.folder).phase == "failed" and database_at.pointer(house.folder) is None
    with house.store.write(WHO) as tx:
        tx.raw("DELETE FROM messaging_binary WHERE id = '3'")
    with psycopg.connect(_plain(postgres_url)) as db:
        assert db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert _move(house, postgres_url).phase == "done"


def test_a_row_that_arrives_otherwise_is_noticed(house, postgres_url, monkeypatch):
    real = copy_store.of_postgres

    def spoilt(db, table):
        if table.name == "messaging_binary":
            db.execute("UPDATE messaging_binary SET data = '' WHERE id = '1'")
        return real(db, table)

    monkeypatch.setattr(copy_store, "of_postgres", spoilt)
    with pytest.raises(Problem) as refused:
        _move(house, postgres_url)
    assert (refused.value.code, refused.value.params["tables"]) == (words.DIFFERS, "messaging_binary")
    assert database_at.pointer(house.folder) is None


@pytest.mark.parametrize(
    "change", ["extra = x'6162'", "size = 1.5", "size = 'many'"]
)  # SQLite keeps what it is given
def test_a_value_that_its_column_does_not_hold_is_not_bent(house, postgres_url, change):
    with house.store.write(WHO) as tx:
        tx.raw(f"UPDATE messaging_binary SET {change} WHERE id = '1'")
    with pytest.raises(Problem) as refused:
        _move(house, postgres_url)
    assert (refused.value.code, refused.value.params["tables"]) == (words.DIFFERS, "messaging_binary")
    assert database_at.pointer(house.folder) is None


def test_digests_know_order_from_content():
    one = copy_store.digest([("a", 1, None), ("b", 2, b"x")])
    assert copy_store.digest([("b", 2, b"x"), ("a", 1, None)]) == one
    others = (
        [("a", 1, None)], [("a", 1, None), ("b", 2, b"y")], [("a", 1, None), ("b", 2, "x")],
        [("a1", None), ("b", 2, b"x")], [("a", 1, ""), ("b", 2, b"x")], [("a", 1, None), ("b", 2, b"x")] * 2,
    )  # fmt: skip
    assert len({copy_store.digest(rows) for rows in others} | {one}) == len(others) + 1


@pytest.mark.parametrize("step", ["noted", "copied", "gated", "pointed", "used"])
def test_a_plug_pulled_at_each_step_leaves_one_valid_database(sqlite_houses, postgres_url, step):
    folder = (house := sqlite_houses.open()).folder
    house.stop()
    done = subprocess.run(
        [sys.executable, "-m", "praxisd.testing.care_killed", str(folder), postgres_url, step],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    acknowledged = [int(line) for line in done.stdout.split()]
    new = step in ("pointed", "used")
    house = care_killed.opened(folder)
    try:
        assert isinstance(house.store.engine, Postgres) is new
        there = care_killed.numbers(house)
        assert set(acknowledged) <= set(there) and len(there) <= len(acknowledged) + 1
        last = journal.known(folder)
        assert (last.phase, last.cut) == ("done" if new else "failed", step != "used")
        assert settling.points(folder, last) is new
        if not new:
            assert _move(house, postgres_url).phase == "done"  # what was left there goes
    finally:
        house.stop()


def test_the_command_looks_moves_and_tells(sqlite_houses, postgres_url):
    folder = (house := sqlite_houses.open()).folder
    house.stop()
    asked = postgres_url + "\n"  # the address holds a password: it need not be an argument
    seen = command("care", "move", "--to-postgres", "-", "--dry-run", folder=folder, stdin=asked)
    assert seen.code == 0, seen.err
    assert "Zeilen" in seen.out and journal.known(folder) is None
    moved = command("care", "move", "--to-postgres", postgres_url, "--yes", folder=folder)
    assert moved.code == 0, moved.err
    status = command("care", "status", folder=folder)
    assert status.code == 0, status.err
    assert "(postgresql)" in status.out and "Es gilt: postgresql://" in status.out
