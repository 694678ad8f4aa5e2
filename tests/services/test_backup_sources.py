"""Sources of the backups: SQLite and PostgreSQL in use; the contract suite for each."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from praxisd.services.backups import source as codes
from praxisd.services.backups.sources.postgres import Postgres
from praxisd.services.backups.sources.sqlite import Sqlite
from praxisd.testing.engine_suite import never, quiet
from praxisd.testing.postgres import PostgresServer
from praxisd.testing.source_suite import Case, SourceSuite, fault, give_back

SUM = 1_000_000
ROWS = 100
BULK = b"x" * 1000


def made(path: Path, journal: str = "wal", bulk: int = 3000) -> Path:
    """A practice's database: money that only moves, notes that grow, and some weight."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute("CREATE TABLE money(id INTEGER PRIMARY KEY, amount INT)")
        db.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, word TEXT)")
        db.execute("CREATE TABLE weight(id INTEGER PRIMARY KEY, data BLOB)")
        db.execute("CREATE VIRTUAL TABLE search USING fts5(word)")
        db.execute('CREATE TABLE "odd ""name"(a)')
        db.executemany("INSERT INTO money VALUES(?, ?)", [(i, SUM // ROWS) for i in range(ROWS)])
        db.executemany("INSERT INTO weight(data) VALUES(?)", [(BULK,)] * bulk)
        db.execute("INSERT INTO search VALUES('gefunden')")
        db.execute('INSERT INTO "odd ""name" VALUES(1)')
    return path


def killed(path: Path) -> None:
    """A program that has written a note and ended without closing: it is only in the log."""
    script = (
        "import sqlite3, os, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute('INSERT INTO note VALUES(0, 1)'); db.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


WRITER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute("PRAGMA synchronous = OFF")
number = 0
while True:
    db.execute("BEGIN IMMEDIATE")
    a, b = number % 100, (number * 7 + 3) % 100
    db.execute("UPDATE money SET amount = amount - 5 WHERE id = ?", (a,))
    db.execute("UPDATE money SET amount = amount + 5 WHERE id = ?", (b,))
    db.execute("UPDATE weight SET data = zeroblob(1000) WHERE id = ?", (number * 37 % 3000 + 1,))
    db.execute("INSERT INTO note(id, word) VALUES(?, 'committed')", (number,))
    db.execute("COMMIT")
    print(number, flush=True)
    number += 1
    time.sleep(float(sys.argv[2]))
"""


class Writing:
    """Another program that writes all the time; `last` is the newest number that it has committed."""

    def __init__(self, path: Path, pause_s: float) -> None:
        self.last = -1
        args = [sys.executable, "-c", WRITER, str(path), str(pause_s)]
        self._process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self.last = int(line)

    def beyond(self, number: int) -> int:
        """Wait until it has committed more than this; what it is at then."""
        over = time.monotonic() + 60
        while self.last <= number:
            assert time.monotonic() < over and self._process.poll() is None
            time.sleep(0.005)
        return self.last

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(10)


@contextlib.contextmanager
def writing(path: Path, pause_s: float = 0.003) -> Iterator[Writing]:
    writer = Writing(path, pause_s)
    try:
        writer.beyond(5)
        yield writer
    finally:
        writer.end()


def judged(copy: Path, committed: int) -> None:
    """No money was made or lost, no commit is missing in the row, and none that was there before the copy began."""
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT sum(amount) FROM money").fetchone() == (SUM,)
        most, number = db.execute("SELECT max(id), count(*) FROM note").fetchone()
        assert number == most + 1 and most >= committed


class TestSqlite(SourceSuite):
    """The contract, with a write-ahead log that a killed program has left."""

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        path = made(tmp_path / "praxis datei?#ä.db")
        killed(path)
        assert path.with_name(path.name + "-wal").stat().st_size > 0

        def look() -> object:
            return path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()

        return Case(Sqlite("practice", path, pages=50), tmp_path, look, lambda: path.unlink())

    def test_what_was_only_in_the_log_is_in_the_copy(self, case: Case) -> None:
        staged = case.stage()
        assert (
            staged.counts["note"] == 1 and staged.counts['odd "name'] == 1 and "search" not in staged.counts
        )
        assert [one.name for one in staged.paths[0].parent.iterdir()] == ["praxis datei?#ä.db"]


def test_sqlite_under_a_steady_write_load(tmp_path: Path) -> None:
    path = made(tmp_path / "praxis.db")
    source = Sqlite("practice", path, pages=100)
    with writing(path) as writer:
        for number in range(6):
            committed = writer.beyond(writer.last)
            steps: list[tuple[int, int]] = []
            (tmp_path / f"s{number}").mkdir()
            staged = source.stage(
                tmp_path / f"s{number}",
                progress=lambda done, whole, to=steps: to.append((done, whole)),
                stop=never,
            )
            assert steps == sorted(steps) and len(steps) > 5, "it never began anew"
            assert staged.counts["money"] == ROWS and staged.facts["journal"] == "wal"
            judged(staged.paths[0], committed)
            writer.beyond(writer.last)


@pytest.mark.parametrize(("writes", "held"), [(2, None), (1000, "1")])
def test_sqlite_without_a_log_of_a_program_that_writes(tmp_path: Path, writes: int, held: str | None) -> None:
    """Between its steps others write, and it begins anew; with no rest it holds them up, once, until it is done."""
    path = made(tmp_path / "praxis.db", journal="delete")
    (tmp_path / "s").mkdir()
    committed, refused = -1, 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:

        def write(done: int, whole: int) -> None:
            nonlocal committed, refused
            if committed + 1 < writes:
                try:
                    other.execute("INSERT INTO note VALUES(?, 'committed')", (committed + 1,))
                    committed += 1
                except sqlite3.OperationalError:
                    refused += 1

        staged = Sqlite("practice", path, pages=50).stage(tmp_path / "s", progress=write, stop=never)
        judged(staged.paths[0], committed)
        assert staged.facts.get("held") == held and bool(refused) == bool(held)
        other.execute("INSERT INTO note VALUES(5000, 'goes on')")


def test_sqlite_behind_a_link_keeps_its_log(tmp_path: Path) -> None:
    """The log lies beside the file itself: what a killed program left in it is read, and stays there."""
    (tmp_path / "real").mkdir()
    path = made(tmp_path / "real" / "praxis.db")
    killed(path)
    log = path.with_name("praxis.db-wal").read_bytes()
    (tmp_path / "link.db").symlink_to(path)
    (tmp_path / "s").mkdir()
    staged = Sqlite("practice", tmp_path / "link.db").stage(tmp_path / "s", progress=quiet, stop=never)
    assert staged.counts["note"] == 1 and staged.paths == (tmp_path / "s" / "link.db",)
    assert log and path.with_name("praxis.db-wal").read_bytes() == log


def test_sqlite_nothing_is_left_beside_a_closed_database(tmp_path: Path) -> None:
    path = made(tmp_path / "praxis.db")
    (tmp_path / "s").mkdir()
    Sqlite("practice", path).stage(tmp_path / "s", progress=quiet, stop=never)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["praxis.db", "s"]


def test_sqlite_that_is_damaged_locked_or_none(tmp_path: Path) -> None:
    path = made(tmp_path / "praxis.db", journal="delete")
    (tmp_path / "s").mkdir()

    def stage() -> object:
        return Sqlite("practice", path, patience_s=0.3).stage(tmp_path / "s", progress=quiet, stop=never)

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert fault(stage, codes.REFUSED).retry
    content = bytearray(path.read_bytes())
    content[40 * 4096 : 60 * 4096] = os.urandom(20 * 4096)
    path.write_bytes(content)
    fault(stage, codes.NOT_WHOLE)
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    fault(stage, codes.NOT_WHOLE)


SECRET = "Ge heim'nis-42\\"


def filled(url: str, role: str) -> None:
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain) as db:
        db.execute("CREATE TABLE money(id INT PRIMARY KEY, amount INT)")
        db.execute('CREATE SCHEMA "odd one"')
        db.execute('CREATE TABLE "odd one"."with blank"(a INT)')
        db.execute("CREATE TABLE parted(a INT) PARTITION BY RANGE (a)")
        db.execute("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)")
        db.execute("INSERT INTO parted SELECT generate_series(0, 9)")
        db.execute(
            "CREATE TABLE weight AS SELECT i, repeat('x', 500) AS data FROM generate_series(1, 4000) i"
        )
        db.execute("INSERT INTO money SELECT i, 10000 FROM generate_series(0, 99) i")
        db.execute(
            f"CREATE ROLE \"{role}\" LOGIN SUPERUSER PASSWORD '{SECRET.replace(chr(39), chr(39) * 2)}'"
        )


@pytest.fixture
def postgres(postgres_server: PostgresServer, postgres_url: str) -> Iterator[tuple[str, str]]:
    """The plain address, and one with a user whose name and password are odd."""
    role = f"backup {os.getpid()}"
    filled(postgres_url, role)
    plain = postgres_url.replace("+psycopg", "")
    where = f"127.0.0.1:{postgres_server.port}/{postgres_url.rsplit('/', 1)[1]}"
    yield plain, f"postgresql+psycopg://backup%20{os.getpid()}:Ge%20heim%27nis-42%5C@{where}"
    with psycopg.connect(plain, autocommit=True) as db:
        db.execute(f'DROP ROLE "{role}"')


class TestPostgres(SourceSuite):
    """The contract, and a real restore into a scratch database."""

    @pytest.fixture
    def case(self, tmp_path: Path, postgres: tuple[str, str]) -> Case:
        plain, url = postgres

        def look() -> object:
            with psycopg.connect(plain) as db:
                tables = db.execute(
                    "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i', 'S')"
                ).fetchone()
                bases = db.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
                return tables, bases, db.execute("SELECT * FROM money ORDER BY id").fetchall()

        found = Case(Postgres("Praxis DB", url, scratch=url), tmp_path, look, lambda: None, SECRET)

        def gone() -> None:
            found.source = Postgres("Praxis DB", url.replace("/t", "/not_there_t"), scratch=url)

        found.gone = gone
        return found

    def test_one_moment_and_its_facts(self, case: Case) -> None:
        staged = case.stage()
        assert staged.counts == {
            "public money": 100,
            "public parted_1": 10,
            "public weight": 4000,
            "odd one with blank": 0,
        }
        assert (
            staged.facts["server"]
            and staged.facts["pg_dump"].split(".")[0] == staged.facts["server"].split(".")[0]
        )
        assert staged.paths[0].read_bytes()[:5] == b"PGDMP" and staged.paths[0].stat().st_size > 2_000_000

    def test_the_password_is_in_no_argument(self, case: Case) -> None:
        seen: set[str] = set()
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                for one in psutil.Process().children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        seen.add(" ".join(one.cmdline()))

        thread = threading.Thread(target=watch)
        thread.start()
        case.stage()
        done.set()
        thread.join()
        assert any("pg_dump" in one for one in seen) and not any("nis-42" in one for one in seen)


def test_postgres_counts_and_dump_are_of_one_moment(tmp_path: Path, postgres: tuple[str, str]) -> None:
    plain, url = postgres
    done = threading.Event()
    number = 0

    def write() -> None:
        nonlocal number
        with psycopg.connect(plain, autocommit=True) as db:
            while not done.is_set():
                with db.transaction():
                    db.execute("INSERT INTO money VALUES(%s, 5)", (1000 + number,))
                    db.execute("UPDATE money SET amount = amount - 5 WHERE id = %s", (number % 100,))
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        source = Postgres("practice", url, scratch=url)
        for each in range(2):
            (tmp_path / f"s{each}").mkdir()
            began = number
            staged = source.stage(tmp_path / f"s{each}", progress=quiet, stop=never)
            assert staged.counts["public money"] >= 100 + began and number > began
            back = give_back(staged, tmp_path / f"b{each}")
            assert source.proven(back, staged) == [], "rows after a real restore"
    finally:
        done.set()
        thread.join()


def test_postgres_that_lets_nobody_in(tmp_path: Path, postgres_server: PostgresServer) -> None:
    def staging(url: str) -> Callable[[], object]:
        return lambda: Postgres("practice", url).stage(tmp_path, progress=quiet, stop=never)

    fault(staging(f"postgresql://nobody:pw@127.0.0.1:{postgres_server.port}/postgres"), codes.REFUSED)
    fault(staging("postgresql://nobody:pw@127.0.0.1:1/postgres"), codes.NOT_THERE)
    found = Postgres("practice", "postgresql://u:pw@h/d?no_such_word=1").refuse()
    assert found is not None and found.code == codes.REFUSED and "pw" not in found.detail
