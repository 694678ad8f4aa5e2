"""The gate each request with a key passes: who is it, and is it too often.

In the usual case that costs a SHA-256 and a look into a dictionary. What is remembered is dropped at once
when a key changes in this process; where several processes share a database, it is read again after one
second.
"""

import hashlib
import hmac
import ipaddress
import math
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.errors import Problem
from praxisd.services.accounts import rules, store
from praxisd.services.accounts.buckets import Buckets
from praxisd.services.accounts.records import ApiKey

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Store, Tx

TRUST_S = 1.0
"""How long something read from a shared database, or a setting, is believed."""
FLUSH_S = 60
"""The last use of one key is written at most this often."""
_NEVER = 1 << 62
_REQUEST_LIMITS = ("accounts.rate_per_minute", "accounts.rate_burst")
_FAILURE_LIMIT = "accounts.failures_per_minute"
_WAYS_MOST = 256
"""Addresses remembered per key with a network list."""
_PERSON = 5
"""So many times the rate of a key is a person's: a console loads many small things at once."""


class Known:
    """A key as the gate remembers it; ended keys too, so that they cost no more than valid ones."""

    __slots__ = ("actor", "ends_at", "networks", "read_at", "revoked", "ways")

    def __init__(self, key: ApiKey, actor: Actor, read_at: float) -> None:
        self.actor = actor
        self.revoked = key.revoked_at is not None
        self.ends_at = _NEVER if key.ends_at is None else key.ends_at
        self.networks: list[rules.Network] = [ipaddress.ip_network(n) for n in key.networks]
        self.read_at = read_at
        self.ways: dict[str | None, bool] = {}

    def admits(self, address: str | None) -> bool:
        """True if the key may be used from this address."""
        good = self.ways.get(address)
        if good is None:
            good = rules.inside(self.networks, address)
            if len(self.ways) >= _WAYS_MOST:
                self.ways.clear()
            self.ways[address] = good
        return good


class Gate:
    """What one process remembers for one store: known keys, buckets, last uses, limits."""

    def __init__(self) -> None:
        self.known: dict[bytes, Known] = {}
        self.requests = Buckets()
        self.failures = Buckets()
        self.sign_ins = Buckets()
        self.codes = Buckets()
        self._epoch = 0
        self._lock = threading.Lock()
        self._limits: dict[tuple[str, str], tuple[float, int]] = {}
        self._seen: dict[str, tuple[str, int]] = {}
        self._flushed: dict[str, int] = {}

    def forget(self) -> None:
        """Drop all known keys: called after each commit that changed one."""
        with self._lock:
            self._epoch += 1
            self.known = {}

    def look_up(self, house: "House", digest: bytes) -> Known | None:
        """The key with this digest from the database, remembered unless keys changed while it was read."""
        epoch = self._epoch
        read_at = house.clock.monotonic()
        with house.store.read(system("accounts")) as tx:
            row = store.by_digest(tx, digest.hex())
            if row is not None:  # with the key its limits, so that `take` need not ask a shared database
                tx.organization = row[0].organization
                for setting in (*_REQUEST_LIMITS, _FAILURE_LIMIT):
                    home = INSTALLATION if setting == _FAILURE_LIMIT else tx.organization
                    self._limits[setting, home] = (read_at, int(house.settings.get(tx, setting)))
        if row is None or not hmac.compare_digest(row[1], digest.hex()):
            self.known.pop(digest, None)
            return None
        known = Known(row[0], actor_of(house, row[0]), read_at)
        with self._lock:
            if epoch == self._epoch:
                self.known[digest] = known
        return known

    def limit(self, house: "House", setting: str, organization: str) -> int:
        """A setting's value, read at most once a second."""
        now = house.clock.monotonic()
        kept = self._limits.get((setting, organization))
        if kept is not None and now - kept[0] < TRUST_S:
            return kept[1]
        with house.store.read(system("accounts", organization)) as tx:
            value = int(house.settings.get(tx, setting))
        self._limits[setting, organization] = (now, value)
        return value

    def saw(self, actor: Actor, at: int) -> None:
        """Remember that a key was used now (epoch seconds)."""
        self._seen[actor.id] = (actor.organization, at)

    def seen(self, key_id: str) -> int | None:
        """When this process last saw the key, epoch seconds."""
        found = self._seen.get(key_id)
        return None if found is None else found[1]

    def flush(self, house: "House", *, everything: bool = False) -> int:
        """Write the last uses that are due, in a transaction of their own; returns how many."""
        now = house.clock.now()
        due = []
        for key_id, (organization, at) in sorted(self._seen.copy().items()):
            last = self._flushed.get(key_id)
            if last is None or (at > last and (everything or now - last >= FLUSH_S)):
                due.append((organization, key_id, at))

        def write(tx: "Tx") -> None:
            for organization, key_id, at in due:
                store.mark_seen(tx, organization, key_id, at)

        if due:
            house.store.run(system("accounts"), write)
            self._flushed.update((key_id, now) for _, key_id, _ in due)
        return len(due)


