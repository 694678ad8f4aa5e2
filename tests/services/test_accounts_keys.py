"""Access data on both engines: made, replaced on an explicit yes, rotated, revoked; the secret is nowhere."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from praxisd.kernel.access import Actor
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.accounts import api

from .accounts_cast import (
    NORTH,
    SERVICES,
    SOUTH,
    add_user,
    make,
    notes,
    read,
    refused,
    revoke,
    rotate,
    whole_database,
)

HOUR = 3600


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house(SERVICES)


def test_a_key_is_made_with_all_it_was_given(house: House, clock: FrozenClock) -> None:
    until = clock.now() + 90 * 24 * HOUR
    key, secret = make(
        house,
        name="  Dr.  Beispiel ",
        scopes=["accounts.self.read"],
        networks=["10.0.0.0/8"],
        expires_at=until,
    )
    assert (key.name, key.role, key.scopes, key.networks) == (
        "Dr. Beispiel",
        "portal",
        ("accounts.self.read",),
        ("10.0.0.0/8",),
    )
    assert (key.created_by, key.created_at, key.expires_at) == ("cli:cli", clock.now(), until)
    assert secret.startswith(key.prefix + "_")
    assert read(house, key) == key
    with house.store.read(NORTH) as tx:
        assert api.portal_name(tx, str(key.portal)) == "Dr. Beispiel"


def test_a_portal_with_a_valid_key_asks_for_an_explicit_yes(house: House) -> None:
    first, _ = make(house)
    other, _ = make(house, name="Anderes Portal")
    problem = refused("accounts.portal_has_key", lambda: make(house, name="dr. BEISPIEL"))
    assert (problem.status, problem.params) == (409, {"portal": "Dr. Beispiel", "count": 1})
    assert read(house, first).state(0) == "valid"
    second, _ = make(house, name="dr. BEISPIEL", replace=True)
    assert (second.portal, second.name) == (first.portal, "Dr. Beispiel")
    old = read(house, first)
    assert (old.state(0), old.replaced_by) == ("revoked", second.id)
    assert read(house, other) == other, "another portal's keys are never touched"


def test_an_overlap_lets_the_old_key_live_as_long_as_chosen(house: House, clock: FrozenClock) -> None:
    first, secret = make(house)
    start = clock.now()
    second, fresh = make(house, replace=True, overlap_s=2 * HOUR)
    old = read(house, first)
    assert (old.revoked_at, old.overlap_until, old.replaced_by) == (None, start + 2 * HOUR, second.id)
    clock.advance(2 * HOUR - 1)
    assert api.authenticate(house, secret, None).portal == api.authenticate(house, fresh, None).portal
    clock.advance(1)
    refused("accounts.key_expired", lambda: api.authenticate(house, secret, None))
    assert api.authenticate(house, fresh, None).id == second.id


def test_an_overlap_never_prolongs(house: House, clock: FrozenClock) -> None:
    first, _ = make(house)
    start = clock.now()
    make(house, replace=True, overlap_s=HOUR)
    make(house, replace=True, overlap_s=5 * HOUR)
    assert read(house, first).overlap_until == start + HOUR
    third, _ = make(house, replace=True)
    assert read(house, first).state(start) == "revoked"
    assert read(house, third).state(start) == "valid"


def test_keys_that_have_ended_need_no_yes(house: House, clock: FrozenClock) -> None:
    first, _ = make(house, expires_at=clock.now() + HOUR)
    clock.advance(HOUR)
    second, _ = make(house)
    ended = read(house, first)
    assert (ended.replaced_by, ended.revoked_at, ended.state(clock.now())) == (second.id, None, "expired")
    revoke(house, second)
    make(house)


def test_programs_that_are_no_portal_may_have_many_keys(house: House) -> None:
    one, _ = make(house, role="pvs", name="Praxisprogramm")
    two, _ = make(house, role="pvs", name="Praxisprogramm")
    assert one.portal is None
    assert {read(house, k).state(0) for k in (one, two)} == {"valid"}


def test_what_a_key_may_not_be(house: House, clock: FrozenClock) -> None:
    for given in (
        {"role": "root"},
        {"name": " "},
        {"scopes": ["accounts.key.write"]},
        {"scopes": []},
        {"expires_at": clock.now()},
        {"overlap_s": -1},
        {"overlap_s": 31 * 24 * HOUR},
    ):
        problem = refused("accounts.invalid", lambda given=given: make(house, **given))
        assert problem.status == 422
    refused("accounts.bad_network", lambda: make(house, networks=["10.0.0.1/8"]))
    assert notes(house) == []
    make(house)


def test_rotation_keeps_everything_but_the_secret(house: House, clock: FrozenClock) -> None:
    old, secret = make(house, networks=["10.0.0.0/8"], expires_at=clock.now() + 30 * HOUR)
    clock.advance(10 * HOUR)
    new, fresh = rotate(house, old)
    assert (new.portal, new.name, new.role, new.networks) == (old.portal, old.name, old.role, old.networks)
    assert new.expires_at == clock.now() + 30 * HOUR, "as long as the old one was meant to live"
    assert secret != fresh
    refused("accounts.key_revoked", lambda: api.authenticate(house, secret, "10.0.0.1"))
    assert api.authenticate(house, fresh, "10.0.0.1").id == new.id
    later, _ = rotate(house, new, expires_at=clock.now() + HOUR, overlap_s=60)
    assert later.expires_at == clock.now() + HOUR
    assert api.authenticate(house, fresh, "10.0.0.1").id == new.id


def test_only_a_valid_key_can_be_rotated(house: House, clock: FrozenClock) -> None:
    revoked, _ = make(house, role="pvs", name="a")
    revoke(house, revoked)
    expired, _ = make(house, role="pvs", name="b", expires_at=clock.now() + 1)
    clock.advance(1)
    replaced, _ = make(house, role="pvs", name="c")
    rotate(house, replaced, overlap_s=HOUR)
    for key in (revoked, expired, replaced):
        assert refused("accounts.key_ended", lambda key=key: rotate(house, key)).status == 409
    good, _ = make(house, role="pvs", name="d")
    refused("accounts.invalid", lambda: rotate(house, good, expires_at=clock.now()))


def test_of_many_who_rotate_at_once_one_succeeds(house: House) -> None:
    key, _ = make(house)
    barrier = threading.Barrier(6)

    def attempt(_n: int) -> str:
        barrier.wait()
        try:
            return rotate(house, key, overlap_s=HOUR)[0].id
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(attempt, range(6)))
    assert answers[1:] == ["accounts.key_ended"] * 5 or answers[:5] == ["accounts.key_ended"] * 5
    (winner,) = set(answers) - {"accounts.key_ended"}
    assert read(house, key).replaced_by == winner
    with house.store.read(NORTH) as tx:
        assert len(api.list_keys(tx)[0]) == 2


def test_of_many_who_set_up_a_portal_at_once_one_succeeds(house: House) -> None:
    barrier = threading.Barrier(6)

    def attempt(_n: int) -> str:
        barrier.wait()
        try:
            return str(make(house)[0].portal)
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(6)))
    assert answers.count("accounts.portal_has_key") == 5
    with house.store.read(NORTH) as tx:
        assert [k.portal for k in api.list_keys(tx)[0]] == [a for a in answers if "." not in a]


def test_revoking_twice_is_once(house: House, clock: FrozenClock) -> None:
    key, _ = make(house)
    first = revoke(house, key)
    clock.advance(5)
    assert revoke(house, key) == first
    assert [e.type for e in notes(house)] == ["key.created", "key.revoked"]


def test_one_practice_never_reaches_another_s_keys(house: House) -> None:
    north, _ = make(house)
    south, secret = make(house, SOUTH)
    assert north.portal != south.portal, "the same portal's name is its own in each practice"
    assert refused("http.not_found", lambda: revoke(house, north, SOUTH)).status == 404
    refused("http.not_found", lambda: rotate(house, north, SOUTH))
    with house.store.read(SOUTH) as tx:
        assert [k.id for k in api.list_keys(tx)[0]] == [south.id]
        assert api.get_key(tx, north.id) is None
        assert api.portal_name(tx, str(north.portal)) is None
    assert api.authenticate(house, secret, None).organization == "south"


def test_lists_go_on_where_they_stopped(house: House) -> None:
    made = [make(house, role="pvs", name=f"p{n}")[0].id for n in range(5)]
    with house.store.read(NORTH) as tx:
        first, cursor = api.list_keys(tx, limit=3)
        rest, end = api.list_keys(tx, cursor, limit=3)
    assert [k.id for k in first + rest] == made
    assert end is None


def test_events_tell_what_happened_without_names(house: House) -> None:
    first, _ = make(house)
    second, _ = make(house, replace=True, overlap_s=60)
    third, _ = rotate(house, second)
    found = [(e.type, e.subject, e.codes) for e in notes(house)]
    assert found == [
        ("key.created", f"ApiKey/{first.id}", {"role": "portal", "portal_id": first.portal}),
        ("key.created", f"ApiKey/{second.id}", {"role": "portal", "portal_id": first.portal}),
        ("key.revoked", f"ApiKey/{first.id}", {"replaced_by": second.id, "overlap_s": 60}),
        ("key.rotated", f"ApiKey/{second.id}", {"replaced_by": third.id, "overlap_s": 0}),
    ]


def test_no_secret_lies_in_the_database_or_the_log(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    key, secret = make(house)
    new, fresh = rotate(house, key, overlap_s=HOUR)
    api.authenticate(house, secret, None)
    hashed = api.hash_password("Der Hund bellt im Hof", "anna")
    add_user(house, password_hash=hashed)
    assert api.verify(house, "north", "anna", "Der Hund bellt im Hof") is not None
    revoke(house, new)
    house.log.error("operation_failed", where="accounts", error=RuntimeError(secret))
    dump, (out, err) = whole_database(house), capfd.readouterr()
    for hidden in (secret, fresh, secret[13:], fresh[13:], "Der Hund bellt im Hof"):
        assert hidden.encode() not in dump
        assert hidden not in out + err
    assert hashed.encode() in dump and key.prefix.encode() in dump, "the scan sees what is there"
    if house.store.engine.name == "sqlite":
        for file in house.folder.iterdir():
            if file.is_file():
                assert secret[13:].encode() not in file.read_bytes()


def narrow(house: House, *scopes: str) -> Actor:
    _, secret = make(house, role="owner", name="eng", scopes=list(scopes))
    return api.authenticate(house, secret, None)


def test_a_narrowed_key_gives_out_no_more_than_it_has(house: House) -> None:
    actor = narrow(house, "accounts.key.write", *house.registry.role("portal"))
    wide, _ = make(house, role="owner", name="weit")
    assert refused("access.forbidden", lambda: make(house, actor, role="owner", name="x")).status == 403
    refused("access.forbidden", lambda: rotate(house, wide, actor))
    given, _ = make(house, actor, role="owner", name="x", scopes=["accounts.self.read"])
    assert given.created_by == f"key:{actor.id}"
    assert make(house, actor)[0].role == "portal"


def test_a_narrowed_key_takes_over_no_owner(house: House) -> None:
    actor = narrow(house, "accounts.user.write", *house.registry.role("desk"))
    owner = add_user(house)
    refused("access.forbidden", lambda: add_user(house, "eve", actor))

    def change() -> None:
        house.store.run(actor, lambda tx: api.set_password(tx, house.registry, owner.id, "x"))

    refused("access.forbidden", change)
    assert add_user(house, "desk", actor, role="desk").role == "desk"


def test_a_whole_owner_key_may_make_others(house: House) -> None:
    _, secret = make(house, role="owner", name="ganz")
    actor = api.authenticate(house, secret, None)
    assert make(house, actor, role="pvs", name="x")[0].role == "pvs"
