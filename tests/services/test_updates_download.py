"""The download job: what it fetches, verifies and leaves alone; over HTTP with cuts, from a folder, by patches."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.updates import downloading, store
from praxisd.testing.trials import noted, run_log, settle
from praxisd_guard.faults import Stopped

from .updates_cast import DATA, Desk, Vendor, served

ACTOR = system("test")


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    return Vendor(house, tmp_path)


def run_job(house: House) -> Any:
    """Start the job by hand; its run once it has ended."""
    house.store.run(ACTOR, lambda tx: jobs.run_now(house, tx, downloading.NAME))
    settle(house)
    return run_log(house, downloading.NAME)[-1]


def subscribed(house: House) -> None:
    """Subscribe to the data set, whoever does so."""

    def write(tx: Tx) -> None:
        row: Any = store.element(tx, DATA)
        store.put_element(tx, **{**row._asdict(), "subscribed": 1})

    house.store.run(ACTOR, write)


def packages(house: House) -> dict[str, Any]:
    with house.store.read(ACTOR) as tx:
        return {f"{p.element} {p.version}": p for p in store.packages(tx)}


def test_the_newest_version_of_what_is_subscribed_is_fetched_and_nothing_is_installed(
    house: House, vendor: Vendor
) -> None:
    owner = Desk(house)
    vendor.software("9.1")
    vendor.software("9.2")
    vendor.data("2026-11-01")
    run = run_job(house)
    assert (run.state, run.counts) == ("success", {"fetched": 1})
    found = packages(house)
    assert {name: p.state for name, p in found.items()} == {
        "praxisd 9.1": "available", "praxisd 9.2": "waiting", f"{DATA} 2026-11-01": "available"
    }  # fmt: skip
    file = Path(found["praxisd 9.2"].path)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == found["praxisd 9.2"].sha256
    assert file.stat().st_mode & 0o077 == 0
    shown = owner.updates()
    assert [one["version"] for one in shown["news"]] == ["9.2"]
    assert shown["news"][0]["notes"] == "Neu in 9.2"
    assert shown["knownAt"] and shown["fault"] is None
    assert "update.downloaded" in noted(house)
    assert run_job(house).counts == {"fetched": 0}
    status, left = owner.ask("POST", "/updates/notice", {"packages": [shown["news"][0]["id"], "unbekannt"]})
    assert (status, left) == (200, {"news": 0})
    assert Desk(house, "desk").updates()["news"] != []


def test_a_version_that_asks_for_a_newer_praxisd_is_not_fetched(house: House, vendor: Vendor) -> None:
    vendor.software("9.1", requires={"praxisd": ">=0.0.1"})
    vendor.software("9.2", requires={"praxisd": ">=9.1"})
    run_job(house)
    assert {p.version: p.state for p in packages(house).values()} == {"9.1": "waiting", "9.2": "available"}


def test_switched_off_or_without_a_source_it_says_so_and_fetches_nothing(
    house: House, vendor: Vendor
) -> None:
    vendor.software("9.1")
    vendor.set("updates.active", False)
    run = run_job(house)
    assert (run.state, run.code) == ("success", "updates.switched_off")
    vendor.set("updates.active", True)
    vendor.at("")
    run = run_job(house)
    assert (run.state, run.code) == ("success", "updates.no_address")
    assert packages(house) == {}
    owner = Desk(house)
    assert owner.ask("POST", "/updates/check")[1]["code"] == "updates.no_address"
    vendor.at(str(vendor.quick.folder))
    (house.folder / "updates" / "root.json").unlink()
    assert owner.ask("POST", "/updates/check")[1]["code"] == "updates.no_root"
    assert (run_job(house).state, run_job(house).code) == ("failed", "updates.no_root")
    assert packages(house) == {}


def test_the_door_starts_the_job_and_subscribes(house: House, vendor: Vendor) -> None:
    owner, desk = Desk(house), Desk(house, "desk")
    vendor.data("2026-11-01")
    status, answer = owner.ask("POST", "/updates/check")
    assert status == 202 and owner.updates()["download"]["run"] == answer["run"]
    assert owner.ask("POST", "/updates/check")[1]["code"] == "jobs.already_running"
    settle(house)
    assert owner.element(DATA)["subscribed"] is False
    assert desk.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})[0] == 403
    assert owner.ask("PUT", "/updates/subscriptions/nichts", {"subscribed": True})[0] == 404
    status, element = owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    assert (status, element["subscribed"], element["title"]) == (200, True, "Feiertage")
    run_job(house)
    assert owner.element(DATA)["waiting"]["version"] == "2026-11-01"
    assert noted(house).count("update.subscribed") == 1
    history = owner.ask("GET", f"/updates/packages?element={DATA}&limit=1")[1]
    assert [one["version"] for one in history["packages"]] == ["2026-11-01"] and history["next"] is None
    rows = owner.ask("POST", "/listings/updates.packages", {"sort": "-version"})[1]["rows"]
    assert rows[0]["cells"]["state"] == "waiting"


def test_over_http_a_cut_download_goes_on_where_it_was_cut(house: House, vendor: Vendor) -> None:
    vendor.data("2026-11-01", rows=20_000)
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        downloading.download(house, ACTOR)
        subscribed(house)
        server.asked.clear()
        server.cut = [50_000]
        assert len(downloading.download(house, ACTOR).fetched) == 1
        big = [(path, wanted) for path, wanted in server.asked if path.endswith(".zst")]
        assert [wanted for _, wanted in big] == [None, "bytes=50000-"]
    row = packages(house)[f"{DATA} 2026-11-01"]
    assert hashlib.sha256(Path(row.path).read_bytes()).hexdigest() == row.sha256


def test_a_server_that_cannot_go_on_is_asked_from_the_start(house: House, vendor: Vendor) -> None:
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        vendor.software("9.1")
        server.ranges = False
        server.cut = [3_000]
        assert len(downloading.download(house, ACTOR).fetched) == 1


def test_an_interrupted_run_leaves_its_part_and_the_next_one_needs_only_the_rest(
    house: House, vendor: Vendor
) -> None:
    vendor.data("2026-11-01", rows=20_000)
    downloading.download(house, ACTOR)
    subscribed(house)
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        told: list[tuple[int, int]] = []
        server.cut = [50_000]
        with pytest.raises(Stopped):
            downloading.download(
                house, ACTOR, lambda *one: told.append(one), lambda: bool(told and told[-1][0])
            )
        assert packages(house)[f"{DATA} 2026-11-01"].state == "available"
        server.asked.clear()
        (part,) = (house.folder / "updates" / "packages" / DATA).glob("*.part")
        here = part.stat().st_size
        assert here == told[-1][0] > 0
        done = downloading.download(house, ACTOR)
        assert done.fault is None and len(done.fetched) == 1
        assert [wanted for path, wanted in server.asked if path.endswith(".zst")] == [f"bytes={here}-"]


def test_two_who_want_the_same_version_follow_one_another(house: House, vendor: Vendor) -> None:
    vendor.software("9.1")
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        server.cut = [3_000]  # the first one has to wait a while
        outcomes: list[Any] = []
        both = [
            threading.Thread(target=lambda: outcomes.append(downloading.download(house, ACTOR).fault))
            for _ in range(2)
        ]
        for one in both:
            one.start()
        for one in both:
            one.join(60)
        assert outcomes == [None, None]
        assert len([path for path, _ in server.asked if path.endswith(".zip")]) == 2  # one file, in two parts
    assert packages(house)["praxisd 9.1"].state == "waiting"
    assert noted(house).count("update.downloaded") == 1


def test_a_source_that_is_away_changes_nothing_and_says_so(house: House, vendor: Vendor) -> None:
    vendor.software("9.1")
    owner = Desk(house)
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        server.away = True
        run = run_job(house)
        assert (run.state, run.code) == ("failed", "updates.unreachable")
        shown = owner.updates()
        assert shown["fault"]["code"] == "updates.unreachable" and shown["knownAt"] is None
        server.away = False
        assert run_job(house).state == "success"
    assert owner.updates()["fault"] is None


def test_a_patch_is_fetched_instead_of_the_whole_where_one_leads_there(house: House, vendor: Vendor) -> None:
    owner = Desk(house)
    vendor.data("2026-11-01", rows=20_000)
    downloading.download(house, ACTOR)
    owner.ask("PUT", f"/updates/subscriptions/{DATA}", {"subscribed": True})
    downloading.download(house, ACTOR)
    owner.ordered(owner.element(DATA)["waiting"]["id"])
    vendor.data("2026-11-15", rows=20_003)
    with served(vendor.quick.folder) as server:
        vendor.at(server.url)
        downloading.download(house, ACTOR)
        fetched = [path for path, _ in server.asked if path.endswith(".zst")]
        assert [path.endswith(".patch.zst") for path in fetched] == [True]
    assert owner.element(DATA)["waiting"]["version"] == "2026-11-15"


def test_files_beyond_what_is_kept_go_and_stay_in_the_history(house: House, vendor: Vendor) -> None:
    vendor.set("updates.keep", 2)
    for version in ("9.1", "9.2", "9.3"):
        vendor.software(version)
        downloading.download(house, ACTOR)
    found = packages(house)
    assert {p.version: (p.state, p.path is None) for p in found.values()} == {
        "9.1": ("removed", True), "9.2": ("waiting", False), "9.3": ("waiting", False)
    }  # fmt: skip
    assert len(list((house.folder / "updates" / "packages" / "praxisd").iterdir())) == 2


def test_an_element_that_is_refused_does_not_keep_the_others_back(house: House, vendor: Vendor) -> None:
    vendor.software("9.1")
    vendor.data("2026-11-01")
    index = next((vendor.quick.folder / "targets" / "data" / DATA).glob("*.index.json"))
    for one in (vendor.quick.folder / "targets" / "data" / DATA).glob("*.index.json"):
        one.write_bytes(b" " * one.stat().st_size)
    done = downloading.download(house, ACTOR)
    assert done.fault is not None and done.fault.code == "updates.tampered"
    assert len(done.fetched) == 1 and index.exists()
    assert Desk(house).updates()["fault"]["code"] == "updates.tampered"
    assert json.loads(packages(house)["praxisd 9.1"].custom)["notes"]["en"] == "New in 9.1"


@pytest.mark.parametrize(
    "address", ["ftp://x/y", "https://me:secret@x/y", "https://x/y?z=1", "relative/folder", "http://"]
)
def test_an_address_that_is_none_is_refused(house: House, vendor: Vendor, address: str) -> None:
    with pytest.raises(Problem) as refused:
        vendor.at(address)
    assert refused.value.code == "settings.invalid"
