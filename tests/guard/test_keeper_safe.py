"""Two restarts, then safe mode, then the floor; and the ways back (SPEC 7.2)."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


def _modes(home: Home) -> list[bool]:
    return [one["safe"] for one in home.starts()]


@pytest.mark.parametrize("behaviour", ["exits", "dies", "hangs"])
def test_the_third_start_after_failures_is_safe_mode(tmp_path: Path, behaviour: str) -> None:
    with home_of(tmp_path, ready_s=1.0 if behaviour == "hangs" else 30, end_s=2) as home:
        home.behave(behaviour)
        home.begin()
        state = home.reach("safe")
        assert state.failures == 3
        assert _modes(home) == [False, False, False, True]  # the first, two more, and the safe one
        assert [one["reason"] for one in home.lines("start")] == ["first", "crash", "crash", "crash"]
        assert home.start["failures"] == 3 and home.start["last"]["log"]
        assert home.ask().status == 200  # reachable; what it does then is the server's part
        code = {"hangs": "guard.not_ready"}.get(behaviour, "guard.exited")
        assert [one["code"] for one in home.lines("failure")] == [code] * 3


def test_from_safe_mode_only_a_person_leads_back(home: Home) -> None:
    home.behave("exits")
    home.begin()
    home.reach("safe")
    order = home.order("try_again")  # the cause is still there
    assert home.outcome(order).code == "guard.safe_mode"
    home.behave("good")
    order = home.order("try_again")
    assert home.outcome(order).state == "kept"
    state = home.reach("running")
    assert state.failures == 0
    assert home.start["reason"] == "try_again" and home.start["by"] == "owner"
    assert home.ask("/health/ready").status == 200


def test_a_restart_in_safe_mode_stays_safe(home: Home) -> None:
    home.behave("exits")
    home.begin()
    pid = home.reach("safe").server_pid
    home.behave("good")
    assert home.outcome(home.order("restart")).code == "guard.safe_mode"
    state = home.reach("safe")
    assert state.server_pid != pid and _modes(home)[-1]


def test_a_killed_guard_does_not_forget_what_it_counted(home: Home) -> None:
    home.behave("exits")
    home.begin()
    home.reach("safe")
    home.kill()
    home.begin()
    assert home.reach("safe").failures == 3
    assert _modes(home)[-2:] == [True, True]
    # Ended in order by a person and started again is another matter: the normal start gets its chance.
    assert home.end() == 0
    home.behave("good")
    home.begin()
    assert home.reach("running").failures == 0


def test_when_safe_mode_fails_too_the_guard_itself_says_so(home: Home) -> None:
    home.behave("worst")
    home.begin()
    assert home.reach("floor").failures == 3
    assert _modes(home) == [False, False, False, True]
    for path in ("/", "/api/v1/slots", "/health/live"):
        found = home.ask(path)
        assert (found.status, found.code, found.headers["Retry-After"]) == (503, "guard.floor", "30")
    page = home.ask("/", Accept="text/html")
    text = page.body.decode()
    assert page.status == 503 and "<script" not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    log = re.search(r"<dd>(/[^<]*crashed-1\.0-[^<]*\.log)</dd>", text)
    assert log and "no module named" in Path(log.group(1)).read_text()
    assert "guard.exited" in text and "status 3" in text
    assert str(home.path / "floor-code") in text  # where the code lies
    code = (home.path / "floor-code").read_text().strip()
    assert code not in text and (home.path / "floor-code").stat().st_mode & 0o777 == 0o600


def _try(home: Home, code: str) -> tuple[int, bytes]:
    body = urlencode({"code": code}).encode()
    sent = {"Accept": "text/html", "Content_Type": "application/x-www-form-urlencoded"}
    found = home.ask("/guard/try-again", "POST", body, **sent)
    return found.status, found.body


def test_the_floor_is_left_with_the_code(home: Home) -> None:
    home.behave("worst")
    home.begin()
    home.reach("floor")
    code = (home.path / "floor-code").read_text().strip()
    home.behave("good")
    for wrong in ("", "aaaa-bbbb-cccc", code[:-1]):
        status, body = _try(home, wrong)
        assert status == 403 and b'role="alert"' in body
    assert len(home.starts()) == 4
    assert _try(home, f" {code.upper()} ")[0] == 303  # as a person types it
    assert home.reach("running").failures == 0
    assert home.start["reason"] == "try_again"
    assert not (home.path / "floor-code").exists()


def test_the_floor_is_left_by_order(home: Home) -> None:
    home.behave("worst")
    home.begin()
    home.reach("floor")
    assert home.outcome(home.order("try_again")).code == "guard.floor"
    first = (home.path / "floor-code").read_text()
    home.behave("exits")
    assert home.outcome(home.order("restart")).code == "guard.safe_mode"
    home.reach("safe")
    assert first and not (home.path / "floor-code").exists()


def test_the_floor_is_left_by_itself_when_the_cause_has_passed(tmp_path: Path) -> None:
    """A database that comes up late, a disk that was full: nobody has to come."""
    with home_of(tmp_path, floor_1_s=0.5, floor_2_s=0.5, floor_3_s=0.5) as home:
        home.behave("worst")
        home.begin()
        home.reach("floor")
        code = (home.path / "floor-code").read_text()
        until(lambda: len(home.starts()) >= 8, "two tries, each a normal start and a safe one")
        assert _modes(home)[4:8] == [False, True, False, True]
        home.reach("floor")
        page = home.ask(
            "/", Accept="text/html"
        ).body.decode()  # it is there meanwhile, and takes the same code
        assert "status 3" in page and (home.path / "floor-code").read_text() == code
        home.behave("good")
        home.reach("running")
        until(lambda: home.state and home.state.failures == 0, "forgotten")
        assert home.ask().body == b"1.0" and not (home.path / "floor-code").exists()


def test_a_code_at_the_end_of_the_log_is_told(home: Home) -> None:
    """What the server itself said it failed of; nothing else of the log is shown."""
    (home.data / "said.json").write_text('"(config.invalid)"')
    home.behave("worst")
    home.begin()
    home.reach("floor")
    assert {one["detail"] for one in home.lines("failure")} == {"status 3 (config.invalid)"}
    text = home.ask("/", Accept="text/html").body.decode()
    assert "status 3 (config.invalid)" in text and "teeth" not in text
    assert home.start["last"]["code"] == "config.invalid"


def test_safe_mode_is_left_by_itself_where_its_cause_is_one_that_passes(tmp_path: Path) -> None:
    """The database on another machine came up late: once it answers, nothing keeps the practice in safe mode."""
    with home_of(tmp_path, floor_1_s=0.5, floor_2_s=0.5, floor_3_s=0.5) as home:
        (home.data / "said.json").write_text('"(store.unreachable)"')
        home.behave("exits")
        home.begin()
        home.reach("safe")
        until(lambda: len(home.lines("passed")) == 2, "tried in vain, and again")
        assert _modes(home)[:6] == [False, False, False, True, False, True]
        home.behave("good")
        home.reach("running")
        until(lambda: home.state and home.state.failures == 0, "forgotten")
        assert home.ask("/health/ready").status == 200 and home.lines("floor") == []


def test_from_the_floor_to_safe_mode_by_itself(tmp_path: Path) -> None:
    with home_of(tmp_path, floor_1_s=0.5) as home:
        home.behave("worst")
        home.begin()
        home.reach("floor")
        home.behave("exits")
        assert home.reach("safe").failures == 3 and home.ask().status == 200


def test_a_safe_server_that_fails_falls_to_the_floor_and_ends_in_order(home: Home) -> None:
    home.behave("exits")
    home.begin()
    pid = home.reach("safe").server_pid
    os.kill(pid or 0, signal.SIGSEGV)
    home.reach("floor")
    assert until(lambda: home.ask("/").code == "guard.floor")
    assert home.end() == 0


def test_a_version_that_is_gone_is_a_failure_like_any_other(home: Home) -> None:
    """Somebody removed the libraries: nothing can be started, and the guard says so on its page."""
    for layer in (home.path / "layers").iterdir():
        (layer / "layer.json").unlink()
    home.begin()
    home.reach("floor")
    assert home.starts() == []
    text = home.ask("/", Accept="text/html", Accept_Language="en").body.decode()
    assert "guard.cannot_start" in text and "no libraries for 1.0" in text
