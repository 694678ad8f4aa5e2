"""Real `praxisd serve` processes: started from the command line, awaited, killed, started again on their folder."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from praxisd.testing.programs import PROGRAM, environment

READY_S = 60.0
STOP_S = 30.0
"""A node ends within 10 s of SIGTERM (SPEC 14.1; `test_web_server` measures it); a busy machine may take longer."""


class Node:
    """One server process on its own data folder. `port` is known once it is ready; `wanted` 0: any free one."""

    popen: Callable[..., Any] = subprocess.Popen
    ready_s = READY_S

    def __init__(self, number: int, folder: Path, log: Path, wanted: int = 0) -> None:
        self.number = number
        self.folder = folder
        self.port = 0
        self._wanted = wanted
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and return at once; `ready()` waits."""
        command = [*PROGRAM, "serve", "--data", str(self.folder), "--port", str(self._wanted)]
        with self._log.open("ab") as log:
            self._process = self.popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment()
            )

    def ready(self) -> "Node":
        """Wait for the line on standard output; RuntimeError with the end of the log if it does not come."""
        process = self._running()
        assert process.stdout is not None
        timer = time.monotonic() + self.ready_s
        os.set_blocking(process.stdout.fileno(), False)
        line = b""
        while not line.endswith(b"\n"):
            if process.poll() is not None or time.monotonic() > timer:
                self.kill()
                tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"node {self.number} did not become ready ({line!r}):\n{tail}")
            line += process.stdout.read() or b""
            if not line:
                time.sleep(0.005)
        word, url = line.decode().split()
        if word != "ready":
            raise RuntimeError(f"node {self.number} said {line!r}")
        self.port = int(url.rsplit(":", 1)[1])
        return self

    def kill(self) -> None:
        """SIGKILL: nothing is said good-bye to."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; the exit code. A node that does not end in time is killed and counts as -9."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return -9
        finally:
            self.kill()

    @property
    def running(self) -> bool:
        """Was it started, and neither killed nor stopped since?"""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return self._running().pid

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"node {self.number} is not running")
        return self._process
