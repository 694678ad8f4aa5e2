"""Set-up mode, announced maintenance, and a changed interval: told to all seats, over by themselves."""

from collections.abc import Iterator
from typing import Any

import pytest

from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock, format_rfc3339
from praxisd.kernel.events import Dispatcher
from praxisd.services.seats import messages
from praxisd.services.seats.desk import desk_of

from .seats_cast import program, session_at
from .session_cast import Browser, Scene, code, hash_quickly

ONE = "Patient/eins"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def scene(house: House) -> Scene:
    made = Scene(house)
    made.add()
    return made


@pytest.fixture
def owner(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as browser:
        browser.sign_in()
        yield browser


def put(browser: Browser, path: str, body: Any) -> Any:
    return browser.http.put(f"/api/v1{path}", json=body, headers={"X-Praxisd-Csrf": browser.csrf})


def test_set_up_mode_is_told_and_ends_by_itself_once(
    scene: Scene, owner: Browser, clock: FrozenClock
) -> None:
    house = scene.house
    anna = session_at(house, program(house, scene.practice))
    anna.here()
    on = put(owner, "/seats/mode", {"mode": "setup", "hours": 2})
    assert (on.json()["mode"], on.json()["modeUntil"]) == ("setup", "2026-11-23T10:00:00+00:00")
    assert [(one["type"], one["mode"]) for one in anna.told] == [("mode", "setup")]
    assert anna.here().mode == "setup"
    for hours in (0, 9):
        assert code(put(owner, "/seats/mode", {"mode": "setup", "hours": hours})) == (
            400,
            "http.invalid_body",
        )
    assert code(put(owner, "/seats/mode", {"mode": "Urlaub"})) == (400, "http.invalid_body")
    assert anna.lock(ONE) == 1  # locks hold in set-up as ever
    clock.advance(7200)
    owner.sign_in()
    assert owner.get("/seats/state").json()["mode"] == "operation"
    desk_of(house).step()
    desk_of(house).sweep()
    assert [one["mode"] for one in anna.told if one["type"] == "mode"] == ["operation"]
    assert [one.codes["mode"] for one in scene.notes("mode.")] == ["setup", "operation"]


def test_maintenance_is_announced_begins_and_is_over(
    scene: Scene, owner: Browser, clock: FrozenClock
) -> None:
    house = scene.house
    anna = session_at(house, program(house, scene.practice), "Anna")
    anna.here()
    anna.lock(ONE)
    at = format_rfc3339(clock.now() + 300)
    body = {"at": at, "minutes": 10, "reason": "update", "begin": True}
    told = put(owner, "/seats/announcement", body)
    assert told.status_code == 200, told.text
    assert told.json()["announcement"] == {"at": at, "minutes": 10, "reason": "update"}
    assert told.json()["working"] == [{"seat": "Anmeldung 1", "person": "Anna", "locks": 1}]
    assert [one["announcement"]["minutes"] for one in anna.told] == [10]
    desk_of(house).step()
    clock.advance(299)
    desk_of(house).step()
    assert _closed(house) is None
    clock.advance(1)
    desk_of(house).step()
    found = _closed(house)
    assert found is not None and (found.holder, found.until) == ("seats", clock.now() + 600)
    assert owner.get("/seats").status_code == 503
    assert owner.get("/seats/state").json()["begins"] is True
    problem = anna.refused(messages.Lock(id=1, record="Patient/zwei"))
    assert (problem.code, problem.retry) == ("maintenance", True)
    anna.beat()  # it hears that the server lives
    clock.advance(600)
    desk_of(house).step()
    assert [one["announcement"] for one in anna.told if one["type"] == "announcement"] == [None]
    back = anna.here(holds={ONE: 1})
    assert back.lost == () and [one.record for one in back.locks] == [ONE]


def test_maintenance_that_has_begun_is_ended_by_calling_it_off(
    scene: Scene, owner: Browser, clock: FrozenClock
) -> None:
    house = scene.house
    assert code(owner.delete("/seats/announcement")) == (404, "http.not_found")
    body = {"at": format_rfc3339(clock.now()), "minutes": 60, "reason": "move", "begin": True}
    assert put(owner, "/seats/announcement", body).status_code == 200
    desk_of(house).step()
    assert _closed(house) is not None
    assert owner.delete("/seats/announcement").status_code == 204
    assert _closed(house) is None
    assert owner.get("/seats/state").json()["announcement"] is None
    assert len(scene.notes("maintenance.")) == 2


@pytest.mark.parametrize(
    ("changed", "status", "found"),
    [
        ({"at": "morgen"}, 400, "clock.bad_time"),
        ({"at": "2026-11-23T10:00:00"}, 400, "clock.naive_time"),
        ({"at": "2026-11-22T10:00:00Z"}, 422, "seats.invalid"),
        ({"at": "2027-11-22T10:00:00Z"}, 422, "seats.invalid"),
        ({"minutes": 0}, 400, "http.invalid_body"),
        ({"minutes": 721}, 400, "http.invalid_body"),
        ({"reason": "Frau Muster"}, 400, "http.invalid_body"),
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(
    owner: Browser, changed: dict[str, Any], status: int, found: str
) -> None:
    body = {"at": "2026-11-23T18:00:00+01:00", "minutes": 10, "reason": "update", **changed}
    assert code(put(owner, "/seats/announcement", body)) == (status, found)


def test_the_interval_is_changed_at_any_time(scene: Scene, owner: Browser, clock: FrozenClock) -> None:
    house = scene.house
    anna = session_at(house, program(house, scene.practice))
    bert = session_at(house, program(house, scene.practice, "Zimmer 2"))
    assert anna.here().interval == 30
    bert.here()
    anna.lock(ONE)
    scene.set("seats.interval", 10)
    _handle(house)
    assert [(one["type"], one["seconds"]) for one in anna.told] == [("interval", 10)]
    anna.beat()
    until = bert.refused(messages.Lock(id=1, record=ONE)).params["until"]
    assert until == format_rfc3339(clock.now() + 10)


def _handle(house: House) -> None:
    Dispatcher(house, [one for one in house.registry.handlers if one.name == "seats.interval"]).step()


def _closed(house: House) -> maintenance.Maintenance | None:
    with house.store.read(system("test")) as tx:
        return maintenance.state(tx)
