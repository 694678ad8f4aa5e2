"""A guarded server: what it tells its guard, safe mode at the doors, the planned restart and its turn among several nodes."""

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main, serving
from praxisd.kernel import guarded as guarded_kernel
from praxisd.kernel import guarded_checks, guarded_health, guarded_restart, issues, leases, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House, State
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.control import perform
from praxisd.kernel.guarded import Guarded
from praxisd.kernel.guarded_restart import Turns
from praxisd.kernel.service import Finding, Severity
from praxisd.testing.houses import Houses, registry_of
from praxisd.web.app import build
from praxisd_guard import orders

ACTOR = system("test")


def guarded(house: House, home: Path, **start: Any) -> Guarded:
    home.mkdir(exist_ok=True)
    (home / "start.json").write_text(
        json.dumps({"reason": "first", "failures": 0, "at": house.clock.now(), **start})
    )
    house.guard = Guarded(home)
    return house.guard


def tick(house: House, seconds: float) -> None:
    assert isinstance(house.clock, FrozenClock)
    house.clock.advance(seconds)


def asked(home: Path) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in orders.waiting(home)]


@pytest.fixture
def house(houses: Houses) -> House:
    found = houses.open(registry_of(None))
    found.state = State.RUNNING
    return found


@pytest.fixture
def timed(sqlite_houses: Houses) -> House:
    """Where the clock of leases is the test's own; on PostgreSQL it is the database's."""
    found = sqlite_houses.open(registry_of(None))
    found.state = State.RUNNING
    return found


def wish(house: House) -> None:
    with house.store.write(ACTOR) as tx:
        leases.acquire(tx, guarded_restart.WISH, guarded_restart.JOB, 600, json.dumps({"at": tx.lease_now()}))


def test_health_is_good_and_says_which_version(house: House) -> None:
    found = perform(house, "guard.health", {})
    assert (found["ok"], found["why"], found["state"], found["busy"]) == (True, [], "running", [])
    assert "kernel_0005" in found["schema"] and "calendar" in found["services"]


def test_a_server_is_ready_when_its_guard_answers_nobody_any_more(
    sqlite_houses: Houses, tmp_path: Path
) -> None:
    """Both listen on one socket: who was told ready must not meet the guard's 503 with the next request."""
    house = sqlite_houses.open(registry_of(None))
    house.state = State.RUNNING
    home = tmp_path / "home"
    with TestClient(build(house, main.doors(house))) as client:

        def ready(**state: Any) -> tuple[int, list[str]]:
            (home / "state.json").write_text(json.dumps({"pid": 1, "state": "starting", **state}))
            answer = client.get("/health/ready")
            return answer.status_code, answer.json()["reasons"]

        guarded(house, home)
        assert ready(door_open=True) == (503, ["starting"])
        assert ready(door_open=False) == (200, [])
        assert ready(door_open=True) == (200, []), "it opens again only once this server is to go"
        guarded(house, home)
        assert ready() == (200, []), "a guard of before does not say it"


def test_a_guard_that_cannot_say_it_is_not_waited_for_without_end(house: House, tmp_path: Path) -> None:
    guard = guarded(house, tmp_path / "home")
    (guard.home / "state.json").write_text(json.dumps({"state": "starting", "door_open": True}))
    assert not guard.alone_at_door
    guard._asked = time.monotonic() - guarded_kernel.DOOR_S - 1
    assert guard.alone_at_door


def test_health_names_what_is_wrong(house: House) -> None:
    house.work.add("praxisd-events")  # a thread that should be there and is not
    house.state = State.DRAINING
    found = perform(house, "guard.health", {})
    assert (found["ok"], found["why"]) == (False, ["state.draining", "thread.praxisd-events"])


