"""Asking over the network, against the stand-in as a thread and as a program; files and folders as Windows finds them."""

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.sandbox.serviceprovider import MANNERS, Stand
from praxisd.services.serviceprovider import asking, looking, places, store
from praxisd.testing.pe_file import program
from praxisd.testing.prepared import GUID, VERSION, free_port
from praxisd.testing.programs import PROGRAM, environment

INI = (
    f"[Install]\r\nInstalled=1\r\nUniqueIdentifizier={GUID}\r\nTCPPort={{port}}\r\nPVSDDataPath={{data}}\r\n"
)
WAIT_S = 0.4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ServiceProvider.ini").write_text(INI.format(port=free_port(), data=tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("manner", MANNERS)
def test_how_it_answers_is_told_apart(folder: Path, manner: str) -> None:
    stand = Stand(folder, "127.0.0.1", None, manner, VERSION)  # type: ignore[arg-type]
    try:
        found = asking.ask("SRV", "127.0.0.1", stand.port, WAIT_S if manner == "hang" else 30.0)
    finally:
        stand.close()
    wanted = {
        "good": ("open", "", VERSION),
        "hang": ("wrong", "silent", ""),
        "garbage": ("wrong", "not_http", ""),
        "error": ("wrong", "status", ""),
        "close": ("wrong", "closed_early", ""),
    }
    assert (found.state, found.why, found.version) == wanted[manner]
    assert asking.ask("SRV", "127.0.0.1", stand.port, WAIT_S).state == "closed"


def test_a_name_that_nobody_knows_is_said_so() -> None:
    found = asking.ask("no-such-host.invalid", "", 23174, 2.0)
    assert (found.state, found.address) == ("unresolved", "")


def test_an_answer_that_drips_without_end_is_waited_for_once() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            while not ended.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    began = time.monotonic()
    found = asking.ask("", "127.0.0.1", listener.getsockname()[1], WAIT_S)
    took = time.monotonic() - began
    ended.set()
    thread.join(10)
    listener.close()
    assert (found.state, found.why) == ("wrong", "not_http")
    assert took < 30  # it would drip for ever


@pytest.mark.parametrize(
    ("head", "body", "version"),
    [
        ("HTTP/1.1 200 OK\r\nServer: ServiceProvider/23.3.1", b"", "23.3.1"),
        ("HTTP/1.1 200 OK", b'{"version": "1.2.3.4"}', "1.2.3.4"),
        ("HTTP/1.1 200 OK", b'{"version": 5}', ""),
        ("HTTP/1.1 200 OK", b"[" * 100_000, ""),
        ("HTTP/1.1 200 OK", b"<html>", ""),
    ],
)
def test_the_version_it_says(head: str, body: bytes, version: str) -> None:
    assert asking._version(head, body) == version


