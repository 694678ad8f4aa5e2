"""The gate on both engines: who a key is, refusals told apart, what is remembered and when it is forgotten, limits."""

import threading
from collections.abc import Callable

import pytest

from praxisd.kernel.access import ANONYMOUS, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.store import WATCHERS
from praxisd.services.accounts import api, keys
from praxisd.services.accounts.gate import FLUSH_S, gate_of
from praxisd.testing.houses import Houses

from .accounts_cast import NORTH, SERVICES, make, read, refused, revoke, rotate


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house(SERVICES)


def reads(house: House, call: Callable[[], object]) -> int:
    """How many transactions `call` opens."""
    seen: list[int] = []
    engine = house.store.engine
    plain_read, plain_write = engine.read, engine.write

    def counted(plain: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            seen.append(1)
            return plain()

        return run

    engine.read, engine.write = counted(plain_read), counted(plain_write)  # type: ignore[method-assign, assignment]
    try:
        call()
    finally:
        del engine.read, engine.write
    return len(seen)


def test_a_portal_s_key_is_an_actor(house: House) -> None:
    key, secret = make(house)
    actor = api.authenticate(house, secret, "203.0.113.7")
    assert (actor.kind, actor.id, actor.organization) == (Kind.KEY, key.id, "north")
    assert (actor.portal, actor.masked, actor.everything) == (key.portal, False, False)
    assert actor.permissions == house.registry.role("portal")


def test_roles_and_scopes_decide_what_an_actor_may(house: House) -> None:
    _, owner = make(house, role="owner", name="a")
    _, narrow = make(house, role="owner", name="b", scopes=["accounts.key.read"])
    _, partner = make(house, role="partner", name="c")
    assert api.authenticate(house, owner, None).permissions == house.registry.role("owner")
    assert api.authenticate(house, narrow, None).permissions == {"accounts.key.read"}
    found = api.authenticate(house, partner, None)
    assert (found.masked, found.portal) == (True, None)


def test_refusals_are_told_apart_only_with_the_right_secret(house: House, clock: FrozenClock) -> None:
    revoked, revoked_secret = make(house, role="pvs", name="a")
    revoke(house, revoked)
    _, expired_secret = make(house, role="pvs", name="b", expires_at=clock.now() + 10)
    clock.advance(10)
    plain = {
        "accounts.key_missing": ["", None],
        "accounts.key_invalid": [
            keys.new_secret(),
            "nonsense",
            "ü" * 9,
            "\udcff",
            revoked_secret[:-1],
            revoked_secret[:-2] + ("AA" if revoked_secret[-2:] != "AA" else "BB"),
        ],
        "accounts.key_revoked": [revoked_secret],
        "accounts.key_expired": [expired_secret],
    }
    for code, secrets in plain.items():
        for secret in secrets:
            problem = refused(code, lambda secret=secret: api.authenticate(house, secret, None))
            assert problem.status == 401
            assert problem.headers["WWW-Authenticate"].startswith("Bearer ")
            assert problem.params == {}


def test_expiry_counts_on_every_use(house: House, clock: FrozenClock) -> None:
    _, secret = make(house, expires_at=clock.now() + 100)
    api.authenticate(house, secret, None)
    clock.advance(99)
    api.authenticate(house, secret, None)
    clock.advance(1)
    refused("accounts.key_expired", lambda: api.authenticate(house, secret, None))
    clock.set(clock.now() - 50)
    api.authenticate(house, secret, None)


def test_networks(house: House) -> None:
    _, secret = make(house, networks=["10.0.0.0/8", "2001:db8::/32"])
    for good in ("10.9.8.7", "::ffff:10.9.8.7", "2001:db8::5"):
        assert api.authenticate(house, secret, good).kind is Kind.KEY
    for bad in ("192.168.0.1", "::ffff:192.168.0.1", "2001:db9::5", "::10.9.8.7", None, "testclient"):
        problem = refused("accounts.network_refused", lambda bad=bad: api.authenticate(house, secret, bad))
        assert problem.status == 403
    assert api.authenticate(house, secret, "10.9.8.7").kind is Kind.KEY


def test_a_known_key_costs_no_transaction(house: House) -> None:
    _, secret = make(house, networks=["10.0.0.0/8"])
    actor = api.authenticate(house, secret, "10.0.0.1")
    api.take(house, actor)

    def again() -> None:
        for _ in range(50):
            api.take(house, api.authenticate(house, secret, "10.0.0.1"))

    assert reads(house, again) == 0
    assert reads(house, lambda: make(house, role="pvs", name="x")) == 1
    assert reads(house, lambda: api.authenticate(house, secret, "10.0.0.1")) == 1, "a key changed: read again"


def test_what_cannot_be_a_key_costs_no_transaction(house: House) -> None:
    refused("accounts.key_invalid", lambda: api.authenticate(house, "nonsense", None))

    def attempt() -> None:
        refused("accounts.key_invalid", lambda: api.authenticate(house, "x" * 56, None))

    assert reads(house, attempt) == 0


def test_a_change_counts_at_once_in_this_process(house: House) -> None:
    key, secret = make(house)
    assert api.authenticate(house, secret, None).id == key.id
    _, fresh = rotate(house, key)
    refused("accounts.key_revoked", lambda: api.authenticate(house, secret, None))
    new = api.authenticate(house, fresh, None)
    revoke(house, keys_by_id(house, new.id))
    refused("accounts.key_revoked", lambda: api.authenticate(house, fresh, None))
    _, third = make(house)
    api.authenticate(house, third, None)
    make(house, replace=True)
    refused("accounts.key_revoked", lambda: api.authenticate(house, third, None))


def keys_by_id(house: House, id_: str) -> api.ApiKey:
    with house.store.read(NORTH) as tx:
        found = api.get_key(tx, id_)
    assert found is not None
    return found


def test_a_rolled_back_change_changes_nothing(house: House) -> None:
    key, secret = make(house)
    with pytest.raises(ZeroDivisionError), house.store.write(NORTH) as tx:
        api.revoke_key(tx, key.id)
        raise ZeroDivisionError
    assert api.authenticate(house, secret, None).id == key.id


def test_a_key_read_while_it_is_revoked_is_not_remembered(house: House) -> None:
    """The reader has the old row in hand when the revocation commits: it must not become the memory."""
    key, secret = make(house)
    gate = gate_of(house.store)
    gate.forget()
    once = threading.Event()
    plain = house.registry.role

    def slow_role(name: str) -> frozenset[str]:
        if not once.is_set():
            once.set()
            revoke(house, key)
        return plain(name)

    object.__setattr__(house.registry, "role", slow_role)
    try:
        api.authenticate(house, secret, None)  # began before the revocation: this one may still pass
    finally:
        object.__delattr__(house.registry, "role")
    assert once.is_set()
    refused("accounts.key_revoked", lambda: api.authenticate(house, secret, None))


def test_another_node_sees_a_revocation_within_a_second(postgres_houses: Houses, clock: FrozenClock) -> None:
    one = postgres_houses.open(SERVICES, clock)
    two = postgres_houses.twin(one)
    key, secret = make(one)
    assert api.authenticate(two, secret, None).id == key.id
    revoke(one, key)
    refused("accounts.key_revoked", lambda: api.authenticate(one, secret, None))
    clock.advance(1)
    refused("accounts.key_revoked", lambda: api.authenticate(two, secret, None))


def test_between_two_readings_another_node_asks_nothing(postgres_houses: Houses, clock: FrozenClock) -> None:
    house = postgres_houses.open(SERVICES, clock)
    _, secret = make(house)
    api.authenticate(house, secret, None)
    clock.advance(0.9)
    assert reads(house, lambda: api.authenticate(house, secret, None)) == 0
    clock.advance(0.1)
    assert reads(house, lambda: api.authenticate(house, secret, None)) == 1
    clock.advance(0.99)
    assert reads(house, lambda: api.take(house, api.authenticate(house, secret, None))) == 0, (
        "the limits came too"
    )


def test_a_changed_limit_counts_after_a_second(house: House, clock: FrozenClock) -> None:
    actor = api.authenticate(house, make(house)[1], None)
    api.take(house, actor)
    with house.store.write(NORTH) as tx:
        house.settings.put(tx, "accounts.rate_burst", 2)
    clock.advance(1)
    for _ in range(2):
        api.take(house, actor)
    refused("accounts.rate_limited", lambda: api.take(house, actor))


def test_requests_are_limited_per_key(make_house: Callable[..., House], clock: FrozenClock) -> None:
    house = make_house(SERVICES, settings={"accounts.rate_per_minute": 30, "accounts.rate_burst": 5})
    one = api.authenticate(house, make(house, name="eins")[1], None)
    two = api.authenticate(house, make(house, name="zwei")[1], None)
    for _ in range(5):
        api.take(house, one)
    problem = refused("accounts.rate_limited", lambda: api.take(house, one))
    assert (problem.status, problem.retry, problem.headers) == (429, True, {"Retry-After": "2"})
    api.take(house, two)
    clock.advance(1.5)
    assert refused("accounts.rate_limited", lambda: api.take(house, one)).headers == {"Retry-After": "1"}
    clock.advance(0.5)
    api.take(house, one)
    refused("accounts.rate_limited", lambda: api.take(house, one))
    clock.advance(3600)
    for _ in range(5):
        api.take(house, one)
    refused("accounts.rate_limited", lambda: api.take(house, one))


def test_the_limit_as_delivered(house: House, clock: FrozenClock) -> None:
    actor = api.authenticate(house, make(house)[1], None)
    passed = 0
    for _ in range(200):
        try:
            api.take(house, actor)
            passed += 1
        except Exception:
            break
    assert passed == 120
    clock.advance(1)
    for _ in range(10):
        api.take(house, actor)
    refused("accounts.rate_limited", lambda: api.take(house, actor))


def test_the_house_itself_is_not_limited(house: House) -> None:
    def many() -> None:
        for _ in range(300):
            api.take(house, system("job"))
            api.take(house, ANONYMOUS)

    assert reads(house, many) == 0


def test_wrong_keys_are_limited_per_address_and_right_ones_never(house: House, clock: FrozenClock) -> None:
    _, secret = make(house)
    for _ in range(30):
        refused("accounts.key_invalid", lambda: api.authenticate(house, keys.new_secret(), "203.0.113.7"))
    problem = refused("accounts.rate_limited", lambda: api.authenticate(house, "x", "::ffff:203.0.113.7"))
    assert (problem.status, problem.headers) == (429, {"Retry-After": "2"})
    refused("accounts.key_invalid", lambda: api.authenticate(house, "x", "203.0.113.8"))
    gate_of(house.store).forget()
    assert api.authenticate(house, secret, "203.0.113.7").organization == "north"
    clock.advance(2)
    refused("accounts.key_invalid", lambda: api.authenticate(house, "x", "203.0.113.7"))
    refused("accounts.rate_limited", lambda: api.authenticate(house, "x", "203.0.113.7"))


def test_the_last_use_is_known_at_once_and_written_once_a_minute(house: House, clock: FrozenClock) -> None:
    key, secret = make(house)
    start = clock.now()
    gate = gate_of(house.store)
    assert gate.flush(house) == 0
    api.authenticate(house, secret, None)
    with house.store.read(NORTH) as tx:
        assert api.list_keys(tx)[0][0].last_used_at == start
    assert read(house, key).last_used_at is None, "a request never writes it itself"
    assert gate.flush(house) == 1
    assert read(house, key).last_used_at == start
    clock.advance(10)
    api.authenticate(house, secret, None)
    assert gate.flush(house) == 0
    clock.advance(FLUSH_S - 10)
    assert gate.flush(house) == 1
    assert read(house, key).last_used_at == start + 10
    assert gate.flush(house, everything=True) == 0


def test_a_server_writes_last_uses_when_it_stops(sqlite_houses: Houses, clock: FrozenClock) -> None:
    house = sqlite_houses.open(SERVICES, clock)
    start_work = next(s.start for s in house.registry.services if s.name == "accounts")
    assert start_work is not None
    key, secret = make(house)
    api.authenticate(house, secret, None)
    gate_of(house.store).flush(house)
    start_work(house)
    clock.advance(5)
    api.authenticate(house, secret, None)
    house.stop()
    again = sqlite_houses.twin(house)
    assert read(again, key).last_used_at == clock.now()


def test_only_the_digest_is_asked_for(house: House) -> None:
    """The statement that finds a key binds the digest alone: what is compared has the length of a SHA-256."""
    key, secret = make(house)
    with house.store.read(NORTH) as tx:
        digest = tx.raw("SELECT digest FROM accounts_key").fetchone()[0]
    assert digest == keys.digest(secret) and len(digest) == 64
    assert WATCHERS, "the tenancy watch is on"
    assert api.authenticate(house, secret, None).id == key.id
