"""What leaves the house about users and keys: times as RFC 3339, never a hash, a secret only in its first
answer.
"""

from typing import Any

import msgspec

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.services.accounts.records import ApiKey, User


class UserView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as the doors show it."""

    id: str
    version: int
    login: str
    name: str
    role: str
    active: bool
    created_at: str
    password_changed_at: str


class UserList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of users."""

    users: list[UserView]
    next: str | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A key as the doors show it; `state` is valid, expired or revoked."""

    id: str
    name: str
    role: str
    state: str
    prefix: str
    portal: str | None
    scopes: list[str] | None
    networks: list[str]
    created_by: str
    created_at: str
    expires_at: str | None
    overlap_until: str | None
    last_used_at: str | None
    revoked_at: str | None
    replaced_by: str | None


class KeyWithSecret(KeyView, frozen=True, kw_only=True, rename="camel"):
    """The first and only answer that holds the secret."""

    secret: str


class KeyList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of keys."""

    keys: list[KeyView]
    next: str | None = None


class Right(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A permission and what it lets one do, in the caller's language."""

    name: str
    title: str


class Role(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A role with all its permissions."""

    name: str
    permissions: list[Right]


class Roles(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All roles."""

    roles: list[Role]


class Self(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who the caller is and may do. `masked`: personal fields are hidden."""

    kind: str
    id: str
    name: str | None
    role: str | None
    organization: str
    permissions: list[str]
    portal: str | None
    masked: bool


def time_text(epoch: int | None) -> str | None:
    """RFC 3339 of an instant, or None."""
    return None if epoch is None else format_rfc3339(epoch)


def time_given(text: str | None, field: str) -> int | None:
    """Epoch seconds of a given RFC 3339 time, or None; Problems `clock.*` (400)."""
    return None if text is None else parse_rfc3339(text, field)


def user_view(user: User) -> UserView:
    """A user for the doors."""
    return UserView(
        id=user.id,
        version=user.version,
        login=user.login,
        name=user.name,
        role=user.role,
        active=user.active,
        created_at=format_rfc3339(user.created_at),
        password_changed_at=format_rfc3339(user.password_changed_at),
    )


def key_view(key: ApiKey, now: int) -> KeyView:
    """A key for the doors, with its state at `now`."""
    return KeyView(**_key_fields(key, now))


def key_with_secret(key: ApiKey, secret: str, now: int) -> KeyWithSecret:
    """A new key for the one who made it."""
    return KeyWithSecret(**_key_fields(key, now), secret=secret)


def _key_fields(key: ApiKey, now: int) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "state": key.state(now),
        "prefix": key.prefix,
        "portal": key.portal,
        "scopes": None if key.scopes is None else list(key.scopes),
        "networks": list(key.networks),
        "created_by": key.created_by,
        "created_at": time_text(key.created_at),
        "expires_at": time_text(key.expires_at),
        "overlap_until": time_text(key.overlap_until),
        "last_used_at": time_text(key.last_used_at),
        "revoked_at": time_text(key.revoked_at),
        "replaced_by": key.replaced_by,
    }
