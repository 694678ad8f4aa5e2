"""REST operations of accounts.

Writes that answer with a secret or are given a password open their own transaction and take no
Idempotency-Key: the kept answer would hold the secret in readable form, the kept hash of the body would be a
fast hash of the password.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.access import Kind
from praxisd.kernel.errors import not_found
from praxisd.kernel.registry import ROLES
from praxisd.kernel.service import Answer, Call, Page, Route
from praxisd.services.accounts import keys, passwords, rules, users, views

Role = Literal["owner", "desk", "partner"]
KeyRole = Literal["portal", "pvs", "desk", "owner", "partner"]
Overlap = Annotated[int, Meta(ge=0, le=rules.OVERLAP_MOST_S)]
Name = Annotated[str, Meta(min_length=1, max_length=rules.NAME_MOST)]
Password = Annotated[str, Meta(min_length=1, max_length=rules.PASSWORD_MOST)]
_NO_STORE = {"Cache-Control": "no-store"}


class NewUser(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A user to make."""

    login: Annotated[str, Meta(min_length=2, max_length=64)]
    name: Name
    role: Role
    password: Password


class UserChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What to change of a user; fields that are left out stay."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class NewKey(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A key to make. `name` is the portal's name for role portal; `scopes` left out means all of the role.

    `replace` is the explicit yes that a portal's old keys end: at once, or after `overlapSeconds`.
    """

    name: Name
    role: KeyRole = "portal"
    scopes: Annotated[list[str], Meta(max_length=200)] | None = None
    expires_at: str | None = None
    networks: Annotated[list[str], Meta(max_length=rules.NETWORKS_MOST)] = []
    replace: bool = False
    overlap_seconds: Overlap = 0


class Rotation(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """How to rotate: how long the old key still works, and when the new one ends (left out: as long as the
    old one).
    """

    overlap_seconds: Overlap = 0
    expires_at: str | None = None


def list_users(call: Call) -> views.UserList:
    """Users of the practice."""
    with call.read() as tx:
        found, following = users.list_users(tx, call.query.cursor, call.query.limit)
    return views.UserList(users=[views.user_view(u) for u in found], next=following)


def create_user(call: Call) -> Answer:
    """Make a user."""
    body: NewUser = call.body
    hashed = passwords.hash_password(body.password, body.login)
    user = call.house.store.run(
        call.actor,
        lambda tx: users.create_user(
            tx, call.house.registry, login=body.login, name=body.name, role=body.role, password_hash=hashed
        ),
    )
    return Answer(views.user_view(user), 201, version=user.version)


def change_user(call: Call) -> Answer:
    """Change a user, their password included

    A new password, or being switched off, ends their sessions (not the one that asks).
    """
    body: UserChange = call.body
    id_ = call.path["id"]
    hashed = None
    if body.password is not UNSET:
        with call.read() as tx:
            known = users.get_user(tx, id_)
        if known is None:
            raise not_found("User")
        hashed = passwords.hash_password(body.password, known.login)
    user = call.house.store.run(
        call.actor,
        lambda tx: users.change_user(
            tx,
            call.house.registry,
            id_,
            expected=call.if_match,
            name=None if body.name is UNSET else body.name,
            role=None if body.role is UNSET else body.role,
            active=None if body.active is UNSET else body.active,
            password_hash=hashed,
            keep_session=None if call.visit.live is None else call.visit.live.id,
        ),
    )
    return Answer(views.user_view(user), version=user.version)


def list_roles(call: Call) -> views.Roles:
    """What each role may do, in words: what a key's scopes are chosen from."""
    registry = call.house.registry

    def rights(role: str) -> list[views.Right]:
        names = sorted(registry.role(role))
        return [views.Right(name=n, title=registry.texts.get(f"permission.{n}", call.lang)) for n in names]

    return views.Roles(roles=[views.Role(name=role, permissions=rights(role)) for role in ROLES])


def list_keys(call: Call) -> views.KeyList:
    """Keys of the practice, ended ones too."""
    now = call.house.clock.now()
    with call.read() as tx:
        found, following = keys.list_keys(tx, call.query.cursor, call.query.limit)
    return views.KeyList(keys=[views.key_view(k, now) for k in found], next=following)


