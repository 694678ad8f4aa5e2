"""A database that a proof makes for itself: what killed programs left is taken away, what others work with is not."""

import os
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from praxisd.services.backups import source
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import postgres_scratch


def _there(url: str) -> set[str]:
    with closing(psycopg.connect(url, autocommit=True)) as db:
        found = db.execute("SELECT datname FROM pg_database WHERE datname LIKE 'praxisd_proof_%'").fetchall()
    return {name for (name,) in found}


def test_only_what_nobody_uses_is_taken_away(postgres_url: str) -> None:
    url = postgres_url.replace("+psycopg", "")
    before = _there(url)
    left = f"praxisd_proof_{os.getpid()}_1"
    with closing(psycopg.connect(url, autocommit=True)) as db:
        db.execute(f"CREATE DATABASE {left}")
    other = (
        url.rsplit("/", 1)[0] + "/postgres"
    )  # as another installation on this server: by a database of its own
    with postgres_scratch.empty(other) as first:
        assert left not in _there(url)
        with postgres_scratch.empty(url) as second:
            assert {first, second} <= _there(url), "the other one's is left alone"
        assert first in _there(url)
        with closing(psycopg.connect(url.rsplit("/", 1)[0] + f"/{first}")) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
    assert not ({first, second} & _there(url)) and _there(url) <= before


def test_a_server_that_makes_none_is_said(tmp_path: Path, postgres_url: str) -> None:
    with closing(psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)) as db:
        name = f"modest_{os.getpid()}"
        db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        try:
            server, _, base = postgres_url.replace("+psycopg", "").rpartition("/")
            url = f"postgresql://{name}:x@{server.rpartition('@')[2].removeprefix('postgresql://')}/{base}"
            assert not postgres_scratch.allowed(url)
            with pytest.raises(SourceFault) as caught, postgres_scratch.database(url, tmp_path / "dump", {}):
                pass
            assert caught.value.code == source.REFUSED
        finally:
            db.execute(f"DROP ROLE {name}")
