"""What the tests of accounts share: a house with kernel and accounts alone, and who acts in it."""

from collections.abc import Callable
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.services.accounts import SERVICE as ACCOUNTS
from praxisd.services.accounts import api, store
from praxisd.services.accounts.records import ApiKey, User

SERVICES = (KERNEL, ACCOUNTS)
NORTH = Actor(Kind.CLI, "cli", "north", everything=True)
SOUTH = Actor(Kind.CLI, "cli", "south", everything=True)
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$fvMTcmh8TRm7oWzgkRSl8d1RRLmYiJ8WTkiMpTxWVhM"


def make(house: House, who: Actor = NORTH, **given: Any) -> tuple[ApiKey, str]:
    """A key and its secret; for the portal „Dr. Beispiel“ if nothing else is said."""
    args: dict[str, Any] = {"role": "portal", "name": "Dr. Beispiel", **given}
    return house.store.run(who, lambda tx: api.create_key(tx, house.registry, **args))


def rotate(house: House, key: ApiKey, who: Actor = NORTH, **given: Any) -> tuple[ApiKey, str]:
    return house.store.run(who, lambda tx: api.rotate_key(tx, house.registry, key.id, **given))


def revoke(house: House, key: ApiKey, who: Actor = NORTH) -> ApiKey:
    return house.store.run(who, lambda tx: api.revoke_key(tx, key.id))


def read(house: House, key: ApiKey, who: Actor = NORTH) -> ApiKey:
    with house.store.read(who) as tx:
        found = store.key(tx, key.id)
    assert found is not None
    return found


def add_user(house: House, login: str = "anna", who: Actor = NORTH, **given: Any) -> User:
    args = {"login": login, "name": login.title(), "role": "owner", "password_hash": HASH, **given}
    return house.store.run(who, lambda tx: api.create_user(tx, house.registry, **args))


def notes(house: House, who: Actor = NORTH) -> list[events.Event]:
    with house.store.read(who) as tx:
        return events.since(tx, 0)


def refused(code: str, call: Callable[[], object]) -> Problem:
    """The Problem that `call` must raise."""
    with pytest.raises(Problem) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def whole_database(house: House) -> bytes:
    """Every value of every table, as text: what a thief of the database would have."""
    with house.store.read(NORTH) as tx:
        if house.store.engine.name == "sqlite":
            names = [r[0] for r in tx.raw("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        else:
            wanted = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            names = [r[0] for r in tx.raw(wanted).fetchall()]
        assert "accounts_key" in names
        rows = [tuple(row) for name in names for row in tx.raw(f'SELECT * FROM "{name}"').fetchall()]
    return repr(rows).encode()
