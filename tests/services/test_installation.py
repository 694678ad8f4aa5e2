"""`GET /installation`: what a person must be able to name on the telephone (SPEC 7.1)."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd import __version__
from praxisd.kernel import control, installation, plugin_places
from praxisd.kernel.app import House

from .plugin_cast import wheel


@pytest.fixture
def facts(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv(installation.SERVICE_VARIABLE, "praxisd-praxis")
    house.shared["url"] = "http://127.0.0.1:8123"
    plugin_places.put(house.folder, "acme", "1.0", wheel(tmp_path / "wheels", "acme"))
    place = plugin_places.place(house.folder, "acme")
    assert place is not None
    plugin_places.switch_off(house.folder, place, "import", "ImportError: x")
    yield control.perform(house, "kernel.installation", {})


def test_it_says_who_we_are(facts: dict[str, Any]) -> None:
    assert facts["instance"] == "praxisd" and facts["version"] == __version__
    assert facts["host"] == socket.gethostname() and facts["port"] == 8123
    assert facts["service"] == "praxisd-praxis" and facts["guarded"] is False
    assert facts["plugins"] == [
        {"name": "acme", "version": "1.0", "on": False, "packaged": False, "reason": "import"}
    ]
    assert all(socket.getaddrinfo(one, None) for one in facts["addresses"])


def test_the_door_is_for_whoever_may_see_the_guard_and_open_in_safe_mode() -> None:
    (route,) = installation.ROUTES
    assert route.permission == "kernel.guard.read" and route.exempt and route.safe
