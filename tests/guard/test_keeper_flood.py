"""More guests than there is room for: the server is not taken for hung, and the guard does not fall over them."""

import asyncio
import contextlib
import errno
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd_guard import (
    child_logs,
    keeper_files,
    watch,
)
from praxisd_guard.child import Child
from praxisd_guard.door import Door
from praxisd_guard.door_answers import unavailable
from praxisd_guard.keeper_threads import beside

from .keeper_cast import home_of, until


def _put(file: Path, text: str = "") -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


def test_a_server_that_says_503_is_not_hung(tmp_path: Path) -> None:
    with home_of(tmp_path, live_every_s=0.05) as home:
        home.begin()
        pid = home.reach("running").server_pid
        _put(home.data / "live.json", "503")
        until(lambda: home.ask("/health/live").status == 503)
        time.sleep(1.0)  # some twenty looks
        state = home.reach("running")
        assert (state.server_pid, state.failures) == (pid, 0) and home.lines("failure") == []


def test_doors_that_are_full_are_not_a_server_that_hangs(tmp_path: Path) -> None:
    """Nobody gets in any more, and the program lives: that is told, and it gets time; for ever it does not."""
    with home_of(tmp_path, live_every_s=0.1, live_limit_s=0.6, live_misses_busy=100) as home:
        home.begin()
        pid = home.reach("running").server_pid
        _put(home.data / "mute")
        until(lambda: home.lines("busy"), "the guard notices")
        (home.data / "mute").unlink()
        assert home.ask().body == b"1.0"
        assert home.reach("running").server_pid == pid and home.lines("failure") == []
        _put(home.data / "mute")
        _put(home.data / "deaf")  # now nothing of it answers
        until(lambda: home.lines("failure"), "hung")
        assert home.lines("failure")[0]["code"] == "guard.hung"


def test_a_server_whose_doors_stay_shut_is_hung_in_the_end(tmp_path: Path) -> None:
    with home_of(tmp_path, live_every_s=0.1, live_limit_s=0.2, live_misses_busy=6) as home:
        home.begin()
        home.reach("running")
        _put(home.data / "mute")
        until(lambda: home.lines("failure"), "hung")
        assert home.lines("busy")
        (home.data / "mute").unlink()
        until(lambda: home.state and home.state.state == "running" and home.ask().status == 200)


def test_no_room_for_the_question_says_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(number: int) -> Callable[..., watch.Answer]:
        def fetch(*_args: object) -> watch.Answer:
            raise OSError(number, os.strerror(number))

        return fetch

    for number, answers in ((errno.EMFILE, True), (errno.EADDRNOTAVAIL, True), (errno.ECONNREFUSED, False)):
        monkeypatch.setattr(watch, "fetch", refused(number))
        assert asyncio.run(watch.live("127.0.0.1", 1, 1.0)) is answers


def test_safe_mode_that_hangs_does_not_fall_to_the_floor_at_once(tmp_path: Path) -> None:
    with home_of(tmp_path, live_every_s=0.1, live_limit_s=0.6, end_s=0.3) as home:
        home.behave("exits")
        home.begin()
        pid = home.reach("safe").server_pid
        for file in ("mute", "deaf"):
            _put(home.data / file)
        until(lambda: any(one["code"] == "guard.hung" for one in home.lines("failure")), "hung")
        for file in ("mute", "deaf"):
            (home.data / file).unlink()
        until(lambda: home.state and home.state.state == "safe" and home.state.server_pid not in (None, pid))
        assert home.ask().status == 200 and home.lines("floor") == []
        for file in ("mute", "deaf"):
            _put(home.data / file)
        home.reach("floor")  # it is its own fault, then


