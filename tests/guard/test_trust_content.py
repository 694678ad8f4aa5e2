"""Attacks on an update's files and lists: other bytes, more bytes, bad patches, lists that contradict each other."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile

from praxisd.testing.tuf_repository import ROLES, TufRepository, cut, endless, instead
from praxisd.testing.tuf_stock import DRUGS, INDEX, custom, drugs, line, package, sha, target, with_drugs

from .trust_world import World, ask, look

# --- sizes and content ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["timestamp.json", "3.snapshot.json", "3.targets.json", "2.root.json"])
def test_endless_metadata_are_cut_off(either: World, file: str) -> None:
    either.repository.publish("targets")
    either.repository.lies[f"metadata/{file}"] = endless
    assert either.refused("endless", look).params == {"file": f"metadata/{file}"}


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (endless, "endless"),
        (instead(package("1.1").replace(b"1.1", b"6.6")), "tampered"),
        (instead(package("1.1")[:-1]), "tampered"),
        (instead(b""), "tampered"),
        (instead(package("1.1") + b"x"), "endless"),
    ],
    ids=["endless", "same_length", "shorter", "empty", "longer"],
)
def test_a_changed_target_is_refused(world: World, lie: Callable, code: str) -> None:
    world.warm()
    world.repository.lies[TufRepository.where(target("1.1"), package("1.1"))] = lie
    fault = world.refused(code, lambda one: one.fetch(ask(one)[0], world.packages / "praxisd.zip"))
    assert fault.params["file"] == target("1.1")


def test_a_changed_index_is_refused(world: World) -> None:
    world.warm()
    where = next(name for name in world.repository.files if name.endswith(".index.json"))
    world.repository.lies[where] = instead(world.repository.files[where].replace(b"1.1", b"6.6"))
    world.refused("tampered", ask)
    world.repository.lies[where] = endless
    world.refused("endless", ask)


def test_a_file_changed_after_the_download_is_noticed(world: World) -> None:
    one = world.trust()
    file = one.fetch(ask(one)[0], world.packages / "praxisd.zip")
    file.write_bytes(package("1.1").replace(b"1.1", b"6.6"))
    world.refused("tampered", lambda again: again.check(target("1.1"), file))
    world.refused("tampered", lambda again: again.check(target("1.0"), file))
    world.refused("not_found", lambda again: again.check(target("1.1"), file.with_name("gone")))
    world.refused("not_found", lambda again: again.check(target("9.9"), file))


# --- patches and packed data ----------------------------------------------------------------------------------------


def patched(world: World, **more: object) -> tuple[Path, dict]:
    found = with_drugs(world.repository, world.work, **more)
    world.warm()
    world.trust().offers("drugs")
    old = world.packages / "old.sqlite"
    old.write_bytes(drugs(1))
    return old, found


@pytest.mark.parametrize("kind", ["bytes_changed", "endless", "missing", "leads_elsewhere", "no_patch"])
def test_a_bad_patch_falls_back_to_the_whole_file(world: World, kind: str) -> None:
    """Also one that is well signed and makes something else: the result must have the signed hash."""
    signed = {"leads_elsewhere": None, "no_patch": b"no zstd at all"}
    given = signed.get(kind)
    if kind == "leads_elsewhere":
        from praxisd_guard import patch

        one, other = world.work / "a", world.work / "b"
        one.write_bytes(drugs(1))
        other.write_bytes(drugs(3))
        patch.make(one, other, world.work / "c")
        given = (world.work / "c").read_bytes()
    old, _ = patched(world, patched=given)
    where = next(name for name in world.repository.files if name.endswith(".patch.zst"))
    honest = world.repository.files[where]
    if kind == "bytes_changed":
        world.repository.lies[where] = instead(honest[:-1] + bytes([honest[-1] ^ 1]))
    elif kind == "endless":
        world.repository.lies[where] = endless
    elif kind == "missing":
        del world.repository.files[where]
    world.repository.asked.clear()
    one = world.trust()
    into = one.fetch(one.offers("drugs")[0], world.packages / "new.sqlite", old=old)
    assert into.read_bytes() == drugs(2) and old.read_bytes() == drugs(1)
    assert any(path.endswith(".sqlite.zst") for path, _ in world.repository.asked)
    assert sorted(f.name for f in world.packages.iterdir()) == ["new.sqlite", "old.sqlite"]


def test_a_bad_patch_and_a_bad_whole_file_are_refused(world: World) -> None:
    old, _ = patched(world)
    for name, honest in world.repository.files.items():
        if name.endswith((".patch.zst", "2026-02.sqlite.zst")):
            world.repository.lies[name] = instead(honest[:-1] + bytes([honest[-1] ^ 1]))
    world.refused(
        "tampered",
        lambda one: one.fetch(one.offers("drugs")[0], world.packages / "new.sqlite", old=old),
    )


@pytest.mark.parametrize(
    ("lie", "code"), [("size", "endless"), ("hash", "tampered"), ("no_zstd", "malformed")]
)
def test_packed_data_that_are_not_what_was_said_are_refused(world: World, lie: str, code: str) -> None:
    """Well signed, but the unpacked file is larger (a bomb), another one, or there is none."""
    with_drugs(world.repository, world.work)
    path = "data/drugs/2026-02.sqlite.zst"
    facts = world.repository.signed("data-drugs").targets[path].custom
    if lie == "size":
        facts["unpacked_size"] = 1000
    elif lie == "hash":
        facts["unpacked_sha256"] = sha(b"other")
    else:
        world.repository.add("data-drugs", path, b"no zstd at all", facts)
    world.repository.publish("data-drugs")
    world.warm()
    world.trust().offers("drugs")
    world.refused(code, lambda one: one.fetch(one.offers("drugs")[0], world.packages / "new.sqlite"))


# --- missing and malformed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["timestamp.json", "3.snapshot.json", "3.targets.json"])
def test_missing_metadata(either: World, file: str) -> None:
    either.repository.publish("targets")
    del either.repository.files[f"metadata/{file}"]
    assert either.refused("not_found", look).params == {"file": f"metadata/{file}"}


@pytest.mark.parametrize("file", ["timestamp.json", "3.snapshot.json", "3.targets.json", "2.root.json"])
@pytest.mark.parametrize("garbage", [b"", b"<html>sign in</html>", b"[]", b'{"signed": 1}'])
def test_malformed_metadata(world: World, file: str, garbage: bytes) -> None:
    world.warm()
    world.repository.publish("targets")
    world.repository.lies[f"metadata/{file}"] = instead(garbage)
    assert world.refused("malformed", look).params == {"file": f"metadata/{file}"}


def test_metadata_of_another_kind(world: World) -> None:
    """A well-signed snapshot in the timestamp's place."""
    world.warm()
    world.repository.keys["snapshot"] = world.repository.keys["timestamp"]
    world.repository.files["metadata/timestamp.json"] = world.repository.bytes_of("snapshot")
    world.refused("malformed", look)


