"""Attacks on an update's metadata (SPEC 6.2, 6.3): each is refused with its own code, and nothing is changed on disk.

The attacker owns the source and, case by case, some keys; the client is either fresh (cold) or has seen state 1.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tuf.api.metadata import MetaFile

from praxisd.testing.tuf_repository import WHEN, TufRepository, endless, signer
from praxisd.testing.tuf_stock import INDEX, custom, line, package, target
from praxisd_guard.trust import Trust

from .trust_world import World, ask, look

# --- an older state -------------------------------------------------------------------------------------------------


def test_an_older_timestamp_is_a_rollback(world: World) -> None:
    old = world.repository.files["metadata/timestamp.json"]
    world.repository.publish("software")
    world.warm()
    world.repository.files["metadata/timestamp.json"] = old
    fault = world.refused("rollback", look)
    assert fault.params == {"role": "timestamp"} and not fault.retry


def test_a_stolen_timestamp_key_cannot_bring_an_older_snapshot_back(world: World) -> None:
    world.warm()
    stamp = world.repository.signed("timestamp")
    stamp.version += 1
    stamp.snapshot_meta = MetaFile(stamp.snapshot_meta.version - 1)
    world.repository.put_timestamp()
    world.refused("rollback", look)


@pytest.mark.parametrize("role", ["targets", "software"])
def test_stolen_online_keys_cannot_bring_older_targets_back(world: World, role: str) -> None:
    world.warm()
    world.repository.signed("snapshot").meta[f"{role}.json"] = MetaFile(1)
    world.repository.publish()
    assert world.refused("rollback", look).params == {"role": "snapshot"}


def test_a_snapshot_that_forgets_a_role_is_a_rollback(world: World) -> None:
    world.warm()
    del world.repository.signed("snapshot").meta["software.json"]
    world.repository.publish()
    world.refused("rollback", look)


# --- held back ------------------------------------------------------------------------------------------------------


def test_an_expired_timestamp_is_a_freeze(either: World) -> None:
    either.time += timedelta(days=8).total_seconds()
    assert either.refused("frozen", look).params == {"role": "timestamp"}


@pytest.mark.parametrize(("role", "days"), [("snapshot", 15), ("targets", 181)])
def test_expired_metadata_under_a_fresh_timestamp_are_a_freeze(either: World, role: str, days: int) -> None:
    later = WHEN + timedelta(days=days)
    for fresh in {"snapshot", "timestamp"} - {role}:
        either.repository.signed(fresh).expires = later + timedelta(days=1)
    either.repository.publish()
    either.time = later.timestamp()
    assert either.refused("frozen", look).params == {"role": role}


def test_an_expired_delegated_role_is_a_freeze_of_its_elements_only(either: World) -> None:
    either.repository.signed("software").expires = WHEN - timedelta(days=1)
    either.repository.publish("software")
    either.trust().refresh()
    either.refused("frozen", ask)
    assert [e.name for e in either.trust().elements()] == ["praxisd", "drugs"]


# --- parts of different states --------------------------------------------------------------------------------------


def test_a_snapshot_of_another_state_is_a_mixture(either: World) -> None:
    old = either.repository.files["metadata/2.snapshot.json"]
    either.repository.publish("software")
    either.repository.files["metadata/3.snapshot.json"] = old
    assert either.refused("mixed", look).params == {"role": "snapshot"}


def test_targets_of_another_state_are_a_mixture(either: World) -> None:
    old = either.repository.files["metadata/2.targets.json"]
    either.repository.publish("targets")
    either.repository.files["metadata/3.targets.json"] = old
    assert either.refused("mixed", look).params == {"role": "targets"}


def test_a_delegated_role_of_another_state_is_a_mixture(either: World) -> None:
    old = either.repository.files["metadata/2.software.json"]
    either.repository.publish("software")
    either.repository.files["metadata/3.software.json"] = old
    either.trust().refresh()
    assert either.refused("mixed", ask).params == {"role": "software"}


def test_metadata_with_another_hash_are_a_mixture(either: World) -> None:
    """Both versions are signed: the snapshot says which one is meant."""
    either.repository.signed("targets").unrecognized_fields["other"] = 1
    either.repository.publish("targets", hashes=True)
    either.repository.signed("targets").unrecognized_fields["other"] = 2
    either.repository.files["metadata/3.targets.json"] = either.repository.bytes_of("targets")
    fault = either.refused("mixed", look)
    assert fault.params == {"role": "targets"}


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_foreign_keys_sign_nothing(either: World, role: str) -> None:
    either.repository.keys[role] = [signer(), signer()]
    either.repository.publish("targets")
    assert either.refused("wrong_key", look).params == {"role": role}


@pytest.mark.parametrize("who", ["foreign", "data-drugs", "timestamp"])
def test_software_is_signed_by_its_own_keys_only(either: World, who: str) -> None:
    keys = [signer(), signer()] if who == "foreign" else either.repository.keys[who]
    either.repository.publish("software", keys=keys)
    either.trust().refresh()
    assert either.refused("wrong_key", ask).params == {"role": "software"}


def test_the_data_key_cannot_sign_a_software_path(either: World) -> None:
    """The data team lists a program in its own metadata, well signed; its delegation does not reach there."""
    evil = package("6.6")
    either.repository.add("data-drugs", target("6.6"), evil, custom("6.6"))
    either.repository.index("software", INDEX, line("6.6"))
    either.repository.publish("software", "data-drugs")
    either.trust().refresh()
    file = either.work / "evil.zip"
    file.write_bytes(evil)
    found = either.refused("wrong_key", lambda one: one.check(target("6.6"), file))
    either.refused("wrong_key", ask)
    assert found.params == {"role": "data-drugs", "file": target("6.6")}


@pytest.mark.parametrize(("role", "act"), [("targets", look), ("software", ask)])
def test_one_signature_of_two_is_too_few(either: World, role: str, act: Callable[[Trust], object]) -> None:
    either.repository.publish(role, keys=either.repository.keys[role][:1])
    if role == "software":
        either.trust().refresh()
    assert either.refused("threshold", act).params == {"role": role}


def test_the_same_signature_twice_does_not_count_twice(either: World) -> None:
    key = either.repository.keys["software"][0]
    either.repository.publish("software", keys=[key, key])
    either.trust().refresh()
    either.refused("threshold", ask)


# --- roots ----------------------------------------------------------------------------------------------------------


def rotated(repository: TufRepository, *, days: int = 365, keys: list | None = None) -> None:
    """A new root with three new root keys, signed by these keys, else by the old and the new ones."""
    root, old = repository.signed("root"), repository.keys["root"]
    new = [signer() for _ in range(3)]
    for key in old:
        root.revoke_key(key.public_key.keyid, "root")
    for key in new:
        root.add_key(key.public_key, "root")
    root.version += 1
    root.expires = WHEN + timedelta(days=days)
    repository.keys["root"] = new
    repository.put_root([*old, *new] if keys is None else [*keys, *new])


def test_a_rotated_root_is_followed_and_kept(either: World) -> None:
    rotated(either.repository)
    rotated(either.repository)
    either.repository.publish("software")
    one = either.trust()
    assert len(ask(one)) == 2
    assert sorted(f.name for f in (either.trusted / "metadata/root_history").iterdir()) == [
        "1.root.json",
        "2.root.json",
        "3.root.json",
    ]
    assert (either.kept / "metadata" / "3.root.json").is_file()


def test_a_root_without_the_old_keys_is_refused(either: World) -> None:
    old = list(either.repository.keys["root"])
    rotated(either.repository, keys=[])
    assert either.refused("wrong_key", look).params == {"role": "root"}
    either.repository.keys["root"] = old
    assert not (either.trusted / "metadata/root_history/2.root.json").exists()


def test_a_root_with_one_of_two_old_signatures_is_refused(either: World) -> None:
    rotated(either.repository, keys=either.repository.keys["root"][:1])
    either.refused("threshold", look)


def test_a_root_that_skips_a_version_is_refused(either: World) -> None:
    either.repository.signed("root").version += 1
    rotated(either.repository)
    either.repository.files["metadata/2.root.json"] = either.repository.files.pop("metadata/3.root.json")
    either.refused("rollback", look)


def test_a_chain_whose_last_root_is_expired_is_refused_and_its_roots_are_kept(either: World) -> None:
    rotated(either.repository, days=-2)
    rotated(either.repository, days=-1)
    assert either.refused("root_expired", look, roots=2).params == {"role": "root"}
    rotated(either.repository)
    either.trust().refresh()


def test_newer_roots_are_kept_when_what_follows_is_refused(either: World) -> None:
    rotated(either.repository)
    either.repository.lies["metadata/timestamp.json"] = endless
    either.refused("endless", look, roots=1)


def test_recovery_from_a_fast_forward(world: World) -> None:
    """Thieves of the online keys raised the versions to the sky; new keys make the client begin anew."""
    repository = world.repository
    for role in ("snapshot", "timestamp"):
        repository.signed(role).version = 2**31
    repository.publish("software")
    world.warm()
    for role in ("snapshot", "timestamp"):
        repository.signed(role).version = 3
    repository.publish("software")
    world.refused("rollback", look)
    root = repository.signed("root")
    for role in ("snapshot", "timestamp"):
        root.revoke_key(repository.keys[role][0].public_key.keyid, role)
        repository.keys[role] = [signer()]
        root.add_key(repository.keys[role][0].public_key, role)
    root.version += 1
    repository.put_root()
    repository.publish("software")
    world.warm()


@pytest.mark.parametrize("garbage", [b"", b"{}", b"\xff\xfe", b'{"signed": {}, "signatures": []}'])
def test_a_shipped_root_that_is_none(world: World, garbage: bytes) -> None:
    world.root = garbage
    world.refused("malformed", look)
    assert world.repository.asked == []


# --- clock ----------------------------------------------------------------------------------------------------------


def test_a_clock_set_back_makes_nothing_young_again(world: World) -> None:
    world.time += timedelta(days=6).total_seconds()
    world.warm()
    world.time -= timedelta(hours=2).total_seconds()
    world.repository.asked.clear()
    fault = world.refused("clock_back", look)
    assert fault.params == {"now": "2026-11-26T07:00:00Z", "seen": "2026-11-26T09:00:00Z"} and fault.retry
    assert world.repository.asked == []
    world.time += timedelta(minutes=90).total_seconds()  # half an hour behind: a corrected clock
    world.trust().refresh()
    world.time -= timedelta(days=2).total_seconds()
    world.refused("clock_back", look)
    world.trust().clock.forget()
    world.trust().refresh()
