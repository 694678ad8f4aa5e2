"""The doors of the ServiceProvider: both files side by side, mending, praxisd's own pair, and what it says of itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from praxisd import __version__, main
from praxisd.cli import root
from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import ini, operations, store, words
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for, small_practice
from praxisd.testing.prepared import CUSTOMER, GUID, ID, SERVER, VERSION, Place
from praxisd.testing.prepared_cases import CASES, build
from praxisd.web.app import build as doors

CASE = {one.name: one for one in CASES}


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def place(house: House, tmp_path: Path) -> Iterator[Place]:
    made = build(CASE["spaces"], tmp_path)
    made.enter(house)
    yield made
    made.stop()


class Desk:
    """Somebody at the door with a key."""

    def __init__(self, client: TestClient[Any], secret: str) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {secret}"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        got = self._client.request(method, f"/api/v1{path}", headers=self._headers, json=body)
        return got.status_code, got.json()


@pytest.fixture
def client(house: House) -> Iterator[TestClient[Any]]:
    with TestClient(doors(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def owner(house: House, client: TestClient[Any]) -> Desk:
    return Desk(client, key_for(house, small_practice(house), "owner", "Chefin"))


def test_both_files_line_by_line_and_what_is_wrong(owner: Desk, place: Place) -> None:
    status, got = owner.ask("GET", "/serviceprovider")
    (one,) = got["providers"]
    assert (status, one["state"], one["version"], one["instance"]) == (200, "running", VERSION, GUID)
    assert (one["host"], one["port"], one["machine"]) == (SERVER, place.port, SERVER)
    assert [row["line"] for row in one["pvs"]["rows"]] == [1, 2, 3, 4, 5]
    row = next(row for row in one["pvs"]["rows"] if row["key"] == "Installed")
    assert (row["text"], row["value"], row["codes"]) == ("Installed = 1", "1", [words.SPACES])
    assert row["meaning"] and row["finding"] == "Leerzeichen in der Datei des Service-Providers"
    assert one["install"]["path"] == str(place.ini) and one["install"]["encoding"] == "cp1252"
    assert one["codes"] == [words.SPACES] and {one["side"] for one in one["faults"]} == {"pvs", "install"}
    assert all(fault["mendable"] and str(place.folder) in fault["cause"] for fault in one["faults"])
    assert one["differences"] == []


def test_nothing_is_claimed_of_a_software_nobody_said_more_about(
    owner: Desk, house: House, place: Place
) -> None:
    what = Software(id=ID, product="x.concept")
    house.store.run(system("test"), lambda tx: software_store.put(tx, what))
    (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    assert (one["state"], one["codes"], one["pvs"]["state"]) == ("unknown", [], "unseen")


def test_differences_are_listed(owner: Desk, house: House, tmp_path: Path) -> None:
    place = build(CASE["port_differs"], tmp_path)
    place.enter(house)
    try:
        (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    finally:
        place.stop()
    assert [(d["key"], d["pvs"], d["install"]) for d in one["differences"]] == [
        ("TCPPort", "23173", str(place.port))
    ]


def test_a_provider_whose_data_folder_nobody_named_is_not_accused(
    owner: Desk, house: House, place: Place
) -> None:
    place.change(place.ini, "Installed = 1", "Installed=1")
    what = Software(id=ID, product="x.concept", program_folder=str(place.root), customer_number=CUSTOMER)
    house.store.run(system("test"), lambda tx: software_store.put(tx, what))
    (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    assert (one["state"], one["codes"], one["pvs"]["state"]) == ("running", [], "unseen")


def test_a_password_in_a_file_is_shown_to_nobody(owner: Desk, place: Place) -> None:
    line = b"Password=geheim\r\nConnectionString=Data Source=EMPFANG1;UID=sa; PassWord = geheim;PWD='geh;eim';Enlist=True;\r\n"
    place.pvs.write_bytes(place.pvs.read_bytes() + line)
    place.ini.write_bytes(place.ini.read_bytes() + line.replace(b"EMPFANG1", b"X"))
    (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    assert "ConnectionString" in [diff["key"] for diff in one["differences"]]
    told = json.dumps(one)
    assert "geheim" not in told and "geh;eim" not in told and "Enlist=True" in told


def test_mending_at_the_door(owner: Desk, place: Place) -> None:
    status, got = owner.ask("POST", "/serviceprovider/repair", {"software": ID, "code": words.SPACES})
    assert status == 200 and got["restart"] and len(got["files"]) == 2
    assert all(Path(one["copy"]).is_file() and one["lines"] for one in got["files"])
    assert owner.ask("GET", "/serviceprovider")[1]["providers"][0]["codes"] == []
    status, got = owner.ask("POST", "/serviceprovider/repair", {"software": ID, "code": words.SPACES})
    assert (status, got["code"]) == (409, "serviceprovider.nothing_wrong")


def test_the_desk_looks_and_does_not_change(house: House, client: TestClient[Any], place: Place) -> None:
    desk = Desk(client, key_for(house, small_practice(house), "desk", "Empfang"))
    assert desk.ask("GET", "/serviceprovider")[0] == 200
    for path, body in (
        ("repair", {"software": ID, "code": words.SPACES}),
        ("install", {"software": ID, "dataFolder": str(place.top)}),
    ):
        assert desk.ask("POST", f"/serviceprovider/{path}", body)[0] == 403


def test_praxisd_says_what_it_is_and_no_more(house: House, client: TestClient[Any]) -> None:
    got = client.get("/serviceprovider/about")
    assert got.status_code == 200
    assert got.json() == {"name": "praxisd", "version": __version__, "state": house.state.value}


@pytest.fixture
def bare(house: House, tmp_path: Path) -> Iterator[Place]:
    """A practice software without a provider, and praxisd's door, which a stand-in answers for."""
    made = Place(tmp_path / "bare")
    made.start()
    made.home.rename(tmp_path / "away")
    made.services = []
    made.pvs.unlink()
    made.enter(house)
    house.shared["url"] = f"http://127.0.0.1:{made.port}"
    yield made
    made.stop()


