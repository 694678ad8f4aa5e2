"""Queries of access data: one account per channel, found by its unguessable hook across practices."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.messaging.outbox_store import ACCOUNT

_A = ACCOUNT.c
_ALL = prepared(sa.select(ACCOUNT).where(mine(ACCOUNT)).order_by(_A.channel))
_GET = prepared(sa.select(ACCOUNT).where(mine(ACCOUNT), _A.channel == sa.bindparam("channel")))
_HOOK = prepared(sa.select(_A.organization, _A.channel).where(_A.hook == sa.bindparam("hook")))
_HOOK.across = True  # a gateway's call says nothing but this
_ADD = insert(ACCOUNT, ignore=True)


def every(tx: Tx) -> list[Any]:
    """All accounts, by channel."""
    return tx.all(_ALL)


def get(tx: Tx, channel: str) -> Any | None:
    """The account of a channel, or None."""
    return tx.first(_GET, channel=channel)


def of_hook(tx: Tx, hook: str) -> tuple[str, str] | None:
    """(organization, channel) of the account whose calls come under this id."""
    found = tx.first(_HOOK, hook=hook)
    return None if found is None else (str(found.organization), str(found.channel))


def add(tx: Tx, **row: Any) -> bool:
    """Store a first account of a channel; False if somebody was faster."""
    return tx.run(_ADD, **row) == 1


def change(tx: Tx, name: str, expected: int, **values: Any) -> bool:
    """Change an account as it was in version `expected`; False if it is not that any more."""
    query = sa.update(ACCOUNT).where(mine(ACCOUNT), _A.channel == name, _A.version == expected)
    return tx.run(query.values(version=expected + 1, updated_at=tx.now, **values)) == 1
