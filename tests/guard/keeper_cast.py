"""The guard as a program, over small script versions: started, asked, killed. Times are short; every wait is bounded."""

import contextlib
import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from praxisd.testing import guarded
from praxisd_guard import journal, orders
from praxisd_guard.keeper_state import State, read_state
from praxisd_guard.told import read as told_of

T = TypeVar("T")
WAIT_S = 60.0
TRUSTING = Path(__file__).with_name("keeper_trusting_cast.py")
QUICK: dict[str, float] = {
    "ready_s": 30,
    "healthy_s": 10,
    "live_every_s": 0.2,
    "live_limit_s": 2,
    "end_s": 5,
    "pause_1_s": 0.2,
    "pause_2_s": 0.3,
}
"""Limits of guards under test. Seconds."""


def until(look: Callable[[], T | None], what: str = "", limit_s: float = WAIT_S) -> T:
    """Wait until `look` finds something that is true; AssertionError after the limit."""
    end = time.monotonic() + limit_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """What a request to the guard's port brought."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str | None:
        """`code` of problem+json, or None."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found.get("code") if isinstance(found, dict) else None


class Home:
    """A HOME with script versions and a data folder; `guard` is the process that keeps it."""

    def __init__(self, folder: Path, limits: Mapping[str, float] = {}) -> None:
        self.path = folder / "home"
        self.data = folder / "data"
        guarded.script_home(self.path, self.data, limits={**QUICK, **limits})
        self.guard: subprocess.Popen[bytes] | None = None
        self.log = folder / "guard.log"

    @property
    def port(self) -> int:
        """Where it listens; 0 before the first start."""
        told = told_of(self.path)
        assert told is not None
        return told.port

    @property
    def state(self) -> State | None:
        """state.json."""
        return read_state(self.path)

    @property
    def start(self) -> dict[str, Any]:
        """start.json."""
        found: dict[str, Any] = json.loads((self.path / "start.json").read_text())
        return found

    def behave(self, behaviour: str, version: str = "1.0") -> None:
        """From its next start on the version does this."""
        (self.data / "behave.json").write_text(json.dumps({version: behaviour}))

    def begin(
        self,
        env: Mapping[str, str] | None = None,
        trusting: bool = False,
        files: tuple[int, int] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start the guard; it writes into guard.log. `trusting`: it believes every package. `files`: its limits."""
        program = [str(TRUSTING)] if trusting else ["-m", "praxisd_guard"]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PRAXISD_", "LC_", "LANG"))}
        with self.log.open("ab") as sink:
            self.guard = subprocess.Popen(
                [sys.executable, *program, "run", "--home", str(self.path)],
                stdout=sink,
                stderr=sink,
                env=kept | dict(env or {}),
                preexec_fn=files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, files)),
            )
        return self.guard

    def reach(self, *states: str) -> State:
        """Wait until state.json of the running guard says one of these states."""

        def look() -> State | None:
            assert self.guard is not None
            assert self.guard.poll() is None, self.words()
            found = self.state
            return found if found and found.state in states and found.pid == self.guard.pid else None

        try:
            return until(look, f"state {states}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.state} {self.lines()} {self.words()}") from None

    def end(self) -> int:
        """SIGTERM to the guard and its exit code."""
        assert self.guard is not None
        self.guard.terminate()
        return self.guard.wait(WAIT_S)

    def kill(self) -> None:
        """SIGKILL to the guard."""
        assert self.guard is not None
        self.guard.kill()
        self.guard.wait(WAIT_S)

    def ask(
        self, path: str = "/version", method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Answer:
        """One request on a connection of its own. OSError when it is refused or cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def order(self, kind: str, reason: str = "person", **more: Any) -> str:
        """Leave an order."""
        return orders.give(self.path, orders.order(kind, "owner", reason, **more))

    def install(self, behaviour: str = "good") -> str:
        """Leave the order to install version 1.1, which behaves so."""
        folder = self.path.parent / "downloaded"
        folder.mkdir(exist_ok=True)
        file = guarded.script_package(folder, self.path, "1.1", behaviour)
        return orders.give(self.path, guarded.install_order(file, "1.1"))

    def steps(self, order: str) -> list[str]:
        """How far an order has come."""
        return [line.step for line in journal.of(self.path, order)]

    def outcome(self, order: str) -> journal.Outcome:
        """Wait for the end of an order."""
        return until(lambda: found if (found := journal.outcome(self.path, order)).final else None, order)

    def lines(self, kind: str = "") -> list[dict[str, Any]]:
        """The journal: {"step", "order", …facts} of one kind, or of all."""
        found = journal.lines(self.path)
        return [
            {"kind": one.kind, "step": one.step, **one.facts} for one in found if not kind or one.kind == kind
        ]

    def starts(self) -> list[dict[str, Any]]:
        """What the servers themselves wrote when they started: {"version", "safe", "pid"}."""
        file = self.data / "starts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def words(self) -> str:
        """The guard's own standard error."""
        return self.log.read_text() if self.log.exists() else ""


@contextlib.contextmanager
def home_of(folder: Path, **limits: float) -> Iterator[Home]:
    """A HOME whose guard and server are gone afterwards, whatever happened."""
    home = Home(folder, limits)
    try:
        yield home
    finally:
        last = home.state
        if home.guard is not None and home.guard.poll() is None:
            home.guard.kill()
            home.guard.wait()
        if last is not None and last.server_pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(last.server_pid, signal.SIGKILL)
