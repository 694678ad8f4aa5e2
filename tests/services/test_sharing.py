"""What several practices share belongs to none of them alone: withheld from each but the one that looks after the server."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import glance, issues, sharing
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.control import perform
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.support import bundle
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .calendar_cast import Rest

PASSWORD = "ein langes Passwort 27"
SOME = (
    ("GET", "/backups/plan", None),
    ("POST", "/backups/keys/sheet", {}),
    ("POST", "/backups/snapshots/entries", {}),
    ("POST", "/care/move/look", {}),
    ("GET", "/machines", None),
    ("GET", "/log", None),
    ("POST", "/guard/restart", {}),
    ("POST", "/exchange/devices", {"name": "EKG", "receiver": "EKG1", "folderIn": "/srv/ekg"}),
)  # fmt: skip


@pytest.fixture
def client(house: House) -> Any:
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as found:
        yield found


def owner_of(house: House, client: Any, practice: Practice) -> Rest:
    return Rest(client, key_for(house, practice, "owner", "Inhaberin"))


def keeper(house: House, practice: str) -> None:
    house.store.run(system("test"), lambda tx: house.settings.put(tx, sharing.KEEPER, practice))


def a_second_later(house: House) -> None:
    """What other nodes write is believed to be as it was for a second."""
    glance.of(house)._looked = float("-inf")


def raised(house: House, code: str, organization: str = INSTALLATION) -> None:
    found = Finding(code, "x", Severity.WARNING)
    house.store.run(system("test", organization), lambda tx: issues.raise_issue(tx, found, "test"))


def test_alone_all_is_ones_own_and_with_a_second_it_is_nobodys(house: House, client: Any) -> None:
    first = small_practice(house)
    one = owner_of(house, client, first)
    assert one("GET", "/machines") and one("GET", "/backups/plan") is not None
    assert "backups.restore" in one("GET", "/me")["permissions"]
    pages = {page["name"] for page in one("GET", "/console")["pages"]}
    assert {"backups", "log", "overview"} <= pages
    two = owner_of(house, client, small_practice(house))
    for rest in (one, two):
        for method, path, body in SOME:
            assert rest.code(method, path, 403, body) == "access.shared", path
        assert not set(rest("GET", "/me")["permissions"]) & house.registry.shared
        assert rest(
            "GET", "/patients/" + (first.patient if rest is one else "x"), 200 if rest is one else 404
        )
    fewer = {page["name"] for page in one("GET", "/console")["pages"]}
    assert {"backups", "log", "care"} <= pages - fewer
    assert {
        "overview",
        "diagnosis",
        "exchange",
        "relay",
        "updates",
    } <= fewer  # in them is something of its own


def test_the_practice_that_looks_after_the_server_may_and_the_other_may_not(
    house: House, client: Any
) -> None:
    first, second = small_practice(house), small_practice(house)
    keeper(house, first.organization)
    one, two = owner_of(house, client, first), owner_of(house, client, second)
    assert one("GET", "/machines") and "backups.keys" in one("GET", "/me")["permissions"]
    assert two.code("GET", "/machines", 403) == "access.shared"
    assert two.code("PUT", "/settings/kernel.keeper", 403, {"value": second.organization}) == "access.shared"
    assert one("PUT", "/settings/kernel.keeper", 200, {"value": second.organization})
    assert one.code("GET", "/machines", 403) == "access.shared" and two("GET", "/machines")


def test_the_command_line_may_everything(house: House) -> None:
    first, _second = small_practice(house), small_practice(house)
    args = {"organization": first.organization, "key": sharing.KEEPER, "value": first.organization}
    assert perform(house, "kernel.settings_set", args)
    with house.store.read(system("test")) as tx:
        assert sharing.practices(house, tx) == (True, first.organization)


def test_settings_of_the_installation_are_neither_shown_nor_changed(house: House, client: Any) -> None:
    first, second = small_practice(house), small_practice(house)
    house.store.run(
        system("test"), lambda tx: house.settings.put(tx, "kernel.http_proxy", "http://u:geheim@proxy:1")
    )
    one = owner_of(house, client, second)
    found = one("GET", "/settings")["settings"]
    assert {each["scope"] for each in found} == {"organization"} and "geheim" not in one.last.text
    assert one.code("PUT", "/settings/kernel.http_proxy", 403, {"value": ""}) == "access.shared"
    assert one("PUT", "/settings/reminders.days", 200, {"value": 3})["value"] == 3
    keeper(house, first.organization)
    rest = owner_of(house, client, first)
    assert rest("GET", "/settings") and "geheim" in rest.last.text


def test_an_issue_of_the_server_is_seen_but_neither_ignored_nor_healed(house: House, client: Any) -> None:
    _first, second = small_practice(house), small_practice(house)
    code = next(iter(house.registry.fixes))
    raised(house, code)
    rest = owner_of(house, client, second)
    [shown] = [one for one in rest("GET", "/issues")["issues"] if one["code"] == code]
    assert shown["fix"] is None
    body = {"ignored": True, "reason": "stört", "subject": "x"}
    assert rest.code("POST", f"/issues/{code}/ignore", 403, body) == "access.shared"
    assert rest.code("POST", "/issues/fix", 403, {"code": code, "subject": "x"}) in (
        "access.shared",
        "access.forbidden",
    )


def test_who_signs_in_is_told_the_same_permissions_as_later(house: House, client: Any) -> None:
    first, second = small_practice(house), small_practice(house)
    for practice, login in ((first, "anna"), (second, "berta")):
        with house.store.write(system("test", practice.organization)) as tx:
            hashed = accounts.hash_password(PASSWORD, login)
            accounts.create_user(
                tx, house.registry, login=login, name=login, role="owner", password_hash=hashed
            )
    given = client.post("/api/v1/session", json={"login": "anna", "password": PASSWORD})
    assert given.status_code == 201, given.text
    assert not set(given.json()["permissions"]) & house.registry.shared
    assert given.json()["permissions"] == client.get("/api/v1/session").json()["permissions"]
    assert client.get("/api/v1/backups/plan").json()["code"] == "access.shared"
    steps = {one["name"] for one in client.get("/api/v1/setup/steps").json()["steps"]}
    assert "backup" not in steps and "practice" in steps


def test_a_source_of_bookings_names_no_place_on_the_server(house: House, client: Any, tmp_path: Path) -> None:
    folder = {"name": "Ordner", "kind": "folder", "fields": {"folder": str(tmp_path)}}
    alone = owner_of(house, client, small_practice(house))
    source = alone("POST", "/portals/sources", 201, folder)
    rest = owner_of(house, client, small_practice(house))
    assert rest.code("POST", "/portals/sources", 403, folder) == "access.shared"
    assert rest("POST", "/portals/sources", 201, {"name": "Adresse", "kind": "hook"})
    kept = folder | {"name": "Eingang"}  # what was set up before may go on, under another name too
    assert alone("PUT", f"/portals/sources/{source['id']}", 200, kept)["name"] == "Eingang"


def test_a_support_package_of_one_practice_tells_nothing_of_what_all_share(house: House) -> None:
    first = small_practice(house)

    def parts() -> set[str]:
        with house.store.read(first.desk()) as tx:
            actor = replace(tx.actor, everything=False)
        made = bundle.make(house, actor)
        return {json.loads(line)["part"] for line in made.lines}

    house.log.warning("loop_failed", where="test")
    assert {"log", "product", "issue"} - parts() <= {"issue"}
    small_practice(house)
    assert parts().isdisjoint(
        {"log", "product", "software", "machine", "ports", "requirements", "serviceprovider"}
    )


def test_where_it_is_changed_it_is_known_at_once(
    house: House, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However young the last look is: nobody keeps for a second what is not theirs any more."""
    monkeypatch.setattr(glance, "LOOK_S", 600.0)
    first = small_practice(house)
    one = owner_of(house, client, first)
    assert one("GET", "/log")
    second = small_practice(house)
    assert one.code("GET", "/log", 403) == "access.shared"
    keeper(house, first.organization)
    assert one("GET", "/log")
    keeper(house, second.organization)
    assert one.code("GET", "/log", 403) == "access.shared"


