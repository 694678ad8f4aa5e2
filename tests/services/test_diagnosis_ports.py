"""Ports at the door: the rows of a practice's software and our own, tried outward and by a seat, as files, as Issues."""

import csv
import io
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.diagnosis import machine, port_operations, port_own, port_store, software_store
from praxisd.services.diagnosis.machine_shapes import Fact, MachineFacts, ServiceFacts
from praxisd.services.diagnosis.port_rules import IN
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, key_for, small_practice

from .http_cast import closed_port
from .relay_cast import Guest, inside

OTHER = "127.0.0.2"
"""Another machine of the practice: on Linux all of 127/8 answers."""
FILE = """
[product]
id = "probe"
name = "Probe"
vendor = "Wir"
[source]
title = "Portliste Probe"
version = "1"
stand = 2026-11-01
[[port]]
id = "db"
service = "DeService"
protocol = "tcp"
ports = ["{port}"]
in = true
out = true
internal = true
targets = ["INTRANET"]
inspection = ["rs.example.org"]
programs = ["bomgar-scc-*.EXE"]
note.de = "Größe, Łódź"
note.en = "A note"
[[port]]
id = "cloud"
service = "=Wolke"
protocol = "tcp"
ports = ["443"]
out = true
external = true
targets = ["https://*.example.org", "https://nobody.invalid"]
question.de = "Stimmt das?"
question.en = "Is it so?"
"""
RUNNING = ServiceFacts(name="DeService", display="DeService", state="running", program="C:\\deservice.exe")


class Person:
    """Somebody with a key of a role."""

    def __init__(self, house: House, practice: Practice, role: str) -> None:
        self.key = key_for(house, practice, role, f"Zugang {role}")
        self.guest: Guest = inside(house)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": "de"}
        answer = self.guest.ask(method, f"/api/v1{path}", json=body, headers=headers)
        return answer.status_code, answer.json() if "json" in answer.headers[
            "content-type"
        ] else answer.content


@pytest.fixture
def house(sqlite_houses: Houses, clock: FrozenClock) -> House:
    """On SQLite alone: only what is kept depends on the engine, and one test is about that."""
    return sqlite_houses.open(None, clock)


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which somebody listens, for all who come."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, ServiceFacts | None]:
    """The service that each machine says it has; None: no facts at all. The machine itself is `None`."""
    told: dict[str | None, ServiceFacts | None] = {None: RUNNING, OTHER: RUNNING}

    def facts(house: House, host: str | None = None) -> MachineFacts | None:
        one = told.get(host)
        return None if one is None else MachineFacts(host="pc", at=0, services=Fact((one,)))

    monkeypatch.setattr(machine, "facts", facts)
    return told


def _use(house: House, port: int, role: Any, host: str = "") -> None:
    folder = house.folder / "products"
    folder.mkdir(exist_ok=True)
    (folder / "probe.toml").write_text(FILE.format(port=port), encoding="utf-8")
    one = Software(id="s1", product="probe", role=role, host=host)
    house.store.run(system("test"), lambda tx: software_store.put(tx, one))


def _row(answer: Any, id_: str) -> Any:
    (found,) = [row for row in answer["rows"] if row["id"] == id_]
    return found


def _standing(house: House) -> set[str]:
    """The codes that are open, without running a check."""
    with house.store.read(system("test")) as tx:
        return {one.code for one in issues.list_open(tx) if one.code.startswith("diagnosis.port")}


def _open(house: House) -> dict[str, str]:
    return {one.code: one.subject for one in issues.run_checks(house, ["diagnosis.ports"]).issues}


def test_outward_to_another_machine(
    house: House, practice: Practice, port: int, services: dict[str | None, ServiceFacts | None]
) -> None:
    _use(house, port, "workstation", OTHER)
    owner = Person(house, practice, "owner")
    before = _row(owner.ask("GET", "/ports?source=probe")[1], "probe/db")
    assert (before["state"], before["hosts"], before["roles"]) == ("undetermined", [OTHER], ["workstation"])
    status, after = owner.ask("POST", "/ports/test", {})
    assert (status, after["testedAt"] is not None) == (200, True)
    row = _row(after, "probe/db")
    (out,) = [one for one in row["results"] if one["direction"] == "out"]
    assert (row["state"], row["text"], out["host"], out["port"]) == ("open", "offen", OTHER, port)
    cloud = _row(after, "probe/cloud")
    assert (cloud["state"], cloud["question"]) == ("undetermined", "Stimmt das?")
    assert {one["why"] for one in cloud["results"]} == {"wildcard", "not_asked"}
    assert _open(house) == {}
    events = [one["type"] for one in owner.ask("GET", "/events")[1]["events"]]
    assert "port.tested" in events


