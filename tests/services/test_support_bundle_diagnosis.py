"""A support package tells of the diagnosis by words and counts: what is wrong with a ServiceProvider, what is not met."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from praxisd.demo import running
from praxisd.kernel import config, issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.finding import Finding, Severity
from praxisd.model.machine import MachineFacts, known
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import words
from praxisd.services.support import bundle_values as values
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import Place

from .support_cast import Scene, scene

PERSON = "Kanariewitz"
SOFTWARE = "01hzy5x8q2v3w4abcdefghjkmn"
OWN = """[product]
id = "kanariewitz"
name = "Kanariewitz"
vendor = "Kanariewitz"
[source]
title = "Kanariewitz"
version = "1"
stand = 2026-01-01
url = ""
"""


class Weak:
    """A computer that has nothing of what is wanted."""

    def measure(self, at: int, wait_s: float = 0, only: tuple[str, ...] = ()) -> MachineFacts:
        return MachineFacts(host=diagnosis.own_host(), at=at, memory_gb=known(1.0))


@pytest.fixture
def there(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Scene]:
    """x.concept, whose ServiceProvider does not answer and has a fault in its file; and a product of the practice's own."""
    house = sqlite_houses.open()
    house.shared["diagnosis.meter"] = Weak()
    place = Place(tmp_path / PERSON)
    place.enter(house)
    place.ini.write_text(place.ini.read_text().replace("Kundennummer=123456", "Kundennummer="))
    own = house.folder / "products"
    own.mkdir(exist_ok=True)
    (own / "kanariewitz.toml").write_text(OWN)
    entered(house, place)
    with scene(house) as one:
        yield one
    place.stop()


def entered(house: House, place: Place) -> None:
    with house.store.read(system("test", INSTALLATION)) as tx:
        (before,) = software_store.software(tx)
    house.store.run(system("test", INSTALLATION), lambda tx: software_store.drop(tx, before.id))
    mine = Software(
        id=SOFTWARE, product="x.concept", name=PERSON, role="server", data_folder=str(place.top), note=PERSON,
        program_folder=str(place.root), devices=3, customer_number="123456",
    )  # fmt: skip
    foreign = Software(id=f"{SOFTWARE[:-1]}p", product="kanariewitz", role="server")
    for what in (mine, foreign):
        house.store.run(system("test", INSTALLATION), partial(software_store.put, what=what))


def rows_of(there: Scene) -> dict[str, list[dict[str, Any]]]:
    made = there("POST", "/support/bundle", {}, 201)
    text = there("GET", f"/support/bundle/{made['id']}/file").decode()
    assert PERSON.casefold() not in text.casefold()
    found: dict[str, list[dict[str, Any]]] = {}
    for line in text.splitlines():
        row = json.loads(line)
        assert not row.get("failed"), row
        found.setdefault(row["part"], []).append(row)
    return found


def test_it_tells_service_providers_by_codes_and_counts_requirements_and_ports(there: Scene) -> None:
    rows = rows_of(there)
    (one,) = rows["serviceprovider"]
    assert (one["software"], one["product"], one["own"]) == (SOFTWARE, "x.concept", False)
    assert one["state"] == "running", "as Windows says"
    assert {words.UNREACHABLE, words.CUSTOMER_NUMBER_MISSING} <= set(one["codes"])
    assert one["install"] == [words.CUSTOMER_NUMBER_MISSING] and "pvs" not in one and "hidden" not in one
    assert (one["pvs_file"], one["install_file"]) == ("read", "read")
    (mine,) = [one for one in rows["requirements"] if one.get("product") == "x.concept"]
    assert mine["here"] is True and mine["role"] == "server" and "memory_gb" in mine["missed"]
    states = [mine[one] for one in diagnosis.STATES]
    assert mine["not_fulfilled"] >= 1 and mine["undetermined"] >= 1 and sum(states) > 5
    ports = {one.get("product"): one for one in rows["ports"]}
    product = diagnosis.products(there.house)["x.concept"]
    told = [count for state, count in ports["x.concept"].items() if state in diagnosis.PORT_STATES]
    assert sum(told) == len(product.ports)
    software = {one.get("product"): one["id"] for one in rows["software"]}
    assert software == {"x.concept": SOFTWARE, None: f"{SOFTWARE[:-1]}p"}, (
        "a product of the practice's own is not named"
    )


def test_it_tells_the_subject_of_an_issue_part_by_part(there: Scene) -> None:
    port = diagnosis.products(there.house)["x.concept"].ports[0].id
    subjects = {
        f"{diagnosis.own_host()}/memory_gb": f"{diagnosis.own_host()}/memory_gb",
        f"{PERSON}/os": "…/os",
        f"x.concept/{port}/{PERSON}:445": f"x.concept/{port}/…",
        f"{SOFTWARE}/install": f"{SOFTWARE}/install",
        "Directive/a1_14": "Directive/a1_14",
        PERSON: None,
        f"kanariewitz/{PERSON}": None,
    }
    for subject in subjects:
        found = Finding("diagnosis.requirement_missed", subject, Severity.WARNING, {})
        there.house.store.run(
            system("test", INSTALLATION), lambda tx, found=found: issues.raise_issue(tx, found, "x")
        )
    told = [one for one in rows_of(there)["issue"] if one["code"] == "diagnosis.requirement_missed"]
    assert sorted(str(one.get("subject")) for one in told) == sorted(map(str, subjects.values()))
    assert [one["hidden"] for one in told if "subject" not in one] == [["subject"], ["subject"]]


def test_a_part_of_a_subject_is_a_word_that_is_known_or_nothing() -> None:
    known_ = {"os", "Directive"}
    assert values.subject("", known_) is None and values.subject("os", known_) == "os"
    assert values.subject("Frau Müller/os/", known_) == "…/os/…"
    assert values.subject("OS", known_) is values.HIDDEN and values.subject("a/b", known_) is values.HIDDEN


@pytest.mark.parametrize("file", [running.ACCESS, str(running.UNSERVED)])
def test_the_sample_practice_says_that_it_is_one(tmp_path: Path, file: str) -> None:
    assert not config.load(None, tmp_path).demo
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("{}")
    assert config.load(None, tmp_path).demo
    own = tmp_path / "own.toml"
    own.write_text('instance = "praxis"\n')
    assert config.load(own, tmp_path).demo and config.load(own, tmp_path).instance == "praxis"
