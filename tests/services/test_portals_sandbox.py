"""The engine, the real adapters and the simulated portal together: what the portal shows, what it says when it does not work."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.app import House
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.sandbox.portal_booking import Patient
from praxisd.sandbox.portal_program import Running, Wishes
from praxisd.services.calendar import days
from praxisd.services.portals import accounts, links, portals
from praxisd.services.portals.portal import (
    ADDRESS_WRONG,
    CALENDAR_UNKNOWN,
    FAILING,
    KEY_REFUSED,
    TLS_FAILED,
    UNKNOWN_HOST,
    UNREACHABLE,
)
from praxisd.testing.houses import START
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .portals_cast import DAY, Stage, stage_of

HOUR = 3_600
NAME = "Dr. Beispiel – Sprechstunde/Büro"
KEY = "sandkasten"
ADAPTERS = ("drflex", "two_way", "webdav_ics")


@pytest.fixture
def stage(house: House) -> Stage:
    return stage_of(house)


@pytest.fixture
def sandbox(tmp_path: Path, stage: Stage) -> Iterator[Running]:
    wishes = Wishes(key=KEY, calendars=(NAME, "Prophylaxe"))
    running = Running(tmp_path / "portal", "127.0.0.1", 0, wishes, now=stage.house.clock.now)
    thread = threading.Thread(target=running.wait, daemon=True)
    thread.start()
    yield running
    running.end()
    running.close()


def fields(adapter: str, url: str) -> tuple[dict[str, str], dict[str, str]]:
    """Plain fields and secrets of an adapter for a portal at this address."""
    if adapter == "drflex":
        return {"address_period": f"{url}/drflex/period", "address_upload": f"{url}/drflex/upload"}, {
            "key": KEY
        }
    if adapter == "two_way":
        return {"address": f"{url}/api"}, {"key": KEY}
    return {"address": f"{url}/dav", "user": "praxis"}, {"password": KEY}


def set_up(stage: Stage, adapter: Any, url: str, **secrets: str) -> OnlinePortal:
    plain, kept = fields(adapter, url)
    record = OnlinePortal(name=f"Portal {adapter}", adapter=adapter, active=True, fields=plain)
    return stage.run(lambda tx: accounts.create(stage.house, tx, accounts.Given(record, kept | secrets)))  # type: ignore[no-any-return]


def linked(stage: Stage, portal: OnlinePortal, name: str = NAME, column: int = 0) -> OnlineCalendar:
    wanted = OnlineCalendar(portal=portal.id, name=name, schedule=stage.practice.doctors[column])
    return stage.run(lambda tx: links.link(stage.house, tx, wanted))  # type: ignore[no-any-return]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_portal_shows_exactly_what_is_busy(stage: Stage, sandbox: Running, adapter: str) -> None:
    portal = set_up(stage, adapter, sandbox.url)
    link = linked(stage, portal)
    stage.book(START + HOUR)
    later = stage.book(START + DAY)
    report = stage.cycle(portal)
    assert [(one.uploaded, one.code) for one in report.results] == [(len(stage.busy(link)), None)]
    assert len(stage.busy(link)) >= 2  # and the holidays of two months
    before = len(stage.busy(link))
    assert sandbox.board.busy(NAME) == list(days.merge(stage.busy(link)))
    for _ in range(3):
        stage.wait(portal.interval)
        assert stage.cycle(portal).state == "done"
    assert len(sandbox.board.uploads()) == 1
    from praxisd.services.calendar import api as calendar

    stage.run(lambda tx: calendar.cancel(stage.house, tx, later))
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert sandbox.board.busy(NAME) == list(days.merge(stage.busy(link)))
    assert len(stage.busy(link)) == before - 1


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_is_wrong_is_told_apart_on_the_page_and_in_doctor(
    stage: Stage, sandbox: Running, adapter: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    (other,) = {name for name in portals.forms()[adapter].filled({}) if name in ("key", "password")}  # type: ignore[index]
    cases: list[tuple[str, str, dict[str, str], str]] = [
        (KEY_REFUSED, sandbox.url, {other: "falsch"}, NAME),
        (UNKNOWN_HOST, "https://portal.invalid", {}, NAME),
        (UNREACHABLE, f"http://127.0.0.1:{closed}", {}, NAME),
        (TLS_FAILED, sandbox.url.replace("http://", "https://"), {}, NAME),
        (CALENDAR_UNKNOWN, sandbox.url, {}, "Sprechstude"),
        (ADDRESS_WRONG, f"{sandbox.url}/anderswo", {}, NAME),
    ]
    stage.switch()
    for code, url, secrets, name in cases:
        portal = set_up(stage, adapter, url, **secrets)
        linked(stage, portal, name)
        report = stage.cycle(portal)
        assert [one.code for one in report.results] == [code], code
        for lang in ("de", "en"):
            found = [
                one
                for one in issues.doctor(stage.house, lang)["issues"]
                if one["code"].startswith("portals.")
            ]
            assert [one["code"] for one in found] == [code]
            assert portal.name in found[0]["cause"] and len(found[0]["solution"]) > 30
        stage.run(lambda tx, one=portal: accounts.remove(stage.house, tx, one.id, None))


def test_a_portal_that_fails_now_and_then_ends_up_right(stage: Stage, sandbox: Running) -> None:
    portal = set_up(stage, "two_way", sandbox.url)
    link = linked(stage, portal)
    stage.cycle(portal)
    for number, fault in enumerate(("error_after", "half_closed", "drop", "bad_json", "error", "lose")):
        stage.book(START + DAY + number * HOUR)
        sandbox.faults.set(next_=["", fault])
        stage.wait(3_600)
        stage.cycle(portal)
        stage.wait(3_600)
        report = stage.cycle(portal)
        assert [one.code for one in report.results] == [None], fault
        assert sandbox.board.busy(NAME) == list(days.merge(stage.busy(link))), fault
    sandbox.faults.set(always="error")
    stage.wait(3_600)
    assert [one.code for one in stage.cycle(portal).results] == [FAILING]


def test_a_patient_books_the_desk_accepts_and_the_portal_knows(stage: Stage, sandbox: Running) -> None:
    portal = set_up(stage, "two_way", sandbox.url)
    link = linked(stage, portal)
    stage.cycle(portal)
    (service,) = sandbox.board.calendar(NAME).services[:1]
    start = sandbox.board.free(NAME, service, START + DAY, START + 2 * DAY)[0]
    person = Patient("Kanari", "Vera", "1980-02-03", "+4930200100")
    made = sandbox.board.book(NAME, service.name, start, person)
    stage.wait(portal.interval)
    assert stage.cycle(portal).bookings == 1
    headers = {"Authorization": f"Bearer {key_for(stage.house, stage.practice, 'desk', 'Empfang')}"}
    with TestClient(build(stage.house, main.doors(stage.house))) as client:  # type: ignore[arg-type]
        (asked,) = client.post("/api/v1/requests/search", headers=headers, json={}).json()["requests"]
        got = client.post(
            f"/api/v1/requests/{asked['id']}/accept",
            headers=headers,
            json={"service": stage.practice.check, "minutes": 30},
        )
        assert got.status_code == 200, got.text
        stage.handle()
        stage.wait(portal.interval)
        stage.cycle(portal)
        assert sandbox.board.booking(made.id).state == "confirmed"
        assert any(a <= start and b >= start + 1_800 for a, b in sandbox.board.busy(NAME))
        chain = client.get(
            f"/api/v1/appointments/{got.json()['appointment']['id']}/chain", headers=headers
        ).json()
    steps = {one["step"]: one["state"] for one in chain["steps"]}
    assert steps["on_portals"] == "done"
    assert sandbox.board.busy(NAME) == list(days.merge(stage.busy(link)))
    sent = [call for call in sandbox.board.uploads() if "Kanari" in str(call)]
    assert sent == []
