"""Practice, mandators, practitioners and places through the declared doors, on both engines."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.model.people import Mandator, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.services.directory import api, checks

from .directory_cast import (
    DESK,
    PARTNER,
    PVS,
    RED,
    ROUTES,
    SERVICES,
    SOUTH,
    ask,
    found_practice,
    notes,
    refused,
)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    found_practice(house, zone="Europe/Berlin", region="DE-BY")
    found_practice(house, "south")
    return house


def test_the_practice(house: House) -> None:
    with house.store.read(DESK) as tx:
        assert api.organization(tx).region == "DE-BY"
    with house.store.read(system("test")) as tx:
        assert api.organization_ids(tx) == ["north", "south"]
        refused("directory.organization_missing", lambda: api.organization(tx), 409)
    refused("directory.organization_exists", lambda: found_practice(house), 409)
    refused("directory.organization_exists", lambda: found_practice(house, INSTALLATION), 409)
    shown = ask(house, "organization.read", RED)
    assert (shown["id"], shown["name"], "extra" in shown) == ("north", "Praxis north", False)
    changed = ask(house, "organization.change", DESK, {"zone": "Europe/Vienna", "region": "AT-9"}, if_match=1)
    assert (changed["zone"], changed["_version"]) == ("Europe/Vienna", 2)
    refused("resource.stale", lambda: ask(house, "organization.change", DESK, {"name": "X"}, if_match=1), 412)
    refused("clock.unknown_zone", lambda: ask(house, "organization.change", DESK, {"zone": "Mars/Base"}), 400)
    refused(
        "directory.region_unknown", lambda: ask(house, "organization.change", DESK, {"region": "XX"}), 422
    )
    refused("directory.name_missing", lambda: ask(house, "organization.change", DESK, {"name": " "}), 422)
    refused("access.forbidden", lambda: ask(house, "organization.change", RED, {"name": "X"}), 403)
    assert ask(house, "organization.read", SOUTH)["name"] == "Praxis south"
    (event,) = [e for e in notes(house) if e.type == "organization.changed" and e.version == 2]
    assert event.fields == ("zone", "region")


@pytest.mark.parametrize("kind", ["Practitioner", "Location"])
def test_portals_see_only_what_is_released_and_active(house: House, kind: str) -> None:
    plural = f"{kind.lower()}s"
    body: dict[str, Any] = (
        {"family": "Arzt"} if kind == "Practitioner" else {"name": "Raum 1", "kind": "room"}
    )
    shut = ask(house, f"{plural}.create", DESK, body)
    opened = ask(house, f"{plural}.create", DESK, {**body, "released": True})
    assert shut["released"] is False and shut["_status"] == 201
    assert [x["id"] for x in ask(house, f"{plural}.list", DESK)[plural]] == [
        shut["id"],
        opened["id"],
    ]
    assert [x["id"] for x in ask(house, f"{plural}.list", RED)[plural]] == [opened["id"]]
    refused("http.not_found", lambda: ask(house, f"{plural}.read", RED, id=shut["id"]), 404)
    refused("http.not_found", lambda: ask(house, f"{plural}.read", SOUTH, id=opened["id"]), 404)
    assert ask(house, f"{plural}.read", RED, id=opened["id"])["_version"] == 1
    with house.store.read(RED) as tx:
        need = api.need_practitioner if kind == "Practitioner" else api.need_location
        seen = api.practitioners(tx) if kind == "Practitioner" else api.locations(tx)
        assert [x.id for x in seen] == [opened["id"]]
        assert need(tx, opened["id"]).id == opened["id"]
        refused(f"directory.{kind.lower()}_unknown", lambda: need(tx, shut["id"]), 422)
    ask(house, f"{plural}.change", DESK, {"active": False}, id=opened["id"])
    assert ask(house, f"{plural}.list", RED)[plural] == []
    refused("http.not_found", lambda: ask(house, f"{plural}.read", RED, id=opened["id"]), 404)
    assert ask(house, f"{plural}.read", PARTNER, id=opened["id"])["active"] is False


def test_unknown_fields_and_wrong_types_do_not_decode() -> None:
    for name, body in {
        "practitioners.create": {"family": "A", "role": "x"},
        "locations.change": {"kind": "garage"},
        "mandators.create": {"name": "M", "credits": 1},
        "patients.create": {"family": "A", "birthday": "1980"},
        "patients.search": {"birthDate": "17.05.1980"},
        "matches.decide": {"outcome": "maybe"},
    }.items():
        body_type = ROUTES[name].body
        assert body_type is not None
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(body), type=body_type)


def test_places_lie_in_places(house: House) -> None:
    site = ask(house, "locations.create", DESK, {"name": "Haus", "kind": "site"})["id"]
    room = ask(house, "locations.create", DESK, {"name": "Raum", "kind": "room", "partOf": site})["id"]
    chair = ask(house, "locations.create", DESK, {"name": "Stuhl", "kind": "chair", "partOf": room})["id"]
    refused(
        "directory.location_loop",
        lambda: ask(house, "locations.change", DESK, {"partOf": chair}, id=site),
        422,
    )
    refused(
        "directory.location_loop",
        lambda: ask(house, "locations.change", DESK, {"partOf": site}, id=site),
        422,
    )
    refused(
        "directory.location_unknown",
        lambda: ask(house, "locations.change", DESK, {"partOf": "no"}, id=site),
        422,
    )
    moved = ask(house, "locations.change", DESK, {"partOf": None}, id=chair)
    assert moved["partOf"] is None


def test_pages(house: House) -> None:
    made = [ask(house, "practitioners.create", DESK, {"family": f"Arzt {n}"})["id"] for n in range(5)]
    first = ask(house, "practitioners.list", DESK, query={"limit": 3})
    second = ask(house, "practitioners.list", DESK, query={"limit": 3, "cursor": first["next"]})
    assert [x["id"] for x in first["practitioners"] + second["practitioners"]] == made
    assert second["next"] is None


def test_one_mandator_at_most_is_the_default(house: House) -> None:
    one = ask(house, "mandators.create", PVS, {"name": "Eins", "default": True})
    two = ask(house, "mandators.create", PVS, {"name": "Zwei", "default": True})
    shown = {m["name"]: m["default"] for m in ask(house, "mandators.list", DESK)["mandators"]}
    assert shown == {"Eins": False, "Zwei": True}
    ask(house, "mandators.change", PVS, {"default": True}, id=one["id"])
    assert ask(house, "mandators.read", DESK, id=two["id"])["default"] is False
    refused(
        "directory.licence_reversed",
        lambda: ask(
            house,
            "mandators.create",
            PVS,
            {"name": "M", "licenceFrom": "2026-02-01", "licenceTo": "2026-01-31"},
        ),
        422,
    )


def test_licences_are_watched(house: House, clock: FrozenClock) -> None:
    """Today is 2026-11-23 in Berlin."""

    def make(**fields: Any) -> str:
        mandator = Mandator(**{"name": "M", "licence_number": "L1", **fields})
        return house.store.run(system("test", "north"), lambda tx: api.create_mandator(tx, mandator)).id

    good = make(licence_from=date(2026, 1, 1), licence_to=date(2026, 12, 23))
    expected = {
        make(licence_to=date(2026, 11, 22)): (checks.INVALID, "error"),
        make(licence_from=date(2026, 11, 24)): (checks.INVALID, "error"),
        make(licence_number=None): (checks.INVALID, "error"),
        make(licence_to=date(2026, 11, 23)): (checks.EXPIRING, "warning"),
        make(licence_to=date(2026, 12, 22)): (checks.EXPIRING, "warning"),
    }
    make(active=False, licence_number=None)
    make()
    found = list(checks.licences(house))
    assert {f.subject.removeprefix("Mandator/"): (f.code, f.severity.value) for f in found} == expected
    assert {f.organization for f in found} == {"north"}
    house.store.run(system("t", "north"), lambda tx: house.settings.put(tx, checks.WARN_DAYS, 31))
    assert f"Mandator/{good}" in {f.subject for f in checks.licences(house)}
    clock.advance(86_400 * 31)
    assert f"Mandator/{good}" in {f.subject for f in checks.licences(house) if f.code == checks.INVALID}


def test_records_of_the_sample_practice_keep_their_ids_if_they_are_free(house: House) -> None:
    def put(organization: str) -> tuple[str, str]:
        return house.store.run(
            system("demo", organization),
            lambda tx: (
                api.put_practitioner(tx, Practitioner(id="dr-a", family="A", released=True)),
                api.put_location(tx, Location(id="raum-1", name="Raum", kind="room")),
            ),
        )

    assert put("north") == ("dr-a", "raum-1")
    replaced = put("south")
    assert "dr-a" not in replaced and "raum-1" not in replaced
    with house.store.read(SOUTH) as tx:
        kept = api.need_practitioner(tx, replaced[0])
        assert [(i.system, i.value) for i in kept.identifiers] == [
            ("https://praxisd.org/fhir/sid/imported-id", "dr-a")
        ]


def test_a_practice_of_its_own_clock(make_house: Callable[..., House]) -> None:
    """The day of birth of tomorrow's child depends on where the practice lies."""
    house = make_house(SERVICES, FrozenClock(1_795_434_600))  # 2026-11-23T11:50Z
    house.store.run(
        system("t", "east"),
        lambda tx: api.create_organization(
            tx, Organization(name="Ost", zone="Pacific/Kiritimati", region="DE")
        ),
    )
    from .directory_cast import actor

    east = actor("desk", "east")
    assert ask(house, "patients.create", east, {"family": "Neu", "birthDate": "2026-11-25"})["_status"] == 201
    refused(
        "directory.birth_date_invalid",
        lambda: ask(house, "patients.create", east, {"family": "Neu", "birthDate": "2026-11-26"}),
    )
