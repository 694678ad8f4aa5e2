"""The first start through the real door, on both engines: the code, practice and owner, and never again after that."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control, events, issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.directory import api as directory
from praxisd.services.setup import codes, rules, store
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice
from praxisd.web.app import build

PASSWORD = "Der Hund bellt im Hof"
OWNER = {"login": "eva", "name": "Dr. Eva Muster", "password": PASSWORD}
PRACTICE = {"name": " Praxis Dr. Muster ", "zone": "Europe/Vienna", "region": "AT-9", "language": "de"}


class Door:
    """One browser at one node."""

    def __init__(self, client: "TestClient[Any]") -> None:
        self.http = client
        self.csrf = ""

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v1{path}").json()

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(f"/api/v1{path}", json=body, headers={"X-Praxisd-Csrf": self.csrf, **headers})

    def refused(self, path: str, body: Any, status: int, **headers: str) -> Any:
        answer = self.post(path, body, **headers)
        found = answer.json()
        assert answer.status_code == status, answer.text
        assert found["title"] and found["cause"] and found["solution"]
        return found

    def begin(self, code: str, **more: Any) -> httpx.Response:
        return self.post("/setup", {"code": code, "practice": PRACTICE, "owner": OWNER} | more)

    def sign_in(self) -> None:
        answer = self.http.post("/api/v1/session", json={"login": "eva", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.csrf = answer.json()["csrf"]


@pytest.fixture(name="door")
def the_door(house: House) -> Iterator[Door]:
    with TestClient(build(house, main.doors(house))) as client:  # type: ignore[arg-type]
        yield Door(client)


def the_code(house: House) -> str:
    """The code as the server shows it at its start."""
    words = main.greeting(house, "http://127.0.0.1:8080")
    return next(line.strip() for line in words.splitlines() if line.startswith("    "))


def test_from_nothing_to_an_owner_who_signs_in(house: House, door: Door) -> None:
    assert door.get("/setup") == {"needed": True, "practice": False}
    code = the_code(house)
    assert door.post("/setup/code", {"code": code.lower().replace("-", " ")}).status_code == 204
    made = door.begin(code)
    assert made.status_code == 201, made.text
    assert made.json()["login"] == "eva"
    assert door.get("/setup") == {"needed": False, "practice": True}
    door.sign_in()
    assert door.get("/session")["user"]["role"] == "owner"
    practice = door.get("/organization")
    assert (practice["id"], practice["name"]) == (made.json()["organization"], "Praxis Dr. Muster")
    assert (practice["zone"], practice["region"]) == ("Europe/Vienna", "AT-9")
    assert main.greeting(house, "http://x") == ""
    with house.store.read(system("test", practice["id"])) as tx:
        noted = [(one.type, one.actor) for one in events.since(tx, 0)]
    assert ("setup.completed", "system:setup") in noted and ("user.created", "system:setup") in noted


def test_what_is_kept_and_told_of_the_code(house: House, door: Door, capfd: Any) -> None:
    words = main.greeting(house, "http://127.0.0.1:8080")
    code = the_code(house)
    assert "http://127.0.0.1:8080/" in words and "Einmalcode" in words and "one-time code" in words
    assert len(rules.typed(code)) == rules.LENGTH and set(rules.typed(code)) <= set(rules.ALPHABET)
    with house.store.read(system("test")) as tx:
        kept = store.code(tx)
    assert kept is not None and kept.digest == rules.digest(code) and code not in repr(kept)
    door.refused("/setup/code", {"code": "AAAA-AAAA"}, 403)
    logged = capfd.readouterr()
    assert code not in logged.err + logged.out and rules.typed(code) not in logged.err + logged.out


def test_ten_wrong_codes_end_it_and_a_command_makes_a_new_one(house: House, door: Door) -> None:
    code = the_code(house)
    for left in range(9, 0, -1):
        found = door.refused("/setup/code", {"code": "AAAA-AAAA"}, 403)
        assert (found["code"], found["params"]["left"]) == ("setup.code_wrong", left)
    assert door.refused("/setup/code", {"code": "AAAA-AAAA"}, 403)["code"] == "setup.code_used_up"
    for path, body in (("/setup/code", {"code": code}), ("/setup", {"code": code, "owner": OWNER})):
        assert door.refused(path, body, 403)["code"] == "setup.code_used_up"
    told = control.perform(house, "setup.status", {})
    assert told["needed"] is True and told["code"]["tries"] == 0
    fresh = control.perform(house, "setup.code", {})
    assert fresh["tries"] == 10
    assert door.refused("/setup/code", {"code": code}, 403)["code"] == "setup.code_wrong"
    assert door.begin(fresh["code"]).status_code == 201


def test_a_hundred_tries_at_once_are_ten_tries(house: House) -> None:
    code = the_code(house)
    house.store.run(system("test"), lambda tx: house.settings.put(tx, "accounts.failures_per_minute", 1000))

    def attempt(number: int) -> str:
        try:
            codes.check(house, f"AAAA-{number:04d}", f"192.0.2.{number}")
        except Problem as refused:
            return refused.code
        return "right"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(attempt, range(40)))
    assert found.count("setup.code_wrong") == 9 and found.count("setup.code_used_up") == 31
    with pytest.raises(Problem, match=r"setup\.code_used_up"):
        codes.check(house, code, None)


def test_an_address_may_not_try_without_end(house: House, door: Door) -> None:
    house.store.run(system("test"), lambda tx: house.settings.put(tx, "accounts.failures_per_minute", 3))
    code = the_code(house)
    for _ in range(3):
        door.refused("/setup/code", {"code": "AAAA-AAAA"}, 403)
    answer = door.post("/setup/code", {"code": code})
    assert answer.status_code == 429 and answer.json()["code"] == "accounts.rate_limited"
    assert int(answer.headers["retry-after"]) > 0


def test_what_is_wrong_is_said_and_uses_nothing_up(house: House, door: Door) -> None:
    code = the_code(house)
    for more, status, problem in (
        ({"owner": OWNER | {"password": "kurz"}}, 422, "accounts.weak_password"),
        ({"owner": OWNER | {"login": "e v a"}}, 422, "accounts.invalid"),
        ({"owner": OWNER | {"name": "  "}}, 422, "accounts.invalid"),
        ({"practice": PRACTICE | {"zone": "Mars/Olympus"}}, 400, "clock.unknown_zone"),
        ({"practice": PRACTICE | {"region": "DE-XX"}}, 422, "directory.region_unknown"),
        ({"practice": PRACTICE | {"name": "a\u0007"}}, 422, "directory.text_invalid"),
        ({"practice": PRACTICE | {"name": "  "}}, 422, "directory.name_missing"),
        ({"practice": None}, 422, "setup.practice_missing"),
    ):
        body = {"code": code, "practice": PRACTICE, "owner": OWNER} | more
        assert door.refused("/setup", body, status)["code"] == problem, more
    assert door.post("/setup", {"code": code, "owner": OWNER, "admin": True}).status_code == 400
    assert door.refused("/setup/code", {"code": code}, 403, Origin="https://evil.example")["code"] == (
        "accounts.csrf_refused"
    )
    assert door.begin(code).status_code == 201
    with house.store.read(system("test")) as tx:
        assert len(directory.organization_ids(tx)) == 1 and store.code(tx) is None


def test_never_once_somebody_can_sign_in(house: House, door: Door) -> None:
    code = the_code(house)
    assert door.begin(code).status_code == 201
    for path, body in (("/setup/code", {"code": code}), ("/setup", {"code": code, "owner": OWNER})):
        assert door.refused(path, body, 409)["code"] == "setup.not_needed"
    with pytest.raises(Problem, match=r"setup\.not_needed"):
        control.perform(house, "setup.code", {})


def test_a_practice_made_by_command_only_lacks_its_owner(house: House, door: Door) -> None:
    code = the_code(house)
    made = control.perform(house, "directory.practice_create", {"name": "Praxis Alt"})
    assert door.get("/setup") == {"needed": True, "practice": True}
    assert door.begin(code).json()["code"] == "setup.practice_exists"
    done = door.begin(code, practice=None)
    assert (done.status_code, done.json()["organization"]) == (201, made["id"])
    door.sign_in()
    assert door.get("/organization")["name"] == "Praxis Alt"


def test_users_made_by_command_and_several_practices_need_no_first_start(
    make_house: Callable[..., House],
) -> None:
    user = {"login": "eva", "name": "Eva", "role": "owner", "password": PASSWORD}
    one = make_house()
    control.perform(one, "directory.practice_create", {"name": "Eins"})
    control.perform(one, "accounts.users_create", user)
    two = make_house()
    for name in ("Eins", "Zwei"):
        control.perform(two, "directory.practice_create", {"name": name, "another": True})
    for house in (one, two):
        assert main.greeting(house, "http://x") == ""
        with TestClient(build(house, main.doors(house))) as client:  # type: ignore[arg-type]
            assert Door(client).get("/setup") == {"needed": False, "practice": True}


def test_a_start_makes_a_fresh_code_but_keeps_the_one_just_asked_for(house: House, clock: Any) -> None:
    first, second = the_code(house), the_code(house)
    assert first != second
    with pytest.raises(Problem, match=r"setup\.code_wrong"):
        codes.check(house, first, None)
    asked = control.perform(house, "setup.code", {})["code"]
    words = main.greeting(house, "http://x")
    assert "praxisd setup code" in words and "    " not in words
    codes.check(house, asked, None)
    clock.advance(rules.KEPT_S + 1)
    assert the_code(house) != asked


def test_two_nodes_know_one_code_and_one_of_two_wins(postgres_houses: Houses) -> None:
    one = postgres_houses.open()
    two = postgres_houses.twin(one)
    early, code = the_code(one), the_code(two)
    with (
        TestClient(build(one, main.doors(one))) as here,  # type: ignore[arg-type]
        TestClient(build(two, main.doors(two))) as there,  # type: ignore[arg-type]
    ):
        a, b = Door(here), Door(there)
        assert a.refused("/setup/code", {"code": early}, 403)["code"] == "setup.code_wrong"
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda door: door.begin(code), (a, b)))
        assert sorted(x.status_code for x in answers) in ([201, 403], [201, 409])
        assert a.get("/setup") == b.get("/setup") == {"needed": False, "practice": True}
    with one.store.read(system("test")) as tx:
        assert len(directory.organization_ids(tx)) == 1


def test_notes_come_and_go_by_themselves(house: House) -> None:
    def open_codes() -> set[tuple[str, str]]:
        found = issues.run_checks(house, ["setup.progress"]).issues
        return {(one.organization, one.code) for one in found if one.source == "setup.progress"}

    assert open_codes() == set()
    made = control.perform(house, "directory.practice_create", {"name": "Eins"})["id"]
    assert open_codes() == {(made, "setup.no_owner"), (made, "setup.incomplete")}
    user = {"login": "eva", "name": "Eva", "role": "owner", "password": PASSWORD, "organization": made}
    control.perform(house, "accounts.users_create", user)
    assert open_codes() == {(made, "setup.incomplete")}
    full = small_practice(house).organization
    assert open_codes() == {(made, "setup.incomplete"), (full, "setup.no_owner")}
    for name in ("columns", "types"):
        house.store.run(system("test", made), lambda tx, name=name: store.skip(tx, name))
    assert open_codes() == {(full, "setup.no_owner")}
    assert INSTALLATION not in {organization for organization, _ in open_codes()}
