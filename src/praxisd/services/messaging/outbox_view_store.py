"""Queries of the outbox for people: searched, listed, counted by month."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine
from praxisd.services.messaging.outbox_store import OUTBOX

_O = OUTBOX.c
_SORTS = {"preparedAt": _O.prepared_at, "state": _O.state, "start": _O.stamp, "nextAt": _O.next_at}


def _conditions(wanted: Mapping[str, Any]) -> list[Any]:
    found = [_O[name] == value for name, value in wanted.items() if value is not None and name in _O]
    if wanted.get("since") is not None:
        found.append(_O.prepared_at >= wanted["since"])
    if wanted.get("until") is not None:
        found.append(_O.prepared_at < wanted["until"])
    if wanted.get("patients") is not None:
        found.append(_O.patient.in_(list(wanted["patients"])))
    if wanted.get("mandators") is not None:
        found.append(_O.mandator.in_(list(wanted["mandators"])))
    if wanted.get("letters"):
        found.append(_O.letter.is_not(None))
    return found


def newest(tx: Tx, wanted: Mapping[str, Any], before: str | None, limit: int) -> list[Any]:
    """Messages that have these values, the newest first, older than `before`."""
    query = sa.select(OUTBOX).where(mine(OUTBOX), *_conditions(wanted))
    if before is not None:
        query = query.where(_O.id < before)
    return tx.all(query.order_by(_O.id.desc()).limit(limit))


def page(
    tx: Tx, wanted: Mapping[str, Any], *, sort: str, down: bool, offset: int, limit: int
) -> tuple[list[Any], int]:
    """A page of messages in this order, and how many there are. `sort` is a key of the listing."""
    conditions = _conditions(wanted)
    column = _SORTS[sort]
    query = sa.select(OUTBOX).where(mine(OUTBOX), *conditions)
    order = (column.desc(), _O.id.desc()) if down else (column, _O.id)
    found = tx.all(query.order_by(*order).limit(limit).offset(offset))
    total = tx.value(sa.select(sa.func.count()).select_from(OUTBOX).where(mine(OUTBOX), *conditions))
    return found, int(total)


def month(tx: Tx, since: int, until: int) -> list[Any]:
    """(mandator, channel, kind, state, how many, credits charged) of messages prepared in [since, until)."""
    keys: Sequence[Any] = (_O.mandator, _O.channel, _O.kind, _O.state)
    query = (
        sa.select(*keys, sa.func.count(), sa.func.sum(_O.charged))
        .where(mine(OUTBOX), _O.prepared_at >= since, _O.prepared_at < until)
        .group_by(*keys)
        .order_by(*keys)
    )
    return tx.tuples(query)
