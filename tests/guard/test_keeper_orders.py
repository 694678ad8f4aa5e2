"""Orders as the server leaves them: a new version is kept or taken back, and a server runs whatever happens."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard import journal, versions
from praxisd_guard.child_proc import start_ticks

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


def test_a_good_version_is_installed_and_kept(home: Home) -> None:
    home.begin(trusting=True)
    home.reach("running")
    order = home.install("migrate_slow")
    home.reach("updating")
    codes = {home.ask("/version").status}
    found = home.outcome(order)
    assert found.state == "kept" and codes <= {200, 503}
    assert home.steps(order) == [
        "accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy", "kept",
    ]  # fmt: skip
    state = home.reach("running")
    assert (state.version, state.order, state.step) == ("1.1", None, None)
    assert home.ask().body == b"1.1"
    assert home.start["reason"] == "update" and home.start["by"] == "owner"
    # And back to the one before.
    order = home.order("switch_back")
    assert home.outcome(order).state == "kept"
    home.reach("running")
    assert home.ask().body == b"1.0"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("exits", "guard.not_started"),
        ("sick", "guard.not_healthy"),
        ("no_console", "guard.not_healthy"),
        ("wrong_version", "guard.not_healthy"),
        ("migrate_fails", "guard.migrate_failed"),
    ],
)
def test_a_bad_version_goes_back_by_itself(tmp_path: Path, behaviour: str, code: str) -> None:
    with home_of(tmp_path, healthy_s=4) as home:
        home.begin(trusting=True)
        home.reach("running")
        order = home.install(behaviour)
        found = home.outcome(order)
        assert (found.state, found.code, found.healthy) == ("rolled_back", code, True)
        assert found.log and Path(found.log).is_file()
        state = home.reach("running")
        assert (state.version, state.failures) == ("1.0", 0)
        assert home.ask().body == b"1.0" and home.start["reason"] == "rollback"


def test_without_a_signature_nothing_is_installed(home: Home) -> None:
    """The program as it is: no root.json in HOME, so nothing can be trusted."""
    home.begin()
    pid = home.reach("running").server_pid
    found = home.outcome(home.install())
    assert (found.state, found.code) == ("refused", "guard.no_root")
    state = home.reach("running")
    assert state.server_pid == pid and state.version == "1.0"


def test_an_install_waits_for_what_must_not_be_cut(home: Home) -> None:
    home.begin(trusting=True)
    pid = home.reach("running").server_pid
    (home.data / "busy.json").write_text('["backups.run"]')
    order = home.install()
    until(lambda: versions.complete(home.path, "1.1") is not None)
    time.sleep(1.5)  # it looks once a second
    assert home.steps(order) == ["accepted"]
    assert pid and start_ticks(pid) and home.ask().body == b"1.0"
    (home.data / "busy.json").write_text("[]")
    assert home.outcome(order).state == "kept"
    home.reach("running")
    assert home.ask().body == b"1.1"


def test_a_server_that_crashes_while_an_order_is_prepared_is_no_second_server(tmp_path: Path) -> None:
    """Keeper and engine both want to start one: whoever comes first, there is never more than one."""
    with home_of(tmp_path, pause_1_s=5) as home:
        home.begin(trusting=True)
        pid = home.reach("running").server_pid
        (home.data / "busy.json").write_text('["backups.run"]')
        order = home.install()
        until(lambda: versions.complete(home.path, "1.1") is not None)
        assert pid
        os.kill(
            pid, signal.SIGSEGV
        )  # with it went what must not be cut; the engine looks while the keeper waits
        assert home.outcome(order).state == "kept"
        state = home.reach("running")
        assert home.ask().body == b"1.1" and state.failures == 0
        alive = [one["pid"] for one in home.starts() if start_ticks(one["pid"])]
        assert alive == [state.server_pid]


def test_an_update_leads_out_of_safe_mode_and_off_the_floor(home: Home) -> None:
    home.behave("worst")
    home.begin(trusting=True)
    home.reach("floor")
    assert home.outcome(home.install()).state == "kept"
    state = home.reach("running")
    assert (state.version, state.failures) == ("1.1", 0)
    assert home.ask().body == b"1.1" and not (home.path / "floor-code").exists()


def test_a_bad_update_in_safe_mode_leads_back_to_safe_mode(tmp_path: Path) -> None:
    with home_of(tmp_path, healthy_s=4) as home:
        home.behave("exits")
        home.begin(trusting=True)
        home.reach("safe")
        found = home.outcome(home.install("exits"))
        assert (found.state, found.healthy) == ("rolled_back", False)
        assert home.reach("safe").version == "1.0"
        assert home.ask().body == b"1.0"


def test_an_order_that_says_nothing_is_refused_and_the_next_one_carried_out(home: Home) -> None:
    home.begin()
    home.reach("running")
    (home.path / "orders" / f"{'0' * 26}.json").write_text("{")
    order = home.order("restart")
    assert home.outcome(order).state == "kept"
    assert journal.outcome(home.path, "0" * 26).code == "guard.order_unreadable"


def test_the_announced_time_is_kept(home: Home) -> None:
    home.begin()
    pid = home.reach("running").server_pid
    asked = time.time()
    order = home.order("restart", announce_s=1.0)
    assert home.outcome(order).state == "kept"
    stopped = next(line.at for line in journal.lines(home.path) if line.kind == "exit")
    assert stopped - asked >= 1.0 and home.reach("running").server_pid != pid


def test_a_crash_in_the_announced_time_is_answered_like_any_other(home: Home) -> None:
    home.begin()
    pid = home.reach("running").server_pid
    order = home.order("restart", announce_s=4.0)
    until(lambda: home.steps(order) == ["accepted"])
    assert pid
    os.kill(pid, signal.SIGSEGV)
    assert until(lambda: len(home.starts()) == 2) and home.outcome(order).state == "kept"
    assert [one["reason"] for one in home.lines("start")] == ["first", "crash", "order"]


@pytest.mark.parametrize("behaviour", ["hangs", "exits"])
def test_a_guard_that_is_just_starting_a_server_ends_at_once(tmp_path: Path, behaviour: str) -> None:
    with home_of(tmp_path, pause_1_s=60, end_s=2) as home:
        home.behave(behaviour)
        home.begin()
        home.reach("starting")
        until(lambda: home.starts() and (behaviour == "hangs" or home.lines("failure")))
        asked = time.monotonic()
        assert home.end() == 0
        assert time.monotonic() - asked < 25  # neither the pause nor the start's limit
        assert [one["pid"] for one in home.starts() if start_ticks(one["pid"])] == []


def test_a_server_that_does_not_say_what_runs_is_asked_again(tmp_path: Path) -> None:
    """It may be in the middle of a backup: no answer is not "nothing"."""
    with home_of(tmp_path, live_every_s=60) as home:
        home.begin(trusting=True)
        home.reach("running")
        (home.data / "busy.json").write_text('["backups.run"]')
        (home.data / "deaf").touch()
        order = home.install()
        until(lambda: (home.path / "versions" / "1.1" / "complete.json").exists(), "it is unpacked")
        time.sleep(1)
        assert home.steps(order) == ["accepted"] and home.ask().body == b"1.0"
        (home.data / "deaf").unlink()
        time.sleep(1.5)
        assert home.steps(order) == ["accepted"]  # now it says so
        (home.data / "busy.json").unlink()
        assert home.outcome(order).state == "kept"


def test_a_server_that_never_says_what_runs_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with home_of(tmp_path, live_every_s=60, unanswered_s=0.5) as home:
        home.begin(trusting=True)
        home.reach("running")
        (home.data / "deaf").touch()
        order = home.install()
        until(lambda: "unpacked" in home.steps(order), "it goes on")
        (home.data / "deaf").unlink()
        assert home.outcome(order).state == "kept"
