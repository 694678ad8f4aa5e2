"""A database of PostgreSQL made of a dump for a moment: for a proof that somebody can work with it. It is gone afterwards."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from praxisd.services.backups.sources import postgres
from praxisd.services.backups.sources.postgres_programs import libpq

_NAME = "praxisd_proof"
_MAY = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


def allowed(url: str) -> bool:
    """May we make a database on this server?"""
    try:
        with closing(_connected(url)) as server:
            row = server.execute(_MAY).fetchone()
    except psycopg.Error:
        return False
    return row is not None and bool(row[0])


@contextmanager
def database(url: str, dump: Path, facts: Mapping[str, str]) -> Iterator[str]:
    """The address of a database made of `dump`. `facts`: those of its manifest. SourceFault."""
    name = f"{_NAME}_{os.getpid()}_{time.monotonic_ns() % 1_000_000_000}"
    made = make_url(url).set(database=name).render_as_string(hide_password=False)
    sweep(url)
    with closing(_connected(url)) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            postgres.restore(dump, made, facts)
            yield made
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def sweep(url: str) -> None:
    """Take away those that a killed praxisd left."""
    with closing(_connected(url)) as server:
        found = server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{_NAME}_%",)
        ).fetchall()
        for (name,) in found:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _connected(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(libpq(url), connect_timeout=10, autocommit=True, application_name="praxisd-proof")
