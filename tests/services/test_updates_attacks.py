"""Attacks on the source, met at the door: each refused in its own words, in both languages, and nothing changed by it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, MetaFile

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.updates import downloading, ordering, places, store, words
from praxisd.services.updates.publish_quick import Quick
from praxisd.testing.houses import Houses
from praxisd_guard import resume

from .updates_cast import DATA, Desk, Vendor

ACTOR = system("test")
DAY_S = 86_400


@pytest.fixture
def house(sqlite_houses: Houses, clock: FrozenClock) -> House:
    return sqlite_houses.open(clock=clock)


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    found = Vendor(house, tmp_path)
    found.software("9.1")
    downloading.download(house, ACTOR)
    found.software("9.2")
    return found


def state(house: House) -> dict[str, Any]:
    """All that an attack could change: what is known of packages, the trusted metadata, what the guard would be handed."""
    folder = house.folder / "updates"
    files = [
        p
        for name in ("metadata", "seen", "packages")
        for p in sorted((folder / name).rglob("*"))
        if p.is_file()
    ]
    with house.store.read(ACTOR) as tx:
        rows = [(p.element, p.version, p.state, p.path, p.sha256) for p in store.packages(tx)]
    return {"rows": rows, "files": {str(p): p.read_bytes() for p in files}}


def metadata(vendor: Vendor, name: str) -> Path:
    """The newest file of a role in the repository."""
    found = (vendor.quick.folder / "metadata").glob(f"*{name}.json")
    return max(found, key=lambda p: int(p.name.partition(".")[0]) if p.name[0].isdigit() else 0)


def resigned(vendor: Vendor, role: str, change: Callable[[Metadata[Any]], None]) -> None:
    """Change the newest file of a delegated role without its keys, and sign snapshot and timestamp anew: the keys on the
    web server are stolen.
    """
    one, shot, stamp = (
        Metadata.from_file(str(metadata(vendor, name))) for name in (role, "snapshot", "timestamp")
    )
    change(one)
    one.signed.version += 1
    place = vendor.quick.folder / "metadata"
    data = one.to_bytes()
    (place / f"{one.signed.version}.{role}.json").write_bytes(data)
    shot.signed.meta[f"{role}.json"] = MetaFile(one.signed.version)
    shot.signed.version += 1
    stamp.signed.snapshot_meta = MetaFile(shot.signed.version)
    stamp.signed.version += 1
    for name, signed in ((f"{shot.signed.version}.snapshot", shot), ("timestamp", stamp)):
        keys = vendor.quick.keys
        signed.signatures.clear()
        for public in keys.of(name.rpartition(".")[2]):
            signer = keys.signer(public.key.keyid)
            assert signer is not None
            signed.sign(signer, append=True)
        (place / f"{name}.json").write_bytes(signed.to_bytes())


def rollback(vendor: Vendor, tmp_path: Path) -> None:
    kept = shutil.copytree(vendor.quick.folder, tmp_path / "before")
    vendor.software("9.3")
    downloading.look(vendor.house, ACTOR, downloading.source.of(vendor.house, str(vendor.quick.folder)))
    shutil.rmtree(vendor.quick.folder)
    shutil.copytree(kept, vendor.quick.folder)


def frozen(vendor: Vendor, _tmp_path: Path) -> None:
    vendor.house.clock.advance(60 * DAY_S)  # type: ignore[attr-defined]


def mixed(vendor: Vendor, _tmp_path: Path) -> None:
    numbers = sorted(
        (vendor.quick.folder / "metadata").glob("*.snapshot.json"), key=lambda p: int(p.name.split(".")[0])
    )
    numbers[-1].write_bytes(numbers[-2].read_bytes())


def wrong_key(vendor: Vendor, tmp_path: Path) -> None:
    foreign = Quick(tmp_path / "foreign", now=vendor.quick.repository.now)
    for _ in range(20):
        foreign.publish(anyway=True)
    shutil.copy(
        foreign.folder / "metadata" / "timestamp.json", vendor.quick.folder / "metadata" / "timestamp.json"
    )


def threshold(vendor: Vendor, _tmp_path: Path) -> None:
    def one_signature(found: Metadata[Any]) -> None:
        public = vendor.quick.keys.of("software")[0]
        signer = vendor.quick.keys.signer(public.key.keyid)
        assert signer is not None
        found.signed.version += 1
        found.sign(signer)
        found.signed.version -= 1

    resigned(vendor, "software", one_signature)


def endless(vendor: Vendor, _tmp_path: Path) -> None:
    metadata(vendor, "timestamp").write_bytes(b" " * 5_000_000)


def tampered(vendor: Vendor, _tmp_path: Path) -> None:
    file = next((vendor.quick.folder / "targets" / "software" / "praxisd").glob("*praxisd-9.2.zip"))
    file.write_bytes(bytes(file.stat().st_size))


def root_expired(vendor: Vendor, _tmp_path: Path) -> None:
    vendor.house.clock.advance(500 * DAY_S)  # type: ignore[attr-defined]
    vendor.quick.publish(anyway=True)


def clock_back(vendor: Vendor, _tmp_path: Path) -> None:
    vendor.house.clock.set(vendor.house.clock.now() - 2 * 3_600)  # type: ignore[attr-defined]


def not_found(vendor: Vendor, _tmp_path: Path) -> None:
    next((vendor.quick.folder / "targets" / "software" / "praxisd").glob("*praxisd-9.2.zip")).unlink()


def malformed(vendor: Vendor, _tmp_path: Path) -> None:
    metadata(vendor, "timestamp").write_bytes(b"<html>Bitte anmelden</html>")


@pytest.mark.parametrize(
    "attack",
    [
        rollback,
        frozen,
        mixed,
        wrong_key,
        threshold,
        endless,
        tampered,
        root_expired,
        clock_back,
        not_found,
        malformed,
    ],
)
def test_each_is_refused_in_its_own_words_and_changes_nothing(
    house: House, vendor: Vendor, tmp_path: Path, attack: Callable[[Vendor, Path], None]
) -> None:
    owner = Desk(house)
    attack(vendor, tmp_path)
    before, news = state(house), owner.updates()["news"]
    code = f"updates.{attack.__name__}"
    try:
        fault = downloading.download(house, ACTOR).fault
    except Problem as problem:
        fault = problem
    assert fault is not None and fault.code == code
    after = state(house)
    # That there is a version 9.2 may be known where only its file is bad; it is not here, and nothing else has changed.
    after["rows"] = [row for row in after["rows"] if row in before["rows"] or row[2] != "available"]
    if code in (
        "updates.tampered",
        "updates.not_found",
        "updates.threshold",
    ):  # what is above the bad part is good
        before["files"] = after["files"] = {
            name: data for name, data in before["files"].items() if "packages" in name
        }
    assert after == before
    titles = set()
    for lang in ("de", "en"):
        shown = owner.ask("GET", "/updates", headers={"Accept-Language": lang})[1]["fault"]
        assert shown["code"] == code and shown["title"] and shown["cause"] and shown["solution"]
        assert "{" not in "".join(shown.values())
        titles.add(shown["title"])
    assert len(titles) == 2
    assert owner.updates()["news"] == news


def test_each_refusal_has_words_of_its_own(house: House) -> None:
    for lang in ("de", "en"):
        for part in ("title", "cause", "solution"):
            texts = [house.texts.get(f"{code}.{part}", lang) for code in words.FAULTS]
            assert len(set(texts)) >= len(texts) - (2 if part == "solution" else 0), part


def test_too_little_space_is_told_and_goes_on_later(
    house: House, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "RESERVE", 10**18)
    found = downloading.download(house, ACTOR).fault
    assert found is not None and (found.code, found.status) == ("updates.no_space", 507)
    monkeypatch.undo()
    assert downloading.download(house, ACTOR).fault is None


def test_a_changed_patch_leads_to_the_whole_file_and_never_to_another_one(
    house: House, vendor: Vendor
) -> None:
    owner = Desk(house)
    vendor.data("2026-11-01", rows=20_000)
    downloading.download(house, ACTOR)
    owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    downloading.download(house, ACTOR)
    owner.ordered(owner.element(DATA)["waiting"]["id"])
    wanted = vendor.data("2026-11-15", rows=20_003)
    patch = next((vendor.quick.folder / "targets" / "data" / DATA).glob("*.patch.zst"))
    patch.write_bytes(bytes(patch.stat().st_size))
    assert downloading.download(house, ACTOR).fault is None
    with house.store.read(ACTOR) as tx:
        row: Any = store.package_of(tx, DATA, "2026-11-15")
    assert Path(row.path).read_bytes() == wanted.read_bytes()


def test_an_installation_is_refused_where_the_source_has_turned_hostile(house: House, vendor: Vendor) -> None:
    owner = Desk(house)
    vendor.data("2026-11-01")
    downloading.download(house, ACTOR)
    owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    downloading.download(house, ACTOR)
    endless(vendor, house.folder)
    order = owner.ordered(owner.element(DATA)["waiting"]["id"])
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.endless")
    assert owner.element(DATA)["installed"] is None
    frozen(vendor, house.folder)
    vendor.at("")
    order = owner.ordered(owner.element(DATA)["waiting"]["id"])
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.frozen")
    assert owner.element(DATA)["waiting"]["installable"] is True
    ordering.standing(house, "none")


def test_the_root_is_that_of_the_configuration_where_it_names_one(
    sqlite_houses: Houses, tmp_path: Path
) -> None:
    named = tmp_path / "vendor-root.json"
    house = sqlite_houses.open(updates_root=str(named))
    assert places.root(house) is None
    named.write_bytes(b"root")
    assert places.root(house) == b"root"
