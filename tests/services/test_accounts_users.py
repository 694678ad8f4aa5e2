"""Users on both engines: made, changed, switched off, signed in; an unknown login costs the same as a known one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from praxisd.kernel.access import Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.accounts import SERVICE, api, passwords, store
from praxisd.services.accounts.gate import gate_of

from .accounts_cast import HASH, NORTH, SERVICES, SOUTH, add_user, make, notes, refused

PASSWORD = "Der Hund bellt im Hof"


@pytest.fixture(scope="module")
def hashed() -> str:
    return api.hash_password(PASSWORD, "anna")


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house(SERVICES)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The parameters of every hash that is really compared, in order."""
    found: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            found.append(str(hash).rsplit("$", 2)[0])
            return bool(super().verify(hash, password))

    monkeypatch.setattr(passwords, "_HASHER", Watched())
    yield found


def change(house: House, user: api.User, **given: object) -> api.User:
    return house.store.run(
        NORTH,
        lambda tx: api.change_user(tx, house.registry, user.id, **given),  # type: ignore[arg-type]
    )


def test_a_user_is_made(house: House, clock: FrozenClock) -> None:
    user = add_user(house, "Anna.Müller", role="desk", name=" Anna  Müller ")
    assert (user.login, user.name, user.role, user.active) == ("Anna.Müller", "Anna Müller", "desk", True)
    assert (user.version, user.created_at, user.password_changed_at) == (1, clock.now(), clock.now())
    with house.store.read(NORTH) as tx:
        assert api.find_user(tx, "ANNA.MÜLLER") == user == api.get_user(tx, user.id)
    assert [(e.type, e.subject, e.codes) for e in notes(house)] == [
        ("user.created", f"User/{user.id}", {"role": "desk"})
    ]


def test_a_login_is_one_person_whatever_its_capitals(house: House) -> None:
    add_user(house, "Anna")
    assert refused("accounts.login_taken", lambda: add_user(house, "aNNA")).status == 409
    add_user(house, "anna", SOUTH)
    refused("accounts.invalid", lambda: add_user(house, "an na"))
    refused("accounts.invalid", lambda: add_user(house, "carla", role="portal"))


def test_of_two_who_take_a_login_at_once_one_gets_it(house: House) -> None:
    barrier = threading.Barrier(4)

    def attempt(n: int) -> str:
        barrier.wait()
        try:
            return add_user(house, "anna" if n % 2 else "ANNA").id
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))
    assert answers.count("accounts.login_taken") == 3


def test_changes_are_noted_by_field_and_need_the_version(house: House, clock: FrozenClock) -> None:
    add_user(house, "chefin")
    user = add_user(house, role="desk")
    clock.advance(10)
    changed = change(house, user, expected=1, name="Anna Neu", role="owner", password_hash="x")
    assert (changed.name, changed.role, changed.version) == ("Anna Neu", "owner", 2)
    assert changed.password_changed_at == clock.now()
    last = notes(house)[-1]
    assert (last.type, last.fields, last.version) == ("user.changed", ("name", "role", "password"), 2)
    refused("resource.stale", lambda: change(house, user, expected=1, name="Alt"))
    assert change(house, user, expected=2, name="Anna Neu") == changed, "nothing new is no new version"
    assert len(notes(house)) == 3
    refused("accounts.invalid", lambda: change(house, user, role="root"))


def test_the_last_owner_stays(house: House) -> None:
    first = add_user(house, "anna")
    assert refused("accounts.last_owner", lambda: change(house, first, active=False)).status == 409
    refused("accounts.last_owner", lambda: change(house, first, role="desk"))
    assert change(house, first, name="Anna B.").active
    second = add_user(house, "berta")
    assert not change(house, first, active=False).active
    refused("accounts.last_owner", lambda: change(house, second, active=False))
    with house.store.read(SOUTH) as tx:
        assert api.list_users(tx)[0] == []


def test_two_owners_cannot_leave_at_once(house: House) -> None:
    owners = [add_user(house, f"owner{n}") for n in range(2)]
    barrier = threading.Barrier(2)

    def leave(user: api.User) -> str:
        barrier.wait()
        try:
            return house.store.run(NORTH, lambda tx: api.deactivate(tx, house.registry, user.id)).id
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(leave, owners))
    assert answers.count("accounts.last_owner") == 1
    with house.store.read(NORTH) as tx:
        assert [u.active for u in api.list_users(tx)[0]].count(True) == 1


def test_signing_in(house: House, hashed: str) -> None:
    user = add_user(house, password_hash=hashed)
    for organization in ("north", None):
        actor = api.verify(house, organization, "ANNA", PASSWORD, "203.0.113.7")
        assert actor is not None
        assert (actor.kind, actor.id, actor.organization) == (Kind.USER, user.id, "north")
        assert actor.permissions == house.registry.role("owner") and not actor.masked
    assert api.verify(house, "south", "anna", PASSWORD) is None
    assert api.verify(house, "north", "anna", PASSWORD + "!") is None


def test_the_service_partner_sees_no_personal_fields(house: House, hashed: str) -> None:
    add_user(house, role="partner", password_hash=hashed)
    actor = api.verify(house, "north", "anna", PASSWORD)
    assert actor is not None and actor.masked
    assert actor.permissions == house.registry.role("partner")


