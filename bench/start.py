"""Start and memory: from the command to `ready`, beside the time Python takes to import what we are built on."""

import http.client
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from bench import practice, programs, report, slots

DEMANDED = 2.5
REQUESTS = 1_000
_IMPORTS = "import litestar, sqlalchemy"


def _imports() -> tuple[float, float]:
    """(wall seconds, processor seconds) of the floor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _asked(url: str, path: str, keys: list[str], count: int) -> None:
    """`count` requests on one connection, all answered 200."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=20)
    for number in range(count):
        connection.request("GET", path, headers={"Authorization": f"Bearer {keys[number % len(keys)]}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {path}")
    connection.close()


def _memory(made: practice.Filled, folder: Path) -> list[report.Row]:
    question = slots.question(made, 1)
    with programs.praxisd(folder, None) as ours:
        ready = ours.memory_mb()
        body = slots.ask(ours.url, question, made.keys[0])[1]
        _asked(ours.url, question, made.keys, REQUESTS)
        later = ours.memory_mb()
        for path in slots.cold(made)[:REQUESTS]:
            _asked(ours.url, path, made.keys, 1)
        computed = ours.memory_mb()
    answer = folder / "answer.json"
    answer.write_bytes(body)
    with programs.floor("litestar", answer, made.keys, None) as floor:
        floor_ready = floor.memory_mb()
        _asked(floor.url, "/api/v1/slots", made.keys, REQUESTS)
        floor_later = floor.memory_mb()

    def row(name: str, mine: float, base: float) -> report.Row:
        note = f"{mine:.0f} MB beside {base:.0f} MB of the bare framework"
        return report.row("memory (resident)", name, [mine], [base], note=note)

    return [
        row("ready", ready, floor_ready),
        row(f"after {REQUESTS} requests", later, floor_later),
        row(f"after {REQUESTS} computed answers", computed, floor_later),
    ]


def measure(
    made: practice.Filled, folder: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Interleaved rounds on a migrated folder; the first of each is not counted (files come into memory)."""
    ours: list[tuple[float, float]] = []
    floor: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        floor.append(_imports())
        with programs.praxisd(folder, None) as one:
            ours.append((one.ready_s, one.cpu_s()))
    say("start: done")
    took = sorted(wall for wall, _ in ours[1:])[rounds // 2]
    notes.append(f"start to ready took {took:.1f} s on this machine just now (median)")
    row = report.row(
        "start",
        "exec to `ready`",
        [wall for wall, _ in ours[1:]],
        [wall for wall, _ in floor[1:]],
        cpu=([1 / cpu for _, cpu in ours[1:]], [1 / cpu for _, cpu in floor[1:]]),
        demanded=DEMANDED,
        most=True,
        note=f"floor: python -c '{_IMPORTS}'; folder with {made.appointments} appointments, migrated before",
    )
    return [row, *_memory(made, folder)]
