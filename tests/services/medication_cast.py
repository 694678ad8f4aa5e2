"""The sample data set in a practice, and its products by the beginning of their names."""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.services.medication import sets_reading
from praxisd.testing import medication
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .calendar_cast import Rest

NOW = 1_795_430_000
"""2026-11-23, 11:33 in Berlin."""


@pytest.fixture(name="practice")
def the_practice(house: House) -> Practice:
    """A practice whose owner has confirmed the sample set, ten days old."""
    house.clock.set(NOW)
    found = small_practice(house)
    medication.install_samples(house)
    medication.confirm(house, found.desk())
    return found


@pytest.fixture(name="client")
def the_client(house: House) -> Any:
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture(name="desk")
def the_desk(house: House, practice: Practice, client: Any) -> Rest:
    return Rest(client, key_for(house, practice, "desk", "Empfang"))


def product(house: House, begins: str) -> tuple[str, str, str]:
    """Id, name and first package number of the product whose name begins like this."""
    opened = sets_reading.open_set(house, "medication")
    rows = opened.rows(
        "SELECT p.id, p.name, min(k.pzn) FROM product p JOIN package k ON k.product = p.id"
        " WHERE p.name LIKE ? GROUP BY p.id ORDER BY p.name",
        (f"{begins}%",),
    )
    assert rows, begins
    return rows[0]  # type: ignore[return-value]