_GATES: "WeakKeyDictionary[Store, Gate]" = WeakKeyDictionary()
_GATES_LOCK = threading.Lock()


def gate_of(store_: "Store") -> Gate:
    """The gate of a store; made with the first call."""
    found = _GATES.get(store_)
    if found is None:
        with _GATES_LOCK:
            found = _GATES.setdefault(store_, Gate())
    return found


def actor_of(house: "House", key: ApiKey) -> Actor:
    """Who acts with a key: the role's permissions, narrowed by scopes; masked for the service partner."""
    permissions = house.registry.role(key.role)
    if key.scopes is not None:
        permissions &= frozenset(key.scopes)
    return Actor(
        Kind.KEY, key.id, key.organization, permissions, portal=key.portal, masked=key.role == "partner"
    )


def authenticate(house: "House", secret: str | None, address: str | None) -> Actor:
    """The actor behind a key's secret, used from `address` (None if unknown).

    Problems: 401 `accounts.key_missing`, `accounts.key_invalid`, and, only with the right secret,
    `accounts.key_revoked`, `accounts.key_expired`; 403 `accounts.network_refused`. Wrong secrets are counted
    per address and become 429 `accounts.rate_limited`; a right one always passes, so nobody is locked out by
    a neighbour behind the same router.
    """
    if not secret:
        raise _refused("accounts.key_missing")
    gate = gate_of(house.store)
    digest = hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
    known = gate.known.get(digest)
    if known is None or (not house.store.alone and house.clock.monotonic() - known.read_at >= TRUST_S):
        known = gate.look_up(house, digest) if rules.could_be_key(secret) else None
        if known is None:
            _count_failure(house, gate, address)
            raise _refused("accounts.key_invalid")
    now = house.clock.now()
    if known.revoked or known.ends_at <= now:
        _count_failure(house, gate, address)
        raise _refused("accounts.key_revoked" if known.revoked else "accounts.key_expired")
    if known.networks and not known.admits(address):
        _count_failure(house, gate, address)
        raise Problem("accounts.network_refused", 403)
    gate.saw(known.actor, now)
    return known.actor


def take(house: "House", actor: Actor) -> None:
    """Count one request of the actor; Problem `accounts.rate_limited` (429, Retry-After) when it is one too
    many. People may ask five times as often as a key.
    """
    if actor.everything or actor.kind is Kind.ANONYMOUS:
        return
    gate = gate_of(house.store)
    rate, burst = (gate.limit(house, setting, actor.organization) for setting in _REQUEST_LIMITS)
    times = _PERSON if actor.kind in (Kind.USER, Kind.SUPPORT) else 1
    wait = gate.requests.take(actor.id, times * rate / 60, times * burst, house.clock.monotonic())
    if wait:
        raise limited(wait)


def limited(wait_s: float) -> Problem:
    """The 429 that says after how many whole seconds to come back."""
    seconds = max(1, math.ceil(wait_s))
    return Problem(
        "accounts.rate_limited", 429, retry=True, headers={"Retry-After": str(seconds)}, seconds=seconds
    )


def failure_rate(house: "House", gate: Gate) -> int:
    """Failed attempts per minute an address may make."""
    return gate.limit(house, _FAILURE_LIMIT, INSTALLATION)


def count_attempt(house: "House", address: str | None) -> None:
    """Count a guess at a secret that is no key (a one-time code) against the address it comes from.

    Problem `accounts.rate_limited` (429) when it is one too many.
    """
    _count_failure(house, gate_of(house.store), address)


def _count_failure(house: "House", gate: Gate, address: str | None) -> None:
    rate = failure_rate(house, gate)
    wait = gate.failures.take(rules.source(address), rate / 60, rate, house.clock.monotonic())
    if wait:
        raise limited(wait)


def _refused(code: str) -> Problem:
    """401 with the challenge RFC 6750 § 3 asks for."""
    challenge = 'Bearer realm="praxisd"'
    if code != "accounts.key_missing":
        challenge += ', error="invalid_token"'
    return Problem(code, 401, headers={"WWW-Authenticate": challenge})
