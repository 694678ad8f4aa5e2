"""Signing in with login and password: the same work and the same answer whether the login exists or not."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.services.accounts import passwords, rules, store
from praxisd.services.accounts.gate import failure_rate, gate_of, limited

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.accounts.records import User


def verify(
    house: "House", organization: str | None, login: str, password: str, address: str | None = None
) -> Actor | None:
    """The user behind login and password, or None for every kind of mismatch (unknown, switched off, wrong
    password).

    Without `organization` the login must exist in exactly one. Attempts are counted per login and per address
    before the costly hash; good ones are given back. Too many: Problem `accounts.rate_limited` (429).
    """
    gate = gate_of(house.store)
    wanted = rules.login_key(login)[:64]
    _count(house, f"{organization or ''}/{wanted}", rules.source(address))
    with house.store.read(system("accounts", organization or INSTALLATION)) as tx:
        rows = store.sign_in_rows(tx, wanted, organization)
    home, user, stored = rows[0] if len(rows) == 1 else (INSTALLATION, None, None)
    if not passwords.matches(stored, password) or user is None or stored is None:
        return None
    gate.sign_ins.give(f"{organization or ''}/{wanted}")
    gate.failures.give(rules.source(address))
    if passwords.outdated(stored):
        fresh = passwords.rehash(password)
        house.store.run(
            system("accounts", home), lambda tx: store.swap_password(tx, home, user.id, stored, fresh)
        )
    return user_actor(house, home, user)


def user_actor(house: "House", organization: str, user: "User") -> Actor:
    """Who acts when this user is signed in. The service partner sees no personal fields (SPEC 12.4)."""
    permissions = house.registry.role(user.role)
    return Actor(Kind.USER, user.id, organization, permissions, masked=user.role == "partner")


def _count(house: "House", login: str, source: str) -> None:
    gate = gate_of(house.store)
    now = house.clock.monotonic()
    per_login = gate.limit(house, "accounts.sign_ins_per_minute", INSTALLATION)
    wait = gate.sign_ins.take(login, per_login / 60, per_login, now)
    if wait:
        raise limited(wait)
    rate = failure_rate(house, gate)
    wait = gate.failures.take(source, rate / 60, rate, now)
    if wait:
        gate.sign_ins.give(login)
        raise limited(wait)