def test_a_closed_port_is_an_issue_until_it_opens(
    house: House, practice: Practice, services: dict[str | None, ServiceFacts | None], clock: FrozenClock
) -> None:
    number = closed_port()
    _use(house, number, "workstation", OTHER)
    assert _open(house) == {"diagnosis.port_closed": f"probe/db/{OTHER}:{number}"}
    services[OTHER] = None  # nobody knows whether the service runs there: then it is none
    assert _open(house) == {}
    services[OTHER] = RUNNING
    assert "diagnosis.port_closed" in _open(house)
    with socket.create_server((OTHER, number)):
        assert _open(house) == {}
    owner = Person(house, practice, "owner")
    assert owner.ask("POST", "/ports/test", {})[0] == 200
    assert _standing(house) == {"diagnosis.port_closed"}
    with socket.create_server((OTHER, number)):
        assert (
            owner.ask("POST", "/ports/test", {})[0] == 200
        )  # who tests now need not wait for the next round
        assert _standing(house) == set()


def test_a_server_that_does_not_listen_though_its_service_runs(
    house: House, practice: Practice, services: dict[str | None, ServiceFacts | None]
) -> None:
    number = closed_port()
    _use(house, number, "server")
    assert _open(house) == {"diagnosis.port_not_listening": "probe/db"}
    with socket.create_server(("0.0.0.0", number)):
        assert _open(house) == {}
        services[None] = msgspec.structs.replace(RUNNING, state="stopped")
        assert _open(house) == {"diagnosis.port_taken": "probe/db"}
    assert _open(house) == {}


def test_a_seat_tries_this_machine(
    house: House, practice: Practice, port: int, services: dict[str | None, ServiceFacts | None]
) -> None:
    _use(house, port, "server")
    seat, desk = Person(house, practice, "pvs"), Person(house, practice, "desk")
    assert desk.ask("GET", "/ports/inward")[0] == 403
    status, asked = seat.ask("GET", "/ports/inward")
    assert (status, asked["knocks"]) == (200, [{"row": "probe/db", "port": port, "how": "plain"}])
    result = {"row": "probe/db", "port": port, "state": "filtered"}
    told = {"seat": "Empfang-1", "results": [result]}
    assert seat.ask("POST", "/ports/inward", told) == (200, {"taken": 1})
    assert _standing(house) == {"diagnosis.port_filtered"}
    assert _open(house) == {"diagnosis.port_filtered": f"probe/db/empfang-1:{port}"}
    shown = _row(desk.ask("GET", "/ports")[1], "probe/db")
    assert (shown["state"], shown["text"]) == ("filtered", "keine Antwort (gefiltert)")
    assert seat.ask("POST", "/ports/inward", {**told, "results": [{**result, "state": "open"}]})[0] == 200
    assert _open(house) == {}
    assert _row(desk.ask("GET", "/ports")[1], "probe/db")["state"] == "open"


