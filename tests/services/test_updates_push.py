"""A signed package that a program brings: through the door to disk, verified like a download, and it waits."""

import shutil
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.updates import ordering, pushed_file, pushing, store
from praxisd.services.updates.publish_quick import Quick
from praxisd.testing.houses import Houses
from praxisd.testing.trials import noted
from praxisd.web import uploads
from praxisd_guard import resume

from .updates_cast import DATA, Desk, Vendor, packed

ACTOR = system("test")
Free = namedtuple("Free", "free")
ZIP = {"Content-Type": "application/zip"}


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    found = Vendor(house, tmp_path)
    found.at("")  # no network: all comes by push
    return found


@pytest.fixture
def owner(house: House) -> Desk:
    return Desk(house)


def pushed(desk: Desk, file: Path, **headers: str) -> tuple[int, Any]:
    """Send a file."""
    return desk.ask("POST", "/updates/packages", headers={**ZIP, **headers}, content=file.read_bytes())


def left_behind(house: House) -> list[Path]:
    """Files that should not be there any more."""
    places = (house.folder / uploads.FOLDER, house.folder / "updates" / "incoming")
    return [one for place in places if place.is_dir() for one in place.iterdir()]


def rows(house: House) -> list[Any]:
    with house.store.read(ACTOR) as tx:
        return store.packages(tx)


def test_what_is_pushed_waits_and_is_installed_by_a_person(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path
) -> None:
    vendor.software("9.1")
    vendor.data("2026-11-01")
    status, answer = pushed(owner, packed(vendor.quick.folder, tmp_path / "push.zip"))
    assert status == 201, answer
    assert {(p["element"], p["version"], p["state"], p["source"]) for p in answer["packages"]} == {
        ("praxisd", "9.1", "waiting", "push"), (DATA, "2026-11-01", "waiting", "push")
    }  # fmt: skip
    assert left_behind(house) == []
    assert noted(house).count("update.pushed") == 2
    assert {one["version"] for one in owner.updates()["news"]} == {"9.1", "2026-11-01"}
    assert owner.element(DATA)["installed"] is None
    assert owner.ordered(owner.element(DATA)["waiting"]["id"])["state"] == "kept"
    assert pushed(owner, packed(vendor.quick.folder, tmp_path / "again.zip"))[0] == 201
    assert {p.state for p in rows(house)} == {"waiting", "installed"}


def test_a_persons_standing_order_installs_what_is_pushed(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path
) -> None:
    vendor.data("2026-11-01")
    pushed(owner, packed(vendor.quick.folder, tmp_path / "push.zip"))
    owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    vendor.set("updates.standing_order", "data")
    vendor.data("2026-11-15")
    assert pushed(owner, packed(vendor.quick.folder, tmp_path / "push2.zip"))[0] == 201
    ordering.wait(house)
    assert owner.element(DATA)["installed"] == "2026-11-15"


def test_only_the_announced_files_that_were_brought_are_taken(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path
) -> None:
    vendor.software("9.1")
    vendor.data("2026-11-01")
    status, answer = pushed(
        owner, packed(vendor.quick.folder, tmp_path / "push.zip", without="praxisd-9.1.zip")
    )
    assert (status, [p["element"] for p in answer["packages"]]) == (201, [DATA])
    status, problem = pushed(owner, _empty(vendor, tmp_path))
    assert (status, problem["code"]) == (422, "updates.push_empty")


def _empty(vendor: Vendor, tmp_path: Path) -> Path:
    bare = shutil.copytree(vendor.quick.folder, tmp_path / "bare")
    for file in bare.joinpath("targets").rglob("*"):
        if file.suffix in (".zip", ".zst"):
            file.unlink()
    return packed(bare, tmp_path / "bare.zip")


def test_what_is_not_signed_by_those_who_count_leaves_no_trace(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path
) -> None:
    vendor.software("9.1")
    good = packed(vendor.quick.folder, tmp_path / "good.zip")
    foreign = Quick(tmp_path / "foreign", now=vendor.quick.repository.now)
    foreign.element("praxisd", "software")
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("package.json", "{}")
    foreign.add("praxisd", "99.0", file)
    status, problem = pushed(owner, packed(foreign.folder, tmp_path / "foreign.zip"))
    assert status == 422 and problem["code"] in ("updates.wrong_key", "updates.threshold")
    changed = shutil.copytree(vendor.quick.folder, tmp_path / "changed")
    one = next((changed / "targets" / "software" / "praxisd").glob("*praxisd-9.1.zip"))
    one.write_bytes(bytes(one.stat().st_size))
    status, problem = pushed(owner, packed(changed, tmp_path / "changed.zip"))
    assert (status, problem["code"]) == (422, "updates.tampered")
    assert problem["title"] and problem["solution"]
    assert [p.path for p in rows(house)] in ([], [None]) and left_behind(house) == []
    assert owner.updates()["news"] == []
    assert pushed(owner, good)[0] == 201
    vendor.software("9.2")
    assert pushed(owner, packed(vendor.quick.folder, tmp_path / "newer.zip"))[0] == 201
    status, problem = pushed(owner, good)  # an older state than the one accepted
    assert (status, problem["code"]) == (422, "updates.rollback")


def refused(house: House, file: Path) -> str:
    """The code with which a file is refused, before anybody asks who signed it."""
    with pytest.raises(Problem) as found:
        pushing.take(house, ACTOR, file)
    assert left_behind(house) == []
    return found.value.code


