"""The keeper's hands in tests of the install engine: starts script versions on a socket of its own, without counting."""

import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd_guard import versions
from praxisd_guard.child_logs import new_log
from praxisd_guard.keeper_host import Ending, Failure
from praxisd_guard.told import read as told_of

READY_S = 60.0


@dataclass
class ScriptHost:
    """`Host` for one HOME. `calls` lists what the engine asked for, in order."""

    home: Path
    ready_s: float = READY_S
    ending_at: str = ""
    """The call at which the guard is asked to end: `stop`, `start`, `healthy`, `busy`."""
    calls: list[str] = field(default_factory=list)
    steps: list[tuple[str | None, str]] = field(default_factory=list)
    names: list[list[str]] = field(default_factory=list)
    """What `busy` answers, one after the other; then nothing."""
    process: "subprocess.Popen[bytes] | None" = None
    log: str | None = None
    doors: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64))

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self.doors.getsockname()[1])

    def busy(self) -> list[str]:
        """The next of `names`."""
        self._called("busy")
        return self.names.pop(0) if self.names else []

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._called("pause")
        time.sleep(seconds)

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._called("stop")
        self.end()

    def end(self) -> None:
        """Stop the server if one runs (for the end of a test)."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self._close()

    def start(self, reason: str) -> Failure | None:
        """Start what the pointer names."""
        self._called(f"start {reason}")
        assert self.process is None, "two servers at once"
        here = versions.pointer(self.home)
        assert here is not None
        argv, env = versions.command(self.home, here.version, self.doors.fileno())
        log = new_log(self.home)
        self.log = str(log)
        self.process = self._run(argv, env, log)
        assert self.process.stdout is not None
        timer = _Timer(self.process, self.ready_s)
        first = self.process.stdout.readline()
        timer.stop()
        if first.startswith(b"ready "):
            return None
        self.process.kill()
        status = self.process.wait(10)
        self._close()
        code = "guard.not_ready" if status == -signal.SIGKILL else "guard.exited"
        return Failure(code, f"status {status}", str(log))

    def _run(self, argv: list[str], env: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
        fd = self.doors.fileno()
        with log.open("wb") as sink:
            return subprocess.Popen(
                argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, pass_fds=(fd,)
            )

    def healthy(self, version: str) -> Failure | None:
        """Ask the control port and the doors."""
        self._called(f"healthy {version}")
        try:
            return self._look(version)
        except (OSError, http.client.HTTPException) as error:  # it was killed meanwhile
            return Failure("guard.unhealthy", type(error).__name__, self.log)

    def _look(self, version: str) -> Failure | None:
        told = self.health()
        if told.get("version") != version:
            return Failure("guard.wrong_version", str(told.get("version")), self.log)
        if told.get("ok") is not True:
            return Failure("guard.unhealthy", " ".join(told.get("why", [])), self.log)
        status, _ = ask(self.port, "GET", "/")
        return None if status == 200 else Failure("guard.unhealthy", f"/ {status}", self.log)

    def step(self, order: str | None, step: str) -> None:
        """Remember it."""
        self.steps.append((order, step))

    def health(self) -> dict[str, Any]:
        """What the server says to `guard.health`."""
        told = told_of(self.home)
        assert told is not None
        control = json.loads((told.data / "run" / "control.json").read_text())
        found: dict[str, Any] = json.loads(ask(control["port"], "POST", "/guard.health")[1])
        return found

    def running(self) -> str | None:
        """The version that answers at the doors, or None when no server runs."""
        if self.process is None or self.process.poll() is not None:
            return None
        status, body = ask(self.port, "GET", "/version")
        return body.decode() if status == 200 else None

    def _called(self, name: str) -> None:
        if self.ending_at and name.startswith(self.ending_at):
            raise Ending
        self.calls.append(name)

    def _close(self) -> None:
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None


class _Timer:
    """Kills a process that is not ready in time."""

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float) -> None:
        self._timer = threading.Timer(seconds, process.kill)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """It was ready, or ended by itself."""
        self._timer.cancel()


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    """(status, body) of one request on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers={"Authorization": "Bearer t"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
