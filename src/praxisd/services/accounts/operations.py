"""What the commands `praxisd keys` and `praxisd users` do, in the server or under the folder's lock. JSON in
and out.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.services.accounts import keys, passwords, rules, session_shapes, sessions, users, views
from praxisd.services.accounts.listings import everything

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.accounts.records import User

T = TypeVar("T")
Args = dict[str, Any]
_DAY_S = 24 * 3600
_HOUR_S = 3600
_DAYS_MOST = 3660
_TIMES = ("At", "Until")
"""How the names of fields end that hold an instant."""


class _KeyArgs(msgspec.Struct, kw_only=True):
    name: str
    role: str = "portal"
    scopes: list[str] | None = None
    expires_days: int | None = None
    networks: list[str] = []
    replace: bool = False
    overlap_hours: int = 0


class _RotateArgs(msgspec.Struct, kw_only=True):
    id: str
    expires_days: int | None = None
    overlap_hours: int = 0


class _UserArgs(msgspec.Struct, kw_only=True):
    login: str
    name: str
    role: str
    password: str


class _PasswordArgs(msgspec.Struct, kw_only=True):
    login: str
    password: str


class _LoginArgs(msgspec.Struct, kw_only=True):
    login: str


class _IdArgs(msgspec.Struct, kw_only=True):
    id: str


def actor(house: "House", args: Args) -> Actor:
    """The command line, acting in the practice named by `organization`, or in the only one there is.

    Problems: `control.no_practice_yet` (409) where there is none, `accounts.organization_needed` (400) where
    there are several, 404 for an unknown one.
    """
    with house.store.read(system("cli")) as tx:
        known = list(house.shared.get("organizations", lambda _tx: [INSTALLATION])(tx))
    wanted = args.get("organization")
    if not known:
        raise Problem("control.no_practice_yet", 409)
    if wanted is None and len(known) != 1:
        raise Problem("accounts.organization_needed", 400, count=len(known))
    if wanted is not None and wanted not in known:
        raise not_found("Organization")
    return Actor(Kind.CLI, "cli", wanted or known[0], everything=True)


def keys_create(house: "House", args: Args) -> Args:
    """Make a key; the answer holds its secret, once."""
    given = _given(args, _KeyArgs)
    key, secret = house.store.run(
        actor(house, args),
        lambda tx: keys.create_key(
            tx,
            house.registry,
            role=given.role,
            name=given.name,
            scopes=given.scopes,
            expires_at=_expiry(tx, given.expires_days),
            networks=given.networks,
            replace=given.replace,
            overlap_s=given.overlap_hours * _HOUR_S,
        ),
    )
    return _plain(house, args, views.key_with_secret(key, secret, house.clock.now()))


def keys_list(house: "House", args: Args) -> Args:
    """All keys of the practice."""
    now = house.clock.now()
    with house.store.read(actor(house, args)) as tx:
        found = everything(tx, keys.list_keys)
    return _plain(house, args, views.KeyList(keys=[views.key_view(k, now) for k in found]))


def keys_rotate(house: "House", args: Args) -> Args:
    """A new secret for a key's holder; the answer holds it, once."""
    given = _given(args, _RotateArgs)
    key, secret = house.store.run(
        actor(house, args),
        lambda tx: keys.rotate_key(
            tx,
            house.registry,
            given.id,
            overlap_s=given.overlap_hours * _HOUR_S,
            expires_at=_expiry(tx, given.expires_days),
        ),
    )
    return _plain(house, args, views.key_with_secret(key, secret, house.clock.now()))


def keys_revoke(house: "House", args: Args) -> Args:
    """End a key at once."""
    given = _given(args, _IdArgs)
    key = house.store.run(actor(house, args), lambda tx: keys.revoke_key(tx, given.id))
    return _plain(house, args, views.key_view(key, house.clock.now()))


def users_create(house: "House", args: Args) -> Args:
    """Make a user."""
    given = _given(args, _UserArgs)
    hashed = passwords.hash_password(given.password, given.login)
    user = house.store.run(
        actor(house, args),
        lambda tx: users.create_user(
            tx, house.registry, login=given.login, name=given.name, role=given.role, password_hash=hashed
        ),
    )
    return _plain(house, args, views.user_view(user))


