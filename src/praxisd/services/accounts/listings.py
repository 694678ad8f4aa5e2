"""Tables of the console: users, access data of programs, and one's own sessions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console import Column, ConsolePage, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.registry import ROLES
from praxisd.kernel.service import Call
from praxisd.services.accounts import keys, session_store, sessions, users

if TYPE_CHECKING:
    from praxisd.kernel.store import Tx

T = TypeVar("T")
_PAGE = 200


def everything(tx: "Tx", page: "Callable[[Tx, str | None, int], tuple[list[T], str | None]]") -> list[T]:
    """All records of a list that is few by nature."""
    found, following = page(tx, None, _PAGE)
    while following is not None:
        more, following = page(tx, following, _PAGE)
        found += more
    return found


def _time(call: Call, tx: "Tx") -> Callable[[int | None], str | None]:
    """Instants as the practice's clock shows them."""
    zone = zone_of(zone_name(call.house, tx))
    return lambda at: None if at is None else format_rfc3339(at, zone)


def _users(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        found, time = everything(tx, users.list_users), _time(call, tx)
        with_factor = session_store.users_with_factor(tx)
    rows = [
        Row(
            id=one.id,
            cells={
                "login": one.login,
                "name": one.name,
                "role": one.role,
                "active": one.active,
                "secondFactor": one.id in with_factor,
                "createdAt": time(one.created_at),
                "passwordChangedAt": time(one.password_changed_at),
            },
        )
        for one in found
    ]
    return arrange(USERS, rows, query)


def _keys(call: Call, query: ListingQuery) -> ListingPage:
    now = call.house.clock.now()
    with call.read() as tx:
        found, time = everything(tx, keys.list_keys), _time(call, tx)
        makers = users.actor_names(tx, {one.created_by for one in found})
    rows = [
        Row(
            id=one.id,
            cells={
                "name": one.name,
                "role": one.role,
                "state": one.state(now),
                "prefix": one.prefix,
                "networks": ", ".join(one.networks),
                "createdAt": time(one.created_at),
                "createdBy": makers.get(one.created_by),
                "expiresAt": time(one.ends_at),
                "lastUsedAt": time(one.last_used_at),
            },
            alert=one.state(now) == "expired" and one.replaced_by is None,
        )
        for one in found
    ]
    return arrange(KEYS, rows, query)


def _sessions(call: Call, query: ListingQuery) -> ListingPage:
    live = call.visit.live
    if live is None:
        raise Problem("accounts.session_missing", 401)
    with call.read() as tx:
        found, time = sessions.sessions_of(call.house, tx, live.actor.id), _time(call, tx)
    rows = [
        Row(
            id=one.id,
            cells={
                "device": one.device or None,
                "address": one.address,
                "current": one.id == live.id,
                "createdAt": time(one.created_at),
                "lastSeenAt": time(one.last_seen_at),
                "expiresAt": time(until),
            },
        )
        for one, until in found
    ]
    return arrange(SESSIONS, rows, query)


USERS = Listing(
    "accounts.users",
    "accounts.user.read",
    (
        Column("login", sortable=True),
        Column("name", sortable=True),
        Column("role", "choice", sortable=True, filter=True, choices=users.USER_ROLES),
        Column("active", "flag", sortable=True, filter=True),
        Column("secondFactor", "flag", sortable=True, filter=True),
        Column("createdAt", "time", sortable=True),
        Column("passwordChangedAt", "time", sortable=True),
    ),
    _users,
    text=True,
    sort="name",
)
KEYS = Listing(
    "accounts.keys",
    "accounts.key.read",
    (
        Column("name", sortable=True),
        Column("role", "choice", sortable=True, filter=True, choices=ROLES, words="key_role"),
        Column(
            "state",
            "choice",
            sortable=True,
            filter=True,
            choices=("valid", "expired", "revoked"),
            words="key_state",
        ),
        Column("prefix"),
        Column("networks"),
        Column("createdAt", "time", sortable=True),
        Column("createdBy", sortable=True),
        Column("expiresAt", "time", sortable=True),
        Column("lastUsedAt", "time", sortable=True),
    ),
    _keys,
    text=True,
    sort="-createdAt",
)
SESSIONS = Listing(
    "accounts.sessions",
    "accounts.self.read",
    (
        Column("device", sortable=True),
        Column("address", sortable=True),
        Column("current", "flag"),
        Column("createdAt", "time", sortable=True),
        Column("lastSeenAt", "time", sortable=True),
        Column("expiresAt", "time", sortable=True),
    ),
    _sessions,
    sort="-lastSeenAt",
    problems=((401, "accounts.session_missing"),),
)
LISTINGS = (USERS, KEYS, SESSIONS)
PAGES = (
    ConsolePage("users", "accounts.user.read", "system", 30, "user"),
    ConsolePage("keys", "accounts.key.read", "system", 40, "key"),
)
