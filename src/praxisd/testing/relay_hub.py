"""A hub as a program, with a registry filled beforehand; killed, started again on its port, measured from /proc.

hub = Hub(folder, practices(seed, 20), ping_s=4.0)
with hub: ...  hub.kill(); hub.start()
"""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from praxisd_relay.hub_certificate import OWN_CERTIFICATE, OWN_KEY, make_own
from praxisd_relay.identity import Identity, spki_pin
from praxisd_relay.records import Practice
from praxisd_relay.registry import Registry

DOMAIN = "relay.test"
LINK_NAME = f"link.{DOMAIN}"
_PROGRAM = "from praxisd_relay.cli import relay_hub; relay_hub()"
"""`praxisd relay-hub` without praxisd around it."""
OPEN_LIMITS: dict[str, Any] = {
    "half_open_per_address": 0,
    "per_address": 0,
    "failures_per_minute": 0,
    "streams_per_second": 0,
    "streams": 4096,
    "rate": 0,
}
"""Limits per address and practice lifted: here all guests are one address."""


def practices(seed: int, count: int) -> list[Identity]:
    """So many identities; the same for the same seed."""
    return [Identity.load(hashlib.sha256(f"{seed} {n}".encode()).digest()) for n in range(count)]


def free_port() -> int:
    """A port of the loopback that nobody listens on, below those that outgoing connections get: free after a restart."""
    while True:
        port = random.randrange(15_000, 32_000)
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            return port


def host(identity: Identity) -> str:
    """The practice's name."""
    return f"{identity.id}.{DOMAIN}"


class Process:
    """Figures of a running program."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def rss_kb(self) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"process {self.pid} is gone")

    def fds(self) -> int:
        """Open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self) -> float:
        """Processor time so far, of all threads."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


class Hub:
    """A hub on a port of its own that stays the same over restarts."""

    def __init__(
        self,
        folder: Path,
        known: Sequence[Identity],
        *,
        limits: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port, self.metrics_port = free_port(), free_port()
        self._process: subprocess.Popen[str] | None = None
        table = {
            "domain": DOMAIN,
            "link_name": LINK_NAME,
            "listen": f"127.0.0.1:{self.port}",
            "metrics_listen": f"127.0.0.1:{self.metrics_port}",
            "data": str(folder / "data"),
            "log": "warning",
        } | settings
        self.config = folder / "relay-hub.toml"
        lines = [f"{name} = {_toml(value)}" for name, value in table.items()]
        lines += [
            "[limits]",
            *(f"{name} = {_toml(value)}" for name, value in (limits or OPEN_LIMITS).items()),
        ]
        self.config.write_text("\n".join(lines) + "\n")
        data = folder / "data"
        data.mkdir(exist_ok=True)
        registry = Registry(data / "hub.sqlite")
        if known:
            registry.apply(*(Practice(id=one.id, key=one.public, label="torture", stamp=1) for one in known))
        registry.close()
        chain, key = data / OWN_CERTIFICATE, data / OWN_KEY
        make_own(chain, key, LINK_NAME)
        made = x509.load_pem_x509_certificate(chain.read_bytes())
        self.pin = spki_pin(made.public_bytes(serialization.Encoding.DER))

    def start(self) -> float:
        """Start it and wait until it listens; seconds it took. RuntimeError with its words if it does not."""
        command = [sys.executable, "-c", _PROGRAM, "serve", "--config", str(self.config)]
        began = time.monotonic()
        with (self.folder / "hub.log").open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("ready"):
            raise RuntimeError(f"the hub did not start: {line}{self.log()[-2000:]}")
        return time.monotonic() - began

    @property
    def process(self) -> Process:
        """Its figures."""
        assert self._process is not None
        return Process(self._process.pid)

    @property
    def alive(self) -> bool:
        """Is it running?"""
        return self._process is not None and self._process.poll() is None

    @property
    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "hub.log").read_text(errors="replace")

    def metrics(self) -> dict[str, float]:
        """All plain figures of /metrics by name (with labels as printed)."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def kill(self, number: int = signal.SIGKILL) -> None:
        """A signal; waits for the end unless it is one that only stops."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        if number not in (signal.SIGSTOP, signal.SIGCONT, signal.SIGHUP):
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()

    def __enter__(self) -> "Hub":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.kill(signal.SIGCONT)
            self.kill()


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
