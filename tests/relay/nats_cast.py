"""A real nats-server on loopback: on its own port, stopped and started again on the same one.

Where the program is missing it is installed (Debian, root); else the test is skipped with the package named.
"""

import contextlib
import random
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import pytest

from praxisd.testing import debian

DEBIAN_PACKAGE = "nats-server"
START_SECONDS = 30.0


def program() -> str:
    """The path of nats-server, after installing it where that is possible; skips the test otherwise."""
    try:
        return str(debian.program((DEBIAN_PACKAGE,), DEBIAN_PACKAGE))
    except debian.ProgramMissing as missing:
        pytest.skip(str(missing))


def free_port() -> int:
    """A port nobody listens on now, below those that outgoing connections get: free after a restart too."""
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class NatsServer:
    """One nats-server; `options` are its own (`--user`, `--tls`, …). Used as a context: it runs inside."""

    def __init__(self, *options: str) -> None:
        self._program, self._options = program(), options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="praxisd-nats-")

    @property
    def url(self) -> str:
        """Its address."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run it, and wait until it takes connections. Raises RuntimeError with its log if it ends."""
        log = Path(self._folder.name) / "log"
        command = [self._program, "-a", "127.0.0.1", "-p", str(self.port), "-l", str(log), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"nats-server ended: {log.read_text()[-1000:] if log.exists() else 'no log'}"
                )
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    if probe.recv(4) == b"INFO":
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("nats-server does not answer")

    def stop(self) -> None:
        """Kill it, as a failing machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "NatsServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()