def test_another_node_knows_within_a_second(postgres_houses: Houses) -> None:
    house = postgres_houses.open()
    first = small_practice(house)
    twin = postgres_houses.twin(house)
    key = key_for(house, first, "owner", "Inhaberin")
    with TestClient(build(twin, main.doors(twin)), base_url="http://praxis.test") as client:
        rest = Rest(client, key)
        assert rest("GET", "/machines")
        small_practice(house)
        a_second_later(twin)
        assert rest.code("GET", "/machines", 403) == "access.shared"


def test_where_the_store_cannot_be_asked_nothing_is_given_out(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    practice = small_practice(house)
    one = glance.Glance(house)
    actor = accounts_actor(house, practice)

    def fails(_house: House, _tx: Tx) -> Any:
        raise OSError

    ask: Callable[..., Any] = sharing.practices
    monkeypatch.setattr(sharing, "practices", fails)
    one.look()
    assert one.allowed(actor).withheld == house.registry.shared
    monkeypatch.setattr(sharing, "practices", ask)
    one._looked = float("-inf")
    assert not one.fresh
    one.look()
    assert one.allowed(actor) is actor and one.fresh


def accounts_actor(house: House, practice: Practice) -> Any:
    secret = key_for(house, practice, "owner", "Inhaberin")
    return accounts.authenticate(house, secret, None)
