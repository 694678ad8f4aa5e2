"""GET /console and the console's words, through the real door on both engines."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import __version__, main
from praxisd.kernel.app import House
from praxisd.kernel.registry import ROLES
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

TEXTS = "/console/texts/de.json"


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def client(house: House, practice: Practice) -> Iterator[TestClient[Any]]:
    with TestClient(build(house, main.doors(house))) as found:
        yield found


def as_role(house: House, practice: Practice, role: str, lang: str = "de") -> dict[str, str]:
    return {"Authorization": f"Bearer {key_for(house, practice, role, role)}", "Accept-Language": lang}


def test_the_console_learns_where_it_is(house: House, practice: Practice, client: TestClient[Any]) -> None:
    got = client.get("/api/v1/console", headers=as_role(house, practice, "owner"))
    assert got.status_code == 200, got.text
    found = got.json()
    assert (found["version"], found["instance"], found["node"]) == (__version__, "praxisd", house.node)
    assert (found["development"], found["demo"], found["languages"]) == (False, False, ["de", "en"])
    assert int(found["cursor"]) > 0
    assert found["organization"] == {
        "id": practice.organization,
        "name": "Praxis am Test",
        "zone": "Europe/Berlin",
        "language": "de",
    }
    assert found["groups"] == [
        {"name": "day", "title": "Tagesgeschäft"},
        {"name": "practice", "title": "Praxis"},
        {"name": "system", "title": "System"},
    ]
    first = found["pages"][0]
    assert (first["name"], first["title"], first["group"], first["listing"]) == (
        "overview",
        "Überblick",
        "day",
        None,
    )
    places = [("day", "practice", "system").index(one["group"]) for one in found["pages"]]
    assert places == sorted(places)


def test_each_role_sees_the_pages_it_may_open(
    house: House, practice: Practice, client: TestClient[Any]
) -> None:
    seen = {}
    for role in ("owner", "desk", "partner"):
        got = client.get("/api/v1/console", headers=as_role(house, practice, role, "en")).json()
        seen[role] = {one["name"] for one in got["pages"]}
        allowed = house.registry.role(role)
        assert seen[role] == {one.name for one in house.registry.pages if one.permission in allowed}
    assert "settings" in seen["owner"] and "settings" not in seen["desk"]
    assert "jobs" in seen["desk"]


def test_programs_have_no_console(house: House, practice: Practice, client: TestClient[Any]) -> None:
    assert set(ROLES) - {"owner", "desk", "partner"} == {"portal", "pvs"}
    got = client.get("/api/v1/console", headers=as_role(house, practice, "pvs"))
    assert (got.status_code, got.json()["code"]) == (403, "access.forbidden")


def test_development_is_said(make_house: Callable[..., House]) -> None:
    house = make_house(development=True, instance="Rechner 3")
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        found = client.get("/api/v1/console", headers=as_role(house, practice, "desk")).json()
    assert (found["development"], found["instance"]) == (True, "Rechner 3")


def test_words_come_without_a_key_packed_and_only_once(client: TestClient[Any]) -> None:
    packed = client.get(TEXTS, headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(TEXTS, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    words = plain.json()
    assert words == packed.json()
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))
    assert words["console.group.day"] == "Tagesgeschäft"
    assert all(key.startswith("console.") for key in words)
    english = client.get("/console/texts/en.json").json()
    assert english["console.group.day"] == "Daily work" and english.keys() == words.keys()
    for one in (packed, plain):
        headers = {"If-None-Match": one.headers["etag"], "Accept-Encoding": "gzip" if one is packed else ""}
        again = client.get(TEXTS, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
    assert packed.headers["etag"] != plain.headers["etag"]
    assert client.get(TEXTS, headers={"Accept-Encoding": "gzip;q=0"}).headers.get("content-encoding") is None


def test_the_words_of_pages_come_apart_from_those_of_the_first_load(client: TestClient[Any]) -> None:
    for lang in ("de", "en"):
        whole = client.get(f"/console/texts/{lang}.json").json()
        first, pages = (
            client.get(f"/console/texts/{lang}/{part}.json").json() for part in ("first", "pages")
        )
        assert first.keys().isdisjoint(pages) and first | pages == whole
        assert {"console.group.day", "console.issues.cause", "console.save"} <= first.keys()
        assert "console.jobs.missed_words" in pages
    packed = client.get("/console/texts/de/pages.json", headers={"Accept-Encoding": "gzip"})
    again = client.get("/console/texts/de/pages.json", headers={"If-None-Match": packed.headers["etag"]})
    assert (packed.headers["content-encoding"], again.status_code) == ("gzip", 304)
    for name in ("fr/first.json", "de/all.json", "de/none.json"):
        assert client.get(f"/console/texts/{name}").status_code == 404, name


def test_other_languages_are_unknown(client: TestClient[Any]) -> None:
    for name in ("fr.json", "de", "de.toml", "..%2Fde.json", "de.json/x", ".json"):
        got = client.get(f"/console/texts/{name}")
        assert (got.status_code, got.json()["code"]) == (404, "http.not_found"), name
