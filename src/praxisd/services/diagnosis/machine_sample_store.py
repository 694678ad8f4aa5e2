"""Statements on the samples of free space: one a day for each drive of this server. Rows belong to the installation."""

from datetime import date

import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.services.diagnosis.store import SAMPLE

_S = SAMPLE.c
_PUT = upsert(SAMPLE, ("organization", "volume", "day"))
_SINCE = prepared(sa.select(SAMPLE).where(mine(SAMPLE), _S.day >= sa.bindparam("since")))
_PURGE = prepared(sa.delete(SAMPLE).where(mine(SAMPLE), _S.day < sa.bindparam("before")))


def put(tx: Tx, volume: str, day: date, free_mb: int) -> None:
    """Keep the free space of a drive on a day, in place of what was kept of that day."""
    tx.run(_PUT, volume=volume, day=day.isoformat(), free_mb=free_mb, organization=INSTALLATION)


def since(tx: Tx, day: date) -> dict[str, dict[date, int]]:
    """Free MB by drive and day, from this day on."""
    found: dict[str, dict[date, int]] = {}
    for row in tx.all(_SINCE, since=day.isoformat(), organization=INSTALLATION):
        found.setdefault(row.volume, {})[date.fromisoformat(row.day)] = row.free_mb
    return found


def purge(tx: Tx, before: date) -> int:
    """Forget what is older; answers how many."""
    return tx.run(_PURGE, before=before.isoformat(), organization=INSTALLATION)
