"""The adapters, opened as the engine opens them in a real house, against `praxisd sandbox portal` as a program of its own."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Account, Portal
from praxisd.services.portals.portals import check_fields, open_portal
from praxisd.testing.portal_suite import FAULTS, Kept, pairs, spans, told
from praxisd.testing.programs import PROGRAM, environment

from .portal_sandbox_cast import Portal as Outside

KEY = "schluessel-4711"
NAMES = ("Dr. Beispiel – Sprechstunde", "Prophylaxe/Zahnreinigung", 'Größe "Ä"', "100 % Kinder", "a+b", "c")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[str]:
    """A portal of its own for each test: what one adapter has told must not stand there for the next."""
    folder = tmp_path / "portal"
    line = [*PROGRAM, "sandbox", "portal", "--data", str(folder), "--port", "0", "--key", KEY]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        for name in NAMES:
            assert Outside.at(url).ask("POST", "/calendars", {"name": name})[0] in (200, 201)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def opened(house: House, adapter: str, url: str) -> Portal:
    values: dict[str, dict[str, str]] = {
        "drflex": {
            "address_period": f"{url}/drflex/period",
            "address_upload": f"{url}/drflex/upload",
            "key": KEY,
        },
        "two_way": {"address": f"{url}/api", "key": KEY},
        "webdav_ics": {
            "address": f"{url}/dav",
            "user": "praxis",
            "password": KEY,
            "blocker_file": "{calendar}.blockers.ics",
        },
    }
    check_fields(adapter, values[adapter])
    return open_portal(house, adapter, Account("p1", values[adapter], "Europe/Berlin"), Kept())


def busy_of(url: str, name: str) -> list[tuple[int, int]]:
    from praxisd.kernel.clock import parse_rfc3339

    uploads: list[dict[str, Any]] = [
        one for one in Outside.at(url).ask("GET", "/uploads")[1] if one["calendar"] == name
    ]
    return [(parse_rfc3339(one["start"]), parse_rfc3339(one["end"])) for one in uploads[-1]["busy"]]


@pytest.mark.parametrize("adapter", ["drflex", "two_way", "webdav_ics"])
def test_six_calendars_and_every_fault(house: House, program: str, adapter: str) -> None:
    portal = opened(house, adapter, program)
    portal.names()
    for number, name in enumerate(NAMES):
        period = portal.period(name)
        busy = spans(*((period.start + n * 7_200, period.start + n * 7_200 + 900) for n in range(number)))
        assert portal.upload(name, period, busy, time.time() + 45) == number
        assert sorted(busy_of(program, name)) == pairs(busy)
    for fault, expected in FAULTS.items():
        assert Outside.at(program).ask("POST", "/faults", {"next": [fault]})[0] == 200
        problem = told(lambda: portal.period(NAMES[0]))
        assert (problem.code, problem.retry) == expected, fault
    portal.period(NAMES[0])


def test_a_portal_that_is_gone(house: House) -> None:
    problem = told(opened(house, "two_way", "http://127.0.0.1:9").names)
    assert (problem.code, problem.retry) == (codes.UNREACHABLE, True)