def create_key(call: Call) -> Answer:
    """Make a key; the answer is the only place its secret is ever shown."""
    body: NewKey = call.body
    expires_at = views.time_given(body.expires_at, "expiresAt")
    key, secret = call.house.store.run(
        call.actor,
        lambda tx: keys.create_key(
            tx,
            call.house.registry,
            role=body.role,
            name=body.name,
            scopes=body.scopes,
            expires_at=expires_at,
            networks=body.networks,
            replace=body.replace,
            overlap_s=body.overlap_seconds,
        ),
    )
    return Answer(views.key_with_secret(key, secret, call.house.clock.now()), 201, headers=_NO_STORE)


def rotate_key(call: Call) -> Answer:
    """Give the holder of a key a new secret; the old one ends at once or after the overlap."""
    body: Rotation = call.body or Rotation()
    expires_at = views.time_given(body.expires_at, "expiresAt")
    key, secret = call.house.store.run(
        call.actor,
        lambda tx: keys.rotate_key(
            tx,
            call.house.registry,
            call.path["id"],
            overlap_s=body.overlap_seconds,
            expires_at=expires_at,
        ),
    )
    return Answer(views.key_with_secret(key, secret, call.house.clock.now()), 201, headers=_NO_STORE)


def revoke_key(call: Call) -> views.KeyView:
    """End a key at once."""
    key = keys.revoke_key(call.writing, call.path["id"])
    return views.key_view(key, call.house.clock.now())


def me(call: Call) -> views.Self:
    """Who the caller is, and what they may do."""
    actor = call.actor
    name = role = None
    with call.read() as tx:
        if actor.kind is Kind.KEY and (key := keys.get_key(tx, actor.id)) is not None:
            name, role = key.name, key.role
        elif actor.kind is Kind.USER and (user := users.get_user(tx, actor.id)) is not None:
            name, role = user.name, user.role
    return views.Self(
        kind=actor.kind.value,
        id=actor.id,
        name=name,
        role=role,
        organization=actor.organization,
        permissions=sorted(actor.permissions),
        portal=actor.portal,
        masked=actor.masked,
    )


_TAGS = ("accounts",)
_NOT_FOUND = (404, "http.not_found")
_INVALID = (422, "accounts.invalid")
_FORBIDDEN = (403, "access.forbidden")
_TIMES = ((400, "clock.bad_time"), (400, "clock.naive_time"))

ROUTES = (
    Route(
        "GET",
        "/users",
        "users.list",
        list_users,
        "accounts.user.read",
        answer=views.UserList,
        query=Page,
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/users",
        "users.create",
        create_user,
        "accounts.user.write",
        answer=views.UserView,
        body=NewUser,
        status=201,
        problems=((409, "accounts.login_taken"), (422, "accounts.weak_password"), _INVALID, _FORBIDDEN),
        transaction=False,
        tags=_TAGS,
    ),
    Route(
        "PATCH",
        "/users/{id}",
        "users.change",
        change_user,
        "accounts.user.write",
        answer=views.UserView,
        body=UserChange,
        problems=(
            _NOT_FOUND,
            (409, "accounts.last_owner"),
            (412, "resource.stale"),
            (422, "accounts.weak_password"),
            _INVALID,
            _FORBIDDEN,
        ),
        transaction=False,
        tags=_TAGS,
    ),
    Route("GET", "/roles", "roles.list", list_roles, "accounts.key.read", answer=views.Roles, tags=_TAGS),
    Route(
        "GET",
        "/keys",
        "keys.list",
        list_keys,
        "accounts.key.read",
        answer=views.KeyList,
        query=Page,
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/keys",
        "keys.create",
        create_key,
        "accounts.key.write",
        answer=views.KeyWithSecret,
        body=NewKey,
        status=201,
        problems=(
            (409, "accounts.portal_has_key"),
            (422, "accounts.bad_network"),
            _INVALID,
            _FORBIDDEN,
            *_TIMES,
        ),
        transaction=False,
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/keys/{id}/rotate",
        "keys.rotate",
        rotate_key,
        "accounts.key.write",
        answer=views.KeyWithSecret,
        body=Rotation,
        status=201,
        problems=(_NOT_FOUND, (409, "accounts.key_ended"), _INVALID, _FORBIDDEN, *_TIMES),
        transaction=False,
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/keys/{id}/revoke",
        "keys.revoke",
        revoke_key,
        "accounts.key.write",
        answer=views.KeyView,
        problems=(_NOT_FOUND,),
        tags=_TAGS,
    ),
    Route("GET", "/me", "self.read", me, "accounts.self.read", answer=views.Self, tags=_TAGS),
)
