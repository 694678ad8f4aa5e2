"""The doors of the data sets: how they stand, confirming, full texts; and the checks."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.services.medication import sets_checks
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.testing.medication import confirm, install_samples
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build
from praxisd.web.door import Doors

Ask = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def ask(house: House, practice: Practice) -> Iterator[Ask]:
    keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "portal")}
    with TestClient(build(house, cast(Doors, main.doors(house)))) as client:

        def call(role: str, method: str, path: str, **more: object) -> tuple[int, dict[str, object]]:
            headers = {"Authorization": f"Bearer {keys[role]}"}
            answer = client.request(method, f"/api/v1{path}", headers=headers, **more)  # type: ignore[arg-type]
            return answer.status_code, answer.json()

        yield call


def _state(found: object) -> dict[str, object]:
    sets = found["sets"]  # type: ignore[index]
    assert [one["standing"]["element"] for one in sets] == [
        "medication",
        "medication-texts",
        "medication-notices",
    ]
    first: dict[str, object] = sets[0]
    return first


def test_sets_stand_as_they_are(house: House, ask: Ask) -> None:
    status, found = ask("desk", "GET", "/medication/sets")
    assert status == 200
    assert _state(found)["standing"]["state"] == "missing"  # type: ignore[index]
    version = install_samples(house)
    one = _state(ask("desk", "GET", "/medication/sets")[1])
    standing = one["standing"]
    assert standing["version"] == version  # type: ignore[index]
    assert (standing["state"], standing["sample"]) == ("unconfirmed", True)  # type: ignore[index]
    assert one["counts"]["product"] == 183  # type: ignore[index]
    assert one["confirmedBy"] is None
    assert ask("portal", "GET", "/medication/sets")[0] == 403


def test_an_owner_confirms_what_was_read(house: House, ask: Ask) -> None:
    path = f"/medication/sets/{MEDICATION}/confirm"
    body = {"version": "1", "understood": True}
    assert ask("owner", "POST", path, json=body)[1]["code"] == "medication.no_data"
    version = install_samples(house)
    assert ask("owner", "POST", path, json=body)[1]["code"] == "medication.version_changed"
    body["version"] = version
    assert ask("desk", "POST", path, json=body)[0] == 403
    assert ask("owner", "POST", path, json={"version": version, "understood": False})[0] == 400
    assert ask("owner", "POST", "/medication/sets/holidays/confirm", json=body)[0] == 404
    status, one = ask("owner", "POST", path, json=body)
    assert status == 200
    assert one["standing"]["state"] == "valid"  # type: ignore[index]
    assert one["confirmedVersion"] == version and one["confirmedBy"]
    assert not str(one["confirmedBy"]).startswith(("user:", "key:"))  # a name, no id
    events = ask("owner", "GET", "/events?limit=200")[1]["events"]
    types = [one["type"] for one in events]  # type: ignore[attr-defined]
    assert types.count("medication.set_confirmed") == 1
    assert ask("owner", "POST", path, json=body)[0] == 200  # once more changes nothing


def test_full_texts_are_read_by_section(house: House, ask: Ask) -> None:
    path = "/medication/products/s-amoxicillin-500-mg-filmtabletten-m/text"
    assert ask("desk", "GET", path)[1]["code"] == "medication.no_data"
    install_samples(house)
    status, text = ask("desk", "GET", path)
    assert (
        status == 200
        and text["title"] == "Fachinformation Amoxicillin Muster 500 mg Filmtabletten (Beispiel)"
    )
    assert len(text["sections"]) == 12  # type: ignore[arg-type]
    status, part = ask("desk", "GET", f"{path}?section=4.3")
    assert [one["heading"] for one in part["sections"]] == ["Gegenanzeigen"]  # type: ignore[attr-defined]
    assert "Penicillin-Allergie" in part["sections"][0]["body"]  # type: ignore[index]
    assert ask("desk", "GET", f"{path}?section=9.9")[1]["code"] == "medication.no_text"
    assert ask("desk", "GET", "/medication/products/nothing/text")[1]["code"] == "medication.no_text"
    assert ask("desk", "GET", f"{path}?version=1900-01-01")[1]["code"] == "medication.no_version"


@pytest.mark.parametrize("words", ["überempfindlichkeit", "ueberempfindlichkeit", "Uberempfindlich"])
def test_full_texts_are_searched(house: House, ask: Ask, words: str) -> None:
    install_samples(house)
    body = {"text": f"penicillin {words}", "limit": 5}
    status, found = ask("desk", "POST", "/medication/texts/search", json=body)
    assert status == 200
    results = found["results"]
    assert len(results) == 5 and found["more"]  # type: ignore[arg-type]
    for one in results:  # type: ignore[attr-defined]
        shown = [one["excerpt"][begin:end].casefold() for begin, end in one["marked"]]
        assert shown and all(part.startswith(("penicillin", "überempfindlichkeit")) for part in shown)
    nothing = {"text": 'kein "solches (wort', "product": results[0]["product"]}  # type: ignore[index]
    assert ask("desk", "POST", "/medication/texts/search", json=nothing)[1]["results"] == []
    assert ask("desk", "POST", "/medication/texts/search", json={"text": "** ()"})[1]["results"] == []


def _codes(house: House) -> set[str]:
    return {one.code for check in sets_checks.CHECKS for one in check.call(house)}


def test_checks_say_what_is_wrong_and_heal(house: House, practice: Practice) -> None:
    assert _codes(house) == {"medication.set_missing"}
    install_samples(house, days_ago=10)
    assert _codes(house) == {"medication.set_unconfirmed"}
    confirm(house, practice.desk())
    assert _codes(house) == set()
    install_samples(house, days_ago=125, elements=(MEDICATION,))
    assert _codes(house) == {"medication.set_grace"}
    install_samples(house, days_ago=200, elements=(MEDICATION,))
    assert _codes(house) == {"medication.set_expired"}
    # A page in the middle is damaged: the file opens, but looking at all of it tells.
    place = house.folder / "datasets" / MEDICATION / "a" / "data.sqlite"
    other = house.folder / "datasets" / MEDICATION / "b" / "data.sqlite"
    for file in (place, other):
        data = bytearray(file.read_bytes())
        middle = len(data) // 2 // 4096 * 4096
        data[middle : middle + 64] = bytes(64)
        file.write_bytes(bytes(data))
    assert "medication.set_unreadable" in _codes(house)
    install_samples(house, 2, days_ago=1, elements=(MEDICATION,))
    assert _codes(house) == set()
