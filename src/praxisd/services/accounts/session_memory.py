"""Which sessions hold: what one process remembers of them, so that a request costs no query.

What is remembered is dropped at once when sessions, users or second factors change in this process; after any other
commit, and where several processes share a database, it is read again after one second. When a person was last seen is
written in the background, at most once a minute and session.
"""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import GUEST, Live
from praxisd.services.accounts import rules, session_store
from praxisd.services.accounts.records import Session, User

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Store, Tx

TRUST_S = 1.0
"""How long a session read from a database that others write to is believed."""
SEEN_S = 60
"""When one session was last used is written at most this often."""
IDLE = "accounts.session_idle_minutes"
LONGEST = "accounts.session_hours"
FACTOR_ROLES = "accounts.second_factor_roles"
LIMITED = frozenset({"accounts.self.read", "accounts.self.write", "kernel.console.read"})
"""What a person may do who owes the second factor: set it up."""
_LEAST_IDLE_S = 5 * 60
_FORGOTTEN_S = 2 * 24 * 3600


class Known:
    """A session as it is remembered. `seen` is when it was last used, as far as this process knows."""

    __slots__ = ("actor", "ends_at", "generation", "id", "idle_s", "limited", "read_at", "seen", "slack_s")

    def __init__(self, session: Session, limits: "Limits", actor: Actor, limited: bool) -> None:
        self.id = session.id
        self.actor = actor
        self.limited = limited
        self.seen = session.last_seen_at
        self.idle_s = limits.idle_s
        self.slack_s = limits.slack_s
        self.ends_at = limits.end(session)
        self.read_at = 0.0
        self.generation = 0

    @property
    def until(self) -> int:
        """When the session ends if nothing happens, as people are told."""
        return min(self.ends_at, self.seen + self.idle_s)

    def holds(self, now: int) -> bool:
        """True while it is good."""
        return now < min(self.ends_at, self.seen + self.idle_s + self.slack_s)


class Limits:
    """How long sessions of one practice last, and who needs a second factor, as set now.

    Where several nodes share the database, each knows the last use by another only a minute later: so much later
    (`slack_s`) an idle session ends, that nobody is signed out too early.
    """

    def __init__(self, house: "House", tx: "Tx") -> None:
        self.slack_s = 0 if house.store.alone else SEEN_S
        self.idle_s = int(house.settings.get(tx, IDLE)) * 60
        self.longest_s = int(house.settings.get(tx, LONGEST)) * 3600
        self.factor_roles = str(house.settings.get(tx, FACTOR_ROLES))

    def end(self, session: Session) -> int:
        """The latest end of a session; a setting made shorter counts for open ones too."""
        return min(session.ends_at, session.created_at + self.longest_s)

    def must(self, role: str) -> bool:
        """True if a person with this role needs a second factor."""
        return self.factor_roles == "everyone" or (self.factor_roles == "owner" and role == "owner")