def test_a_missing_target(world: World) -> None:
    world.warm()
    del world.repository.files[TufRepository.where(target("1.1"), package("1.1"))]
    world.refused("not_found", lambda one: one.fetch(ask(one)[0], world.packages / "praxisd.zip"))
    world.refused("not_found", lambda one: one.offers("nobody"))


def test_a_source_that_is_cut_at_once_is_unreachable(either: World) -> None:
    either.repository.publish("targets")
    either.repository.lies["metadata/3.targets.json"] = cut(b"x" * 100, 10)
    assert either.refused("unreachable", look).retry


@pytest.mark.parametrize("full", range(1, 9))
def test_a_full_disk_keeps_the_old_state(world: World, full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the files is the one that does not fit any more."""
    world.warm()
    world.repository.publish("targets", "software", "data-drugs")
    real, written = Path.write_bytes, []

    def write(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == full and path.is_relative_to(world.trusted):
            real(path, data[:10])
            raise OSError(errno.ENOSPC, "full")
        return real(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write)
        if full <= 5:  # timestamp, snapshot and three roles go into the trusted folder
            assert world.refused("no_space", look).retry
        else:
            look(world.trust())
    world.trust().refresh()
    assert not [f for f in world.trusted.rglob("*") if f.name.endswith(".new")]


def test_a_full_disk_for_the_working_copy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.warm()

    def copy(_source: Path, _goal: Path) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("shutil.copyfile", copy)
    world.refused("no_space", look)


# --- lists that lie, though well signed -----------------------------------------------------------------------------


def _index(*lines: dict) -> Callable[[TufRepository], None]:
    return lambda repository: repository.index("software", INDEX, *lines)


def _custom(**changed: object) -> Callable[[TufRepository], None]:
    def change(repository: TufRepository) -> None:
        found: TargetFile = repository.signed("software").targets[target("1.1")]
        found.unrecognized_fields["custom"] = custom("1.1") | changed

    return change


def _catalog(*rows: tuple[str, str, str]) -> Callable[[TufRepository], None]:
    return lambda repository: repository.catalog(*rows)


def _no_custom(repository: TufRepository) -> None:
    repository.signed("software").targets[target("1.1")].unrecognized_fields.clear()


LIES: dict[str, Callable[[TufRepository], None]] = {
    "another version": _index(line("1.1"), line("9.9", target=target("1.0"))),
    "an older package as the newest": _index(line("2.0", target=target("1.0"))),
    "another date": _index(line("1.1", released="2027-01-01")),
    "the same version twice": _index(line("1.1"), line("1.1", target=target("1.0"))),
    "the same target twice": _index(line("1.1"), line("1.2", target=target("1.1"))),
    "a target of another element": _index(line("1.1", target="data/drugs/2026-01.sqlite.zst")),
    "a patch of another element": _index(
        line("1.1", patches=[{"from": "0" * 64, "target": "data/drugs/p.zst"}])
    ),
    "a patch from nothing": _index(line("1.1", patches=[{"from": "x", "target": "software/praxisd/p.zst"}])),
    "no version": _index({"target": target("1.1")}),
    "a version that is a path": _index(line("../../1.1")),
    "lines that are none": _index("1.1"),  # type: ignore[arg-type]
    "no index": lambda repository: repository.add("software", INDEX, b"[1]") and None,
    "custom: another element": _custom(element="drugs"),
    "custom: another kind": _custom(kind="data"),
    "custom: an unknown kind": _custom(kind="patch"),
    "custom: another version": _custom(version="1.2"),
    "custom: a size that is none": _custom(unpacked_sha256="0" * 64, unpacked_size="much"),
    "custom: notes that are none": _custom(notes=[1]),
    "custom: none": _no_custom,
    "catalog: an index elsewhere": _catalog(("praxisd", "software", DRUGS)),
    "catalog: a name that is a path": _catalog(("../praxisd", "software", INDEX)),
    "catalog: a name twice": _catalog(("praxisd", "software", INDEX), ("praxisd", "software", INDEX)),
    "catalog: an unknown kind": _catalog(("praxisd", "toys", INDEX)),
    "catalog: no elements": lambda repository: repository.add("targets", "catalog.json", b"{}") and None,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_lists_that_contradict_each_other(world: World, lie: Callable[[TufRepository], None]) -> None:
    world.warm()
    lie(world.repository)
    world.repository.publish("targets", *ROLES)
    world.trust().refresh()  # the metadata are in order, so they are kept; the lists are not believed
    world.refused("malformed", ask)
