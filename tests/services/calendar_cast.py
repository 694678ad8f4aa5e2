"""Who acts on the calendar in the tests of the REST door: portals, the desk, the owner, and one who books.

A test module imports the fixtures it uses (`the_desk` is `desk`).
"""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

TUE = "2026-11-24T"
DAY = {"from": f"{TUE}00:00:00+01:00", "to": f"{TUE}23:59:00+01:00"}
EVA = {"family": "Beispiel", "given": "Eva", "birthDate": "1980-05-17", "phone": "+49 30 23125 001"}


class Rest:
    """A client with one key; every answer is checked to be JSON of the promised kind."""

    def __init__(self, client: TestClient[Any], secret: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        got = self.client.request(method, f"/api/v1{path}", headers=headers, json=body, **more)
        assert got.status_code == status, got.text
        if status >= 400:
            assert got.headers["content-type"].startswith("application/problem+json")
            assert got.json()["title"] and got.json()["solution"]
        self.last = got
        return got.json() if got.content else None

    def code(self, method: str, path: str, status: int, body: Any = None, **more: Any) -> str:
        return self(method, path, status, body, **more)["code"]


@pytest.fixture(name="practice")
def the_practice(house):
    return small_practice(house)


@pytest.fixture(name="client")
def the_client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture(name="portal")
def the_portal(house, practice, client):
    return Rest(client, key_for(house, practice, "portal", "Portal A"))


@pytest.fixture(name="other")
def the_other(house, practice, client):
    return Rest(client, key_for(house, practice, "portal", "Portal B"))


@pytest.fixture(name="desk")
def the_desk(house, practice, client):
    return Rest(client, key_for(house, practice, "desk", "Empfang"))


@pytest.fixture(name="owner")
def the_owner(house, practice, client):
    return Rest(client, key_for(house, practice, "owner", "Inhaberin"))


@pytest.fixture(name="partner")
def the_partner(house, practice, client):
    return Rest(client, key_for(house, practice, "partner", "Servicepartner"))


def book(rest: Rest, service: str, start: str, status: int = 201, **more: Any) -> Any:
    return rest("POST", "/appointments", status, {"service": service, "start": start, "patient": EVA} | more)
