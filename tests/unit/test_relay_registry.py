"""The hub's registry: codes, enrolment, rotation, revocation, what commands and other hubs change."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from praxisd_relay import hub_files, identity
from praxisd_relay.identity import Identity
from praxisd_relay.records import Code, Practice, Record, merged, sound
from praxisd_relay.registry import CODE_TRIES, MOST_KEYS, ROTATIONS, Refusal, Registry, forget_counters


class Clock:
    """A clock that stands."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> Iterator[Registry]:
    opened = Registry(tmp_path / "hub.sqlite", clock)
    yield opened
    opened.close()


def refused(registry: Registry, code: str, key: Identity) -> str:
    with pytest.raises(Refusal) as caught:
        registry.enrol(code, key.public)
    return caught.value.code


def enrolled(registry: Registry, label: str = "Praxis") -> Identity:
    key = Identity.new()
    registry.enrol(registry.invite(label), key.public)
    return key


def test_a_code_admits_one_key(registry: Registry) -> None:
    code, one, two = registry.invite("Dr. Muster"), Identity.new(), Identity.new()
    made = registry.enrol(code, one.public)
    assert (made.id, made.key, made.label, made.revoked) == (one.id, one.public, "Dr. Muster", False)
    assert registry.present(one.id) == made
    assert refused(registry, code, two) == "code_used"
    assert registry.find(two.id) is None
    assert registry.codes()[0].tries == 1


def test_an_answer_that_was_lost_is_given_again(registry: Registry) -> None:
    code, one = registry.invite("x"), Identity.new()
    assert registry.enrol(code, one.public) == registry.enrol(code, one.public)
    assert registry.codes()[0].tries == 0


def test_a_code_ends(registry: Registry, clock: Clock) -> None:
    code = registry.invite("x", seconds=60)
    clock.at += 60
    assert refused(registry, code, Identity.new()) == "code_wrong"


def test_an_unknown_code_leaves_nothing(registry: Registry) -> None:
    registry.invite("x")
    before = registry.records()
    assert refused(registry, identity.new_code(), Identity.new()) == "code_wrong"
    assert registry.records() == before


def test_a_code_refused_five_times_is_void(registry: Registry) -> None:
    code = registry.invite("x")
    for _ in range(CODE_TRIES):
        registry.refused(code)
    assert refused(registry, code, Identity.new()) == "code_wrong"


def test_a_code_is_in_no_file(registry: Registry, tmp_path: Path) -> None:
    code = registry.invite("x")
    for file in tmp_path.iterdir():
        assert code.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_it_is_all_there_after_a_restart(registry: Registry, tmp_path: Path) -> None:
    one = enrolled(registry)
    registry.rename(one.id, names=["termine.praxis.example"])
    registry.rotate(one.id, Identity.new().public)
    again = Registry(tmp_path / "hub.sqlite")
    assert again.practices() == registry.practices() and again.codes() == registry.codes()
    assert again.named("termine.praxis.example") == registry.named("termine.praxis.example")
    assert again.aliases(again.practices()[-1].id) == registry.aliases(registry.practices()[-1].id)
    again.close()


def test_a_new_key_takes_the_place_of_the_old(registry: Registry) -> None:
    one, two, three = enrolled(registry), Identity.new(), Identity.new()
    registry.rename(one.id, names=["own.example"])
    made = registry.rotate(one.id, two.public)
    assert registry.rotate(one.id, two.public) == made == registry.rotate(two.id, two.public)
    assert registry.present(one.id) == registry.present(two.id) == made
    assert registry.named("own.example") == two.id
    registry.rotate(one.id, three.public)
    assert [registry.present(key.id).id for key in (one, two, three)] == [three.id] * 3  # type: ignore[union-attr]
    assert {one.id for one in registry.aliases(three.id)} == {one.id, two.id}


def test_the_old_key_opens_links_until_the_new_one_did(registry: Registry) -> None:
    one, two = enrolled(registry), Identity.new()
    registry.rotate(one.id, two.public)
    assert not registry.find(one.id).closed  # type: ignore[union-attr]
    registry.proved(two.id)
    assert registry.find(one.id).closed  # type: ignore[union-attr]
    assert registry.present(one.id).id == two.id  # type: ignore[union-attr]


def test_the_first_name_leads_to_the_practice_after_any_number_of_keys(
    registry: Registry, clock: Clock
) -> None:
    keys = [enrolled(registry)]
    for _ in range(MOST_KEYS - 1):
        clock.at += 86_400
        keys.append(Identity.new())
        registry.rotate(keys[-2].id, keys[-1].public)
    assert {registry.present(key.id).id for key in keys} == {keys[-1].id}  # type: ignore[union-attr]
    clock.at += 86_400
    with pytest.raises(Refusal) as caught:
        registry.rotate(keys[-1].id, Identity.new().public)
    assert caught.value.code == "busy"
    assert {each.id for each in registry.revoke(keys[-1].id)} == {key.id for key in keys}


