"""Queries of credits: the ledger, and the balance that is its sum."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.messaging.outbox_store import BALANCE, LEDGER, OUTBOX

_B, _L, _O = BALANCE.c, LEDGER.c, OUTBOX.c
_SEED = insert(BALANCE, ignore=True)
_ADD = insert(LEDGER, ignore=True)
_OF = sa.select(_B.credits).where(mine(BALANCE), _B.mandator == sa.bindparam("mandator"))
_LOCKED = prepared(lambda dialect: _OF.with_for_update() if dialect == "postgresql" else _OF)
_SET = prepared(
    sa.update(BALANCE)
    .where(mine(BALANCE), _B.mandator == sa.bindparam("whose"))
    .values(credits=sa.bindparam("left"))
)
_ALL = prepared(sa.select(_B.mandator, _B.credits).where(mine(BALANCE)))
RESERVING = ("prepared", "sending", "unsure")
"""States of messages that are not paid for yet and still may have to be."""


def locked(tx: Tx, mandator: str) -> int:
    """What is left, with the row held until the transaction ends; a mandator without any entry has 0."""
    tx.run(_SEED, mandator=mandator, credits=0)
    return int(tx.value(_LOCKED, mandator=mandator))


def add(tx: Tx, mandator: str, kind: str, amount: int, balance: int, message: str | None, note: str) -> bool:
    """Write an entry and the new balance; False if the message has an entry of this kind already."""
    done = tx.run(
        _ADD, id=new_id(), mandator=mandator, at=tx.now, kind=kind, amount=amount, balance=balance,
        message=message, actor=tx.actor.label, note=note,
    )  # fmt: skip
    if done == 1:
        tx.run(_SET, whose=mandator, left=balance)
    return done == 1


def balances(tx: Tx) -> dict[str, int]:
    """What is left, by mandator; who never had an entry is left out."""
    return {str(m): int(c) for m, c in tx.tuples(_ALL)}


def reserved(tx: Tx, mandators: Sequence[str], states: Sequence[str] = RESERVING) -> dict[str, int]:
    """What messages in these states will cost that are not charged yet, by mandator."""
    query = (
        sa.select(_O.mandator, sa.func.sum(_O.cost))
        .where(mine(OUTBOX), _O.state.in_(states), _O.charged == 0, _O.mandator.in_(list(mandators)))
        .group_by(_O.mandator)
    )
    return {str(m): int(c) for m, c in tx.tuples(query)}


def entries(tx: Tx, mandators: Sequence[str] | None, *, down: bool, offset: int, limit: int) -> list[Any]:
    """Entries of the ledger in the order in which they were written, or the other way round."""
    query = sa.select(LEDGER).where(mine(LEDGER), *_among(mandators))
    return tx.all(query.order_by(_L.id.desc() if down else _L.id).limit(limit).offset(offset))


def before(tx: Tx, mandator: str, cursor: str | None, limit: int) -> list[Any]:
    """Entries of a mandator, the newest first, older than the entry `cursor`."""
    query = sa.select(LEDGER).where(mine(LEDGER), _L.mandator == mandator)
    if cursor is not None:
        query = query.where(_L.id < cursor)
    return tx.all(query.order_by(_L.id.desc()).limit(limit))


def count(tx: Tx, mandators: Sequence[str] | None) -> int:
    """How many entries there are."""
    query = sa.select(sa.func.count()).select_from(LEDGER)
    return int(tx.value(query.where(mine(LEDGER), *_among(mandators))))


def _among(mandators: Sequence[str] | None) -> list[Any]:
    return [] if mandators is None else [_L.mandator.in_(list(mandators))]
