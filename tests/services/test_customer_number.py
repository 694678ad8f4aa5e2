"""The customer number is each practice's own: no letter, package or block of one of them tells another's."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.finding import Finding, Severity
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.diagnosis import software_store
from praxisd.services.serviceprovider import looking, rules, view, words
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider.shapes import FaultOut
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.testing.prepared import ID, Place

from .support_cast import Scene, scene

KEY = "diagnosis.customer_number"
FIRST, SECOND = "4711-08", "9922-17"


@pytest.fixture
def there(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(diagnosis, "facts", lambda _house: None)
    with scene(house) as one:
        yield one


def enter(house: House, practice: Practice, number: str) -> None:
    actor = system("test", practice.organization)
    house.store.run(actor, lambda tx: house.settings.put(tx, KEY, number))
    partner = "hilfe@zweites-systemhaus.example"
    house.store.run(actor, lambda tx: house.settings.put(tx, "support.partner_email", partner))


def test_two_practices_on_one_server_each_tell_their_own(there: Scene) -> None:
    house, other = there.house, small_practice(there.house)
    there.set(KEY, FIRST)
    enter(house, other, SECOND)
    found = Finding("store.disk_low", "", Severity.WARNING, {"free": 1, "limit": 2})
    house.store.run(system("test", INSTALLATION), lambda tx: issues.raise_issue(tx, found, "x"))
    for practice, mine, foreign in ((there.practice, FIRST, SECOND), (other, SECOND, FIRST)):
        headers = {"Authorization": f"Bearer {key_for(house, practice, 'owner', f'of-{mine}')}"}

        def ask(method: str, path: str, body: Any = None, headers: dict[str, str] = headers) -> Any:
            got = there.client.request(method, f"/api/v1{path}", headers=headers, json=body)
            assert got.status_code < 300, got.text
            return got

        made = ask("POST", "/support/bundle", {}).json()
        package = ask("GET", f"/support/bundle/{made['id']}/file").text
        rows = [json.loads(line) for line in package.splitlines()]
        assert [row["customer"] for row in rows if row["part"] == "installation"] == [mine]
        wish = {"issue": {"code": "store.disk_low", "subject": ""}, "text": "", "person": "", "phone": ""}
        letter = ask("POST", "/support/contact/preview", wish).json()
        blocks = [one["information"] for one in ask("GET", "/issues").json()["issues"]]
        assert ask("GET", "/support/contact").json()["partner"]["customer"] == mine
        told = letter["subject"], letter["text"], *blocks
        assert len(blocks) >= 1 and all(mine in one for one in told)
        assert foreign not in "".join((package, *told))


@pytest.fixture
def place(house: House, tmp_path: Path) -> Iterator[Place]:
    """A ServiceProvider whose software has no number of its own, and whose file has none either."""
    made = Place(tmp_path)
    made.enter(house)
    with house.store.read(system("test", INSTALLATION)) as tx:
        (what,) = software_store.software(tx)
    number(house, what, "")
    made.ini.write_text(made.ini.read_text().replace("Kundennummer=123456", "Kundennummer="))
    yield made
    made.stop()


def number(house: House, what: diagnosis.Software, customer: str) -> None:
    now = msgspec.structs.replace(what, customer_number=customer)
    house.store.run(system("test", INSTALLATION), partial(software_store.put, what=now))


def asked(house: House) -> tuple[s.Seen, FaultOut]:
    """What is seen of it, and what is said about its number."""
    (seen,) = looking.look(house, ID)
    (fault,) = [
        one for one in view.shown(house.texts, seen, "de").faults if one.code == words.CUSTOMER_NUMBER_MISSING
    ]
    return seen, fault


def test_the_only_practice_gives_its_number_to_its_service_provider(house: House, place: Place) -> None:
    seen, fault = asked(house)
    assert seen.customer == "" and not fault.mendable and "„Einstellungen“" in fault.solution
    enter(house, small_practice(house), FIRST)
    seen, fault = asked(house)
    assert seen.customer == FIRST and fault.mendable and FIRST in fault.cause


def test_of_several_practices_none_gives_it_and_the_software_is_asked_for_its_own(
    house: House, place: Place
) -> None:
    for one in (FIRST, SECOND):
        enter(house, small_practice(house), one)
    seen, fault = asked(house)
    assert seen.customer == "" and not fault.mendable
    assert (
        "„Praxissoftware“ bei diesem Programm" in fault.solution and "„Einstellungen“" not in fault.solution
    )
    assert FIRST not in fault.cause + fault.solution and SECOND not in fault.cause + fault.solution
    with house.store.read(system("test", INSTALLATION)) as tx:
        (what,) = software_store.software(tx)
    number(house, what, "778899")
    seen, fault = asked(house)
    assert seen.customer == "778899" and fault.mendable
    assert [one.params["wanted"] for one in rules.judge(seen) if one.code == fault.code] == ["778899"]
