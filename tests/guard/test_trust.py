"""Trust in a repository as it should be: refresh, elements, offers, fetch, check, the copy for the guard, USB sticks."""

import shutil
from pathlib import Path
from threading import Thread

import pytest
from tuf.api.metadata import Metadata, Targets

from praxisd.testing.tuf_repository import WHEN, TufRepository
from praxisd.testing.tuf_stock import drugs, package, stocked, target, with_drugs
from praxisd_guard.faults import CODES, Missing, OffsetRefused, TrustFault, Unreachable
from praxisd_guard.sources import FolderSource, Source, is_repository
from praxisd_guard.trust import Trust
from praxisd_guard.trust_offers import newness


def trust(folder: Path, source: Source, root: bytes, keep: Path | None = None) -> Trust:
    return Trust(folder, root, source, now=WHEN.timestamp, keep=keep)


def first_root(repository: TufRepository) -> bytes:
    return repository.files["metadata/1.root.json"]


def on_disk(repository: TufRepository, folder: Path) -> Path:
    """The repository as a USB stick."""
    for name, data in repository.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_what_is_offered_and_fetched(tmp_path: Path) -> None:
    repository = stocked("1.9.0", "1.10.0", "1.10.0rc1")
    one = trust(tmp_path / "trust", repository, first_root(repository))
    one.refresh()
    assert [(e.name, e.kind, e.title["de"]) for e in one.elements()] == [
        ("praxisd", "software", "praxisd"),
        ("drugs", "data", "drugs"),
    ]
    offers = one.offers("praxisd")
    assert [o.version for o in offers] == ["1.10.0", "1.10.0rc1", "1.9.0"]
    assert offers[0].notes["de"] == "Stand 1.10.0" and offers[0].requires == {"praxisd": ">=1"}
    seen: list[tuple[int, int]] = []
    into = tmp_path / "packages" / "praxisd.zip"
    assert one.fetch(offers[0], into, progress=lambda done, total: seen.append((done, total))) == into
    assert into.read_bytes() == package("1.10.0")
    assert seen[0] == (0, offers[0].length) and seen[-1] == (offers[0].length, offers[0].length)
    assert one.check(offers[0].target, into).version == "1.10.0"
    assert [f.name for f in into.parent.iterdir()] == ["praxisd.zip"]


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    repository = stocked("1.0")
    one = trust(tmp_path / "trust", repository, first_root(repository))
    offer = one.offers("praxisd")[0]
    into = one.fetch(offer, tmp_path / "praxisd.zip")
    repository.asked.clear()
    one.fetch(offer, into)
    assert repository.asked == []
    into.write_bytes(b"damaged")
    one.fetch(offer, into)
    assert into.read_bytes() == package("1.0") and len(repository.asked) == 1


def test_a_look_at_nothing_new_asks_for_two_files(tmp_path: Path) -> None:
    repository = stocked("1.0")
    root = first_root(repository)
    trust(tmp_path / "trust", repository, root).offers("praxisd")
    repository.asked.clear()
    trust(tmp_path / "trust", repository, root).refresh()
    assert [path for path, _ in repository.asked] == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_an_offer_that_is_no_longer_what_is_listed_is_not_fetched(tmp_path: Path) -> None:
    repository = stocked("1.0")
    one = trust(tmp_path / "trust", repository, first_root(repository))
    offer = one.offers("praxisd")[0]
    repository.add(
        "software", target("1.0"), b"rebuilt", repository.signed("software").targets[target("1.0")].custom
    )
    repository.publish("software")
    one.refresh()
    with pytest.raises(TrustFault) as caught:
        one.fetch(offer, tmp_path / "praxisd.zip")
    assert caught.value.code == "mixed" and caught.value.retry


def test_a_patch_brings_a_few_bytes_instead_of_all(tmp_path: Path) -> None:
    repository = stocked("1.0")
    with_drugs(repository, tmp_path)
    one = trust(tmp_path / "trust", repository, first_root(repository))
    offer, old = one.offers("drugs")[0], tmp_path / "old.sqlite"
    old.write_bytes(drugs(1))
    repository.asked.clear()
    seen: list[tuple[int, int]] = []
    into = one.fetch(offer, tmp_path / "new.sqlite", old=old, progress=lambda *at: seen.append(at))
    assert into.read_bytes() == drugs(2)
    assert [path.rpartition(".patch")[1] for path, _ in repository.asked] == [".patch"]
    assert seen[-1][1] < offer.length / 20
    assert one.check(offer.target, into) == one.check(
        offer.target, unpacked(repository, tmp_path, offer.target)
    )
    # From another old file no patch leads: the whole one is fetched and unpacked.
    old.write_bytes(drugs(5))
    assert one.fetch(offer, tmp_path / "third.sqlite", old=old).read_bytes() == drugs(2)
    assert one.fetch(offer, tmp_path / "fourth.sqlite", old=tmp_path / "gone").read_bytes() == drugs(2)
    assert not [f for f in tmp_path.iterdir() if f.suffix in (".part", ".patch", ".new")]


def unpacked(repository: TufRepository, folder: Path, path: str) -> Path:
    """The packed target itself, as a program would push it."""
    found = folder / "packed"
    listed = repository.signed("data-drugs").targets[path]
    found.write_bytes(
        repository.files[f"targets/data/drugs/{listed.hashes['sha256']}.{path.rpartition('/')[2]}"]
    )
    return found