def test_every_mismatch_costs_one_hash_of_the_same_kind(house: House, hashed: str, asked: list[str]) -> None:
    add_user(house, "chefin")
    off = add_user(house, "off", password_hash=hashed)
    change(house, off, active=False)
    add_user(house, "anna", password_hash=hashed)
    add_user(house, "doppelt", password_hash=hashed)
    add_user(house, "doppelt", SOUTH, password_hash=hashed)
    for organization, login, password in (
        ("north", "anna", "falsch falsch"),
        ("north", "nobody", PASSWORD),
        ("north", "off", PASSWORD),
        ("south", "anna", PASSWORD),
        ("nowhere", "anna", PASSWORD),
        (None, "doppelt", PASSWORD),
        ("north", "", ""),
        ("north", "' OR 1=1 --", "x" * 5000),
    ):
        asked.clear()
        assert api.verify(house, organization, login, password) is None
        assert asked == ["$argon2id$v=19$m=65536,t=3,p=4"], login


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(house: House) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    add_user(house, password_hash=weak)
    assert api.verify(house, "north", "anna", PASSWORD) is not None
    with house.store.read(NORTH) as tx:
        ((_, _, fresh),) = store.sign_in_rows(tx, "anna", "north")
    assert fresh.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(fresh, PASSWORD)


def test_a_renewed_hash_does_not_undo_a_new_password(house: House) -> None:
    user = add_user(house, password_hash="old")
    change(house, user, password_hash="new")
    swapped = house.store.run(
        NORTH, lambda tx: store.swap_password(tx, "north", user.id, "old", "renewed old")
    )
    assert not swapped
    with house.store.read(NORTH) as tx:
        assert store.sign_in_rows(tx, "anna", None)[0][2] == "new"


def test_attempts_are_limited_per_login_before_any_work(
    house: House, clock: FrozenClock, hashed: str, asked: list[str]
) -> None:
    add_user(house, password_hash=hashed)
    for n in range(6):
        assert api.verify(house, "north", "Anna" if n % 2 else "anna", "falsch", f"203.0.113.{n}") is None
    asked.clear()
    problem = refused(
        "accounts.rate_limited", lambda: api.verify(house, "north", "ANNA", PASSWORD, "203.0.113.99")
    )
    assert (problem.status, problem.headers, asked) == (429, {"Retry-After": "10"}, [])
    clock.advance(10)
    assert api.verify(house, "north", "anna", PASSWORD, "203.0.113.99") is not None
    assert api.verify(house, "north", "anna", PASSWORD, "203.0.113.99") is not None, "good ones do not count"


def test_attempts_are_limited_per_address(make_house: Callable[..., House], hashed: str) -> None:
    house = make_house(SERVICES, settings={"accounts.failures_per_minute": 3})
    add_user(house, password_hash=hashed)
    for n in range(3):
        assert api.verify(house, "north", f"login{n}", "falsch", "203.0.113.7") is None
    refused("accounts.rate_limited", lambda: api.verify(house, "north", "anna", PASSWORD, "203.0.113.7"))
    assert api.verify(house, "north", "anna", PASSWORD, "203.0.113.8") is not None
    assert gate_of(house.store).sign_ins.wait("north/anna", 0.1, 6, house.clock.monotonic()) == 0.0


def found(house: House) -> set[tuple[str, str, str | None]]:
    return {(f.code, f.subject, f.organization) for check in SERVICE.checks for f in check.call(house)}


def test_the_check_for_owners(house: House) -> None:
    assert found(house) == set(), "a practice without users is only not set up"
    add_user(house, "desk", role="desk")
    add_user(house, "chefin", SOUTH)
    assert found(house) == {("accounts.no_owner", "Organization/north", "north")}
    add_user(house, "anna")
    assert found(house) == set()


def test_the_check_for_keys_that_end(house: House, clock: FrozenClock) -> None:
    day = 24 * 3600
    key, _ = make(house, SOUTH, expires_at=clock.now() + 15 * day)
    make(house, role="pvs", name="ohne Ende")
    assert found(house) == set()
    clock.advance(day)
    expected = {("accounts.keys_expiring", f"ApiKey/{key.id}", "south")}
    assert found(house) == expected
    (finding,) = next(c for c in SERVICE.checks if c.name == "accounts.keys_expiring").call(house)
    assert finding.params == {"name": "Dr. Beispiel", "date": "2026-12-08"}
    clock.advance(20 * day)
    assert found(house) == expected, "nobody mended it yet"
    make(house, SOUTH, expires_at=clock.now() + 100 * day)
    assert found(house) == set(), "the portal has new access data"


def test_revoking_a_key_that_ends_is_an_answer_too(house: House, clock: FrozenClock) -> None:
    key, _ = make(house, role="pvs", name="alt", expires_at=clock.now() + 3600)
    assert [subject for _, subject, _ in found(house)] == [f"ApiKey/{key.id}"]
    house.store.run(NORTH, lambda tx: api.revoke_key(tx, key.id))
    assert found(house) == set()


def test_a_replaced_key_in_its_overlap_is_no_finding(house: House, clock: FrozenClock) -> None:
    make(house, expires_at=clock.now() + 3600)
    make(house, replace=True, overlap_s=600)
    assert found(house) == set()


def test_the_hash_of_the_cast_is_no_password() -> None:
    assert not passwords.matches(HASH, PASSWORD)
