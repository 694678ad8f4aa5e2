"""Programs of the relay's measurement: started, waited for until they listen, their processor time read per nanosecond."""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

PATIENCE_S = 30.0


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


def wait_for(port: int, alive: "Tree | None" = None) -> None:
    """Until somebody listens; RuntimeError with what the program wrote if it does not come, or has ended."""
    until = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        ended = alive is not None and alive.process.poll() is not None
        if ended or time.monotonic() > until:
            said = "" if alive is None else alive.said()[-2000:]
            raise RuntimeError(f"nobody listens on {port}: {said}")
        time.sleep(0.05)


class Tree:
    """A program and all that it starts."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, *, cwd: Path | None = None, ready: bool = False
    ) -> None:
        """Start it; with `ready` wait for its line `ready …`, whose words are then `words`. Raises RuntimeError."""
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if ready else errors,
                stderr=errors,
                cwd=cwd,
            )
        self.words: list[str] = []
        if self.process.stdout is not None:
            line = self.process.stdout.readline().decode()
            if not line.startswith("ready"):
                self.stop()
                raise RuntimeError(f"{command} did not start: {line}{self.said()[-2000:]}")
            self.words = line.split()[1:]

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self.process.pid

    def said(self) -> str:
        """What it wrote."""
        return self.log.read_text(errors="replace")

    def pids(self) -> list[int]:
        """Itself and all that descend from it."""
        found = [self.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found

    def cpu_s(self) -> float:
        """Processor time so far of all its threads and processes that live, seconds."""
        return sum(_ran(pid) for pid in self.pids()) / 1e9

    def memory_kb(self) -> int:
        """Resident memory of the program itself, KB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("the process is gone")

    def stop(self) -> None:
        """End it and wait."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _ran(pid: int) -> int:
    """Nanoseconds on a processor: the scheduler's own count, where stat counts in hundredths of a second."""
    total = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], log: Path, *, cwd: Path | None = None, ready: bool = False
) -> Iterator[Tree]:
    """A program until the block ends."""
    one = Tree(command, log, cwd=cwd, ready=ready)
    try:
        yield one
    finally:
        one.stop()


def clients_s() -> float:
    """Processor time of all programs started here that have ended, seconds: the clients, when each is waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def on(cores: Collection[int]) -> Iterator[None]:
    """What is started in the block runs on these cores only; nothing changes where there are none."""
    before = os.sched_getaffinity(0)
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def halves(first: int | None = None) -> tuple[set[int], set[int]]:
    """The cores in two parts, `first` of them (half, if not said) and the rest; none and none where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    at = first or len(cores) // 2
    return (set(cores[:at]), set(cores[at:])) if len(cores) > at > 0 else (set(), set())


def debian(program: str, package: str) -> str | None:
    """The path of a program; installs Debian's package when root. None if it cannot be had."""
    look = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = shutil.which(program, path=look)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "-y", package], capture_output=True)
        found = shutil.which(program, path=look)
    return found
