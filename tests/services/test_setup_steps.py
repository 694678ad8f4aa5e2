"""The wizard after the first sign-in: its steps, and columns, hours and types in one go; on both engines."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control, events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.console import ConsolePage, SetupStep
from praxisd.kernel.registry import DeclarationError, freeze
from praxisd.kernel.service import Service
from praxisd.model.people import PatientClaim
from praxisd.model.places import REGIONS
from praxisd.services.directory import api as directory
from praxisd.testing.practice import Practice, key_for
from praxisd.web.app import build

from .calendar_cast import Rest

HOURS = [
    {"days": [1, 2, 3, 4], "start": "08:00", "end": "12:00"},
    {"days": [1, 2, 3, 4], "start": "13:00", "end": "17:00"},
]
TUESDAY = {"from": "2026-11-24T00:00:00+01:00", "to": "2026-11-25T00:00:00+01:00"}


@pytest.fixture(name="place")
def the_place(house: House) -> str:
    return str(control.perform(house, "directory.practice_create", {"name": "Praxis"})["id"])


@pytest.fixture(name="client")
def the_client(house: House) -> Iterator["TestClient[Any]"]:
    with TestClient(build(house, main.doors(house))) as found:  # type: ignore[arg-type]
        yield found


def rest(house: House, client: "TestClient[Any]", place: str, role: str = "owner") -> Rest:
    there = Practice(place, (), (), "", "", "", "")
    return Rest(client, key_for(house, there, role, role))


@pytest.fixture(name="owner")
def the_owner(house: House, client: "TestClient[Any]", place: str) -> Rest:
    return rest(house, client, place)


def states(owner: Rest) -> dict[str, str]:
    return {one["name"]: one["state"] for one in owner("GET", "/setup/steps")["steps"]}


def test_steps_are_done_by_what_is_there(house: House, owner: Rest, place: str) -> None:
    assert states(owner) == {
        "practice": "done",
        "columns": "open",
        "types": "open",
        "takeover": "open",
        "relay": "open",
        "backup": "open",
        "messages": "open",
    }
    owner("POST", "/setup/quick", 201, {"columns": [{"name": "Dr. Eins"}], "hours": HOURS})
    assert states(owner)["columns"] == "done"
    owner("POST", "/setup/quick", 201, {"types": [{"name": "Kontrolle", "duration": 30}]})
    assert states(owner)["types"] == "done"
    assert owner("GET", "/setup/steps")["complete"] is False
    told = PatientClaim(family="Muster", given="Erika", birth_date="1970-01-02")
    house.store.run(system("test", place), lambda tx: directory.claim(tx, told))
    assert states(owner)["messages"] == "open"
    owner("POST", "/setup/steps", 200, {"step": "takeover", "state": "skipped"})
    assert states(owner)["takeover"] == "skipped", "who books brings no old data"
    access = {
        "gateway": "seven",
        "sender": "Praxis",
        "active": False,
        "cost": 1,
        "fields": {},
        "secrets": {"key": "k" * 20},
    }
    owner("PUT", "/messaging/accounts/sms", 200, access)
    assert states(owner)["messages"] == "open", "nothing is sent by what is switched off"
    owner("PUT", "/messaging/accounts/sms", 200, {**access, "active": True})
    assert states(owner)["messages"] == "done"
    owner("PUT", "/relay/enabled", 200, {"enabled": True})
    assert states(owner)["relay"] == "open", "a relay that knows nothing of us is no way in"
    owner("POST", "/setup/steps", 200, {"step": "relay", "state": "skipped"})
    assert states(owner)["backup"] == "open"
    owner("PUT", "/backups/plan", 200, {"variant": "variant2"})
    assert states(owner)["backup"] == "done"
    assert owner("GET", "/setup/steps")["complete"] is True
    told = control.perform(house, "setup.status", {"lang": "en"})["practices"][0]
    assert told["complete"] is True and told["owner"] is False
    assert [one["title"] for one in told["steps"]][1] == "Columns and opening hours"


def test_steps_are_skipped_and_opened_again(house: House, owner: Rest, place: str) -> None:
    skipped = owner("POST", "/setup/steps", 200, {"step": "takeover", "state": "skipped"})
    assert [one["state"] for one in skipped["steps"]] == [
        "done",
        "open",
        "open",
        "skipped",
        "open",
        "open",
        "open",
    ]
    owner("POST", "/setup/steps", 200, {"step": "takeover", "state": "skipped"})
    assert states(owner)["takeover"] == "skipped"
    owner("POST", "/setup/steps", 200, {"step": "takeover", "state": "open"})
    assert states(owner)["takeover"] == "open"
    assert (
        owner.code("POST", "/setup/steps", 404, {"step": "backups", "state": "skipped"}) == "http.not_found"
    )
    done = {"step": "practice", "state": "skipped"}
    assert owner.code("POST", "/setup/steps", 409, done) == "setup.step_done"
    with house.store.read(system("test", place)) as tx:
        noted = [one for one in events.since(tx, 0) if one.type == "setup.changed"]
    assert [one.codes["skipped"] for one in noted] == [True, False]


def test_a_skipped_step_that_gets_done_is_done(owner: Rest) -> None:
    owner("POST", "/setup/steps", 200, {"step": "columns", "state": "skipped"})
    owner("POST", "/setup/quick", 201, {"columns": [{"name": "Dr. Eins"}], "hours": HOURS})
    assert states(owner)["columns"] == "done"


def test_notes_follow_at_once(owner: Rest) -> None:
    def notes() -> set[str]:
        return {one["code"] for one in owner("GET", "/issues")["issues"] if one["code"].startswith("setup.")}

    one = {"columns": [{"name": "Eins"}], "hours": HOURS}
    owner("POST", "/setup/quick", 201, one)
    assert notes() == {"setup.no_owner", "setup.incomplete"}
    owner("POST", "/setup/steps", 200, {"step": "types", "state": "skipped"})
    assert notes() == {"setup.no_owner"}
    owner("POST", "/setup/steps", 200, {"step": "types", "state": "open"})
    assert notes() == {"setup.no_owner", "setup.incomplete"}
    owner("POST", "/setup/quick", 201, {"types": [{"name": "Kontrolle", "duration": 15}]})
    assert notes() == {"setup.no_owner"}


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_region_has_a_name(house: House, lang: str) -> None:
    assert [one for one in sorted(REGIONS) if not house.texts.has(f"console.region.{one}", lang)] == []


def test_only_the_owner_sets_up(house: House, client: "TestClient[Any]", place: str) -> None:
    for role in ("desk", "partner", "pvs", "portal"):
        there = rest(house, client, place, role)
        assert there.code("GET", "/setup/steps", 403) == "access.forbidden"
        assert there.code("POST", "/setup/quick", 403, {}) == "access.forbidden"


def test_a_calendar_in_one_go_can_be_booked(
    house: House, client: "TestClient[Any]", place: str, owner: Rest
) -> None:
    eva = {"prefix": "Dr.", "given": "Eva", "family": "Muster"}
    wanted = {
        "columns": [
            {"name": " Dr. Muster ", "practitioner": eva, "released": True},
            {"name": "Dr. Muster (Chirurgie)", "practitioner": eva},
            {"name": "Prophylaxe"},
        ],
        "hours": HOURS,
        "types": [
            {"name": "Kontrolle", "duration": 30, "released": True},
            {"name": "Behandlung", "duration": 60},
        ],
    }
    made = owner("POST", "/setup/quick", 201, wanted, headers={"Idempotency-Key": "one"})
    again = owner("POST", "/setup/quick", 201, wanted, headers={"Idempotency-Key": "one"})
    assert again == made
    assert (len(made["practitioners"]), len(made["schedules"]), len(made["healthcareServices"])) == (1, 3, 2)
    columns = {one["id"]: one for one in owner("GET", "/schedules")["schedules"]}
    first, second, third = (columns[id_] for id_ in made["schedules"])
    assert [first["name"], first["practitioner"], second["practitioner"]] == [
        "Dr. Muster",
        *made["practitioners"] * 2,
    ]
    assert third["practitioner"] is None and [one["order"] for one in (first, second, third)] == [0, 1, 2]
    assert len({one["color"] for one in columns.values()}) == 3
    assert owner("GET", f"/practitioners/{made['practitioners'][0]}")["released"] is True
    check, treatment = made["healthcareServices"]
    kind = owner("GET", f"/healthcare-services/{check}")
    assert (kind["groups"], kind["released"]) == ([made["schedules"]], True)
    slots = owner("GET", f"/slots?service={treatment}&{query()}")["slots"]
    assert (
        slots[0]["start"] == "2026-11-24T08:00:00+01:00" and slots[-1]["end"] == "2026-11-24T17:00:00+01:00"
    )
    portal = rest(house, client, place, "portal")
    seen = portal("GET", f"/slots?service={check}&{query()}")["slots"]
    assert {name for one in seen for name in one["schedules"]} == {made["schedules"][0]}


def query() -> str:
    return "&".join(f"{name}={text.replace('+', '%2B')}" for name, text in TUESDAY.items())


def test_more_columns_and_types_later_go_on_where_the_first_ended(owner: Rest) -> None:
    eva = {"family": "Muster", "given": "Eva"}
    one = {"columns": [{"name": "Eins", "practitioner": eva}], "hours": HOURS}
    first = owner("POST", "/setup/quick", 201, one)
    second = owner("POST", "/setup/quick", 201, one)
    assert second["practitioners"] == [] and second["schedules"] != first["schedules"]
    both = first["schedules"] + second["schedules"]
    types = owner("POST", "/setup/quick", 201, {"types": [{"name": "Kontrolle", "duration": 15}]})
    kind = owner("GET", f"/healthcare-services/{types['healthcareServices'][0]}")
    assert sorted(kind["groups"][0]) == sorted(both)


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"columns": [{"name": "Eins"}]}, 422, "setup.no_hours"),
        ({"types": [{"name": "Kontrolle", "duration": 30}]}, 422, "setup.no_columns"),
        ({"columns": [{"name": " "}], "hours": HOURS}, 400, "http.invalid_body"),
        ({"types": [{"name": "Kontrolle", "duration": 7}]}, 400, "http.invalid_body"),
        ({"columns": [{"name": "x"}], "hours": [HOURS[0] | {"end": "07:00"}]}, 400, "http.invalid_body"),
        ({"columns": [{"name": "x"}], "hours": [HOURS[0] | {"days": [1, 1]}]}, 400, "http.invalid_body"),
        ({"columns": [{"name": "x"}], "hours": [HOURS[0] | {"days": [8]}]}, 400, "http.invalid_body"),
        (
            {"columns": [{"name": "x", "practitioner": {"family": "a\u0007"}}], "hours": HOURS},
            422,
            "directory.text_invalid",
        ),
    ],
)
def test_what_cannot_be_is_refused_whole(owner: Rest, wanted: Any, status: int, code: str) -> None:
    assert owner.code("POST", "/setup/quick", status, wanted) == code
    assert owner("GET", "/schedules")["schedules"] == []
    assert owner("GET", "/practitioners")["practitioners"] == []


def test_services_bring_their_own_steps() -> None:
    """A step of a later service needs its texts and a page that is there: `registry.freeze` says so at start."""

    def declared(step: SetupStep, *pages: ConsolePage) -> list[Service]:
        return [
            *main.services(),
            Service(name="copies", package="praxisd.services.setup", steps=(step,), pages=pages),
        ]

    done = lambda _house, _tx: False  # noqa: E731
    with pytest.raises(DeclarationError, match="unknown page nowhere"):
        freeze(declared(SetupStep("takeover2", 50, done, page="nowhere")))
    with pytest.raises(DeclarationError, match=r"console\.step\.takeover2\.title"):
        freeze(declared(SetupStep("takeover2", 50, done, page="setup")))
    with pytest.raises(DeclarationError, match="takeover is declared twice"):
        freeze(declared(SetupStep("takeover", 50, done)))
