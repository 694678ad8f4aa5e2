"""A database of PostgreSQL made for a moment, for a proof: that a dump comes back, that somebody can work with it. It is gone
afterwards. Other installations, and other nodes, may have theirs on the same server.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from praxisd.services.backups.sources import postgres
from praxisd.services.backups.sources.postgres_programs import libpq

_NAME = "praxisd_proof"
_MAY = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
_KEY = 0x7072_7072
"""Of the advisory lock that whoever made such a database holds as long as it is in use; the second key is its name's hash.
One session sees in `pg_locks` those of all databases of a server (PostgreSQL's manual, "System Views").
"""
_LEFT = """
SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND hashtext(datname)::bigint & 4294967295 NOT IN (
  SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s)
"""
_DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"


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
    try:
        with empty(url) as name:
            made = make_url(url).set(database=name).render_as_string(hide_password=False)
            postgres.restore(dump, made, facts)
            yield made
    except psycopg.Error as error:
        raise postgres.fault(error) from None


@contextmanager
def empty(url: str) -> Iterator[str]:
    """The name of a new, empty database on this server; what killed programs left there is taken away first."""
    name = f"{_NAME}_{os.getpid()}_{time.monotonic_ns() % 1_000_000_000}"
    with closing(_connected(url)) as server:
        _sweep(server)
        server.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_KEY, name))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            server.execute(sql.SQL(_DROP).format(sql.Identifier(name)))


def _sweep(server: "psycopg.Connection[Any]") -> None:
    """Take away those that nobody uses any more; one that belongs to another account stays."""
    for (name,) in server.execute(_LEFT, (f"{_NAME}_", _KEY)).fetchall():
        with suppress(psycopg.Error):
            server.execute(sql.SQL(_DROP).format(sql.Identifier(name)))


def _connected(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(libpq(url), connect_timeout=10, autocommit=True, application_name="praxisd-proof")