def test_so_many_new_keys_a_day(registry: Registry, clock: Clock) -> None:
    key, other = enrolled(registry), enrolled(registry)
    for _ in range(ROTATIONS):
        clock.at += 60
        new = Identity.new()
        registry.rotate(key.id, new.public)
        key = new
    before = registry.records()
    with pytest.raises(Refusal) as caught:
        registry.rotate(key.id, Identity.new().public)
    assert caught.value.code == "busy" and registry.records() == before
    assert registry.rotate(key.id, key.public).id == key.id  # the same answer again costs nothing
    registry.rotate(other.id, Identity.new().public)
    clock.at += 86_400
    registry.rotate(key.id, Identity.new().public)


def test_a_key_of_another_practice_is_no_new_key(registry: Registry) -> None:
    one, two = enrolled(registry), enrolled(registry)
    for old, new in ((one, two), (Identity.new(), Identity.new())):
        with pytest.raises(Refusal):
            registry.rotate(old.id, new.public)
    third = Identity.new()
    registry.rotate(one.id, third.public)
    with pytest.raises(Refusal):
        registry.rotate(third.id, one.public)
    assert registry.present(two.id).id == two.id  # type: ignore[union-attr]


def test_what_is_revoked_is_gone_with_its_aliases_until_restored(registry: Registry) -> None:
    one, two = enrolled(registry), Identity.new()
    registry.rotate(one.id, two.public)
    assert {each.id for each in registry.revoke(two.id)} == {one.id, two.id}
    assert registry.present(one.id) is registry.present(two.id) is None
    assert registry.revoke(two.id) == []
    with pytest.raises(Refusal) as caught:
        registry.rotate(two.id, Identity.new().public)
    assert caught.value.code == "revoked"
    assert refused(registry, registry.invite("x"), two) == "revoked"
    registry.restore(two.id)
    assert registry.present(one.id).id == two.id  # type: ignore[union-attr]


def test_an_alias_is_revoked_alone(registry: Registry) -> None:
    one, two = enrolled(registry), Identity.new()
    registry.rotate(one.id, two.public)
    registry.revoke(one.id)
    assert registry.present(one.id) is None
    assert registry.present(two.id) is not None


def test_own_names(registry: Registry) -> None:
    one, two = enrolled(registry), enrolled(registry)
    registry.rename(one.id, names=["Termine.Praxis.Example.", "b.example"])
    assert registry.named("termine.praxis.example") == one.id
    for names, code in (
        (["b.example"], "name_taken"),
        (["*.example"], "name_wrong"),
        (["single"], "name_wrong"),
    ):
        with pytest.raises(Refusal) as caught:
            registry.rename(two.id, names=names)
        assert caught.value.code == code
    registry.rename(one.id, names=[])
    assert registry.named("b.example") is None
    assert registry.rename(two.id, label="neu").label == "neu"


def test_what_a_command_changes_is_seen(registry: Registry, tmp_path: Path) -> None:
    seen: list[Record] = []
    one = enrolled(registry)
    registry.changed(lambda record, foreign: seen.append(record))
    registry.poll()
    assert seen == [] and registry.poll() == 0
    command = Registry(tmp_path / "hub.sqlite")
    command.revoke(one.id)
    command.close()
    assert registry.poll() == 1
    assert [(type(each), each.turn) for each in seen if isinstance(each, Practice)] == [(Practice, 1)]
    assert registry.present(one.id) is None


def test_a_change_made_meanwhile_by_a_command_is_not_lost(registry: Registry, tmp_path: Path) -> None:
    one = enrolled(registry)
    stale = registry.find(one.id)
    assert stale is not None
    command = Registry(tmp_path / "hub.sqlite")
    command.revoke(one.id)
    command.close()
    registry.poll = lambda: 0  # type: ignore[method-assign]  # it was written after the look
    registry.apply(replace(stale, label="elsewhere", stamp=stale.stamp + 10))
    assert registry.find(one.id).revoked  # type: ignore[union-attr]
    assert registry.find(one.id).label == "elsewhere"  # type: ignore[union-attr]


def test_counters(registry: Registry, clock: Clock, tmp_path: Path) -> None:
    hour = int(clock.at) // 3600
    registry.count([("a" * 26, hour - 30, 1, 10, 20, 5), ("a" * 26, hour, 2, 100, 200, 7)])
    registry.count([("a" * 26, hour, 3, 1, 2, 9)])
    assert registry.usage(24) == {"a" * 26: (5, 101, 202, 9)}
    forget_counters(tmp_path / "hub.sqlite", 24, clock.at)
    assert registry.usage(48) == {"a" * 26: (5, 101, 202, 9)}
    clock.at += 90 * 86_400
    forget_counters(tmp_path / "hub.sqlite", 24, clock.at)
    assert registry.usage(24) == {"a" * 26: (0, 0, 0, 9)}  # when it was last there stays known


