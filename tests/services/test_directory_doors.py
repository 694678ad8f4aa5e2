"""The directory over HTTP: what the doors make of its declarations."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from praxisd.kernel.access import Actor
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.web.app import build
from praxisd.web.door import Doors

from .directory_cast import DESK, PARTNER, RED, SERVICES, found_practice

ACTORS = {"desk": DESK, "red": RED, "partner": PARTNER}
ANNA = {"family": "Müller", "given": "Anna", "birthDate": "1980-05-17", "phone": "0171 2345678"}


def authenticate(_house: House, secret: str, _address: str | None) -> Actor:
    if secret not in ACTORS:
        raise Problem("accounts.key_missing", 401)
    return ACTORS[secret]


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    found_practice(house)
    return house


def send(house: House, *requests: tuple[str, str, str, Any, dict[str, str]]) -> list[httpx.Response]:
    """Requests (key, method, path, JSON body, headers) one after another."""

    async def run() -> list[httpx.Response]:
        app: Any = build(house, Doors(authenticate, lambda _house, _actor: None))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            found = []
            for key, method, path, body, headers in requests:
                given = {"Authorization": f"Bearer {key}", **headers}
                found.append(await client.request(method, path, json=body, headers=given))
            return found

    return asyncio.run(run())


def one(house: House, key: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return send(house, (key, method, path, body, {k.replace("_", "-"): v for k, v in headers.items()}))[0]


def test_a_patient_over_rest(house: House) -> None:
    made = one(house, "desk", "POST", "/api/v1/patients", ANNA)
    assert made.status_code == 201 and made.headers["etag"]
    id_ = made.json()["id"]
    again = one(house, "desk", "POST", "/api/v1/patients", {**ANNA, "family": "Mueller"})
    assert (again.status_code, again.json()["id"]) == (200, id_)
    read = one(house, "desk", "GET", f"/api/v1/patients/{id_}")
    assert read.json()["family"] == "Müller" and read.headers["etag"] == made.headers["etag"]

    address = f"/api/v1/patients/{id_}"
    changed = one(house, "desk", "PATCH", address, {"given": "Änne"}, If_Match=made.headers["etag"])
    assert changed.status_code == 200 and changed.headers["etag"] != made.headers["etag"]
    stale = one(house, "desk", "PATCH", address, {"given": "X"}, If_Match=made.headers["etag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "resource.stale")
    unknown = one(house, "desk", "PATCH", address, {"givenName": "X"})
    assert unknown.status_code == 400
    deep = one(house, "desk", "PATCH", address, {"telecom": [{"system": "phone", "value": "1", "rang": 1}]})
    assert deep.status_code == 400
    found = one(house, "desk", "POST", "/api/v1/patients/search", {"text": "muel än"})
    assert [p["id"] for p in found.json()["patients"]] == [id_]
    assert one(house, "desk", "GET", "/api/v1/patients/matches").json() == {"matches": [], "next": None}


def test_a_portal_over_rest(house: House) -> None:
    id_ = one(house, "desk", "POST", "/api/v1/patients", ANNA).json()["id"]
    told = one(house, "red", "POST", "/api/v1/patients", ANNA)
    assert told.status_code == 201 and told.json()["id"] != id_
    missing = one(house, "red", "POST", "/api/v1/patients", {"family": "Müller"})
    assert (missing.status_code, missing.json()["code"]) == (422, "directory.patient_incomplete")
    assert one(house, "red", "GET", f"/api/v1/patients/{id_}").status_code == 404
    assert (
        one(house, "red", "PATCH", f"/api/v1/patients/{told.json()['id']}", {"given": "X"}).status_code == 403
    )
    assert one(house, "red", "GET", "/api/v1/patients/matches").status_code == 403
    assert one(house, "partner", "GET", f"/api/v1/patients/{id_}").json()["family"] == "•••"


def test_the_same_key_twice_makes_one_place(house: House) -> None:
    body = {"name": "Raum 1", "kind": "room", "released": True}
    keyed = {"Idempotency-Key": "k1"}
    first, second = send(
        house,
        ("desk", "POST", "/api/v1/locations", body, keyed),
        ("desk", "POST", "/api/v1/locations", body, keyed),
    )
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    listed = one(house, "red", "GET", "/api/v1/locations")
    assert [place["id"] for place in listed.json()["locations"]] == [first.json()["id"]]
    assert "extra" not in listed.text
