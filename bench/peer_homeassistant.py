"""Start and idle memory beside Home Assistant core (PyPI): two servers for one house, always on, written in Python.

What is alike: one process, asyncio, SQLite at hand, a web console and an API, jobs and events; started from a folder that was
started before; ready is the first answer by HTTP; idle is half a minute later, nobody asked anything. What is not: Home
Assistant looks after lamps, not patients. It runs with the least configuration (`http`, `api` and what it always loads; not
`default_config`, no devices, no recorder), ours with all of its services and a practice of 50,000 appointments.

2024.3.3 is the newest version for Python 3.11. What its integrations need besides, it installs itself at its first start.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench import peer_env, programs, report

VERSION = "2024.3.3"
PACKAGES = (f"homeassistant=={VERSION}", "josepy==1.15.0")
"""josepy: what the version of acme it asks for still needs; newer ones have dropped it."""
IDLE_S = 30.0
WATCHED_S = 10.0
FIRST_S = 3_600.0
LEAST = 1e-3
"""A thousandth of a core: nobody asks after less."""
_CONFIG = """\
homeassistant:
  name: Bench
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
"""


class _Hass(programs.Program):
    """`hass` on a folder, until it answers by HTTP."""

    def __init__(self, there: Path, folder: Path, patience: float) -> None:
        port = programs.free_port()
        (folder / "configuration.yaml").write_text(_CONFIG.format(port=port))
        around = dict(os.environ)
        around.pop("PYTHONPATH", None)
        around["PATH"] = f"{there}{os.pathsep}{around['PATH']}"
        around["VIRTUAL_ENV"] = str(there.parent)
        self.url = f"http://127.0.0.1:{port}"
        with (folder / "hass.log").open("ab") as log:
            began = time.perf_counter()
            self.process = subprocess.Popen(
                [str(there / "hass"), "-c", str(folder)], stdout=log, stderr=log, env=around, text=True
            )
        while not programs.answers(self.url):
            if self.process.poll() is not None or time.perf_counter() - began > patience:
                self.process.kill()
                said = (folder / "hass.log").read_text(errors="replace")[-1_200:]
                raise SystemExit(f"Home Assistant {VERSION} did not start: {said}")
            time.sleep(0.02)
        self.ready_s = time.perf_counter() - began

    def stop(self) -> None:
        """As a person stops it; it may take a while."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.process.wait()


def _ours(folder: Path) -> programs.Program:
    return programs.praxisd(folder, None)


def measure(
    folder: Path, room: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Rounds in turns: start of each, then what it needs while nobody asks."""
    there = peer_env.need(f"homeassistant-{VERSION}", PACKAGES)
    home = room / "home"
    home.mkdir()
    say("homeassistant: its first start, at which it installs what its integrations need")
    with _Hass(there, home, FIRST_S):
        time.sleep(IDLE_S)
    found: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "hass": []}
    for number in range(rounds + 1):
        for name, begin in (
            ("hass", lambda: _Hass(there, home, programs.PATIENCE_S)),
            ("ours", lambda: _ours(folder)),
        ):
            with begin() as one:
                started = one.cpu_s()
                if number < rounds:  # starts alone warm up; the last round looks at what stands idle
                    found[name].append((one.ready_s, started, 0.0, 0.0))
                    continue
                time.sleep(IDLE_S)
                memory, used = one.memory_mb(), one.cpu_s()
                time.sleep(WATCHED_S)
                found[name].append((one.ready_s, started, memory, (one.cpu_s() - used) / WATCHED_S))
        say(f"homeassistant: round {number + 1} of {rounds + 1}")
    mine, theirs = found["ours"], found["hass"]
    starts, others = mine[1:], theirs[1:]
    which = peer_env.versions(there, ("homeassistant", "aiohttp", "home-assistant-frontend"))
    notes.append(
        f"homeassistant: {which}; start {_said(starts)} s beside {_said(others)} s (medians); idle {mine[-1][2]:.0f} beside "
        f"{theirs[-1][2]:.0f} MB, {mine[-1][3]:.2%} beside {theirs[-1][3]:.2%} of a core"
    )
    part = "beside Home Assistant core: ours over theirs"
    return [
        report.row(
            part, "start to the first answer", [one[0] for one in starts], [one[0] for one in others],
            cpu=([1 / one[1] for one in starts], [1 / one[1] for one in others]), less=True,
            note="ours: until `ready`; with 50,000 appointments",
        ),
        report.row(
            part, "resident memory, idle", [mine[-1][2]], [theirs[-1][2]], less=True,
            note=f"{IDLE_S:.0f} s after the start",
        ),
        report.row(
            part, "processor while idle", [max(mine[-1][3], LEAST)], [max(theirs[-1][3], LEAST)], less=True,
            note=f"over {WATCHED_S:.0f} s",
        ),
    ]  # fmt: skip


def _said(starts: Sequence[tuple[float, float, float, float]]) -> str:
    return f"{median(one[0] for one in starts):.1f}"