def test_many_counters_go_in_steps(registry: Registry, clock: Clock, tmp_path: Path) -> None:
    hour = int(clock.at) // 3600
    registry.count([(f"{n:026}", hour - old, 1, 1, 1, 1) for n in range(1500) for old in (1, 50, 60)])
    registry.invite("old")
    clock.at += 40 * 86_400
    registry.invite("new")
    forget_counters(tmp_path / "hub.sqlite", 24, clock.at)
    registry.forget()
    assert [one.label for one in registry.codes()] == ["new"]
    assert len(registry.usage(24)) == 1500
    file = sqlite3.connect(tmp_path / "hub.sqlite")
    assert file.execute("SELECT count(*) FROM usage").fetchone() == (1500,)
    file.close()


def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(folder, owner, -1)
    Registry(folder / "hub.sqlite").close()
    hub_files.write(folder / "key", b"x")
    assert {file.stat().st_uid for file in folder.iterdir()} == {owner}
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}


def test_a_stranger_writes_nothing_into_the_terminal(registry: Registry) -> None:
    one = Identity.new()
    registry.enrol(registry.invite(""), one.public, "\x1b[2Jx" + "y" * 500)
    assert registry.find(one.id).label == "[2Jx" + "y" * 196  # type: ignore[union-attr]


# Several hubs

KEY = Identity.load(b"k" * 32)
PRACTICES = st.builds(
    Practice,
    id=st.just(KEY.id),
    key=st.just(KEY.public),
    label=st.sampled_from(("a", "b")),
    turn=st.integers(0, 3),
    shut=st.integers(0, 3),
    came_from=st.sampled_from(("", Identity.load(b"m" * 32).id)),
    came_at=st.integers(0, 3),
    since=st.integers(0, 3),
    alias_of=st.sampled_from(("", Identity.load(b"l" * 32).id)),
    closed=st.booleans(),
    names=st.sampled_from(((), ("a.example",))),
    stamp=st.integers(0, 3),
)
CODES = st.builds(
    Code,
    hash=st.just("0" * 64),
    label=st.sampled_from(("a", "b")),
    since=st.integers(0, 3),
    until=st.integers(0, 3),
    tries=st.integers(0, 3),
    used_by=st.sampled_from(("", "a" * 26, "b" * 26)),
    used_at=st.integers(0, 3),
    stamp=st.integers(0, 3),
)


@given(st.one_of(st.tuples(*[PRACTICES] * 3), st.tuples(*[CODES] * 3)))
def test_hubs_agree_whatever_the_order(three: tuple[Record, Record, Record]) -> None:
    one, two, other = three
    assert merged(one, two) == merged(two, one)
    assert merged(one, merged(two, other)) == merged(merged(one, two), other)
    assert merged(one, one) == one


def test_a_revocation_does_not_come_back_by_a_late_word(registry: Registry) -> None:
    one = enrolled(registry)
    stale = registry.find(one.id)
    assert stale is not None
    registry.revoke(one.id)
    assert registry.apply(replace(stale, label="late", stamp=stale.stamp + 10**9))
    assert registry.present(one.id) is None and registry.find(one.id).label == "late"  # type: ignore[union-attr]


def test_what_was_taken_in_is_told_and_not_told_twice(registry: Registry) -> None:
    seen: list[tuple[Record, bool]] = []
    registry.changed(lambda record, foreign: seen.append((record, foreign)))
    record = Practice(id=KEY.id, key=KEY.public, stamp=5)
    assert (registry.apply(record), registry.apply(record)) == (True, False)
    assert seen == [(record, True)]
    registry.revoke(KEY.id)
    assert [foreign for _, foreign in seen] == [True, False]


def test_two_hubs_and_one_code(registry: Registry, tmp_path: Path, clock: Clock) -> None:
    other = Registry(tmp_path / "other.sqlite", clock)
    code = registry.invite("x")
    other.apply(*registry.records())
    one, two = Identity.new(), Identity.new()
    registry.enrol(code, one.public)
    clock.at += 1
    other.enrol(code, two.public)
    mine, theirs = registry.records(), other.records()
    registry.apply(*theirs)
    other.apply(*mine)
    registry.apply(*other.records())
    other.apply(*registry.records())
    for each in (registry, other):
        assert each.present(one.id) is not None and each.present(two.id) is None
    other.close()


def test_a_record_that_does_not_hold_together_is_dropped(registry: Registry) -> None:
    other = Identity.new()
    good = Practice(id=KEY.id, key=KEY.public)
    for bad in (
        replace(good, id=other.id),
        replace(good, key=b"short"),
        replace(good, alias_of=KEY.id),
        replace(good, alias_of="x"),
        replace(good, came_from=KEY.id),
        replace(good, came_from="x"),
        replace(good, names=("*",)),
        replace(good, names=tuple(f"{n}.example" for n in range(99))),
        replace(good, label="x" * 201),
        Code(hash="short"),
        Code(hash="0" * 64, used_by="x"),
    ):
        assert not sound(bad)
        assert not registry.apply(bad)
    assert sound(good)


def test_aliases_in_a_circle_end(registry: Registry) -> None:
    other = Identity.new()
    registry.apply(
        Practice(id=KEY.id, key=KEY.public, alias_of=other.id),
        Practice(id=other.id, key=other.public, alias_of=KEY.id),
    )
    assert registry.present(KEY.id) is None
    assert [one.id for one in registry.aliases(KEY.id)] == [other.id]