def test_archives_that_reach_out_of_their_place(sqlite_houses: Houses, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    for name in (
        "../out", "/etc/x", "metadata/../../x", "other/x", "metadata\\x", "targets/a:b", "metadata/", f"targets/{'x' * 300}"
    ):  # fmt: skip
        file = tmp_path / "evil.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"x" if not name.endswith("/") else b"")
        assert refused(house, file) == "updates.push_malformed", name
        assert not (house.folder / "updates" / "out").exists()


def test_links_bombs_and_rubbish(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    link = tmp_path / "link.zip"
    with zipfile.ZipFile(link, "w") as archive:
        info = zipfile.ZipInfo("metadata/timestamp.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    monkeypatch.setattr(pushed_file, "MOST_BYTES", 1_000_000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata/timestamp.json", bytes(2_000_000))
    rubbish = tmp_path / "rubbish.zip"
    rubbish.write_bytes(b"PK\x03\x04" + b"x" * 1_000)
    twice = tmp_path / "twice.zip"
    with zipfile.ZipFile(twice, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("metadata/timestamp.json", "{}")
        archive.writestr("metadata/timestamp.json", "{}")
    for file in (link, bomb, rubbish, twice):
        assert refused(house, file) == "updates.push_malformed", file.name


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is unpacked to the disk, in order."""
    names: list[str] = []
    real = pushed_file.Pushed._unpack

    def noted_down(self: pushed_file.Pushed, one: zipfile.ZipInfo) -> None:
        names.append(one.filename)
        real(self, one)

    monkeypatch.setattr(pushed_file.Pushed, "_unpack", noted_down)
    return names


def test_no_package_reaches_the_disk_before_its_bytes_are_the_signed_ones(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path, unpacked: list[str]
) -> None:
    vendor.software("9.1")
    vendor.data("2026-11-01")
    good = packed(vendor.quick.folder, tmp_path / "good.zip")
    with zipfile.ZipFile(good, "a", zipfile.ZIP_DEFLATED) as archive:  # announced by nobody
        archive.writestr("targets/software/praxisd/0.praxisd-99.zip", bytes(5_000_000))
    changed = shutil.copytree(vendor.quick.folder, tmp_path / "changed")
    one = next((changed / "targets" / "software" / "praxisd").glob("*praxisd-9.1.zip"))
    bytes_ = one.read_bytes()
    for spoilt, code in ((bytes(len(bytes_)), "updates.tampered"), (bytes(9_000_000), "updates.endless")):
        one.write_bytes(spoilt)
        status, problem = pushed(owner, packed(changed, tmp_path / "changed.zip"))
        assert (status, problem["code"]) == (422, code)
    assert unpacked and all(name.endswith(".json") for name in unpacked)
    unpacked.clear()
    assert pushed(owner, good)[0] == 201
    packages = [name for name in unpacked if not name.endswith(".json")]
    assert len(packages) == 2 and not any("praxisd-99" in name for name in packages)
    assert left_behind(house) == []
    assert pushed(owner, packed(changed, tmp_path / "again.zip"))[1]["code"] == "updates.endless"
    assert {p.state for p in rows(house)} == {"waiting"}


def test_a_push_leaves_the_room_that_the_database_needs(
    house: House,
    vendor: Vendor,
    owner: Desk,
    tmp_path: Path,
    unpacked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vendor.software("9.1")
    file = packed(vendor.quick.folder, tmp_path / "push.zip")
    most = sum(one.file_size for one in zipfile.ZipFile(file).infolist() if one.filename.endswith(".json"))
    for free in (0, resume.RESERVE + most):  # none at all; enough to learn what is in it, not for the package
        monkeypatch.setattr("praxisd_guard.resume.shutil.disk_usage", lambda _place, free=free: Free(free))
        status, problem = pushed(owner, file)
        assert (status, problem["code"]) == (507, "updates.no_space"), free
        assert all(name.endswith(".json") for name in unpacked) and bool(unpacked) == bool(free)
        assert left_behind(house) == []
    monkeypatch.undo()
    assert pushed(owner, file)[0] == 201


def test_the_door_takes_files_of_its_kind_and_size_from_those_who_may(
    house: House, vendor: Vendor, owner: Desk, tmp_path: Path
) -> None:
    vendor.software("9.1")
    file = packed(vendor.quick.folder, tmp_path / "push.zip")
    assert pushed(Desk(house, "desk"), file)[0] == 403
    assert pushed(Desk(house, "portal"), file)[0] == 403
    status, problem = pushed(owner, file, **{"Content-Type": "application/json"})
    assert (status, problem["code"]) == (415, "http.unsupported_media_type")
    vendor.set("updates.push_mb", 1)
    big = tmp_path / "big.zip"
    big.write_bytes(bytes(1_200_000))
    status, problem = pushed(owner, big)
    assert (status, problem["code"], problem["params"]["limit"]) == (413, "http.body_too_large", 1_000_000)

    async def unannounced() -> Any:
        for _ in range(3):
            yield bytes(400_000)

    status, problem = owner.ask("POST", "/updates/packages", headers=ZIP, content=unannounced())
    assert (status, problem["code"]) == (413, "http.body_too_large")
    status, problem = owner.ask("POST", "/updates/packages", headers=ZIP, content=b"")
    assert (status, problem["code"]) == (422, "updates.push_malformed")
    assert left_behind(house) == [] and rows(house) == []
    (house.folder / uploads.FOLDER / "left-by-a-killed-server").write_bytes(b"x")
    assert pushed(owner, file)[0] == 201
    assert left_behind(house) == []