def test_as_a_program_it_fills_the_file_in_the_data_folder(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "ServiceProvider.ini").write_bytes(b"[Install]\r\nHostname=SRV\r\n")
    line = [*PROGRAM, "sandbox", "serviceprovider", "--folder", str(folder), "--data", str(folder)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:")
        port = int(ready.strip().rstrip("/").rsplit(":", 1)[1])
        assert asking.ask("SRV", "127.0.0.1", port, 20.0).state == "open"
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()
    filled = (data / "ServiceProvider.ini").read_bytes().decode()
    assert (
        filled
        == f"[Install]\r\nHostname=SRV\r\nUniqueIdentifizier={GUID}\r\nInstalled=1\r\nTCPPort={port}\r\n"
    )


def test_folders_are_found_as_windows_finds_them(tmp_path: Path) -> None:
    (tmp_path / "DCONCEPT" / "dedata").mkdir(parents=True)
    assert places.inside(tmp_path, r"dconcept\DeData") == tmp_path / "DCONCEPT" / "dedata"
    assert places.inside(tmp_path, "dconcept/new") == tmp_path / "DCONCEPT" / "new"
    (tmp_path / "DCONCEPT" / "dedata" / "SERVICEPROVIDER.INI").touch()
    assert places.ini_in(tmp_path / "DCONCEPT" / "dedata").name == "SERVICEPROVIDER.INI"


@pytest.mark.parametrize(
    ("given", "below", "top"),
    [
        (r"C:\DConcept\DeData", "DeData", r"C:\DConcept"),
        ("C:\\DConcept\\dedata\\", "DeData", r"C:\DConcept"),
        (r"D:\doc2\daten\data", r"daten\data", r"D:\doc2"),
        (r"C:\DConcept", "DeData", r"C:\DConcept"),
        ("/srv/DConcept/DeData", "DeData", "/srv/DConcept"),
        ("/srv/winacs", "", "/srv/winacs"),
        ("", "DeData", ""),
    ],
)
def test_the_top_folder_is_found_from_the_data_folder(given: str, below: str, top: str) -> None:
    assert places.top_folder(given, below) == top


def test_paths_of_another_system_are_none_of_this_computer() -> None:
    assert places.local(r"C:\DConcept") is None
    assert places.local(r"\\SRV\DConcept") is None
    assert places.local("") is None
    assert places.joined(r"C:\DConcept", "a/b") == r"C:\DConcept\a\b"
    assert places.joined("/srv/", r"a\b") == "/srv/a/b"


def test_versions_of_programs(tmp_path: Path) -> None:
    good, old = tmp_path / "ServiceProvider.exe", tmp_path / "Service-Provider-alt.EXE"
    good.write_bytes(program("23.3.1.0"))
    old.write_bytes(program("9.12.0.0"))
    (tmp_path / "other.exe").write_bytes(program("99.0.0.0"))
    assert places.file_version(good) == "23.3.1.0"
    assert places.program_version(tmp_path) == "23.3.1.0"
    assert places.program_version(tmp_path, r"C:\x\Service-Provider-alt.EXE") == "9.12.0.0"
    for bad in (b"", b"MZ", b"MZ" + b"\0" * 5000, program("1.2.3.4")[:600]):
        good.write_bytes(bad)
        assert places.file_version(good) == ""
    assert places.file_version(tmp_path / "nowhere.exe") == ""


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.ini").mkdir()
    assert places.read_file("pvs", tmp_path / "a.ini").why == "failed"
    os.mkfifo(tmp_path / "f.ini")  # reading it would wait for ever
    assert places.read_file("pvs", tmp_path / "f.ini").why == "failed"
    (tmp_path / "b.ini").write_bytes(b"x" * (places.MOST_BYTES + 1))
    assert places.read_file("pvs", tmp_path / "b.ini").why == "too_large"
    (tmp_path / "c.ini").write_bytes(b"")
    assert places.read_file("pvs", tmp_path / "c.ini").state == "read"
    (tmp_path / "d.ini").write_bytes(b"hello")
    assert places.read_file("pvs", tmp_path / "d.ini").why == "no_section"
    assert places.read_file("pvs", tmp_path / "e.ini").state == "missing"


def test_a_pair_is_kept_and_replaced(house: House) -> None:
    first = store.Pair(software="s", guid=GUID, pvs_file="/a")
    second = store.Pair(software="s", guid=GUID, pvs_file="/b")
    for pair in (first, second):
        house.store.run(system("test"), lambda tx, pair=pair: store.put(tx, pair))
        with house.store.read(system("test")) as tx:
            assert store.pairs(tx) == {"s": pair}


@pytest.mark.parametrize(
    ("name", "display", "path", "is_one"),
    [
        ("ServiceProvider", "", "", True),
        ("x", "Service-Provider", "", True),
        ("x", "medatixx Service Provider", "", True),
        ("x", "", r"C:\P\ServiceProvider_8330F1B9\host.exe", True),
        ("NetSP", "Network Service Provider", r"C:\Windows\svchost.exe", False),
        ("spooler", "Druckwarteschlange", "", False),
    ],
)
def test_which_service_is_one(name: str, display: str, path: str, is_one: bool) -> None:
    assert looking._is_provider(name, display, path) is is_one
