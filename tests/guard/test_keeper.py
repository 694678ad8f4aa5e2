"""The keeper keeps one server: hands the socket over, answers in its place, starts it again, names who ended it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard import watch
from praxisd_guard.child_proc import start_ticks
from praxisd_guard.keeper_state import State

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


def _again(home: Home, pid: int | None) -> State:
    """The state once another server runs."""

    def look() -> State | None:
        found = home.state
        return (
            found
            if found and found.state in ("running", "safe") and found.server_pid not in (None, pid)
            else None
        )

    return until(look, "another server")


def test_a_server_is_kept_and_ends_with_the_guard(home: Home) -> None:
    home.begin()
    state = home.reach("running")
    assert home.ask().body == b"1.0"
    assert home.port != 0  # the guard wrote down which one it got
    assert home.start["reason"] == "first"
    assert (state.failures, state.version, state.door_open) == (0, "1.0", False)
    told = watch.health(home.data, state.server_pid)
    assert told and told["version"] == "1.0"
    assert watch.health(home.data, 1) is None  # control.json of another process is none of ours
    assert home.end() == 0
    assert home.state is not None and home.state.state == "stopped"
    with pytest.raises(OSError):
        home.ask()
    assert start_ticks(state.server_pid or 0) is None
    # Who asked is known by name; this program did.
    told = home.lines("outside")[-1]
    assert (told["what"], told["signal"]) == ("guard", "SIGTERM")
    assert told["by"]["pid"] == os.getpid() and told["by"]["uid"] == os.getuid() and told["by"]["name"]
    home.begin()
    home.reach("running")
    assert home.start["reason"] == "outside" and home.start["by"]["pid"] == os.getpid()


def test_a_crash_is_followed_by_a_start_and_answered_meanwhile(tmp_path: Path) -> None:
    with home_of(tmp_path, pause_1_s=4.0, stable_s=0.5) as home:
        home.begin()
        state = home.reach("running")
        assert state.server_pid
        os.kill(state.server_pid, signal.SIGSEGV)
        home.reach("starting")
        found = home.ask("/api/v1/slots")
        assert (found.status, found.code, found.headers["Retry-After"]) == (503, "guard.down", "5")
        assert home.ask("/health/live").status == 503
        assert _again(home, state.server_pid).failures == 1
        assert home.ask().body == b"1.0"
        assert home.start["reason"] == "crash" and home.start["last"]["signal"] == "SIGSEGV"
        assert Path(home.start["last"]["log"]).name.startswith("crashed-1.0-")
        until(lambda: home.state is not None and home.state.failures == 0, "the failure is forgotten")


def test_an_end_from_outside_is_noticed_and_no_failure(home: Home) -> None:
    home.begin()
    pid = home.reach("running").server_pid
    for number in (signal.SIGKILL, signal.SIGTERM):  # the script answers SIGTERM with status 0
        assert pid
        os.kill(pid, number)
        state = _again(home, pid)
        assert (state.failures, home.start["reason"]) == (0, "outside")
        pid = state.server_pid
    told = home.lines("outside")
    assert [one.get("signal") or one.get("status") for one in told] == ["SIGKILL", 0]
    assert all(one["what"] == "server" and one["by"] is None for one in told)


def test_what_is_ended_from_outside_again_and_again_counts_as_failing(tmp_path: Path) -> None:
    with home_of(tmp_path, outside_most=2) as home:
        home.begin()
        pid = home.reach("running").server_pid
        for failures in (0, 0, 1):
            assert pid
            os.kill(pid, signal.SIGKILL)
            state = _again(home, pid)
            assert state.failures == failures
            pid = state.server_pid


def test_a_server_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    with home_of(tmp_path, live_limit_s=1, end_s=0.5) as home:
        home.begin()
        pid = home.reach("running").server_pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        assert _again(home, pid).failures == 1
        assert home.start["reason"] == "hung" and home.start["last"]["signal"] == "SIGKILL"
        assert home.lines("failure")[0]["code"] == "guard.hung"


def test_a_killed_guard_takes_its_server_along_and_the_next_one_goes_on(home: Home) -> None:
    home.begin()
    first = home.reach("running")
    home.kill()
    home.begin()
    home.reach("running")
    assert _again(home, first.server_pid).failures == 0
    assert start_ticks(first.server_pid or 0) is None
    assert home.start["reason"] == "outside" and home.start["by"] is None
    assert len(home.starts()) == 2


def test_a_server_that_hangs_when_its_guard_dies_is_found_and_killed(tmp_path: Path) -> None:
    with home_of(tmp_path, end_s=0.5, live_every_s=30) as home:
        home.begin()
        first = home.reach("running")
        assert first.server_pid
        os.kill(first.server_pid, signal.SIGSTOP)
        home.kill()
        home.begin()
        second = _again(home, first.server_pid)
        assert second.state == "running" and home.ask().body == b"1.0"
        assert start_ticks(first.server_pid) is None


def test_a_pid_that_is_another_process_now_is_left_alone(home: Home) -> None:
    """state.json left over from before a restart of the computer may name anybody."""
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        file = home.path / "state.json"
        told = {
            "pid": 1,
            "state": "running",
            "since": 0,
            "server_pid": bystander.pid,
            "server_started": 1,
            "boot": "x",
        }
        file.write_text(json.dumps(told))
        home.begin()
        home.reach("running")
        assert home.start["reason"] == "boot"
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n", timeout=30)


def test_no_connection_is_refused_while_the_server_is_away(home: Home) -> None:
    """A client hammers through crashes and a restart: 200, or 503 with Retry-After, and never a cut connection."""
    home.begin()
    pid = home.reach("running").server_pid
    wrong: list[str] = []
    seen: set[int] = set()
    over = threading.Event()

    def hammer() -> None:
        while not over.is_set():
            try:
                found = home.ask("/version")
            except OSError as error:
                wrong.append(repr(error))
                continue
            seen.add(found.status)
            if found.status != 200 and (found.status != 503 or not found.headers["Retry-After"]):
                wrong.append(f"{found.status} {found.headers['Retry-After']}")

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        for _ in range(2):
            order = home.order("restart", "planned")
            assert home.outcome(order).state == "kept"
            pid = _again(home, pid).server_pid
    finally:
        over.set()
        thread.join()
    assert wrong == [] and seen == {200, 503}
    assert home.start["reason"] == "planned" and home.start["by"] == "owner"
    assert len(home.lines("planned")) == 2 and home.lines("outside") == []


def test_a_second_guard_of_the_same_home_is_refused(home: Home) -> None:
    first = home.begin()
    home.reach("running")
    second = home.begin(env={"PRAXISD_LANG": "en"})
    assert second.wait(60) == 1 and "A guard runs in" in home.words()
    assert first.poll() is None and home.ask().status == 200
    home.guard = first


def test_an_address_that_another_program_holds_is_said(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        told = json.loads((home.path / "guard.json").read_text())
        (home.path / "guard.json").write_text(json.dumps(told | {"port": other.getsockname()[1]}))
        assert home.begin(env={"PRAXISD_LANG": "en"}).wait(60) == 1
    assert "cannot be used" in home.words() and home.starts() == []
