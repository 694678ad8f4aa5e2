"""Statements of the access log: what came in through the relay with a key."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.relay.store import ACCESS

_A = ACCESS.c
_ADD = insert(ACCESS, ignore=True)
_CHUNK = 2_000
_OLD = sa.select(_A.id).where(mine(ACCESS), _A.at < sa.bindparam("before")).limit(_CHUNK)
_CLEAN = prepared(sa.delete(ACCESS).where(mine(ACCESS), _A.id.in_(_OLD)))


def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows; each names its organization. One that is there already (its commit was not heard of) stays as it is."""
    tx.many(_ADD, rows)


def clean(tx: Tx, before: int) -> int:
    """Delete up to 2,000 rows of the practice from before that time (epoch seconds); how many."""
    return tx.run(_CLEAN, before=before)


def page(
    tx: Tx, wanted: Mapping[str, Any], *, sort: str, down: bool, offset: int, limit: int
) -> tuple[list[Any], int]:
    """A page in this order (a column's name), and how many there are.

    `wanted`: `keys` (ids), `low`/`high` (status, high excluded), `since`/`until` (epoch seconds); None asks for nothing.
    """
    tests: dict[str, Callable[[Any], Any]] = {
        "keys": lambda v: _A.key.in_(list(v)),
        "low": lambda v: _A.status >= v,
        "high": lambda v: _A.status < v,
        "since": lambda v: _A.at >= v,
        "until": lambda v: _A.at < v,
    }
    conditions = [mine(ACCESS), *(tests[name](value) for name, value in wanted.items() if value is not None)]
    order = [_A[sort], _A.id]
    query = sa.select(ACCESS).where(*conditions).order_by(*(one.desc() if down else one for one in order))
    total = tx.value(sa.select(sa.func.count()).select_from(ACCESS).where(*conditions))
    return tx.all(query.limit(limit).offset(offset)), int(total)