def test_the_copy_is_a_repository_for_the_guard(tmp_path: Path) -> None:
    """Without a network and with its own first root, also one older than the server's; through new versions."""
    repository = stocked("1.0", "1.1")
    old_root = first_root(repository)
    repository.signed("root").version += 1
    repository.put_root()
    server = trust(
        tmp_path / "server", repository, repository.files["metadata/2.root.json"], tmp_path / "seen"
    )
    file = tmp_path / "praxisd.zip"
    for _ in range(8):
        server.refresh()
        server.fetch(server.offers("praxisd")[0], file)
        assert is_repository(tmp_path / "seen")
        guard = trust(tmp_path / "guard", FolderSource(tmp_path / "seen"), old_root)
        assert guard.check(target("1.1"), file).version == "1.1"
        repository.publish("targets", "software", "data-drugs")
    kept = sorted(f.name for f in (tmp_path / "seen" / "metadata").iterdir())
    assert {"1.root.json", "2.root.json", "timestamp.json"} <= set(kept)
    assert len([name for name in kept if name.endswith(".software.json")]) <= 5
    with pytest.raises(TrustFault) as caught:
        guard.elements()  # lists are not in the copy, only statements about them
    assert caught.value.code == "not_found"


def test_a_usb_stick_is_a_repository(tmp_path: Path) -> None:
    repository = stocked("1.0")
    stick = on_disk(repository, tmp_path / "stick")
    one = trust(tmp_path / "trust", FolderSource(stick), first_root(repository))
    assert one.fetch(one.offers("praxisd")[0], tmp_path / "praxisd.zip").read_bytes() == package("1.0")
    shutil.rmtree(stick)
    with pytest.raises(TrustFault) as caught:
        one.refresh()
    assert caught.value.code == "unreachable" and caught.value.retry


def test_a_folder_is_not_left(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "link").symlink_to(tmp_path / "secret")
    source = FolderSource(tmp_path / "stick")
    for name in ("../secret", "link", "missing", "."):
        with pytest.raises(Missing), source.open(name):
            pass
    (tmp_path / "stick" / "file").write_bytes(b"12345")
    with source.open("file", 2) as pieces:
        assert b"".join(pieces) == b"345"
    with pytest.raises(OffsetRefused), source.open("file", 6):
        pass
    with pytest.raises(Unreachable), FolderSource(tmp_path / "gone").open("file"):
        pass


def test_half_kept_metadata_do_no_harm(tmp_path: Path) -> None:
    """A crash between two files, or damage on the disk: the next look mends it."""
    repository = stocked("1.0")
    root, folder = first_root(repository), tmp_path / "trust"
    trust(folder, repository, root).offers("praxisd")
    whole = {f: f.read_bytes() for f in (folder / "metadata").rglob("*.json")}
    for file in whole:
        for damage in (None, b"", b"garbage"):
            file.unlink() if damage is None else file.write_bytes(damage)
            assert [o.version for o in trust(folder, repository, root).offers("praxisd")] == ["1.0"]
            assert file.read_bytes() == whole[file]


def test_a_role_is_only_loaded_when_it_is_asked_for(tmp_path: Path) -> None:
    """A vendor whose part is spoilt holds back nobody else."""
    repository = stocked("1.0")
    repository.index("plugins-acme", "plugins/acme/x.index.json")
    repository.catalog(
        ("x", "plugin", "plugins/acme/x.index.json"), ("praxisd", "software", "software/praxisd/index.json")
    )
    repository.publish("targets")
    repository.publish("plugins-acme", keys=[])
    for keep in (None, tmp_path / "seen"):
        one = trust(tmp_path / "trust", repository, first_root(repository), keep)
        one.refresh()
        assert len(one.offers("praxisd")) == 1
        with pytest.raises(TrustFault) as caught:
            one.offers("x")
        assert caught.value.code == "wrong_key"
        assert not (tmp_path / "trust" / "metadata" / "plugins-acme.json").exists()


def test_several_threads_may_ask(tmp_path: Path) -> None:
    repository = stocked("1.0", "1.1")
    one = trust(tmp_path / "trust", repository, first_root(repository), tmp_path / "seen")
    wrong: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(3):
                one.refresh()
                one.fetch(one.offers("praxisd")[number % 2], tmp_path / f"{number}.zip")
        except BaseException as fault:
            wrong.append(fault)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    one.close()
    assert (tmp_path / "3.zip").read_bytes() == package("1.0")


def test_versions_are_ordered_as_people_mean_them() -> None:
    ordered = [
        "0.9",
        "1.0.dev3",
        "1.0a1",
        "1.0b2",
        "1.0rc1",
        "1.0",
        "1.0.post1",
        "1.0.1",
        "1.2",
        "1.10",
        "2.0",
        "2026-09-30",
        "2026-11-15",
    ]
    shuffled = [*ordered[3:], *ordered[2::-1]]
    assert sorted(shuffled, key=newness) == ordered


def test_the_faults_know_their_words() -> None:
    fault = TrustFault("unreachable", file="x")
    assert (fault.code, fault.text, fault.params, fault.retry) == (
        "unreachable",
        "updates.unreachable",
        {"file": "x"},
        True,
    )
    assert not TrustFault("tampered").retry and len(CODES) == 13
    with pytest.raises(ValueError):
        TrustFault("other")


def test_metadata_of_the_tests_are_what_they_say() -> None:
    """The simulated repository signs each role with its own keys, so an attack differs from it in one point only."""
    repository = stocked("1.0")
    given = Metadata[Targets].from_bytes(repository.files["metadata/2.software.json"])
    repository.parts["targets"].signed.verify_delegate("software", given.signed_bytes, given.signatures)
