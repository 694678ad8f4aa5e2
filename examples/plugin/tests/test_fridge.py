"""The plug-in's tests: the suite that every service passes, its rules, and its operations through the door.

pip install -e ".[test]" && pytest
"""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient
from praxisd_fridge import SERVICE, checks, rules

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.testing.service_suite import ServiceSuite
from praxisd.testing.trials import run_log, settle
from praxisd.web.app import build

pytest_plugins = ["praxisd.testing.plugin"]


class TestFridge(ServiceSuite):
    service = SERVICE

    @pytest.fixture
    def practice(self, with_it: House) -> Practice:
        """Two practitioners, two chairs, three appointment types."""
        return small_practice(with_it)

    @pytest.fixture
    def desk(self, with_it: House, practice: Practice) -> Iterator[TestClient[Any]]:
        """Somebody at the desk."""
        with TestClient(build(with_it, main.doors(with_it))) as client:
            client.headers["Authorization"] = f"Bearer {key_for(with_it, practice, 'desk', 'desk')}"
            yield client

    def test_a_temperature_is_written_down_and_listed(self, desk: TestClient[Any]) -> None:
        made = desk.post("/api/v1/fridge/readings", json={"celsius": 4.5, "by": "Anna"})
        assert made.status_code == 201 and made.json()["celsius"] == 4.5
        assert desk.get("/api/v1/fridge/readings").json()["readings"] == [made.json()]
        (row,) = desk.post("/api/v1/listings/fridge.readings", json={}).json()["rows"]
        assert row["cells"]["state"] == "good" and row["cells"]["by"] == "Anna"

    def test_a_broken_thermometer_is_refused_in_words(self, desk: TestClient[Any]) -> None:
        refused = desk.post("/api/v1/fridge/readings", json={"celsius": 451})
        assert (refused.status_code, refused.json()["code"]) == (422, "fridge.reading_broken")
        assert "60 °C" in refused.json()["cause"]

    def test_what_is_wrong_is_said_and_vanishes(
        self, desk: TestClient[Any], with_it: House, clock: FrozenClock
    ) -> None:
        def codes() -> list[str]:
            return [one.code for one in checks.look(with_it)]

        assert codes() == []
        for celsius, found in ((9.5, [checks.WARM]), (-1, [checks.COLD]), (5, [])):
            clock.advance(60)
            assert desk.post("/api/v1/fridge/readings", json={"celsius": celsius}).status_code == 201
            assert codes() == found
        clock.advance(25 * 3600)
        assert codes() == [checks.OVERDUE]

    def test_what_was_kept_long_enough_goes(
        self, desk: TestClient[Any], with_it: House, practice: Practice, clock: FrozenClock
    ) -> None:
        for days in (0, 800):
            clock.advance(days * 86_400)
            desk.post("/api/v1/fridge/readings", json={"celsius": 5})
        owner = {"Authorization": f"Bearer {key_for(with_it, practice, 'owner', 'owner')}"}
        assert desk.post("/api/v1/jobs/fridge.tidy/run", json={}, headers=owner).status_code < 300
        settle(with_it)
        assert run_log(with_it, "fridge.tidy", practice.organization)[-1].counts == {"forgotten": 1}
        assert len(desk.get("/api/v1/fridge/readings").json()["readings"]) == 1


def test_limits_belong_to_what_is_good() -> None:
    assert [rules.verdict(tenths, 2, 8) for tenths in (19, 20, 80, 81)] == ["cold", "good", "good", "warm"]
    assert not rules.overdue(0, 3600, 1) and rules.overdue(0, 3601, 1)
