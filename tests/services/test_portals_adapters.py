"""Every adapter that ships with praxisd keeps the promises of a portal, against the simulated portal on the loopback.

116117 has its own portal and its own tests (`test_portals_tvs*.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.testing.portal_suite import PortalSuite
from praxisd.testing.portal_suite_bookings import BookingSuite

from .portal_cast import SandboxStage, sandbox_stage


class Sandbox:
    """The suites with the sandbox as the outside."""

    adapter = "drflex"

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[SandboxStage]:
        with sandbox_stage(self.adapter, tmp_path) as one:
            yield one


class TestDrFlex(Sandbox, PortalSuite):
    """Busy times only."""


class TestTwoWay(Sandbox, PortalSuite, BookingSuite):
    """Busy times, bookings, answers."""

    adapter = "two_way"


class TestWebdavIcs(Sandbox, PortalSuite):
    """Files."""

    adapter = "webdav_ics"
