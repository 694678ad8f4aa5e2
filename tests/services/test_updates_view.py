"""How updates stand, asked at the door, on both engines."""

from typing import Any

import pytest

from praxisd import __version__
from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.testing.practice import key_for, small_practice

from .relay_cast import inside


class Desk:
    """Somebody with a key of a role."""

    def __init__(self, house: House, role: str = "owner") -> None:
        self.house = house
        self.key = key_for(house, small_practice(house), role, f"Zugang {role}")
        self._guest = inside(house)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": "de"}
        answer = self._guest.ask(method, f"/api/v1{path}", json=body, headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture
def owner(house: House) -> Desk:
    return Desk(house)


def test_a_new_installation_knows_nothing_and_says_so(owner: Desk) -> None:
    status, found = owner.ask("GET", "/updates")
    assert status == 200
    assert (found["version"], found["active"], found["trusted"]) == (__version__, True, False)
    assert (found["elements"], found["news"], found["order"], found["knownAt"]) == ([], [], None, None)
    assert found["guard"] == {"present": False, "state": None, "version": None, "previous": None}


def test_it_answers_while_maintenance_closes_all_else(owner: Desk) -> None:
    house = owner.house
    house.store.run(system("test"), lambda tx: maintenance.begin(tx, "update:1", 900, "update"))
    assert owner.ask("GET", "/updates")[0] == 200
    status, refused = owner.ask("GET", "/settings")
    assert (status, refused["code"]) == (503, "maintenance")
