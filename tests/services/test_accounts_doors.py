"""What the doors and commands do: routes as declared, operations, and the command line that names them."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Page
from praxisd.kernel.sessions import Visit
from praxisd.services.accounts import SERVICE, api, cli, factors, session_store
from praxisd.services.accounts.operations import OPERATIONS

from .accounts_cast import NORTH, SERVICES, SOUTH, add_user, make, read, refused, whole_database
from .session_cast import hash_quickly

PASSWORD = "Der Hund bellt im Hof"
ROUTES = {route.name: route for route in SERVICE.routes}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    house.shared["organizations"] = lambda _tx: ["north"]
    return house


@pytest.fixture
def owner(house: House) -> Actor:
    return api.authenticate(house, make(house, role="owner", name="Konsole")[1], None)


def ask(house: House, name: str, actor: Actor, body: dict[str, Any] | None = None, **given: Any) -> Any:
    """One request through the route as declared: permission, decoded body, transaction; the answer as JSON."""
    route = ROUTES[name]
    actor.require(str(route.permission))
    decoded = None if route.body is None or body is None else msgspec.convert(body, route.body)
    call = Call(
        house=house,
        actor=actor,
        path={"id": given.pop("id", "")},
        query=Page(**given.pop("query", {})),
        body=decoded,
        lang="de",
        **given,
    )
    if route.write and route.transaction:
        answer = house.store.run(actor, lambda tx: route.call(changed(call, tx=tx)))
    else:
        answer = route.call(call)
    if isinstance(answer, Answer):
        assert answer.status == route.status
        assert type(answer.body) is route.answer
        return msgspec.to_builtins(answer.body) | {"_headers": dict(answer.headers)}
    assert type(answer) is route.answer
    return msgspec.to_builtins(answer)


def test_a_key_over_the_door(house: House, owner: Actor, clock: FrozenClock) -> None:
    body = {"name": "Portal", "expiresAt": "2026-12-24T18:00:00+01:00", "networks": ["10.0.0.0/8"]}
    made = ask(house, "keys.create", owner, body)
    assert made.pop("_headers") == {"Cache-Control": "no-store"}
    secret = made.pop("secret")
    assert made == {
        "id": made["id"],
        "name": "Portal",
        "role": "portal",
        "state": "valid",
        "prefix": secret[:12],
        "portal": made["portal"],
        "scopes": None,
        "networks": ["10.0.0.0/8"],
        "createdBy": owner.label,
        "createdAt": "2026-11-23T08:00:00+00:00",
        "expiresAt": "2026-12-24T17:00:00+00:00",
        "overlapUntil": None,
        "lastUsedAt": None,
        "revokedAt": None,
        "replacedBy": None,
    }
    refused("accounts.portal_has_key", lambda: ask(house, "keys.create", owner, {"name": "Portal"}))
    new = ask(house, "keys.rotate", owner, {"overlapSeconds": 60}, id=made["id"])
    assert new["_headers"] == {"Cache-Control": "no-store"} and new["secret"] != secret
    assert ask(house, "keys.rotate", owner, id=new["id"])["secret"] != new["secret"], "a body is not needed"
    listed = ask(house, "keys.list", owner)
    assert [k["state"] for k in listed["keys"]] == ["valid", "valid", "revoked", "valid"]
    assert all("secret" not in k for k in listed["keys"])
    assert ask(house, "keys.revoke", owner, id=made["id"])["state"] == "revoked"
    refused("http.not_found", lambda: ask(house, "keys.revoke", owner, id="unknown"))


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("keys.create", {"name": "x", "secret": "pxd_"}),
        ("keys.create", {"name": "x", "role": "root"}),
        ("keys.create", {"name": ""}),
        ("keys.create", {"name": "x", "overlapSeconds": -1}),
        ("keys.create", {}),
        ("keys.rotate", {"overlap": 1}),
        ("users.create", {"login": "anna", "name": "A", "role": "pvs", "password": PASSWORD}),
        ("users.create", {"login": "anna", "name": "A", "role": "desk", "password": "x" * 300}),
        ("users.change", {"login": "new"}),
    ],
)
def test_bodies_that_are_refused_before_anything_happens(route: str, body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, ROUTES[route].body)


def test_bad_times(house: House, owner: Actor) -> None:
    for code, text in (("clock.naive_time", "2026-12-24T18:00:00"), ("clock.bad_time", "Heiligabend")):
        assert (400, code) in ROUTES["keys.create"].problems
        refused(code, lambda text=text: ask(house, "keys.create", owner, {"name": "x", "expiresAt": text}))


def test_users_over_the_door(house: House, owner: Actor) -> None:
    body = {"login": "anna", "name": "Anna", "role": "owner", "password": PASSWORD}
    user = ask(house, "users.create", owner, body)
    assert user["version"] == 1 and not {"password", "hash"} & user.keys()
    change = {"name": "Anna B.", "password": PASSWORD + " laut"}
    assert ask(house, "users.change", owner, change, id=user["id"], if_match=1)["version"] == 2
    refused(
        "resource.stale",
        lambda: ask(house, "users.change", owner, {"name": "x"}, id=user["id"], if_match=1),
    )
    refused("http.not_found", lambda: ask(house, "users.change", owner, {"password": PASSWORD}, id="unknown"))
    refused(
        "accounts.weak_password",
        lambda: ask(house, "users.change", owner, {"password": "kurz"}, id=user["id"]),
    )
    refused(
        "accounts.last_owner", lambda: ask(house, "users.change", owner, {"active": False}, id=user["id"])
    )
    assert [u["name"] for u in ask(house, "users.list", owner)["users"]] == ["Anna B."]
    assert api.verify(house, "north", "anna", PASSWORD) is None
    actor = api.verify(house, "north", "anna", PASSWORD + " laut")
    assert actor is not None
    me = ask(house, "self.read", actor)
    assert (me["kind"], me["name"], me["role"], me["masked"]) == ("user", "Anna B.", "owner", False)


def test_pages_go_on_and_have_an_end(house: House, owner: Actor) -> None:
    for n in range(3):
        add_user(house, f"user{n}")
    first = ask(house, "users.list", owner, query={"limit": 2})
    rest = ask(house, "users.list", owner, query={"limit": 2, "cursor": first["next"]})
    assert [u["login"] for u in first["users"] + rest["users"]] == ["user0", "user1", "user2"]
    assert rest["next"] is None


def test_only_owners_see_and_change_access(house: House) -> None:
    for role in ("portal", "pvs", "desk", "partner"):
        actor = api.authenticate(house, make(house, role=role, name=role)[1], None)
        for name in (n for n, r in ROUTES.items() if r.permission and ".self." not in r.permission):
            refused("access.forbidden", lambda n=name, a=actor: ask(house, n, a))
        assert ask(house, "self.read", actor)["role"] == role


def test_who_am_i(house: House) -> None:
    key, secret = make(house)
    assert ask(house, "self.read", api.authenticate(house, secret, None)) == {
        "kind": "key",
        "id": key.id,
        "name": "Dr. Beispiel",
        "role": "portal",
        "organization": "north",
        "permissions": sorted(house.registry.role("portal")),
        "portal": key.portal,
        "masked": False,
    }


def test_no_secret_travels_through_the_idempotency_table() -> None:
    """The door keeps first answers and hashes of bodies in the database: not those with secrets and passwords."""
    for name in ("keys.create", "keys.rotate", "users.create", "users.change"):
        assert not ROUTES[name].transaction
    assert ROUTES["keys.revoke"].transaction


@pytest.fixture
def command(house: House, tmp_path: Path) -> Callable[..., Result]:
    """Run a command; operations are performed in `house`, their arguments travel as JSON."""
    known = {one.name: one for one in OPERATIONS}

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        assert known[operation].offline
        return json.loads(json.dumps(known[operation].call(house, json.loads(json.dumps(args)))))

    def run(line: str, stdin: str | None = None) -> Result:
        group, *rest = shlex.split(line)
        chosen = next(c for c in cli.commands if c.name == group)
        return CliRunner().invoke(
            chosen, [*rest, "--data", str(tmp_path)], obj=perform, input=stdin, env={"LANG": "de_DE.UTF-8"}
        )

    return run


def answer(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_keys_on_the_command_line(house: House, command: Callable[..., Result], clock: FrozenClock) -> None:
    made = answer(
        command(
            "keys create --portal Portal --expires 30 --network 10.0.0.0/8 --network ::1 "
            "--scope accounts.self.read --json"
        )
    )
    assert (made["networks"], made["scopes"]) == (["10.0.0.0/8", "::1/128"], ["accounts.self.read"])
    assert made["expiresAt"] == "2026-12-23T09:00:00+01:00"
    assert api.authenticate(house, made["secret"], "10.1.1.1").portal == made["portal"]
    again = command("keys create --portal Portal")
    assert isinstance(again.exception, Problem) and again.exception.code == "accounts.portal_has_key"
    new = command("keys create --portal Portal --replace --overlap 2")
    assert new.stdout.strip().startswith("pxd_") and "Portal" not in new.stdout
    assert "nur dieses eine Mal" in new.stderr
    listed = answer(command("keys list --json"))["keys"]
    assert [(k["state"], k["overlapUntil"]) for k in listed] == [
        ("valid", "2026-11-23T11:00:00+01:00"),
        ("valid", None),
    ]
    table = command("keys list").stdout
    assert listed[0]["prefix"] in table and "GILT BIS" in table
    turned = answer(command(f"keys rotate {listed[1]['id']} --json"))
    assert answer(command(f"keys revoke {turned['id']} --json"))["state"] == "revoked"
    assert "gesperrt" in command(f"keys revoke {turned['id']}").stdout


@pytest.mark.parametrize(
    "line",
    [
        "keys create",
        "keys create --portal a --role pvs",
        "keys create --role root",
        "keys create --portal a --expires 0",
        "keys create --portal a --overlap 721",
        "users create anna",
    ],
)
def test_wrong_use_is_exit_code_2(command: Callable[..., Result], line: str) -> None:
    assert command(line).exit_code == 2


def test_a_refused_key_names_the_option(command: Callable[..., Result]) -> None:
    for line, option in (
        ("keys create --portal ''", "--portal"),
        ("keys create --role desk --name ' '", "--name"),
    ):
        done = command(line)
        assert done.exit_code == 2 and option in done.stderr
    for line, option in (
        ("keys create --portal A --scope bad.thing", "--scope"),
        (f"keys create --portal {'x' * 200}", "--portal"),
        (f"keys create --role desk --name {'x' * 200}", "--name"),
    ):
        problem = command(line).exception
        assert isinstance(problem, Problem) and problem.params["field"] == option


def test_users_on_the_command_line(house: House, command: Callable[..., Result]) -> None:
    made = command("users create anna --role owner --stdin", PASSWORD + "\n")
    assert made.exit_code == 0 and "„anna“" in made.stdout and PASSWORD not in made.output
    assert api.verify(house, "north", "anna", PASSWORD) is not None
    fresh = command("users password anna --generate").stdout.splitlines()[-1]
    assert api.verify(house, "north", "anna", fresh) is not None
    answer(command("users create berta --role owner --generate --json"))
    assert not answer(command("users deactivate anna --json"))["active"]
    assert [u["active"] for u in answer(command("users list --json"))["users"]] == [False, True]
    assert "berta" in command("users list").stdout
    unknown = command("users deactivate nobody")
    assert isinstance(unknown.exception, Problem) and unknown.exception.code == "http.not_found"
    assert fresh.encode() not in whole_database(house)


def test_sessions_on_the_command_line(house: House, command: Callable[..., Result]) -> None:
    command("users create anna --role owner --stdin", PASSWORD + "\n")
    one = api.sign_in(house, Visit("203.0.113.7", "Firefox Windows"), login="anna", password=PASSWORD)
    (listed,) = answer(command("users sessions anna --json"))["sessions"]
    assert (listed["id"], listed["device"], listed["address"]) == (
        one.live.id,
        "Firefox, Windows",
        "203.0.113.7",
    )
    assert listed["expiresAt"].endswith("+01:00")
    assert "ZULETZT DA" in command("users sessions anna").stdout
    assert answer(command("users sign-out ANNA --json")) == {"login": "ANNA", "ended": 1}
    refused("accounts.session_ended", lambda: api.session(house, one.token, None))
    assert "0" in command("users sign-out anna").stdout
    assert answer(command("users reset-second-factor anna --json")) == {"login": "anna", "reset": False}
    assert "keinen" in command("users reset-second-factor anna").stdout
    with house.store.write(NORTH) as tx:
        user = api.find_user(tx, "anna")
        assert user is not None
        factors.start(house, tx, user, "Praxis")
        session_store.confirm_factor(tx, user.id)
    assert "entfernt" in command("users reset-second-factor anna").stdout
    for line in ("users sessions nobody", "users sign-out nobody", "users reset-second-factor nobody"):
        problem = command(line).exception
        assert isinstance(problem, Problem) and problem.code == "http.not_found"


def test_a_command_needs_to_know_the_practice(house: House, command: Callable[..., Result]) -> None:
    for known, code in (
        ([], "control.no_practice_yet"),
        (["north", "south"], "accounts.organization_needed"),
    ):
        house.shared["organizations"] = lambda _tx, known=known: known
        for line in ("keys list", "users list"):
            problem = command(line).exception
            assert isinstance(problem, Problem) and problem.code == code
    key, _ = make(house, SOUTH)
    assert [k["id"] for k in answer(command("keys list --json --organization south"))["keys"]] == [key.id]
    stranger = command("keys list --organization west").exception
    assert isinstance(stranger, Problem) and stranger.code == "http.not_found"
    del house.shared["organizations"]
    assert answer(command("keys list --json"))["keys"] == []
    with house.store.read(changed(NORTH, organization=INSTALLATION)) as tx:
        assert api.list_keys(tx)[0] == []


def test_arguments_of_the_wrong_type_are_refused(house: House) -> None:
    operations = {one.name: one for one in OPERATIONS}
    for name, args in (
        ("accounts.keys_create", {"name": 7}),
        ("accounts.keys_create", {}),
        ("accounts.keys_create", {"name": "x", "expires_days": 0}),
        ("accounts.keys_revoke", {"id": None}),
        ("accounts.users_password", {"login": "anna"}),
    ):
        refused("accounts.invalid", lambda n=name, a=args: operations[n].call(house, a))


def test_a_command_s_change_counts_at_once(house: House, command: Callable[..., Result]) -> None:
    key, secret = make(house)
    api.authenticate(house, secret, None)
    command(f"keys revoke {key.id}")
    assert read(house, key).revoked_at is not None
    refused("accounts.key_revoked", lambda: api.authenticate(house, secret, None))


def test_roles_say_what_a_keys_scopes_are_chosen_from(house: House, owner: Actor) -> None:
    roles = {one["name"]: one["permissions"] for one in ask(house, "roles.list", owner)["roles"]}
    assert set(roles) == {"owner", "desk", "partner", "portal", "pvs"}
    assert all(one["name"] != one["title"] for one in roles["owner"])
    assert "accounts.key.write" not in {one["name"] for one in roles["portal"]}
