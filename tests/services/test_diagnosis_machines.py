"""Computers of the practice on both engines: they report, are judged in their roles, and raise what is wrong."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.control import perform
from praxisd.kernel.errors import Problem
from praxisd.kernel.issues_words import explain, hint, information
from praxisd.model.machine import (
    Disk,
    MachineFacts,
    Office,
    ProcessorFacts,
    ServiceFacts,
    SqlInstance,
    SystemFacts,
    known,
    unknown,
)
from praxisd.services.diagnosis import api, machine_sample_store
from praxisd.services.diagnosis.machine_sampling import today, volume_key
from praxisd.testing.practice import key_for, small_practice
from praxisd.testing.trials import settle
from praxisd.web.app import build

from .kernel_cast import Desk

Make = Callable[..., House]
CHECKS = ["diagnosis.requirements", "diagnosis.machines", "diagnosis.disks", "diagnosis.clock"]
ANSWER = "diagnosis.requirement_missed"
SEAT = MachineFacts(
    host="ANMELDUNG",
    at=1,
    computer_name=known("ANMELDUNG"),
    os=SystemFacts(family=known("windows"), name=known("Windows 11"), edition=known("Pro"), bits=known(64)),
    cpu=ProcessorFacts(ghz=known(3.0)),
    memory_gb=known(4.0),
    dotnet=known("4.8.1"),
    office=known((Office(name="Word 2019", bits=known(32)),)),
)


class Fake:
    """Measures what the test says."""

    def __init__(self) -> None:
        self.facts = MachineFacts(
            host=api.own_host(),
            at=0,
            computer_name=known("SRV"),
            os=SystemFacts(name=known("Windows Server 2022"), edition=known("Standard")),
            cpu=ProcessorFacts(ghz=known(2.1)),
            memory_gb=known(64.0),
            sql=known((SqlInstance(instance="SQLENT", release=known("2019")),)),
            disks=known((Disk(volume="C:\\", system=known(True), free_gb=known(700.0), kind=known("ssd")),)),
            ups=unknown("not_measurable"),
        )

    def measure(self, at: int, _wait_s: float = 0, only: tuple[str, ...] = ()) -> MachineFacts:
        return msgspec.structs.replace(self.facts, at=at)


@pytest.fixture
def desk(make_house: Make) -> Iterator[Desk]:
    house = make_house()
    house.shared["diagnosis.meter"] = Fake()
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        made = Desk(house, practice, client)
        made.keys["pvs"] = key_for(house, practice, "pvs", "PVS")
        yield made


def fake(desk: Desk) -> Fake:
    found: Fake = desk.house.shared["diagnosis.meter"]
    return found


def sent(facts: MachineFacts = SEAT, role: str | None = "workstation") -> dict[str, Any]:
    return {"facts": msgspec.to_builtins(facts), "role_": role}


def add_software(desk: Desk, product: str = "x.concept", **more: Any) -> str:
    body = {"product": product, "role_": "server", "dataFolder": "C:\\DConcept", **more}
    found: str = desk("POST", "/software", **body)["id"]
    return found


def checked(desk: Desk) -> list[tuple[str, str, str]]:
    issues.run_checks(desk.house, CHECKS)
    with desk.house.store.read(system("test")) as tx:
        mine = [i for i in issues.list_all(tx) if i.source.partition("@")[0] in CHECKS]
    here = f" ({api.own_host()})"  # drives of several nodes are told apart
    return [
        (i.code, i.subject.removesuffix(here), i.severity.value) for i in mine if i.subject != api.own_host()
    ]


def test_a_seat_tells_of_itself_and_is_shown(desk: Desk) -> None:
    assert desk.ask("POST", "/machines", "pvs", **sent()).status_code == 204
    (own, seat) = desk("GET", "/machines", "desk")["machines"]
    assert (own["host"], own["here"], own["role"]) == (api.own_host(), True, None)
    assert (seat["host"], seat["here"], seat["role"], seat["os"]) == (
        "anmeldung",
        False,
        "workstation",
        "Windows 11 Pro",
    )
    shown = desk("GET", "/machines/anmeldung", "desk")
    rows = {row["id"]: row for row in shown["rows"]}
    assert rows["memory_gb"]["value"] == "4 GB" and rows["usb"]["value"] is None
    assert rows["usb"]["reason"] == "Wurde nicht gemessen."
    assert msgspec.convert(shown["facts"], MachineFacts).memory_gb == known(4.0)
    # The server's clock counts, and a later report without a role keeps it.
    desk.ask("POST", "/machines", "pvs", **sent(msgspec.structs.replace(SEAT, memory_gb=known(8.0)), None))
    again = desk("GET", "/machines/ANMELDUNG")
    assert again["role"] == "workstation" and again["facts"]["memoryGb"]["value"] == 8.0
    assert again["facts"]["at"] == desk.house.clock.now() and again["at"].startswith("20")
    found = api.facts(desk.house, "Anmeldung")
    assert found is not None and found.memory_gb == known(8.0)
    assert api.facts(desk.house, "nobody") is None and api.facts(desk.house) is not None


def test_who_may_and_what_is_refused(desk: Desk) -> None:
    assert desk.refused("POST", "/machines", "desk", **sent()) == (403, "access.forbidden")
    assert desk.refused("GET", "/machines", "pvs") == (403, "access.forbidden")
    own = msgspec.structs.replace(SEAT, host=api.own_host().upper())
    assert desk.refused("POST", "/machines", "pvs", **sent(own)) == (409, "diagnosis.machine_is_here")
    assert desk.refused("POST", "/machines", "pvs", facts={"host": "a", "at": 1, "patient": "x"}) == (
        400,
        "http.invalid_body",
    )
    many = tuple(ServiceFacts(name="n" * 260, display="d" * 260) for _ in range(1_000))
    big = msgspec.structs.replace(SEAT, services=known(many))
    assert desk.refused("POST", "/machines", "pvs", **sent(big)) == (413, "http.body_too_large")
    assert desk.refused("GET", "/machines/gone") == (404, "http.not_found")
    assert desk.refused("DELETE", "/machines/gone") == (404, "http.not_found")
    desk.ask("POST", "/machines", "pvs", **sent())
    assert desk.refused("DELETE", "/machines/anmeldung", "desk") == (403, "access.forbidden")
    assert desk.ask("DELETE", "/machines/anmeldung", "partner").status_code == 204
    assert len(desk("GET", "/machines")["machines"]) == 1


def test_requirements_are_judged_with_source_and_questions(desk: Desk) -> None:
    software = add_software(desk)
    found = desk("GET", f"/requirements?software={software}", "desk")
    assert (found["host"], found["role"], found["product"]) == (api.own_host(), "server", "x.concept")
    assert found["source"]["stand"] and found["source"]["ageDays"] > 0 and found["changes"]
    lines = {one["id"]: one for one in found["lines"]}
    cpu, ups, sql = lines["cpu-server"], lines["ups"], lines["sql-server"]
    assert (cpu["state"], cpu["wanted"], cpu["measured"]) == (
        "not_fulfilled",
        "mindestens 2,5 GHz",
        "2,1 GHz",
    )
    assert (ups["state"], ups["code"], ups["measured"]) == ("undetermined", "not_measurable", "") and ups[
        "why"
    ]
    assert (sql["state"], sql["measured"]) == ("fulfilled", "SQL Server 2019")
    assert lines["disk-free-server"]["state"] == "fulfilled"
    english = desk("GET", f"/requirements?software={software}", lang="en")["lines"]
    assert next(one for one in english if one["id"] == "cpu-server")["wanted"] == "at least 2.5 GHz"
    assert desk.refused("GET", "/requirements?software=gone") == (404, "http.not_found")
    assert desk.refused("GET", f"/requirements?software={software}&host=gone") == (404, "http.not_found")
    desk.ask("POST", "/machines", "pvs", **sent())
    seat = desk("GET", f"/requirements?software={software}&host=ANMELDUNG")
    assert seat["role"] == "workstation" and {one["state"] for one in seat["lines"]} == {
        "fulfilled", "not_fulfilled", "undetermined",
    }  # fmt: skip
    as_server = desk("GET", f"/requirements?software={software}&host=anmeldung&role=server")
    assert as_server["role"] == "server"


def test_the_right_to_delete_is_looked_at_on_this_computer(desk: Desk, tmp_path: Path) -> None:
    software = add_software(desk, "x.isynet", dataFolder=str(tmp_path))

    def state() -> tuple[str, str]:
        lines = desk("GET", f"/requirements?software={software}&role=workstation")["lines"]
        return next((one["state"], one["code"]) for one in lines if one["kind"] == "delete_right")

    assert state() == ("undetermined", "no_volume")
    folder = tmp_path / "TEMP"
    folder.mkdir()
    for mode, expected in ((0o777, "fulfilled"), (0o1777, "not_fulfilled"), (0o755, "not_fulfilled")):
        folder.chmod(mode)
        assert state() == (expected, "")


def test_without_a_role_nothing_is_asked_of_a_computer(desk: Desk) -> None:
    software = add_software(desk, role_=None)
    found = desk("GET", f"/requirements?software={software}")
    assert found["role"] is None and found["lines"] == []
    assert checked(desk) == []


def test_what_is_missed_is_an_issue_until_it_is_mended(desk: Desk) -> None:
    add_software(desk)
    desk.ask("POST", "/machines", "pvs", **sent())
    assert sorted(checked(desk)) == sorted(
        [
            (ANSWER, f"{api.own_host()}/cpu_ghz", "warning"),
            (ANSWER, "anmeldung/memory_gb", "warning"),
        ]
    )
    seat = in_words(desk, "anmeldung/memory_gb")
    assert seat["title"] == "anmeldung erfüllt eine Voraussetzung von x.concept nicht: Arbeitsspeicher"
    assert seat["cause"].startswith("Verlangt ist: mindestens 8 GB. Gemessen wurde: 4 GB. So ")
    desk.ask("POST", "/machines", "pvs", **sent(msgspec.structs.replace(SEAT, memory_gb=known(8.0))))
    fake(desk).facts = msgspec.structs.replace(fake(desk).facts, cpu=ProcessorFacts(ghz=known(2.5)))
    assert checked(desk) == []


def in_words(desk: Desk, subject: str, lang: str = "de") -> dict[str, Any]:
    with desk.house.store.read(system("test")) as tx:
        (one,) = [i for i in issues.list_all(tx) if (i.code, i.subject) == (ANSWER, subject)]
        return {
            **explain(desk.house, one, lang),
            "hint": hint(desk.house, one, lang),
            "information": information(desk.house, tx, one, lang),
        }


def test_what_is_missed_is_told_in_the_words_of_each_language(desk: Desk) -> None:
    add_software(desk)
    fake(desk).facts = msgspec.structs.replace(
        fake(desk).facts,
        cpu=ProcessorFacts(ghz=known(2.1)),
        disks=known((Disk(volume="C:\\", system=known(True), free_gb=known(79.4), kind=known("hdd")),)),
        remote_access=known(False),
        sql=known(()),
    )
    checked(desk)
    wanted = {
        "cpu_ghz": ("mindestens 2,5 GHz", "2,1 GHz", "at least 2.5 GHz", "2.1 GHz"),
        "disk_free_gb": ("GB frei auf dem", "79 GB frei auf C:\\", "GB free on the", "79 GB free on C:\\"),
        "remote_access": ("erreichbar per Fernzugriff", "nicht vorhanden", "remote desktop", "not there"),
        "sql_server": ("eines von: SQL Server", "nicht vorhanden", "one of: SQL Server", "not there"),
    }
    for kind, (asked, found, asked_en, found_en) in wanted.items():
        told, english = (in_words(desk, f"{api.own_host()}/{kind}", lang) for lang in ("de", "en"))
        assert asked in told["cause"] and f"Gemessen wurde: {found}." in told["cause"], told
        assert asked_en in english["cause"] and f"Measured: {found_en}." in english["cause"], english
        assert told["cause"] in told["information"]
        for words in (*told.values(), *english.values()):
            assert not set("{}✓✗–") & set(words.replace("– ", "")), words


def test_one_computer_that_several_products_find_too_weak_is_told_of_once(desk: Desk) -> None:
    add_software(desk)
    add_software(desk, name="Zweigpraxis")
    add_software(desk, "x.isynet", dataFolder="C:\\winacs")
    desk.ask("POST", "/machines", "pvs", **sent(msgspec.structs.replace(SEAT, memory_gb=known(1.0))))
    mine = [one for one in checked(desk) if one[1].startswith("anmeldung/memory")]
    assert mine == [(ANSWER, "anmeldung/memory_gb", "warning")]
    told = in_words(desk, "anmeldung/memory_gb")
    assert "von x.concept, x.isynet nicht" in told["title"] and "Gemessen wurde: 1 GB." in told["cause"]


def test_where_nothing_could_be_measured_nothing_is_wrong_and_nothing_green(desk: Desk) -> None:
    software = add_software(desk)
    fake(desk).facts = MachineFacts(host=api.own_host(), at=0)
    assert {one["state"] for one in desk("GET", f"/requirements?software={software}")["lines"]} == {
        "undetermined"
    }
    assert checked(desk) == []


def test_names_and_old_facts(desk: Desk, clock: FrozenClock) -> None:
    bad = msgspec.structs.replace(SEAT, host="büro_empfang", computer_name=known("BÜRO_EMPFANG"))
    desk.ask("POST", "/machines", "pvs", **sent(bad, None))
    assert checked(desk) == [("diagnosis.machine_name", "büro_empfang", "warning")]
    clock.advance(91 * 86_400)
    assert ("diagnosis.machine_stale", "büro_empfang", "warning") in checked(desk)
    assert desk("GET", "/machines")["machines"][1]["stale"] is True
    desk.ask("POST", "/machines", "pvs", **sent(bad, None))
    assert checked(desk) == [("diagnosis.machine_name", "büro_empfang", "warning")]
    desk.ask("DELETE", "/machines/büro_empfang")
    assert checked(desk) == []


def test_free_space_is_noted_daily_and_foretold(desk: Desk, clock: FrozenClock) -> None:
    def free(gb: float, **more: Any) -> None:
        disk = Disk(volume="C:\\", free_gb=known(gb), mapped=known(False), **more)
        stick = Disk(volume="E:\\", free_gb=known(1.0), kind=known("removable"))
        fake(desk).facts = msgspec.structs.replace(fake(desk).facts, disks=known((disk, stick)))

    worker = settle(desk.house)
    for day in range(10):
        free(100.0 - 9 * day)
        settle(desk.house, worker)
        assert day >= 7 or [c for c, *_ in checked(desk)] == []
        clock.advance(86_400)
    with desk.house.store.read(system("test")) as tx:
        noted = machine_sample_store.since(tx, today(desk.house, tx) - timedelta(days=400))
    key = volume_key("C:\\")
    assert list(noted) == [key] and sorted(noted[key].values())[:2] == [19_000, 28_000]
    assert checked(desk) == [("diagnosis.disk_forecast", "C:\\", "warning")]
    free(200.0, worn=known(93))
    with desk.house.store.write(system("test")) as tx:
        for back in range(9):
            machine_sample_store.put(
                tx, volume_key("C:\\"), today(desk.house, tx) - timedelta(days=back), 200_000
            )
    assert checked(desk) == [("diagnosis.disk_worn", "C:\\", "warning")]
    free(200.0, worn=known(3), healthy=known(False))
    assert checked(desk) == [("diagnosis.disk_worn", "C:\\", "error")]
    free(200.0)
    assert checked(desk) == []


def test_commands_say_the_same(desk: Desk) -> None:
    software = add_software(desk)
    desk.ask("POST", "/machines", "pvs", **sent())
    listed = perform(desk.house, "diagnosis.machines", {})["machines"]
    assert [one["host"] for one in listed] == [api.own_host(), "anmeldung"]
    by_product = perform(desk.house, "diagnosis.requirements", {"software": "x.concept"})["requirements"]
    assert by_product == perform(desk.house, "diagnosis.requirements", {"software": software})["requirements"]
    assert by_product[0]["lines"]
    assert perform(desk.house, "diagnosis.machine_forget", {"host": "ANMELDUNG"}) == {"host": "anmeldung"}
    for name, args in (("machine_forget", {"host": "anmeldung"}), ("requirements", {"software": "nothing"})):
        with pytest.raises(Problem):
            perform(desk.house, f"diagnosis.{name}", args)
