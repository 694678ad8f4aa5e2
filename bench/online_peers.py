"""The peers of online calendars: vdirsyncer, which brings a folder of .ics files to Radicale, a CalDAV server.

Both live in an environment of their own (`.venv-bench`, made at the first use), so that nothing of them touches ours.
"""

import contextlib
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / ".venv-bench"
_PACKAGES = ("vdirsyncer>=0.20,<1", "radicale>=3.5,<4")
_BIN = HOME / "bin"
_PATIENCE_S = 600
_RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {folder}
[logging]
level = error
"""
_VDIRSYNCER = """\
[general]
status_path = "{folder}/status/"
[pair busy]
a = "here"
b = "there"
collections = ["{name}"]
conflict_resolution = "a wins"
[storage here]
type = "filesystem"
path = "{folder}/vdir"
fileext = ".ics"
[storage there]
type = "caldav"
url = "http://127.0.0.1:{port}/praxis/"
username = "praxis"
password = "praxis"
"""


def need() -> None:
    """Make the environment; SystemExit with what went wrong."""
    if all((_BIN / name).exists() for name in ("vdirsyncer", "radicale")):
        return
    for command in ([sys.executable, "-m", "venv", HOME], [_BIN / "pip", "install", "-q", *_PACKAGES]):
        done = subprocess.run([str(one) for one in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"vdirsyncer and Radicale are needed in {HOME}:\n{done.stderr[-2000:]}")


def version() -> str:
    """Which ones were measured."""
    command = [str(_BIN / "pip"), "list", "--format", "freeze", "--disable-pip-version-check"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.lower().splitlines()
    return ", ".join(one.replace("==", " ") for one in found if one.startswith(("vdirsyncer=", "radicale=")))


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processor time of the client alone."""

    wall: float
    cpu: float


class Radicale:
    """The server, on a free port, until `stop`, as it comes."""

    def __init__(self, folder: Path) -> None:
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = int(free.getsockname()[1])
        folder.mkdir(parents=True)
        self.folder = folder / "store"
        config = folder / "radicale.conf"
        config.write_text(_RADICALE.format(port=self.port, folder=self.folder))
        with (folder / "radicale.log").open("ab") as log:
            self._process = subprocess.Popen([_BIN / "radicale", "--config", config], stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if time.monotonic() > until or self._process.poll() is not None:
                self.stop()
                raise SystemExit(f"Radicale did not start: {(folder / 'radicale.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def count(self, name: str) -> int:
        """How many events a collection holds."""
        return len(list((self.folder / "collection-root" / "praxis" / name).glob("*.ics")))

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


class Vdirsyncer:
    """One collection, kept in step by `vdirsyncer sync`, a program that is started each time, as it is meant."""

    def __init__(self, folder: Path, name: str, port: int) -> None:
        folder.mkdir(parents=True)
        self._files = folder / "vdir" / name
        self._files.mkdir(parents=True)
        self._config = folder / "vdirsyncer.conf"
        self._config.write_text(_VDIRSYNCER.format(folder=folder, name=name, port=port))
        self._run("discover", "busy", said="y\n" * 4)
        self.sync()

    def add(self, busy: Sequence[tuple[int, int]]) -> None:
        """One file for each busy time."""
        for number, (start, end) in enumerate(busy):
            text = (
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//praxisd//bench//EN\r\nBEGIN:VEVENT\r\n"
                f"UID:busy-{number}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{_stamp(start)}\r\nDTEND:{_stamp(end)}\r\n"
                "SUMMARY:belegt\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            )
            (self._files / f"busy-{number}.ics").write_bytes(text.encode())

    def sync(self) -> Cost:
        """One run."""
        return self._run("sync", "busy")

    def start(self) -> Cost:
        """What its start alone costs."""
        return self._run("--version")

    def _run(self, *words: str, said: str = "") -> Cost:
        command = [str(_BIN / "vdirsyncer"), "-c", str(self._config), *words]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=_PATIENCE_S)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(f"vdirsyncer {' '.join(words)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