def test_a_pair_of_our_own_where_the_software_expects_it(owner: Desk, bare: Place, house: House) -> None:
    wanted = {"software": ID, "dataFolder": str(bare.top)}
    status, got = owner.ask("POST", "/serviceprovider/install", wanted)
    assert (status, got["updated"], got["port"]) == (201, False, bare.port)
    first, second = (Path(one["file"]) for one in got["files"])
    assert first == bare.pvs  # the PVS INI is written first
    assert second == house.folder / f"ServiceProvider_{got['identifier']}" / "ServiceProvider.ini"
    mine, theirs = ini.read(second.read_bytes()), ini.read(first.read_bytes())
    told = {one.key: one.value for one in mine.pairs()}
    assert told == {
        "Installed": "1",
        "UniqueIdentifizier": got["identifier"],
        "TCPPort": str(bare.port),
        "PVSTName": "X.CONCEPT",
        "PVSDDataPath": str(bare.data),
        "Kundennummer": CUSTOMER,
    }
    assert {one.key: one.value for one in theirs.pairs()} == {
        "Hostname": SERVER,
        "UniqueIdentifizier": got["identifier"],
        "Installed": "1",
        "TCPPort": str(bare.port),
    }
    (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    assert (one["own"], one["state"], one["codes"]) == (True, "running", [])
    assert not issues.run_checks(house, ["serviceprovider.state"]).issues
    del house.shared["url"]  # as in `praxisd doctor` while no server runs: our door is not missed then
    assert not issues.run_checks(house, ["serviceprovider.state"]).issues


def test_an_update_never_touches_the_file_in_the_data_folder(owner: Desk, bare: Place, house: House) -> None:
    wanted = {"software": ID, "dataFolder": str(bare.top)}
    first = owner.ask("POST", "/serviceprovider/install", wanted)[1]
    bare.pvs.write_bytes(bare.pvs.read_bytes() + b"; a person's line\r\n")
    before = bare.pvs.stat()
    house.shared["url"] = "http://127.0.0.1:1"  # the door has moved
    status, got = owner.ask("POST", "/serviceprovider/install", wanted)
    assert (status, got["updated"], got["identifier"]) == (200, True, first["identifier"])
    after = bare.pvs.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
    assert one["codes"] == [words.PORT_DIFFERS]  # and that is said, and can be mended
    assert (
        owner.ask("POST", "/serviceprovider/repair", {"software": ID, "code": words.PORT_DIFFERS})[0] == 200
    )
    assert b"TCPPort=1\r\n" in bare.pvs.read_bytes() and b"; a person's line" in bare.pvs.read_bytes()


def test_another_provider_is_not_written_over_unasked(owner: Desk, house: House, place: Place) -> None:
    house.shared["url"] = f"http://127.0.0.1:{place.port}"
    before = place.pvs.read_bytes()
    wanted = {"software": ID, "dataFolder": str(place.data)}
    status, got = owner.ask("POST", "/serviceprovider/install", wanted)
    assert (status, got["code"]) == (409, "serviceprovider.other_installation")
    assert GUID in got["cause"] and place.pvs.read_bytes() == before
    status, got = owner.ask("POST", "/serviceprovider/install", wanted | {"replace": True})
    assert status == 201 and Path(got["files"][0]["copy"]).read_bytes() == before
    assert GUID.encode() not in place.pvs.read_bytes()


def test_a_provider_that_praxisd_replaced_is_no_second_one(owner: Desk, house: House, tmp_path: Path) -> None:
    place = Place(tmp_path / "replaced")
    place.start()
    place.enter(house)
    house.shared["url"] = f"http://127.0.0.1:{place.port}"

    def told() -> tuple[bool, list[str]]:
        (one,) = owner.ask("GET", "/serviceprovider")[1]["providers"]
        return one["own"], one["codes"]

    try:
        wanted = {"software": ID, "dataFolder": str(place.data), "replace": True}
        assert owner.ask("POST", "/serviceprovider/install", wanted)[0] == 201
        assert told() == (True, [words.LEFT_BEHIND])
        running, place.services = place.services, []
        assert told() == (True, [])  # its folder may stay
        place.services = running
        place.write_pvs(place.whole_pvs())  # the other way the solution names
        assert told() == (False, [])
    finally:
        place.stop()


def test_where_no_pair_can_be_made(owner: Desk, house: House, place: Place, tmp_path: Path) -> None:
    def ask(**more: str) -> tuple[int, str]:
        wanted = {"software": ID, "dataFolder": str(place.top)} | more
        status, got = owner.ask("POST", "/serviceprovider/install", wanted)
        return status, got["code"]

    assert ask() == (409, "serviceprovider.not_serving")
    house.shared["url"] = f"http://127.0.0.1:{place.port}"
    assert ask(dataFolder=str(tmp_path / "nowhere")) == (409, "serviceprovider.no_data_folder")
    assert ask(dataFolder="relative") == (409, "serviceprovider.no_data_folder")
    assert ask(software="unknown") == (404, "http.not_found")
    place.mapped = [place.folder]
    assert ask() == (409, "serviceprovider.no_data_folder")
    with house.store.read(system("test")) as tx:
        assert store.pairs(tx) == {}
    assert not list(house.folder.glob("ServiceProvider_*"))


def test_the_command_prints_and_its_end_tells(
    house: House, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {one.name: one.call for one in operations.OPERATIONS}

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        return named[operation](house, args)

    def run(*args: str) -> Any:
        monkeypatch.setattr("praxisd.cli.perform", perform)
        return CliRunner().invoke(root, ["serviceprovider", *args, "--data", str(house.folder)])

    shown = run("status")
    assert shown.exit_code == 1 and words.SPACES in shown.output and str(place.pvs) in shown.output
    assert run("repair", ID, words.SPACES, "--yes").exit_code == 0
    told = run("status", "--json")
    assert told.exit_code == 0 and json.loads(told.stdout)["providers"][0]["codes"] == []
