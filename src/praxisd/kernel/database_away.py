"""A PostgreSQL that is away: how soon that is noticed, and how a start waits for it."""

import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from praxisd.kernel.errors import Problem

if TYPE_CHECKING:
    from praxisd.kernel.engines import Postgres

_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Seconds, and milliseconds for the last. Without them a request would wait for a quarter of an hour."""


def patience(url: sa.URL) -> dict[str, Any]:
    """How libpq notices that a PostgreSQL has vanished without a word (power, network): what the address does not say itself."""
    return {name: value for name, value in _PATIENCE.items() if name not in url.query}


def wait_for(engine: "Postgres", seconds: float) -> None:
    """Wait until the database answers, at most `seconds`; else Problem `store.unreachable` (503).

    It names host, port and database. What libpq says goes along; that never holds the password.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            with engine.read() as cursor:
                cursor.execute("SELECT 1")
            return
        except (sa.exc.DBAPIError, engine.failure) as error:
            if time.monotonic() > end:
                raise _unreachable(engine.url, error) from None
            time.sleep(0.2)


def _unreachable(url: sa.URL, error: Exception) -> Problem:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    where = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    return Problem("store.unreachable", 503, retry=True, detail=said[0] if said else None, database=where)
