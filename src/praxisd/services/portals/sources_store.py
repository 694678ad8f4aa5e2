"""Statements of sources: whose an address of ours is, and how reading goes."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.model.portals import BookingSource
from praxisd.services.portals.store import SOURCE, SOURCE_STATE, SOURCES

_S, _T = SOURCE.c, SOURCE_STATE.c
_OF_HOOK = prepared(sa.select(_S.organization, _S.id).where(_S.hook == sa.bindparam("hook"), _S.active == 1))
_OF_HOOK.across = True
_STATE = prepared(sa.select(SOURCE_STATE).where(mine(SOURCE_STATE), _T.source == sa.bindparam("source")))
_STATES = prepared(sa.select(SOURCE_STATE).where(mine(SOURCE_STATE)))
_PUT = upsert(SOURCE_STATE, ("organization", "source"))
_DROP = prepared(sa.delete(SOURCE_STATE).where(mine(SOURCE_STATE), _T.source == sa.bindparam("source")))
_TAKEN = prepared(
    sa.update(SOURCE_STATE)
    .where(mine(SOURCE_STATE), _T.source == sa.bindparam("whose"))
    .values(taken=_T.taken + sa.bindparam("more"))
)


def of_hook(tx: Tx, digest: str) -> tuple[str, str] | None:
    """(organization, id) of the active source that is called under this address."""
    row = tx.first(_OF_HOOK, hook=digest)
    return None if row is None else (row.organization, row.id)


def to_read(tx: Tx) -> list[BookingSource]:
    """Active sources that have to be looked at."""
    return SOURCES.all(tx, _S.active == 1, _S.kind != "hook")


def every(tx: Tx) -> list[BookingSource]:
    """All sources, by name."""
    return sorted(SOURCES.all(tx), key=lambda one: one.name.casefold())


def named(tx: Tx, name: str, but: str = "") -> bool:
    """True if another source has this name."""
    return SOURCES.count(tx, _S.name == name, _S.id != but) > 0


def states(tx: Tx) -> dict[str, Any]:
    """How reading goes, by source."""
    return {row.source: row for row in tx.all(_STATES)}


def looked(tx: Tx, source: str, *, code: str | None, good: bool) -> None:
    """Note how a look at a source went."""
    row = tx.first(_STATE, source=source)
    tx.run(
        _PUT,
        source=source,
        due_at=tx.now,
        good_at=tx.now if good else row.good_at if row else None,
        failures=0 if good else (row.failures if row else 0) + 1,
        code=None if good else code,
        taken=row.taken if row else 0,
    )


def taken(tx: Tx, source: str, more: int) -> None:
    """Count messages that were taken in."""
    if tx.run(_TAKEN, whose=source, more=more) == 0:
        tx.run(_PUT, source=source, due_at=tx.now, good_at=tx.now, failures=0, code=None, taken=more)


def forget(tx: Tx, source: str) -> None:
    """Drop what is kept beside a source."""
    tx.run(_DROP, source=source)