def test_a_damaged_file_is_found(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open(registry_of(None))
    house.state = State.RUNNING
    file = house.folder / "praxisd.db"
    with house.store.engine.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as raw:
        for page in range(20, file.stat().st_size // 4096):
            raw.seek(page * 4096)
            raw.write(b"\xff" * 4096)
    found = perform(house, "guard.health", {})
    assert found["ok"] is False and found["why"]


def test_a_planned_restart_is_asked_for_once_and_after_the_wish(timed: House, tmp_path: Path) -> None:
    house = timed
    home = tmp_path / "home"
    guarded(house, home)
    turns = Turns(house)
    wish(house)
    assert not turns.look() and not turns.look(), "it started after the wish"
    tick(house, 5)
    wish(house)
    assert turns.look() and asked(home) == [("restart", "planned")]
    assert not turns.look() and len(asked(home)) == 1


def test_a_wish_soon_after_the_start_counts(timed: House, tmp_path: Path) -> None:
    house = timed
    home = tmp_path / "home"
    guarded(house, home)
    turns = Turns(house)
    tick(house, 3)
    wish(house)
    tick(house, 2)
    assert not turns.look() and turns.look()


def test_nodes_restart_one_after_another(timed: House, tmp_path: Path) -> None:
    house = timed
    one, two = tmp_path / "one", tmp_path / "two"
    guarded(house, one)
    first = Turns(house)
    guard_two = guarded(house, two)
    second = Turns(house)
    assert not first.look() and not second.look()
    tick(house, 5)
    wish(house)
    house.guard = Guarded(one)
    assert first.look()
    house.guard = guard_two
    assert not second.look() and asked(two) == []
    house.guard = Guarded(one)
    tick(house, 5)
    assert not Turns(house).look(), "the first one is back: it gives its turn away and does not want another"
    house.guard = guard_two
    assert second.look() and asked(two) == [("restart", "planned")]


def test_it_waits_for_maintenance_and_for_a_run_that_must_not_be_cut(timed: House, tmp_path: Path) -> None:
    house = timed
    home = tmp_path / "home"
    guarded(house, home)
    turns = Turns(house)
    turns.look()
    tick(house, 5)
    wish(house)
    with house.store.write(ACTOR) as tx:
        maintenance.begin(tx, "test", 60)
    assert not turns.look()
    with house.store.write(ACTOR) as tx:
        maintenance.end(tx, "test")
    assert turns.look()


def test_it_waits_while_the_guard_carries_out_another_order(timed: House, tmp_path: Path) -> None:
    house = timed
    home = tmp_path / "home"
    guarded(house, home)
    turns = Turns(house)
    assert not turns.look()
    tick(house, 5)
    wish(house)
    (home / "state.json").write_text('{"state": "updating", "order": "01"}')
    assert not turns.look()
    (home / "state.json").write_text('{"state": "running", "order": null}')
    assert turns.look()


def test_a_version_on_trial_does_no_work_until_it_is_kept(timed: House, tmp_path: Path) -> None:
    house = timed
    home = tmp_path / "home"
    guarded(house, home, reason="update")
    line = {"at": 1.0, "kind": "install", "order": "0" * 26}
    (home / "state.json").write_text(json.dumps({"state": "updating", "order": "0" * 26}))
    (home / "journal.jsonl").write_text(json.dumps(line | {"step": "started"}) + "\n")
    done: list[int] = []

    def step() -> int:
        done.append(1)
        house._stop.set()
        return 0

    worker = threading.Thread(
        target=house._loop, args=(step, lambda: 0.1), kwargs={"on_trial": False}, daemon=True
    )
    worker.start()
    time.sleep(0.6)
    assert done == []
    with (home / "journal.jsonl").open("a") as file:
        file.write(json.dumps(line | {"step": "kept"}) + "\n")
    worker.join(10)
    assert done == [1]


def test_a_trial_that_nobody_ends_does_not_keep_the_jobs(
    timed: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    guard = guarded(timed, home, reason="update")
    line = {"at": 1.0, "kind": "install", "order": "0" * 26, "step": "started"}
    (home / "journal.jsonl").write_text(json.dumps(line) + "\n")
    assert not guard.tried, "an order that the guard is not at says nothing"
    (home / "state.json").write_text(json.dumps({"state": "updating", "order": "0" * 26}))
    assert guard.tried
    monkeypatch.setattr(guarded_kernel, "TRIAL_S", -1.0)
    assert not guard.tried


def test_without_a_guard_nothing_is_wished(house: House) -> None:
    with house.store.read(ACTOR) as tx:
        assert leases.current(tx, guarded_restart.WISH) is None
    assert not Turns(house).look()


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (
            {"reason": "crash", "failures": 1, "last": {"signal": 9, "log": "/x/server-1.log"}},
            guarded_checks.CRASHED,
        ),
        ({"reason": "hung", "failures": 2}, guarded_checks.CRASHED),
        ({"reason": "outside", "by": {"pid": 7, "uid": 0, "name": "watchdogd"}}, guarded_checks.OUTSIDE),
        ({"reason": "planned"}, None),
        ({"reason": "update"}, None),
    ],
)
def test_what_the_guard_said_becomes_an_issue(
    timed: House, tmp_path: Path, start: dict[str, Any], code: str | None
) -> None:
    house = timed
    guarded(house, tmp_path / "home", **start)
    found = list(guarded_checks.started(house))
    assert [one.code for one in found] == ([code] if code else [])
    if code == guarded_checks.OUTSIDE:
        assert found[0].params["who"] == "watchdogd (7)"
    if start.get("last"):
        assert (found[0].params["end"], found[0].params["log"]) == ("signal 9", "server-1.log")
    tick(house, guarded_checks.SHOWN_S + 1)
    assert list(guarded_checks.started(house)) == []


def test_on_trial_only_for_an_update(house: House, tmp_path: Path) -> None:
    assert guarded(house, tmp_path / "a", reason="update").on_trial
    assert not guarded(house, tmp_path / "b", reason="rollback").on_trial


def test_a_socket_that_listens_already_is_taken_over() -> None:
    from praxisd.web.server import bind, url_of

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = bind("ignored", 1, os.dup(listening.fileno()))
        assert url_of(taken) == f"http://127.0.0.1:{listening.getsockname()[1]}"
        taken.close()


def test_a_question_that_comes_every_second_does_not_look_through_the_database(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_health, "sound", lambda _house: False)
    assert perform(house, "guard.health", {"thorough": False})["ok"]
    assert perform(house, "guard.health", {})["why"] == ["store.damaged"]


def test_an_issue_of_another_version_is_told_and_goes_with_the_next_check(house: House) -> None:
    left = Finding("rooms.flooded", "Room/1", Severity.ERROR, {"depth": 3})
    house.store.run(ACTOR, lambda tx: issues.raise_issue(tx, left, "rooms.check"))
    with house.store.read(ACTOR) as tx:
        one = next(i for i in issues.list_open(tx) if i.code == left.code)
    assert "rooms.flooded" in issues.explain(house, one, "de")["title"]
    if not house.store.alone:
        assert "rooms.flooded" in {i["code"] for i in issues.doctor(house)["issues"]}, (
            "another node may see it"
        )
        tick(house, 2 * issues.SEEN_EVERY_S + 1)
    assert "rooms.flooded" not in {i["code"] for i in issues.doctor(house)["issues"]}


def test_the_one_time_code_never_goes_where_a_guard_keeps_it(
    sqlite_houses: Houses, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open(registry_of(None))
    (house.folder / "run").mkdir(exist_ok=True)
    monkeypatch.setattr(main, "greeting", lambda _house, _url: "CODE-1234")
    serving._greet(house, "http://x")
    assert "CODE-1234" in capsys.readouterr().err
    guarded(house, tmp_path / "home")
    serving._greet(house, "http://x")
    note = house.folder / "run" / "first-start"
    assert "CODE-1234" not in capsys.readouterr().err and note.read_text() == "CODE-1234\n"
    assert note.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(main, "greeting", lambda _house, _url: "")
    serving._greet(house, "http://x")
    assert not note.exists()