@contextlib.contextmanager
def _guests(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many who connect and say nothing."""
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            one = socket.socket()
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            made.append(one)
        yield made
    finally:
        for one in made:
            one.close()


def _asked(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as out:
        out.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        return out.recv(12)


def test_the_door_takes_no_more_than_it_has_room_for_and_answers_all_the_same() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=256) as sock:
            sock.setblocking(False)
            port = sock.getsockname()[1]
            door = Door(sock, lambda request: unavailable(request, "maintenance", 5), most=20)
            await door.open()
            with _guests(port, 60):
                asked = asyncio.create_task(beside(_asked, port))
                most = 0
                while not asked.done():
                    most = max(most, door.inside)
                    await asyncio.sleep(0.01)
                assert most == 20  # all places taken, and none beyond
                assert await asked == b"HTTP/1.1 503"
            await door.finish()

    asyncio.run(main())


def test_the_door_waits_when_there_is_no_descriptor() -> None:
    class Full(socket.socket):
        """A listening socket that has no descriptor for the first guests."""

        left = 3

        def accept(self) -> tuple[socket.socket, Any]:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return super().accept()

    async def main() -> None:
        with Full() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen(16)
            sock.setblocking(False)
            door = Door(sock, lambda request: unavailable(request, "maintenance", 5))
            await door.open()
            assert await beside(_asked, sock.getsockname()[1]) == b"HTTP/1.1 503"
            assert sock.left == 0
            await door.finish()

    asyncio.run(main())


def test_the_guard_restarts_its_server_in_the_midst_of_a_flood(tmp_path: Path) -> None:
    """Its descriptors are few, the guests are many more: it answers, and starts the server."""
    with home_of(tmp_path, live_every_s=30) as home:
        home.behave("worst")
        guard = home.begin(files=(128, 128))
        home.reach("floor")
        with _guests(home.port, 400):
            order = home.order("try_again")
            assert home.outcome(order).code == "guard.floor"  # it has started it, and again
            assert len(home.starts()) == 8 and guard.poll() is None
            home.behave("good")
            order = home.order("try_again")
            until(lambda: home.steps(order) == ["accepted", "kept"], "the server runs")
        until(lambda: home.ask().status == 200)
        assert home.reach("running").failures == 0


def test_the_guard_takes_the_descriptors_it_may_have(tmp_path: Path) -> None:
    with home_of(tmp_path) as home:
        guard = home.begin(files=(100, 200))
        state = home.reach("running")
        for pid in (guard.pid, state.server_pid or 0):
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (200, 200)


def test_short_knows_when_there_are_none_left() -> None:
    assert not keeper_files.short()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, before[1]))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        assert keeper_files.short()
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_logs_survive_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_args: object) -> Iterator[Path]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "glob", none)
    assert child_logs.new_log(tmp_path).parent == tmp_path / "logs"


def test_crashes_do_not_push_out_the_log_of_an_update(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "log").write_text("words\n")
    update = child_logs.keep_failed(tmp_path, "1.1", tmp_path / "log")
    for _ in range(child_logs.KEPT_CRASHED + 3):
        child_logs.keep_crashed(tmp_path, "1.0", tmp_path / "log")
    assert update.read_text() == "words\n"
    assert len(list((tmp_path / "logs").glob("crashed-1.0-*.log"))) == child_logs.KEPT_CRASHED


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Die Datei ist falsch.\n(config.invalid)\n", "config.invalid"),
        ("x (control.busy)", "control.busy"),
        ("Anna Muster (patient)\n", None),
        ("(config.invalid)\nTraceback\n", None),
        ("", None),
    ],
)
def test_the_code_with_which_a_log_ends(tmp_path: Path, text: str, code: str | None) -> None:
    (tmp_path / "log").write_text("x" * 10_000 + "\n" + text)
    assert child_logs.last_code(tmp_path / "log") == code
    assert child_logs.last_code(tmp_path / "none") is None


def test_a_child_that_cannot_be_started_leaves_no_descriptor(tmp_path: Path) -> None:
    async def main() -> None:
        before = os.listdir("/proc/self/fd")
        with pytest.raises(OSError, match="No such file"):
            Child([str(tmp_path / "nothing")], {}, tmp_path / "log")
        assert os.listdir("/proc/self/fd") == before

    asyncio.run(main())
