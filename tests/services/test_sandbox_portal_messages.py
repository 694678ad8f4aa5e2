"""The sandbox portal writes to the practice: each booking and cancellation, in order, again until it is heard."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from praxisd.sandbox.door import Answer, Call, Door
from praxisd.sandbox.portal_messages import Messenger
from praxisd.services.portals.reading import read

from .portal_sandbox_cast import NAME, NOW, PATIENT, Portal


class Practice:
    """Hears messages; says `status` to them."""

    def __init__(self) -> None:
        self.status = 204
        self.heard: list[bytes] = []
        self.tried = 0
        self.door = Door("127.0.0.1", 0, [("POST", "/hook", self._take)])
        self.url = f"{self.door.url}/hook"

    def _take(self, call: Call) -> Answer:
        self.tried += 1
        if self.status < 300:
            self.heard.append(call.body)
        return Answer(self.status)

    def told(self) -> list[tuple[str, str]]:
        """(id, state) of what was heard."""
        found = [json.loads(one) for one in self.heard]
        return [(one["id"], one["state"]) for one in found]


def wait(when: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not when():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def practice() -> Iterator[Practice]:
    one = Practice()
    yield one
    one.door.close()


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setattr("praxisd.sandbox.portal_program.Messenger", lambda board: Messenger(board, (0.05,)))
    one = Portal(tmp_path)
    yield one
    one.close()


def test_each_booking_and_cancellation_is_told_and_can_be_read(portal: Portal, practice: Practice) -> None:
    assert portal.ask("POST", "/hooks", {"url": practice.url})[0] == 200
    _, one = portal.book()
    _, two = portal.book("2026-12-01T10:00:00+01:00", note="Schmerzen")
    wait(lambda: len(practice.heard) >= 2)
    portal.ask("POST", f"/bookings/{one['id']}/cancel")
    wait(lambda: len(practice.heard) >= 3)
    assert practice.told() == [(one["id"], "requested"), (two["id"], "requested"), (one["id"], "cancelled")]
    (reading,) = read(practice.heard[1], ZoneInfo("Europe/Berlin"), NOW)
    assert two["id"] in reading.key and reading.named and not reading.cancelled
    assert (reading.told.family, reading.told.birth_date, reading.word) == (
        "Muster",
        "1980-02-03",
        "Sprechstunde",
    )
    assert (reading.start, reading.calendar, reading.note) == (1796115600, NAME, "Schmerzen")
    (reading,) = read(practice.heard[2], ZoneInfo("Europe/Berlin"), NOW)
    assert reading.cancelled


def test_what_is_not_heard_is_told_again_also_after_a_restart(portal: Portal, practice: Practice) -> None:
    portal.ask("POST", "/hooks", {"url": practice.url})
    practice.status = 503
    _, one = portal.book()
    wait(lambda: practice.tried >= 3)
    assert practice.heard == []
    portal.again()
    practice.status = 200
    wait(lambda: len(practice.heard) == 1)
    portal.again()
    _, two = portal.book("2026-12-01T10:00:00+01:00")
    wait(lambda: len(practice.heard) >= 2)
    assert practice.told() == [(one["id"], "requested"), (two["id"], "requested")]


def test_each_calendar_may_have_an_address_of_its_own(portal: Portal, practice: Practice) -> None:
    portal.ask("POST", "/calendars", {"name": "Dr. Zwei"})
    assert portal.ask("POST", "/hooks", {"url": practice.url, "calendar": "Dr. Zwei"})[0] == 200
    portal.book(patient={**PATIENT, "family": "Ungehört"})
    _, two = portal.book(calendar="Dr. Zwei")
    wait(lambda: len(practice.heard) >= 1)
    assert practice.told() == [(two["id"], "requested")]
    assert portal.ask("POST", "/hooks", {"url": "", "calendar": "Dr. Zwei"}) == (200, {"hooks": {}})
    for url in ("file:///etc/passwd", "x", 5):
        assert portal.ask("POST", "/hooks", {"url": url}) == (422, {"code": "hook_invalid"})
    made = portal.ask("GET", "/hooks")[1]["made"]
    assert [one["status"] for one in made] == [204] and "Muster" not in json.dumps(made)
