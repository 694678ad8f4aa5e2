"""The help page of a code: in the console's API, in safe mode too, and by command; the same words everywhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control, issues_help
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for, small_practice
from praxisd.testing.programs import command
from praxisd.web.app import build

CODE = "store.disk_low"


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def client(house: House) -> Iterator[TestClient[Any]]:
    with TestClient(build(house, main.doors(house))) as made:
        made.headers["Authorization"] = f"Bearer {key_for(house, small_practice(house), 'desk', 'Empfang')}"
        yield made


def test_the_index_names_every_issue_in_the_callers_language(house: House, client: TestClient[Any]) -> None:
    found = {
        lang: client.get("/api/v1/help/codes", headers={"Accept-Language": lang}).json()["topics"]
        for lang in ("de", "en")
    }
    codes = {code for check in house.registry.checks for code in check.codes}
    assert codes < {one["code"] for one in found["de"]} == {one["code"] for one in found["en"]}
    (german,), (english,) = ([one for one in found[lang] if one["code"] == CODE] for lang in ("de", "en"))
    assert german["title"] != english["title"] and german["area"] == english["area"] == "Server"


def test_a_page_says_where_praxisd_looks_and_leaves_blanks(client: TestClient[Any]) -> None:
    page = client.get(f"/api/v1/help/codes/{CODE}", headers={"Accept-Language": "en"}).json()
    assert page["checks"] == [{"name": "kernel.disk", "often": "every minute"}]
    assert page["severity"].startswith("Warning or error, depending on whether the free space")
    assert "…" in page["cause"] and "{" not in page["cause"] + page["solution"]
    assert page["hint"] and page["fix"] is None and page["statuses"] == []
    refusal = client.get("/api/v1/help/codes/calendar.slot_taken").json()
    assert refusal["severity"] is None and refusal["statuses"] == [409] and refusal["checks"] == [], (
        "codes of refusals have a page too"
    )
    assert client.get("/api/v1/help/codes/nobody.said_that").status_code == 404


def test_how_often_is_told_in_minutes_or_hours(house: House) -> None:
    told = {issues_help.often(house.registry, check, "de") for check in house.registry.checks}
    assert "jede Minute" in told and all(one.startswith(("jede", "alle ")) for one in told) and len(told) > 2


def test_by_command_without_a_server(house: House) -> None:
    small_practice(house)
    page = command("doctor", "--explain", CODE, "--json", folder=house.folder).json
    assert page["url"] is None and page["code"] == CODE
    said = command("doctor", "--explain", CODE, folder=house.folder)
    assert said.code == 0 and page["title"] in said.out and page["solution"] in said.out
    assert "kernel.disk, jede Minute" in said.out
    assert "Schwere:\n  Warnung oder Fehler, je nachdem, ob der freie Platz" in said.out
    unknown = command("doctor", "--explain", "nobody.said_that", folder=house.folder)
    assert unknown.code == 1 and "nobody.said_that" in unknown.err


def test_a_server_names_the_page_in_its_console(house: House) -> None:
    house.shared["url"] = "http://127.0.0.1:8080/"
    page = control.perform(house, "kernel.explain", {"code": CODE, "lang": "en"})
    assert page["url"] == f"http://127.0.0.1:8080/#/help/{CODE}"
    with pytest.raises(Problem, match="unknown_name"):
        control.perform(house, "kernel.explain", {"code": ["x"]})
