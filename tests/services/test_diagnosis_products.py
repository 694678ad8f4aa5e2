"""Products through the door: built in, own files, an update of the data, and their checks."""

import sqlite3
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.issues import run_checks
from praxisd.services.diagnosis import api, product_pack, product_reading
from praxisd.services.diagnosis.product_checks import file_subject
from praxisd.services.updates import slots
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice

from .diagnosis_cast import Door, opened

OWN = """[product]
id = "mypvs"
name = "My PVS"
vendor = "Somebody"

[source]
title = "Handbook"
version = "3"
stand = 2026-11-01
"""
CHECKS = ("diagnosis.product_files", "diagnosis.product_sources")


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def door(house: House, practice: Practice) -> Iterator[Door]:
    with opened(house, practice) as ask:
        yield ask


def own_file(house: House, name: str, text: str) -> Path:
    folder = house.folder / "products"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def issues(house: House) -> list[tuple[str, str, dict[str, Any]]]:
    found = run_checks(house, CHECKS)
    return sorted(
        (one.code, one.subject, dict(one.params)) for one in found.issues if one.code.startswith("diagnosis.")
    )


def test_the_list_and_one_product(house: House, door: Door) -> None:
    found = door("GET", "/products", "desk")
    assert found["faults"] == []
    names = [one["name"] for one in found["products"]]
    assert len(names) == 9 and names == sorted(names, key=str.casefold)
    entry = next(one for one in found["products"] if one["id"] == "x.isynet")
    assert (entry["origin"], entry["serviceprovider"], entry["used"]) == ("built_in", True, False)
    assert entry["source"]["stand"] == "2023-08-04" and entry["source"]["version"] == "08/2023"
    day = house.clock.now() // 86_400
    assert abs(entry["ageDays"] - (day - 19_573)) <= 1  # 2023-08-04 is the 19573rd day
    one = door("GET", "/products/x.isynet", "partner")
    assert len(one["ports"]) == 39 and len(one["requirements"]) == 57
    mbit = next(each for each in one["requirements"] if each["id"] == "internet-server")
    assert mbit["values"] == {"least": 16.0} and "6 Mbit" in mbit["question"] and mbit["why"] is None
    assert one["places"]["installWhere"] == "sql" and one["places"]["dataPathMayBeEmpty"] is True
    assert any("23174" in each["text"] for each in one["questions"])
    port = next(each for each in one["ports"] if each["id"] == "hpm-tcp-22220")
    assert (port["in"], port["out"], port["external"], port["tls"]) == (True, True, False, ["22225"])
    english = door("GET", "/products/x.isynet", headers={"Accept-Language": "en"})
    assert "Processor" in english["requirements"][0]["text"]
    door("GET", "/products/nothing", status=404)
    door("GET", "/products", "pvs", status=403)


def test_exclusions_as_a_list_and_on_paper(house: House, door: Door) -> None:
    found = door("GET", "/products/x.concept/exclusions")
    paths = [one["path"] for one in found["exclusions"]]
    assert "C:\\DConcept\\" in paths[:4]  # its own first, then those of programs that not everybody has
    others = [bool(one["software"]) for one in found["exclusions"]]
    assert others == sorted(others) and any(others)
    assert "DeService" in [one["name"] for one in found["services"]]
    texts = door("GET", "/products/x.vianova/exclusions", headers={"Accept-Language": "en"})
    assert any("no folders and services of its own" in one["text"] for one in texts["questions"])
    paper = door("GET", "/products/x.concept/exclusions.pdf", "desk")
    assert paper.headers["content-type"] == "application/pdf" and paper.content.startswith(b"%PDF")
    door("GET", "/products/nothing/exclusions.pdf", status=404)


@pytest.mark.parametrize(
    ("lang", "stand", "every"), [("de", "04.08.2023", "alle (*.*)"), ("en", "2023-08-04", "all (*.*)")]
)
def test_the_sheet_says_dates_and_files_as_people_do(door: Door, lang: str, stand: str, every: str) -> None:
    paper = door("GET", "/products/x.concept/exclusions.pdf", headers={"Accept-Language": lang})
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper.content)).pages)
    assert stand in text and every in text


