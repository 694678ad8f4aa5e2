"""Programs under measurement: started on one core, their processor time and memory read from /proc, stopped again."""

import http.client
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

_TICK = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 300
"""So long a program may take to begin; a busy machine makes it wait."""
PRAXISD = Path(sys.executable).with_name("praxisd")


class Program:
    """One server process. `url` is known once it printed `ready <url>`; `ready_s` is how long that took."""

    def __init__(self, command: Sequence[str | Path], core: int | None, log: Path) -> None:
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        with log.open("ab") as errors:
            began = time.perf_counter()
            self.process = subprocess.Popen(
                [*pinned, *map(str, command)], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        out = self.process.stdout
        if out is None or not select.select([out], [], [], PATIENCE_S)[0]:
            self.process.kill()
            raise RuntimeError(f"{command[0]} said nothing; see {log}")
        line = out.readline()
        self.ready_s = time.perf_counter() - began
        if not line.startswith("ready "):
            self.process.kill()
            raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
        self.url = line.split()[1]

    @property
    def pid(self) -> int:
        """Of the server itself: taskset replaces itself by it."""
        return self.process.pid

    def cpu_s(self) -> float:
        """Processor time of all its threads so far, user and system, seconds."""
        return cpu_of(self.pid)

    def busy_s(self) -> float:
        """The same in nanoseconds' resolution, for what takes less than a tick of the clock; threads that ended count on."""
        return time.clock_gettime(
            (~self.pid << 3) | 2
        )  # the clock of another process, as clock_getcpuclockid makes it

    def memory_mb(self) -> float:
        """Resident memory, megabytes."""
        return memory_of(self.pid)

    def stop(self) -> None:
        """End it and wait."""
        self.process.terminate()
        try:
            self.process.wait(12)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def cpu_of(pid: int) -> float:
    """Processor seconds of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory_of(pid: int) -> float:
    """Resident megabytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the process is gone")


def free_port() -> int:
    """A port of the loopback nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def answers(url: str) -> bool:
    """True if a server answers there by HTTP, whatever it says."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def praxisd(folder: Path, core: int | None = 0) -> Program:
    """`praxisd serve` on a filled folder, as a person starts it."""
    return Program([PRAXISD, "serve", "--data", folder, "--port", "0"], core, folder / "server.log")


def changing(folder: Path, core: int | None = 0) -> Program:
    """`bench.changing` on a filled folder."""
    return Program([sys.executable, "-m", "bench.changing", folder], core, folder / "server.log")


def floor(kind: str, body: Path, keys: Sequence[str], core: int | None = 0) -> Program:
    """One of `bench.floors`."""
    command = [sys.executable, "-m", "bench.floors", kind, body, *keys]
    return Program(command, core, body.with_suffix(f".{kind}.log"))


def need_wrk() -> str:
    """The path of wrk; installs Debian's package when root. SystemExit with the way to get it otherwise."""
    found = shutil.which("wrk")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "-y", "wrk"], capture_output=True)
        found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is needed: apt-get install wrk")
    return found
