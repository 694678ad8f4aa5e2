"""Queries of answers: each is taken in once, by the mark of who delivered it."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine
from praxisd.services.messaging.outbox_store import REPLY

_R = REPLY.c
_ADD = insert(REPLY, ignore=True)


def add(
    tx: Tx, channel: str, mark: str, at: int, meaning: str, message: str | None, communication: str
) -> bool:
    """Note an answer; False if one with this mark is there already."""
    return (
        tx.run(
            _ADD, channel=channel, mark=mark, at=at, meaning=meaning, message=message, communication=communication
        )
        == 1
    )  # fmt: skip


def of_message(tx: Tx, message: str) -> list[Any]:
    """Answers to a message, in the order in which they came."""
    query = sa.select(REPLY).where(mine(REPLY), _R.message == message).order_by(_R.at, _R.mark)
    return tx.all(query)