def test_own_files_are_read_replaced_and_named_when_wrong(house: House, door: Door) -> None:
    own_file(house, "mine.toml", OWN)
    own_file(house, "theirs.toml", OWN.replace('"mypvs"', '"easymed"').replace("My PVS", "Our easymed"))
    products = api.products(house)
    assert products["mypvs"].origin == "own" and products["easymed"].name == "Our easymed"
    assert issues(house) == []
    own_file(house, "mine.toml", OWN.replace('"3"', "3") + "\n[[port]]\nid = 1\n")
    own_file(house, "twice.toml", OWN.replace('"mypvs"', '"easymed"'))
    found = door("GET", "/products", headers={"Accept-Language": "de"})
    assert [(one["file"], one["line"], one["column"]) for one in found["faults"]] == [
        ("mine.toml", 8, 1), ("mine.toml", 12, 1), ("twice.toml", 1, 1),
    ]  # fmt: skip
    assert "von falscher Art" in found["faults"][0]["text"]
    assert "mypvs" not in {one["id"] for one in found["products"]}  # the others stay usable
    assert {one["id"] for one in found["products"]} >= {"easymed", "medatixx"}
    told = sorted(issues(house), key=lambda one: str(one[2]["file"]))
    assert [(code, subject) for code, subject, _ in told] == [
        ("diagnosis.product_file_bad", file_subject("mine.toml")),
        ("diagnosis.product_file_bad", file_subject("twice.toml")),
    ]
    assert not any(
        "mine" in subject or "twice" in subject for _, subject, _ in told
    )  # names that people gave
    assert told[0][2] | {"what": ""} == {"file": "mine.toml", "line": 8, "column": 1, "what": "", "count": 2}
    own_file(house, "mine.toml", OWN + "\n# mended\n")
    (house.folder / "products" / "twice.toml").unlink()
    assert issues(house) == []


def dataset(house: House, version: str, named: dict[str, bytes]) -> None:
    """Install a data set as an update would."""
    place = slots.room(house.folder, product_reading.ELEMENT)
    count, faults = product_pack.pack(named, place)
    assert count and not faults
    slots.use(house.folder, product_reading.ELEMENT, version, "2026-11-20")


def test_an_update_replaces_what_it_knows_newer(house: House) -> None:
    built_in = dict(product_reading.built_in_files())
    newer = {
        **built_in,
        "easymed.toml": built_in["easymed.toml"].replace(b"2023-08-04", b"2026-10-01"),
        "psyx.toml": built_in["psyx.toml"].replace(b"2023-08-04", b"2020-01-01").replace(b'"psyx"\nvendor', b'"old"\nvendor'),
        "new.toml": OWN.encode(),
    }  # fmt: skip
    dataset(house, "2026-11-20", newer)
    found = api.products(house)
    assert (found["easymed"].origin, str(found["easymed"].source.stand)) == ("update", "2026-10-01")
    assert (found["psyx"].origin, found["psyx"].name) == ("built_in", "psyx")
    assert (found["medatixx"].origin, found["mypvs"].origin) == ("built_in", "update")
    own_file(house, "mine.toml", OWN.replace("My PVS", "Ours"))
    assert (api.products(house)["mypvs"].origin, api.products(house)["mypvs"].name) == ("own", "Ours")


def test_an_update_that_is_something_else_is_named_and_changes_nothing(house: House) -> None:
    place = slots.room(house.folder, product_reading.ELEMENT)
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    connection.close()
    slots.use(house.folder, product_reading.ELEMENT, "1", "2026-11-20")
    assert set(api.products(house)) == set(product_reading.built_in().products)
    assert [code for code, _, _ in issues(house)] == ["diagnosis.product_file_bad"]


@pytest.mark.parametrize("text", ["x = " + "9" * 5_000, "x = " + "[" * 5_000])
def test_a_file_that_breaks_the_reader_is_a_fault_and_no_more(house: House, text: str) -> None:
    own_file(house, "bad.toml", text)
    assert set(api.products(house)) == set(product_reading.built_in().products)
    ((code, subject, params),) = issues(house)
    assert (code, subject) == ("diagnosis.product_file_bad", file_subject("bad.toml"))
    assert params["line"] == 1


def test_a_set_with_a_fault_is_not_packed(tmp_path: Path) -> None:
    into = tmp_path / "out.sqlite"
    _, faults = product_pack.pack({"a.toml": OWN.replace('"3"', "3").encode()}, into)
    assert [(one.file, one.line, one.what) for one in faults] == [("a.toml", 8, "type")]
    assert not into.exists()


def test_an_old_source_and_an_unknown_product_are_told(house: House, door: Door) -> None:
    own = own_file(house, "mine.toml", OWN)
    door("POST", "/software", status=201, json={"product": "mypvs", "name": "Ours"})
    assert issues(house) == []
    assert isinstance(house.clock, FrozenClock)
    house.clock.advance(700 * 86_400)
    ((code, subject, params),) = issues(house)
    assert (code, subject) == ("diagnosis.products_old", "Product/mypvs")
    assert (params["stand"], params["product"], params["url"]) == ("11/2026", "My PVS", "–")
    assert params["months"] >= 22
    own.unlink()
    ((code, _, params),) = issues(house)
    assert (code, params) == ("diagnosis.software_unknown", {"product": "mypvs", "name": "Ours"})
    assert door("GET", "/software")["software"][0]["productName"] is None
    own_file(house, "mine.toml", OWN.replace("2026-11-01", "2028-01-01"))
    assert issues(house) == []


def test_in_safe_mode_all_of_it_is_there(house: House) -> None:
    mine = [
        one
        for one in house.registry.routes
        if one.name.partition(".")[0] in ("products", "product", "software")
    ]
    assert len(mine) == 9 and all(one.safe for one in mine)
