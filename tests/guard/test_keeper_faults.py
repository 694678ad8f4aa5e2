"""Faults of the guard's own, and of the computer it runs on: the keeper goes on, in this process to be looked at."""

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from praxisd.testing import guarded
from praxisd_guard import (
    child,
    child_logs,
    child_proc,
    journal,
    keeper,
    keeper_beat,
    keeper_server,
    orders,
    watch,
)
from praxisd_guard.child import Child
from praxisd_guard.journal import Journal
from praxisd_guard.keeper import Keeper
from praxisd_guard.keeper_limits import Limits, limits_of
from praxisd_guard.keeper_server import Hands
from praxisd_guard.keeper_state import StateFile
from praxisd_guard.notify import Notifier
from praxisd_guard.told import read as told_of

from .keeper_cast import QUICK


class _World:
    """A keeper in this process, over a script version."""

    def __init__(self, folder: Path, **limits: float) -> None:
        self.home = folder / "home"
        guarded.script_home(self.home, folder / "data")
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.setblocking(False)
        told = told_of(self.home)
        assert told is not None
        made: Limits = limits_of({**QUICK, **limits})
        self.journal = Journal(self.home)
        self.hands = Hands(self.home, told, made, self.sock, StateFile(self.home), self.journal)
        self.keeper = Keeper(self.home, self.hands, Notifier({}))

    async def runs(self) -> None:
        """Wait until a server runs."""
        end = time.monotonic() + 60
        while self.hands.state.now.state != "running":
            assert time.monotonic() < end, self.hands.state.now
            await asyncio.sleep(0.02)


def _kept(folder: Path, then: Callable[[_World], Any], **limits: float) -> None:
    """A keeper runs until `then`, a coroutine, is done; whatever happens to it, it must still run by then."""

    async def main() -> None:
        world = _World(folder, **limits)
        with world.sock:
            task = asyncio.create_task(world.keeper.run(None))
            try:
                await then(world)
                assert not task.done()
            finally:
                world.keeper.asked_to_end("SIGTERM", None)
                await task

    asyncio.run(main())


def test_a_fault_of_its_own_does_not_end_the_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the start, in the middle of it, and while all is well."""
    left = {"log": 2, "watch": 1, "orders": 1}

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if left[name]:
                left[name] -= 1
                raise ZeroDivisionError(name)
            return real(*args)

        return call

    monkeypatch.setattr(child_logs, "new_log", failing("log", child_logs.new_log))
    monkeypatch.setattr(watch, "until_hung", failing("watch", watch.until_hung))

    async def then(world: _World) -> None:
        await world.runs()
        monkeypatch.setattr(orders, "waiting", failing("orders", orders.waiting))
        while left["orders"]:
            await asyncio.sleep(0.02)
        await world.runs()
        assert world.hands.child is not None and left == {"log": 0, "watch": 0, "orders": 0}

    _kept(tmp_path, then)


def test_a_clock_that_is_set_back_does_not_put_off_what_was_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then(world: _World) -> None:
        await world.runs()
        order = orders.give(world.home, orders.order("restart", "owner", "person", announce_s=0.5))
        while not journal.of(world.home, order):
            await asyncio.sleep(0.02)
        back = SimpleNamespace(time=lambda: time.time() - 3600, monotonic=time.monotonic)
        monkeypatch.setattr(keeper, "time", back)
        end = time.monotonic() + 60
        while not journal.outcome(world.home, order).final:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)

    _kept(tmp_path, then)


def test_an_order_in_which_the_keeper_fails_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def then(world: _World) -> None:
        await world.runs()
        real = world.hands.stop

        async def stop() -> Any:
            monkeypatch.setattr(world.hands, "stop", real)
            raise ZeroDivisionError

        monkeypatch.setattr(world.hands, "stop", stop)
        order = orders.give(world.home, orders.order("restart", "owner", "person"))
        end = time.monotonic() + 60
        while not journal.outcome(world.home, order).final or world.hands.state.now.order is not None:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        assert journal.outcome(world.home, order).code == "guard.fault"

    _kept(tmp_path, then)


def test_a_server_killed_for_want_of_memory_is_a_failure_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL by nobody: "from outside" unless the system says that it had to kill."""
    kills = [7]
    monkeypatch.setattr(child, "oom_kills", lambda: kills[0])

    async def then(world: _World) -> None:
        for count, failures in ((7, 0), (8, 1)):
            await world.runs()
            server = world.hands.child
            assert server is not None
            kills[0] = count
            os.kill(server.pid, signal.SIGKILL)
            while world.hands.child is server:
                await asyncio.sleep(0.02)
            await world.runs()
            assert world.hands.state.now.failures == failures
        found = [line.facts["code"] for line in journal.lines(world.home) if line.kind == "failure"]
        assert found == ["guard.out_of_memory"]

    _kept(tmp_path, then)


def test_how_often_memory_ran_out(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 1\noom_kill 12\noom_kill_x 3\n")
    assert child_proc.oom_kills(tmp_path / "vmstat") == 12
    assert child_proc.oom_kills(tmp_path / "none") is None


def test_a_start_without_descriptors_waits_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def made(*args: Any) -> Child:
        tries.append(1)
        if len(tries) < 4:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return Child(*args)

    monkeypatch.setattr(keeper_server, "Child", made)
    monkeypatch.setattr(keeper_server, "_SHORT_S", 0.01)

    async def then(world: _World) -> None:
        await world.runs()
        assert len(tries) == 4 and world.hands.state.now.failures == 0

    _kept(tmp_path, then)


def test_a_write_that_hangs_does_not_starve_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stands still holds up the loop; systemd must not kill guard and server for it. One that hangs is killed."""
    said: list[float] = []
    notifier = Notifier({"WATCHDOG_USEC": "40000"})
    monkeypatch.setattr(notifier, "alive", lambda: said.append(time.monotonic()))
    monkeypatch.setattr(keeper_beat, "LOOP_PATIENCE_S", 1.0)

    async def main() -> None:
        hands: Any = SimpleNamespace(child=None)
        beat = keeper_beat.Beat(notifier, hands, lambda: False)
        beat.begin()
        await asyncio.sleep(0.1)
        began = time.monotonic()
        time.sleep(2.5)
        during = [at - began for at in said if at > began]
        assert len(during) > 5 and max(during) < 1.5
        beat.end()

    asyncio.run(main())