def users_list(house: "House", args: Args) -> Args:
    """All users of the practice."""
    with house.store.read(actor(house, args)) as tx:
        found = everything(tx, users.list_users)
    return _plain(house, args, views.UserList(users=[views.user_view(u) for u in found]))


def users_password(house: "House", args: Args) -> Args:
    """Give a user a new password."""
    given = _given(args, _PasswordArgs)
    hashed = passwords.hash_password(given.password, given.login)
    user = house.store.run(
        actor(house, args),
        lambda tx: users.set_password(tx, house.registry, _user(tx, given.login).id, hashed),
    )
    return _plain(house, args, views.user_view(user))


def users_deactivate(house: "House", args: Args) -> Args:
    """Switch a user off."""
    given = _given(args, _LoginArgs)
    user = house.store.run(
        actor(house, args), lambda tx: users.deactivate(tx, house.registry, _user(tx, given.login).id)
    )
    return _plain(house, args, views.user_view(user))


def users_sessions(house: "House", args: Args) -> Args:
    """Where a user is signed in."""
    given = _given(args, _LoginArgs)
    with house.store.read(actor(house, args)) as tx:
        found = sessions.sessions_of(house, tx, _user(tx, given.login).id)
    listed = [session_shapes.session_view(one, until, None) for one, until in found]
    return _plain(house, args, session_shapes.SessionList(sessions=listed))


def users_sign_out(house: "House", args: Args) -> Args:
    """End all sessions of a user."""
    given = _given(args, _LoginArgs)
    ended = house.store.run(
        actor(house, args), lambda tx: sessions.end_sessions(tx, _user(tx, given.login).id, "ended")
    )
    return {"login": given.login, "ended": ended}


def users_reset_second_factor(house: "House", args: Args) -> Args:
    """Take away the second factor of a user who lost phone and recovery codes; their sessions end."""
    given = _given(args, _LoginArgs)
    reset = house.store.run(
        actor(house, args),
        lambda tx: users.reset_second_factor(tx, house.registry, _user(tx, given.login).id),
    )
    return {"login": given.login, "reset": reset}


def _given(args: Args, kind: type[T]) -> T:
    """The arguments as their struct; Problem `accounts.invalid` (422) names none of their values."""
    try:
        return msgspec.convert(args, kind)
    except msgspec.ValidationError:
        raise rules.invalid("args", "type") from None


def _user(tx: Tx, login: str) -> "User":
    found = users.find_user(tx, login)
    if found is None:
        raise not_found("User")
    return found


def _expiry(tx: Tx, days: int | None) -> int | None:
    if days is None:
        return None
    if not 1 <= days <= _DAYS_MOST:
        raise rules.invalid("expires", "range")
    return tx.now + days * _DAY_S


def _plain(house: "House", args: Args, value: Any) -> Args:
    """The answer as JSON has it; a command's times are those of the practice's zone, as jobs show them."""
    with house.store.read(actor(house, args)) as tx:
        zone = zone_of(zone_name(house, tx))

    def local(one: Any, key: str = "") -> Any:
        if isinstance(one, dict):
            return {name: local(part, name) for name, part in one.items()}
        if isinstance(one, list):
            return [local(part) for part in one]
        is_time = isinstance(one, str) and key.endswith(_TIMES)
        return format_rfc3339(parse_rfc3339(one, key), zone) if is_time else one

    plain: Args = local(msgspec.to_builtins(value))
    return plain


OPERATIONS = (
    Operation("accounts.keys_create", keys_create, offline=True),
    Operation("accounts.keys_list", keys_list, offline=True),
    Operation("accounts.keys_rotate", keys_rotate, offline=True),
    Operation("accounts.keys_revoke", keys_revoke, offline=True),
    Operation("accounts.users_create", users_create, offline=True),
    Operation("accounts.users_list", users_list, offline=True),
    Operation("accounts.users_password", users_password, offline=True),
    Operation("accounts.users_deactivate", users_deactivate, offline=True),
    Operation("accounts.users_sessions", users_sessions, offline=True),
    Operation("accounts.users_sign_out", users_sign_out, offline=True),
    Operation("accounts.users_reset_second_factor", users_reset_second_factor, offline=True),
)
