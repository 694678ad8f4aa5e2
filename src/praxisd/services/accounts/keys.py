"""Access data: making, rotating and revoking API keys (SPEC 1.10).

A secret is `pxd_<8 visible characters>_<43 characters of 32 random bytes>`. It is given out once; what stays
is its SHA-256, which is enough for 256 random bits, and the visible prefix.
"""

import hashlib
import secrets
from collections.abc import Iterable

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Kind
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.registry import ROLES, Registry
from praxisd.kernel.store import Tx
from praxisd.services.accounts import rules, store
from praxisd.services.accounts.gate import gate_of
from praxisd.services.accounts.records import ApiKey

_PREFIX_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A fresh secret."""
    visible = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(rules.PREFIX_LENGTH))
    return f"{rules.SECRET_MARK}{visible}_{token(32)}"


def digest(secret: str) -> str:
    """What is stored of a secret: the SHA-256 of all of it, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    tx: Tx,
    registry: Registry,
    *,
    role: str,
    name: str,
    scopes: Iterable[str] | None = None,
    expires_at: int | None = None,
    networks: Iterable[str] = (),
    replace: bool = False,
    overlap_s: int = 0,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which nobody can read again.

    For role `portal`, `name` is the portal's: all its keys share the portal's id. If that portal still has a
    valid key, Problem `accounts.portal_has_key` (409) says so, and only `replace=True` goes on: the portal's
    old keys end at once, or `overlap_s` seconds from now. Keys of others are never touched. `scopes` narrow
    the role's permissions.
    """
    if role not in ROLES:
        raise rules.invalid("role", "unknown")
    kept = rules.check_name(name)
    if expires_at is not None and expires_at <= tx.now:
        raise rules.invalid("expiresAt", "past")
    _check_overlap(overlap_s)
    narrow = rules.narrowed(scopes, registry.role(role))
    may_grant(tx, registry.role(role) if narrow is None else frozenset(narrow))
    portal = store.lock_portal(tx, new_id(), kept) if role == "portal" else None
    old: list[ApiKey] = []
    lapsed: list[ApiKey] = []
    if portal is not None:
        kept = portal.name
        had = store.keys_of(tx, portal.id)
        old = [k for k in had if k.state(tx.now) == "valid"]
        lapsed = [k for k in had if k.state(tx.now) == "expired" and k.replaced_by is None]
        if old and not replace:
            raise Problem("accounts.portal_has_key", 409, portal=portal.name, count=len(old))
    key, secret = _add(
        tx,
        ApiKey(
            id=new_id(),
            organization=tx.organization,
            name=kept,
            role=role,
            prefix="",
            portal=None if portal is None else portal.id,
            scopes=narrow,
            networks=rules.check_networks(networks),
            expires_at=expires_at,
            created_by=tx.actor.label,
            created_at=tx.now,
        ),
    )
    events.note(tx, "key.created", "ApiKey", key.id, role=role, portal_id=key.portal)
    for one in lapsed:  # they ended by themselves; now it is known that nobody waits for them any more
        store.end_key(tx, msgspec.structs.replace(one, replaced_by=key.id))
    for one in old:
        _end(tx, one, overlap_s, key.id)
        events.note(tx, "key.revoked", "ApiKey", one.id, replaced_by=key.id, overlap_s=overlap_s)
    return key, secret


def rotate_key(
    tx: Tx, registry: Registry, id_: str, *, overlap_s: int = 0, expires_at: int | None = None
) -> tuple[ApiKey, str]:
    """A new secret for the holder of a key, with the same role, scopes and networks; the old one ends.

    Without `expires_at` the new key lives as long as the old one was meant to. A key that has ended, or was
    replaced already, is Problem `accounts.key_ended` (409); of two who rotate at once, one gets that.
    """
    _check_overlap(overlap_s)
    seen = store.key(tx, id_)
    if seen is None:
        raise not_found("ApiKey")
    if seen.portal is not None:
        store.hold_portal(tx, seen.portal)
    old = store.key(tx, id_, lock=True) or seen
    if old.state(tx.now) != "valid" or old.replaced_by is not None:
        raise Problem("accounts.key_ended", 409)
    may_grant(tx, registry.role(old.role) if old.scopes is None else frozenset(old.scopes))
    if expires_at is None and old.expires_at is not None:
        expires_at = tx.now + (old.expires_at - old.created_at)
    elif expires_at is not None and expires_at <= tx.now:
        raise rules.invalid("expiresAt", "past")
    key, secret = _add(
        tx,
        msgspec.structs.replace(
            old,
            id=new_id(),
            expires_at=expires_at,
            overlap_until=None,
            last_used_at=None,
            created_by=tx.actor.label,
            created_at=tx.now,
        ),
    )
    _end(tx, old, overlap_s, key.id)
    events.note(tx, "key.rotated", "ApiKey", old.id, replaced_by=key.id, overlap_s=overlap_s)
    return key, secret


def revoke_key(tx: Tx, id_: str) -> ApiKey:
    """End a key at once. Revoking it again changes nothing; Problem 404 for an unknown one."""
    key = store.key(tx, id_, lock=True)
    if key is None:
        raise not_found("ApiKey")
    if key.revoked_at is None:
        key = msgspec.structs.replace(key, revoked_at=tx.now)
        store.end_key(tx, key)
        tx.after(gate_of(tx.store).forget)
        events.note(tx, "key.revoked", "ApiKey", key.id)
    return key


def list_keys(tx: Tx, after: str | None = None, limit: int = 50) -> tuple[list[ApiKey], str | None]:
    """Keys of the organization in order of their making, ended ones too, and the cursor of the next page."""
    found, following = store.page(tx, after, limit)
    return [_with_last_use(tx, k) for k in found], following


def get_key(tx: Tx, id_: str) -> ApiKey | None:
    """One key, or None."""
    found = store.key(tx, id_)
    return None if found is None else _with_last_use(tx, found)


def portal_name(tx: Tx, portal_id: str) -> str | None:
    """The name a portal was given when its first key was made, or None for an unknown one."""
    found = store.portal(tx, portal_id)
    return None if found is None else found.name


def portal_shut_out(tx: Tx, portal_id: str) -> bool:
    """True for a portal that was given keys of which none is valid any more: it is to learn nothing further."""
    if store.portal(tx, portal_id) is None:
        return False
    return all(one.state(tx.now) != "valid" for one in store.unrevoked_of(tx, portal_id))


def may_grant(tx: Tx, permissions: frozenset[str]) -> None:
    """Refuse (403) when a key narrowed by scopes would give out more than it has itself."""
    actor = tx.actor
    if actor.kind is not Kind.KEY or permissions <= actor.permissions:
        return
    own = store.key(tx, actor.id)
    if own is None or own.scopes is not None:
        raise Problem("access.forbidden", 403, permission=min(permissions - actor.permissions))


def _check_overlap(overlap_s: int) -> None:
    if not 0 <= overlap_s <= rules.OVERLAP_MOST_S:
        raise rules.invalid("overlapSeconds", "range")


def _add(tx: Tx, key: ApiKey) -> tuple[ApiKey, str]:
    secret = new_secret()
    key = msgspec.structs.replace(key, prefix=rules.prefix_of(secret))
    store.add_key(tx, key, digest(secret))
    tx.after(gate_of(tx.store).forget)
    return key, secret


def _end(tx: Tx, key: ApiKey, overlap_s: int, successor: str) -> None:
    """End a replaced key now or after the overlap; an earlier end it already has stays."""
    if overlap_s == 0:
        ended = msgspec.structs.replace(key, revoked_at=tx.now, replaced_by=successor)
    else:
        until = min(tx.now + overlap_s, key.overlap_until or tx.now + overlap_s)
        ended = msgspec.structs.replace(key, overlap_until=until, replaced_by=successor)
    store.end_key(tx, ended)
    tx.after(gate_of(tx.store).forget)


def _with_last_use(tx: Tx, key: ApiKey) -> ApiKey:
    """The key with its last use as this process knows it, which may be a minute ahead of the database."""
    seen = gate_of(tx.store).seen(key.id)
    if seen is None or (key.last_used_at or 0) >= seen:
        return key
    return msgspec.structs.replace(key, last_used_at=seen)
