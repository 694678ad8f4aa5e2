"""Trust in a repository as it should be: refresh, elements, offers, fetch, check, copies for the guard, USB sticks."""

from pathlib import Path

from praxisd.testing.tuf_repository import WHEN, TufRepository
from praxisd_guard.trust import Trust

INDEX = "software/praxisd/index.json"


def custom(version: str, **more: object) -> dict:
    return {
        "element": "praxisd",
        "kind": "software",
        "version": version,
        "released": "2026-11-19",
        "notes": {"de": f"Stand {version}", "en": f"State {version}"},
        "requires": {"praxisd": ">=1"},
        **more,
    }


def line(version: str, *patches: dict) -> dict:
    target = f"software/praxisd/praxisd-{version}.zip"
    return {"version": version, "target": target, "released": "2026-11-19", "patches": list(patches)}


def package(version: str) -> bytes:
    return f"package {version} ".encode() * 20_000


def stocked(*versions: str) -> TufRepository:
    repository = TufRepository()
    repository.catalog(("praxisd", "software", INDEX), ("drugs", "data", "data/drugs/index.json"))
    for version in versions:
        repository.add("software", line(version)["target"], package(version), custom(version))
    repository.index("software", INDEX, *map(line, versions))
    repository.publish("targets", "software")
    return repository


def trust(repository: object, folder: Path, **more: object) -> Trust:
    root = more.pop("root", None) or repository.files["metadata/1.root.json"]
    more.setdefault("now", WHEN.timestamp)
    return Trust(folder, root, more.pop("source", repository), **more)


def test_what_is_offered_and_fetched(tmp_path: Path) -> None:
    repository = stocked("1.9.0", "1.10.0", "1.10.0rc1")
    one = trust(repository, tmp_path / "trust")
    one.refresh()
    assert [e.name for e in one.elements()] == ["praxisd", "drugs"]
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