def test_a_seat_tells_only_what_it_was_asked(
    house: House,
    practice: Practice,
    port: int,
    services: dict[str | None, ServiceFacts | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use(house, port, "server")
    seat = Person(house, practice, "pvs")
    good = {"row": "probe/db", "port": port, "state": "open"}
    for bad in ({**good, "port": port ^ 1}, {**good, "row": "probe/cloud"}):
        status, answer = seat.ask("POST", "/ports/inward", {"seat": "a", "results": [bad]})
        assert (status, answer["code"]) == (422, "diagnosis.port_not_asked")
    for bad in ({"seat": "a b", "results": [good]}, {"seat": "a", "results": [{**good, "state": "taken"}]}):
        assert seat.ask("POST", "/ports/inward", bad)[0] == 400
    monkeypatch.setattr("praxisd.services.diagnosis.port_routes.MOST_KNOCKED", 1)
    assert seat.ask("POST", "/ports/inward", {"seat": "a", "results": [good]})[0] == 200
    status, answer = seat.ask("POST", "/ports/inward", {"seat": "b", "results": [good]})
    assert (status, answer["code"]) == (409, "diagnosis.ports_full")


def test_old_results_are_no_reason_and_are_forgotten_in_the_end(
    make_house: Callable[..., House],
    port: int,
    services: dict[str | None, ServiceFacts | None],
    clock: FrozenClock,
) -> None:
    house = make_house()
    _use(house, port, "server")
    seat = Person(house, small_practice(house), "pvs")
    told = {"seat": "a", "results": [{"row": "probe/db", "port": port, "state": "closed"}]}
    assert seat.ask("POST", "/ports/inward", told)[0] == 200
    assert "diagnosis.port_closed" in _open(house)
    clock.advance(8 * 86_400)
    assert _open(house) == {}
    clock.advance(port_store.KEEP_S)
    house.store.run(system("test"), lambda tx: port_store.keep(tx, []))
    with house.store.read(system("test")) as tx:
        assert port_store.count(tx, IN) == 0


def test_our_own_rows_come_from_the_running_configuration(
    sqlite_houses: Houses,
    clock: FrozenClock,
    services: dict[str | None, ServiceFacts | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mail = {"host": "smtp.example.org", "port": "465", "security": "tls", "gateway": "smtp"}
    monkeypatch.setattr(port_own.relay, "hubs", lambda _house: (("hub.example.org", 443),))
    monkeypatch.setattr(port_own.messaging, "account_facts", lambda _tx, _channel: mail)
    house = sqlite_houses.open(None, clock, public_url="https://termine.example.org")
    owner = Person(house, small_practice(house), "owner")
    (house.folder / "run").mkdir(exist_ok=True)
    (house.folder / "run" / "control.json").write_text(
        json.dumps({"url": "http://0.0.0.0:8080", "port": 4711})
    )
    with house.store.write(system("test")) as tx:
        house.settings.put(tx, "updates.url", "https://updates.example.org/praxis")
    config = msgspec.structs.replace(house.config, database_url="postgresql+psycopg://u:geheim@db.lan:5433/x")
    monkeypatch.setattr(house, "config", config)
    rows = {row["id"]: row for row in owner.ask("GET", "/ports?source=praxisd")[1]["rows"]}
    assert {id_: (row["ports"], row["in"], row["out"]) for id_, row in rows.items()} == {
        "praxisd/door": (["8080"], True, False),
        "praxisd/control": (["4711"], True, False),
        "praxisd/public": (["443"], True, False),
        "praxisd/updates": (["443"], False, True),
        "praxisd/relay": (["443"], False, True),
        "praxisd/mail": (["465"], False, True),
        "praxisd/database": (["5433"], False, True),
    }
    assert rows["praxisd/database"]["targets"] == ["db.lan"] and rows["praxisd/mail"]["targets"] == [
        mail["host"]
    ]
    assert (rows["praxisd/door"]["internal"], rows["praxisd/control"]["internal"]) == (True, False)
    script = owner.ask("GET", "/ports/rules/nftables.nft")[1].decode()
    assert "tcp dport { 8080 } accept" in script and "4711" not in script


def test_the_list_as_files(
    house: House, practice: Practice, port: int, services: dict[str | None, ServiceFacts | None]
) -> None:
    _use(house, port, "workstation", OTHER)
    desk = Person(house, practice, "desk")
    status, pdf = desk.ask("GET", "/ports/sheet.pdf")
    said = " ".join("\n".join(p.extract_text() for p in PdfReader(io.BytesIO(pdf)).pages).split())
    words = (
        "Portliste für die Firewall",
        "Praxis am Test",
        "Größe, Łódź",
        "bomgar-scc-*.EXE",
        "rs.example.org",
    )
    for word in (*words, OTHER, "=Wolke: Stimmt das?"):
        assert word in said
    status, table = desk.ask("GET", "/ports/sheet.csv?source=probe")
    lines = list(csv.reader(io.StringIO(table.decode("utf-8-sig")), delimiter=";"))
    assert (status, len(lines)) == (200, 3)
    assert lines[1][:6] == ["Probe", "DeService", "TCP", str(port), "x", "x"]
    assert lines[2][1] == "'=Wolke"
    windows = desk.ask("GET", "/ports/rules/windows.ps1?source=probe")[1]
    assert windows.startswith(b"\xef\xbb\xbf#") and f"-LocalPort '{port}'".encode() in windows
    assert f"port {port} comment".encode() in desk.ask("GET", "/ports/rules/ufw.sh?source=probe")[1]
    assert desk.ask("GET", "/ports/sheet.csv?source=unknown")[0] == 404
    assert desk.ask("POST", "/ports/test", {})[0] == 403


def test_in_safe_mode_all_of_it_is_there_but_nothing_is_tried(
    house: House, practice: Practice, port: int
) -> None:
    _use(house, port, "workstation", OTHER)
    desk, owner = Person(house, practice, "desk"), Person(house, practice, "owner")
    house.safe = True
    for path in (
        "",
        "/sheet.pdf",
        "/sheet.csv",
        "/rules/windows.ps1",
        "/rules/nftables.nft",
        "/rules/ufw.sh",
    ):
        assert desk.ask("GET", f"/ports{path}")[0] == 200, path
    status, refused = owner.ask("POST", "/ports/test", {"external": True})
    assert (status, refused["code"]) == (503, "guard.safe_mode")


def test_a_product_that_nobody_uses_here_can_be_looked_up(
    house: House, practice: Practice, services: dict[str | None, ServiceFacts | None]
) -> None:
    found = Person(house, practice, "partner").ask("GET", "/ports?source=x.isynet")[1]["rows"]
    assert len(found) > 30 and {row["source"] for row in found} == {"x.isynet"}
    assert all(row["roles"] == [] for row in found)


def test_commands(
    house: House, practice: Practice, port: int, services: dict[str | None, ServiceFacts | None]
) -> None:
    _use(house, port, "workstation", OTHER)
    assert _row(port_operations.test(house, {}), "probe/db")["state"] == "open"
    assert (
        _row(port_operations.listed(house, {"source": "probe", "lang": "en"}), "probe/db")["text"] == "open"
    )
    made = port_operations.export(house, {"file": "sheet.csv"})
    assert made["name"] == "praxisd-ports-sheet.csv" and made["data"]
