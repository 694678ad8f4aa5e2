"""People who sign in: made, changed and switched off. Hashing is done before, outside the transaction."""

from collections.abc import Iterable

import msgspec

from praxisd.kernel import events
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.registry import Registry
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.services.accounts import factors, rules, sessions, store
from praxisd.services.accounts.keys import may_grant
from praxisd.services.accounts.records import User
from praxisd.services.accounts.session_memory import memory_of

USER_ROLES = ("owner", "desk", "partner")


def create_user(tx: Tx, registry: Registry, *, login: str, name: str, role: str, password_hash: str) -> User:
    """Make a user. `password_hash` comes from `hash_password`. Problem `accounts.login_taken` (409)."""
    kept = rules.check_login(login)
    shown = rules.check_name(name)
    _check_role(tx, registry, role)
    if store.login_taken(tx, kept):
        raise Problem("accounts.login_taken", 409)
    user = User(
        id=new_id(),
        login=kept,
        name=shown,
        role=role,
        created_at=tx.now,
        password_changed_at=tx.now,
    )
    try:
        user = store.USERS.insert(tx, user)
    except Violation:  # two at once: the other was quicker
        raise Problem("accounts.login_taken", 409) from None
    store.put_password(tx, user.id, password_hash)
    events.note(tx, "user.created", "User", user.id, version=user.version, role=role)
    return user


def change_user(
    tx: Tx,
    registry: Registry,
    id_: str,
    *,
    expected: int | None = None,
    name: str | None = None,
    role: str | None = None,
    active: bool | None = None,
    password_hash: str | None = None,
    keep_session: str | None = None,
) -> User:
    """Change what is given and return the user; nothing given, or nothing different, changes nothing.

    A new role counts for open sessions at once. A new password, or being switched off, ends the user's sessions but
    `keep_session`.

    Problems: 404, `resource.stale` (412) if `expected` is not the current version, `accounts.last_owner`
    (409) if no active owner would be left.
    """
    owners = store.lock_owners(tx) if role is not None or active is not None else []
    old = store.USERS.need(tx, id_)
    check_version(expected, old.version, "User")
    may_grant(tx, registry.role(old.role))
    new = old
    if name is not None:
        new = msgspec.structs.replace(new, name=rules.check_name(name))
    if role is not None:
        _check_role(tx, registry, role)
        new = msgspec.structs.replace(new, role=role)
    if active is not None:
        new = msgspec.structs.replace(new, active=active)
    if owners == [old.id] and not (new.active and new.role == "owner"):
        raise Problem("accounts.last_owner", 409)
    fields = changed_fields(old, new)
    if password_hash is not None:
        store.put_password(tx, old.id, password_hash)
        new = msgspec.structs.replace(new, password_changed_at=tx.now)
        fields = (*fields, "password")
    if not fields:
        return old
    new = store.USERS.save(tx, new)
    tx.after(memory_of(tx.store).forget)
    if password_hash is not None or not new.active:
        sessions.end_sessions(tx, new.id, "password" if new.active else "switched_off", keep_session)
    events.note(tx, "user.changed", "User", new.id, version=new.version, fields=fields, role=new.role)
    return new


def set_password(tx: Tx, registry: Registry, id_: str, password_hash: str) -> User:
    """Give a user a new password."""
    return change_user(tx, registry, id_, password_hash=password_hash)


def deactivate(tx: Tx, registry: Registry, id_: str) -> User:
    """Switch a user off: nobody can sign in as them; what they did stays theirs."""
    return change_user(tx, registry, id_, active=False)


def reset_second_factor(tx: Tx, registry: Registry, id_: str) -> bool:
    """Take the second factor away from who lost phone and codes; their sessions end. False if there is none; 404."""
    may_grant(tx, registry.role(store.USERS.need(tx, id_).role))
    gone = factors.remove(tx, id_, by="reset")
    if gone:
        sessions.end_sessions(tx, id_, "second_factor")
    return gone


def list_users(tx: Tx, after: str | None = None, limit: int = 50) -> tuple[list[User], str | None]:
    """Users of the organization in order of their making, and the cursor of the next page."""
    return store.USERS.page(tx, after=after, limit=limit)


def get_user(tx: Tx, id_: str) -> User | None:
    """One user, or None."""
    return store.USERS.get(tx, id_)


def find_user(tx: Tx, login: str) -> User | None:
    """The user with this login, whatever its capitals, or None."""
    found = store.USERS.all(tx, store.USER.c.login_key == rules.login_key(login))
    return found[0] if found else None


def actor_names(tx: Tx, labels: Iterable[str]) -> dict[str, str]:
    """Display names by actor label (`user:<id>`, `key:<id>`), for those that are users and keys of this practice."""
    found: dict[str, str] = {}
    by_kind: dict[str, list[str]] = {}
    for label in set(labels):
        kind, _, id_ = label.partition(":")
        by_kind.setdefault(kind, []).append(id_)
    for kind, names in (("user", store.user_names), ("key", store.key_names)):
        ids = by_kind.get(kind)
        if ids:
            found.update((f"{kind}:{id_}", name) for id_, name in names(tx, sorted(ids)).items())
    return found


def _check_role(tx: Tx, registry: Registry, role: str) -> None:
    if role not in USER_ROLES:
        raise rules.invalid("role", "unknown")
    may_grant(tx, registry.role(role))
