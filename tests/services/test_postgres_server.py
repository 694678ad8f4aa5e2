"""The private PostgreSQL of the tests: fresh databases, nothing left behind, not even after kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from praxisd.testing import postgres
from praxisd.testing.postgres import PostgresMissing, PostgresServer

PROGRAM = [sys.executable, "-m", "praxisd.testing.postgres"]


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5)


def _folder_of(url: str) -> Path:
    with _connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return Path(str(row[0])).parent


def _gone(url: str, folder: Path, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            _connect(url).close()
        except psycopg.OperationalError:
            if not folder.exists():
                return True
        time.sleep(0.05)
    return False


def test_databases_are_fresh_and_separate(postgres_server: PostgresServer, postgres_url: str) -> None:
    with _connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mark (n integer)")
    other = postgres_server.new_database()
    with _connect(other) as connection:
        assert connection.execute("SELECT to_regclass('mark')").fetchone() == (None,)
    postgres_server.drop_database(other)
    with pytest.raises(psycopg.OperationalError):
        _connect(other)


def test_a_database_is_dropped_in_the_background(postgres_server: PostgresServer, postgres_url: str) -> None:
    two = [postgres_server.new_database() for _ in range(2)]
    with _connect(two[0]):  # who is still connected does not keep it
        for one in two:
            postgres_server.drop_database_soon(one)
        names = [one.rsplit("/", 1)[1] for one in two]
        until = time.monotonic() + 30
        with _connect(postgres_url) as looking:
            while looking.execute("SELECT 1 FROM pg_database WHERE datname = ANY(%s)", [names]).fetchone():
                assert time.monotonic() < until
                time.sleep(0.02)


def test_a_template_is_copied(postgres_server: PostgresServer, postgres_url: str) -> None:
    with _connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mark (n integer)")
    copy = postgres_server.new_database(template=postgres_url.rsplit("/", 1)[1])
    with _connect(copy) as connection:
        assert connection.execute("SELECT to_regclass('mark')::text").fetchone() == ("mark",)
    postgres_server.drop_database(copy)


def test_overlaps_can_be_excluded(postgres_url: str) -> None:
    with _connect(postgres_url) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute(
            "CREATE TABLE busy (who text, span int8range, EXCLUDE USING gist (who WITH =, span WITH &&))"
        )
        connection.execute("INSERT INTO busy VALUES ('a', '[1,5)'), ('a', '[5,9)'), ('b', '[1,5)')")
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute("INSERT INTO busy VALUES ('a', '[4,6)')")


@pytest.mark.parametrize("durable", [False, True])
def test_durable_means_fsync(durable: bool) -> None:
    with PostgresServer(durable=durable) as server, _connect(server.new_database()) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        values = [connection.execute(f"SHOW {name}").fetchone() for name in names]
    assert values == [("on" if durable else "off",)] * 3


def test_stop_leaves_nothing(tmp_path: Path) -> None:
    server = PostgresServer()
    url = server.start()
    folder = _folder_of(url)
    server.stop()
    server.stop()
    assert _gone(url, folder, within_s=1.0)


@pytest.mark.parametrize("ending", ["stdin", "term", "kill"])
def test_the_program_takes_its_server_along(ending: str) -> None:
    program = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdin and program.stdout
    url = program.stdout.readline().strip()
    folder = _folder_of(url)
    if ending == "stdin":
        program.stdin.close()
    else:
        program.send_signal(signal.SIGTERM if ending == "term" else signal.SIGKILL)
    assert program.wait(15) == (-signal.SIGKILL if ending == "kill" else 0)
    assert _gone(url, folder)
    program.stdin.close()
    program.stdout.close()


def test_missing_programs_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_programs", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PostgresMissing, match="install the package 'postgresql'"):
        PostgresServer().start()