class SessionMemory:
    """What one process remembers for one store."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self._lock = threading.Lock()
        self._epoch = 0
        self._seen: dict[str, tuple[str, int, str | None]] = {}
        self._flushed: dict[str, int] = {}

    def forget(self) -> None:
        """Drop what is remembered: called after each commit that may have changed a session's worth."""
        with self._lock:
            self._epoch += 1
            self._known = {}

    def find(self, house: "House", token: str) -> Known | None:
        """The session of a token, from memory if that can be believed; None if there is none."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None:
            unchanged = house.store.alone and known.generation == house.store.generation
            if unchanged or house.clock.monotonic() - known.read_at < TRUST_S:
                return known
        return self._look_up(house, digest)

    def _look_up(self, house: "House", digest: bytes) -> Known | None:
        epoch, generation, read_at = self._epoch, house.store.generation, house.clock.monotonic()
        with house.store.read(system("accounts")) as tx:
            row = session_store.whole_session(tx, digest.hex())
            if row is not None:
                session, user, has_factor = row
                tx.organization = session.organization
                limits = Limits(house, tx)
        if row is None:
            self._known.pop(digest, None)
            return None
        limited = limits.must(user.role) and not has_factor
        known = Known(session, limits, actor_of(house, session.organization, user, limited=limited), limited)
        known.read_at, known.generation = read_at, generation
        known.seen = max(known.seen, self._seen.get(session.id, ("", 0, None))[1])
        with self._lock:
            if epoch == self._epoch:
                self._known[digest] = known
        return known

    def saw(self, known: Known, at: int, address: str | None) -> None:
        """Remember that a session is used now."""
        known.seen = max(known.seen, at)
        self._seen[known.id] = (known.actor.organization, at, address)

    def last_seen(self, session: Session) -> int:
        """When a session was last used, as this process knows it."""
        return max(session.last_seen_at, self._seen.get(session.id, ("", 0, None))[1])

    def opened(self, session: Session) -> None:
        """A new session is written with its first use: nothing to write for a minute. Unused it is forgotten as others are."""
        self._seen.setdefault(session.id, (session.organization, session.last_seen_at, session.address))
        self._flushed[session.id] = session.last_seen_at

    def flush(self, house: "House", *, everything: bool = False) -> int:
        """Write the last uses that are due, in a transaction of their own; returns how many."""
        now = house.clock.now()
        due = []
        for id_, (organization, at, address) in sorted(self._seen.copy().items()):
            last = self._flushed.get(id_)
            if last is None or (at > last and (everything or now - last >= SEEN_S)):
                due.append((organization, id_, at, address))
            elif at < now - _FORGOTTEN_S:
                self._seen.pop(id_, None)
                self._flushed.pop(id_, None)

        def write(tx: "Tx") -> None:
            for organization, id_, at, address in due:
                session_store.mark_session(tx, organization, id_, at, address)

        if due:
            house.store.run(system("accounts"), write)
            self._flushed.update((id_, now) for _, id_, _, _ in due)
        return len(due)


_MEMORIES: "WeakKeyDictionary[Store, SessionMemory]" = WeakKeyDictionary()
_MEMORIES_LOCK = threading.Lock()


def memory_of(store: "Store") -> SessionMemory:
    """The memory of a store; made with the first call."""
    found = _MEMORIES.get(store)
    if found is None:
        with _MEMORIES_LOCK:
            found = _MEMORIES.setdefault(store, SessionMemory())
    return found


def actor_of(house: "House", organization: str, user: User, *, limited: bool = False) -> Actor:
    """Who acts when this user is signed in. The service partner sees no personal fields (SPEC 12.4)."""
    permissions = house.registry.role(user.role)
    if limited:
        permissions &= LIMITED
    return Actor(Kind.USER, user.id, organization, permissions, masked=user.role == "partner")


def csrf_of(token: str) -> str:
    """What unsafe requests of a session repeat: derived from its token, so that nothing of it is kept."""
    made = hmac.digest(token.encode(), b"praxisd csrf 1", "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def session(house: "House", token: str, address: str | None, touch: bool = True) -> Live:
    """The session behind a cookie's token; `touch` puts off its idle end.

    Problems (401): `accounts.session_missing` without a token, `accounts.session_ended` for one that holds no longer
    or never did: the two look alike.
    """
    if not token:
        raise Problem("accounts.session_missing", 401)
    if house.guests is not None and token.startswith(GUEST):
        return house.guests.session(token)
    memory = memory_of(house.store)
    known = memory.find(house, token) if rules.could_be_token(token) else None
    now = house.clock.now()
    if known is None or not known.holds(now):
        raise Problem("accounts.session_ended", 401)
    if touch:
        memory.saw(known, now, address)
    return Live(known.id, known.actor, csrf_of(token), known.until, known.limited)


def sweep(house: "House") -> int:
    """Remove sessions whose time has run out and note their end; returns how many."""
    memory, now = memory_of(house.store), house.clock.now()
    with house.store.read(system("accounts")) as tx:
        ended = list(_ended(house, tx, now))

    def remove(tx: "Tx") -> int:
        gone = 0
        for one, reason in ended:
            tx.organization = one.organization
            if session_store.drop_stale(tx, one):
                note_end(tx, one, reason)
                gone += 1
        return gone

    if not ended:
        return 0
    gone = house.store.run(system("accounts"), remove)
    memory.forget()
    return gone


def _ended(house: "House", tx: "Tx", now: int) -> Iterator[tuple[Session, str]]:
    memory, limits = memory_of(house.store), dict[str, Limits]()
    for one in session_store.quiet_sessions(tx, now, now - _LEAST_IDLE_S):
        tx.organization = one.organization
        known = limits.get(one.organization) or limits.setdefault(one.organization, Limits(house, tx))
        if known.end(one) <= now:
            yield one, "time"
        elif memory.last_seen(one) + known.idle_s + known.slack_s <= now:
            yield one, "idle"


def note_end(tx: "Tx", one: Session, reason: str) -> None:
    """Note in the audit that a session ended: whose, and why, in one word."""
    events.note(tx, "session.ended", "Session", one.id, user=one.user, reason=reason)
