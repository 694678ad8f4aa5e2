"""The hub's registry: keys that were changed where a revocation was not known yet, and former keys that come back."""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from praxisd_relay.identity import Identity
from praxisd_relay.records import Record
from praxisd_relay.registry import Refusal, Registry


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], Registry]]:
    made: list[Registry] = []

    def new() -> Registry:
        made.append(Registry(tmp_path / f"{len(made)}.sqlite"))
        return made[-1]

    yield new
    for each in made:
        each.close()


def enrolled(registry: Registry) -> Identity:
    key = Identity.new()
    registry.enrol(registry.invite("Praxis"), key.public)
    return key


def same(*hubs: Registry) -> None:
    """What one knows all know, and nobody has anything to say any more."""
    for _ in range(4):
        for one, other in itertools.permutations(hubs, 2):
            for record in one.records():
                other.apply(record)
    assert len({tuple(sorted(map(repr, each.records()))) for each in hubs}) == 1


def shut(registry: Registry, *keys: Identity) -> list[bool]:
    return [registry.present(key.id) is None for key in keys]


def test_a_former_key_does_not_come_back_with_its_code(make: Callable[[], Registry]) -> None:
    registry, one, two = make(), Identity.new(), Identity.new()
    code = registry.invite("x")
    registry.enrol(code, one.public)
    assert registry.enrol(code, one.public).id == one.id  # the answer was lost
    registry.rotate(one.id, two.public)
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            registry.enrol(code, one.public)
        assert caught.value.code == "code_used"
        registry.proved(two.id)
    registry.enrol(registry.invite("again"), one.public)  # a new code is the operator's word
    assert registry.present(one.id) == registry.find(one.id)


@pytest.mark.parametrize("late", ["revocation", "rotation"])
def test_who_was_revoked_does_not_come_back_by_a_new_key_elsewhere(
    late: str, make: Callable[[], Registry]
) -> None:
    one, two = make(), make()
    key, fresh, later = enrolled(one), Identity.new(), Identity.new()
    one.rename(key.id, names=["own.example"])
    two.apply(*one.records())
    steps: list[Callable[[], object]] = [lambda: one.revoke(key.id), lambda: two.rotate(key.id, fresh.public)]
    for step in steps if late == "rotation" else reversed(steps):
        step()
    two.proved(fresh.id)
    two.rotate(fresh.id, later.public)
    same(one, two)
    for each in (one, two):
        assert shut(each, key, fresh, later) == [True] * 3
    one.restore(later.id)  # the operator changes his mind: of all keys
    same(one, two)
    for each in (one, two):
        assert shut(each, key, fresh, later) == [False] * 3
        assert each.present(key.id) == each.find(later.id) and each.named("own.example") == later.id


def test_a_former_key_that_was_revoked_alone_takes_nobody_along(make: Callable[[], Registry]) -> None:
    one, two = make(), make()
    key, fresh = enrolled(one), Identity.new()
    one.rotate(key.id, fresh.public)
    one.revoke(key.id)
    same(one, two)
    assert shut(two, key, fresh) == [True, False]


def test_a_key_changed_after_a_restoration_stays(make: Callable[[], Registry]) -> None:
    one, two = make(), make()
    key, fresh = enrolled(one), Identity.new()
    one.revoke(key.id)
    one.restore(key.id)
    one.rotate(key.id, fresh.public)
    one.revoke(key.id)
    same(one, two)
    assert shut(two, key, fresh) == [True, False]


def test_who_used_the_code_later_loses_its_next_key_too(make: Callable[[], Registry]) -> None:
    one, two = make(), make()
    code, first, second, next_ = one.invite("x"), Identity.new(), Identity.new(), Identity.new()
    two.apply(*one.records())
    at = time.time()
    one._now, two._now = lambda: at, lambda: at + 1
    one.enrol(code, first.public)
    two.enrol(code, second.public)
    two.rotate(second.id, next_.public)
    same(one, two)
    for each in (one, two):
        assert shut(each, first, second, next_) == [False, True, True]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)), again=st.permutations(range(4)), where=st.integers(0, 15))
def test_hubs_end_up_with_the_same_whatever_they_hear_first(
    order: list[int], again: list[int], where: int, make: Callable[[], Registry]
) -> None:
    one, two, hubs = make(), make(), [make(), make()]
    key, fresh = enrolled(one), Identity.new()
    two.apply(*one.records())
    one.revoke(key.id)
    two.rotate(key.id, fresh.public)
    told: list[Record] = [*one.records(), *two.records()]
    told = [each for each in told if not hasattr(each, "hash")]
    told.append(told[0])
    for number, at in enumerate((*order, *again)):
        hubs[(where >> (number % 4)) & 1].apply(told[at % len(told)])
    same(one, two, *hubs)
    assert [shut(each, key, fresh) for each in (one, two, *hubs)] == [[True, True]] * 4


@pytest.mark.parametrize("revoked_first", [True, False])
def test_a_command_that_revokes_this_very_moment(revoked_first: bool, tmp_path: Path) -> None:
    """On one folder: between the look at the file and the writing."""
    hub, command = Registry(tmp_path / "hub.sqlite"), Registry(tmp_path / "hub.sqlite")
    key, fresh = enrolled(hub), Identity.new()
    quick, slow = (command, hub) if revoked_first else (hub, command)
    slow.poll()
    look, looks = slow.poll, []

    def behind() -> int:
        looks.append(1)
        return 0 if len(looks) == 1 else look()

    slow.poll = behind  # type: ignore[method-assign]
    if revoked_first:
        quick.revoke(key.id)
        with pytest.raises(Refusal) as caught:
            slow.rotate(key.id, fresh.public)
        assert caught.value.code == "revoked"
    else:
        quick.rotate(key.id, fresh.public)
        slow.revoke(key.id)  # it was meant when it was the present key
    hub.poll()
    command.poll()
    for each in (hub, command):
        assert shut(each, key, fresh) == [True, True]
        each.close()


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "hub.sqlite")
    key = enrolled(registry)
    before = registry.records()
    registry.close()
    file = sqlite3.connect(tmp_path / "hub.sqlite")
    for column in ("shut", "came_from", "came_at"):
        file.execute(f"ALTER TABLE practice DROP COLUMN {column}")
    file.execute("PRAGMA user_version=1")
    file.commit()
    file.close()
    registry = Registry(tmp_path / "hub.sqlite")
    assert registry.records() == before
    registry.revoke(key.id)
    assert registry.find(key.id).shut == 1  # type: ignore[union-attr]
    registry.close()
