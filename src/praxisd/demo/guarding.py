"""The sample practice under the guard: kept alive, restarted when planned, updated from the sandbox's repository.

The guard is a program of its own with its HOME in DIR/program; it ends with the demo, also when that is killed. What the
practice must know of the sandboxes is written before its server starts, because that server is another process.
"""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from praxisd import main
from praxisd.demo import relaying
from praxisd.kernel import control
from praxisd.kernel.access import system
from praxisd.kernel.config import load
from praxisd.kernel.errors import Problem
from praxisd.sandbox import updates_program
from praxisd.services.updates import settings
from praxisd.web.server import bind, url_of
from praxisd_guard import home, told
from praxisd_guard.door import BACKLOG

if TYPE_CHECKING:
    from praxisd.demo.sandboxes import Sandboxes

HOME = "program"
READY_S = 90.0
_AS_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); os.execv(sys.argv[2], sys.argv[2:])"
)
"""What systemd does before it starts a program: the socket becomes descriptor 3, and LISTEN_PID is that program's own number."""
_LOOK_S = 0.1
_END_S = 12.0


def introduce(
    folder: Path,
    config: Path | None,
    host: str,
    port: int,
    access: dict[str, Any],
    sandboxes: "Sandboxes",
) -> socket.socket:
    """Tell the practice where the sandboxes are, and the guard what to keep; returns the socket for the doors to be.

    The caller holds the folder's lock. Problem `control.address_unusable` (400) for an address that is taken.
    """
    doors = _bind(host, port)
    shown, port = url_of(doors), doors.getsockname()[1]
    house = main.open_practice(folder, load(config, folder))
    try:
        sandboxes.introduce(house, shown, access["sandbox"])
        relaying.enrol(house, folder, access["sandbox"]["relay"])
        access["relay"] = relaying.facts(house, folder, access["sandbox"]["relay"])
        access["sandbox"]["relay"] = access["relay"]["url"]
        with house.store.write(system("demo")) as tx:
            house.settings.put(tx, settings.ADDRESS, access["sandbox"]["updates"])
    finally:
        house.store.close()
    root = (folder / updates_program.ROOT).read_bytes()
    trusted = folder / "updates" / "root.json"
    if not trusted.exists():
        trusted.parent.mkdir(mode=0o700, exist_ok=True)
        control.write_private(trusted, root.decode())
    place = folder.absolute() / HOME
    told.found(place, folder, host=host, port=port, config=config, root=root)
    home.adopt(place, anew=True)
    return doors


def keep(folder: Path, doors: socket.socket, tell: Callable[[str], None]) -> int:
    """Run the guard until a signal, on the socket `doors`; `tell(url)` once the server answers. Returns the exit code.

    Problem `control.no_server` (503) if the server did not come up; what it said lies in DIR/program/logs.
    """
    ended = threading.Event()

    def leave(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {one: signal.signal(one, leave) for one in (signal.SIGTERM, signal.SIGINT)}
    url = url_of(doors)
    guard = _start(folder.absolute() / HOME, doors)
    try:
        if _up(folder, guard, ended):
            tell(url)
            print(f"ready {url}", flush=True)  # noqa: T201  (the one line on standard output, SPEC 14.1)
        while guard.poll() is None and not ended.wait(_LOOK_S):
            pass
        guard.terminate()
        return 0 if ended.is_set() else 1
    finally:
        _end(guard)
        for one, handler in before.items():
            signal.signal(one, handler)


def _up(folder: Path, guard: "subprocess.Popen[bytes]", ended: threading.Event) -> bool:
    """Wait until the server answers and is linked with the hub; False if the demo is asked to end before."""
    until = time.monotonic() + READY_S
    while not ended.is_set():
        found = control.server(folder)
        if found is not None:
            _linked(found)
            return True
        if guard.poll() is not None or time.monotonic() > until:
            raise Problem("control.no_server", 503, retry=True)
        ended.wait(_LOOK_S)
    return False


def _linked(found: dict[str, Any]) -> None:
    """Wait for the link, at most as long as the plain demo does; the console tells if it does not come."""
    until = time.monotonic() + relaying.UP_S
    while time.monotonic() < until:
        if control.ask(found, "relay.status", {}).get("connected"):
            return
        time.sleep(_LOOK_S)


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        said = error.strerror or str(error)
        raise Problem("control.address_unusable", 400, detail=said, host=host, port=port) from None


def _start(place: Path, doors: socket.socket) -> "subprocess.Popen[bytes]":
    """The guard, handed its socket as systemd does: descriptor 3, and two variables that name it."""
    doors.listen(BACKLOG)
    line = [sys.executable, "-m", "praxisd_guard", "run", "--home", str(place), "--with-parent"]
    found = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _AS_SYSTEMD, str(doors.fileno()), *line],
        stdin=subprocess.PIPE,
        pass_fds=[doors.fileno()],
    )
    doors.close()
    return found


def _end(guard: "subprocess.Popen[bytes]") -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    try:
        guard.wait(_END_S)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
