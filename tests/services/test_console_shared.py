"""Where several practices share a server, each is told so: the console by a word, who asks for the numbers by a refusal."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.sharing import KEEPER
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build


@pytest.fixture(name="client")
def the_client(house: House) -> Iterator["TestClient[Any]"]:
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as found:  # type: ignore[arg-type]
        yield found


class Person:
    """Somebody with a key of a practice, not on the server's own computer."""

    def __init__(self, house: House, client: "TestClient[Any]", practice: Practice, role: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key_for(house, practice, role, role)}"}

    def told(self) -> bool:
        """What the console is told."""
        return bool(self._client.get("/api/v1/console", headers=self._headers).json()["shared"])

    def numbers(self) -> Any:
        """The code of the refusal, None for the numbers."""
        answer = self._client.get("/metrics", headers=self._headers)
        return None if answer.status_code == 200 else answer.json()["code"]


def test_alone_nothing_is_shared(house: House, client: "TestClient[Any]") -> None:
    practice = small_practice(house)
    for role in ("owner", "desk", "partner"):
        assert Person(house, client, practice, role).told() is False
    assert Person(house, client, practice, "partner").numbers() is None
    assert Person(house, client, practice, "desk").numbers() == "access.forbidden"


def test_with_two_only_the_keepers_people_see_what_is_shared(house: House, client: "TestClient[Any]") -> None:
    first, second = small_practice(house), small_practice(house)
    for practice in (first, second):
        assert Person(house, client, practice, "desk").told() is True
        for role in ("owner", "partner"):
            assert Person(house, client, practice, role).numbers() == "access.shared"
    house.store.run(system("test"), lambda tx: house.settings.put(tx, KEEPER, first.organization))
    keeper = Person(house, client, first, "owner")
    assert keeper.told() is False
    assert Person(house, client, second, "owner").told() is True
    assert Person(house, client, second, "partner").numbers() == "access.shared"
    until_known(keeper)


def until_known(person: Person) -> None:
    """What others write is believed to be as it was for a second."""
    end = time.monotonic() + 10
    while person.numbers() is not None:
        assert time.monotonic() < end
        time.sleep(0.1)
