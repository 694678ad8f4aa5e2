"""Seats: lock and release by our WebSocket, beside Redis and PostgreSQL's advisory locks: same client machine, same run.

Each client takes a lock of its own and gives it back, as fast as it is answered. What that is worth after a power cut:

- ours: lock, fence and holder are on disk before the answer (one `fsync` for all that were asked meanwhile); a save checks
  the fence in its own transaction; the lock outlives the server.
- Redis, `appendfsync always`: the key is on disk before the answer. No fence: a late write is noticed by nobody.
- Redis as it comes: a snapshot now and then; a crash forgets locks that are held. No fence.
- PostgreSQL's advisory locks: in memory, for the life of a connection, nothing is written. No fence.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench import programs, report
from praxisd.testing import debian, seat_scene
from praxisd.testing.postgres import PostgresServer

CLIENTS = 16
FEWER = (1, 4)
"""A practice has twenty seats; that four of them ask in the same millisecond is a busy moment."""
FEW_SYSTEMS = ("ours", "redis-always")
DEMANDED = 0.5
SERVER_CORE, CLIENT_CORE = 0, 1
Measured = dict[tuple[str, int], list[dict[str, Any]]]
PEERS = {
    "redis-always": ("Redis, appendfsync always", "each is on disk before its answer; ours has a fence, Redis none"),
    "redis": ("Redis as it comes", "Redis: snapshots only, a crash forgets held locks; no fence"),
    "postgres": ("PostgreSQL advisory locks", "PostgreSQL: in memory, gone with the connection; no fence"),
}  # fmt: skip


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """A private Redis on a free port, on the servers' core; `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    folder.mkdir()
    binary = debian.program(("redis-server",), "redis-server")
    line = ["taskset", "-c", str(SERVER_CORE), str(binary), "--port", str(port), "--bind", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*line, "--dir", str(folder), *options], stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError(f"Redis did not start: {(folder / 'log').read_text()[-1000:]}")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _pinned(server: PostgresServer) -> None:
    """PostgreSQL's processes on the servers' core; what it forks later inherits it."""
    pid = int((Path(str(server.folder)) / "data" / "postmaster.pid").read_text().split()[0])
    subprocess.run(["taskset", "-a", "-p", "-c", str(SERVER_CORE), str(pid)], capture_output=True, check=True)


def _one(system: str, target: str, clients: int, seconds: float, keys: list[str]) -> dict[str, Any]:
    line = ["taskset", "-c", str(CLIENT_CORE), sys.executable, "-m", "bench.seats_worker"]
    done = subprocess.run(
        [*line, system.split("-")[0], target, str(clients), str(seconds), *keys],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    if done.returncode:
        raise SystemExit(f"{system} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(
    rounds: int, seconds: float, say: Callable[[str], None], notes: list[str], clients: int = CLIENTS
) -> list[report.Row]:
    """Rows of lock and release pairs per second, with `clients` at once."""
    found: Measured = defaultdict(list)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="praxisd-bench-seats-")))
        folder = work / "praxis"
        seat_scene.write_config(folder)
        scene = seat_scene.prepare(folder, seats=clients, patients=1)
        keys = []
        for number, key in enumerate(scene.keys):
            key.save(work / f"seat{number}.json")
            keys.append(str(work / f"seat{number}.json"))
        server = stack.enter_context(programs.praxisd(folder, SERVER_CORE))
        postgres = stack.enter_context(PostgresServer(durable=True))
        _pinned(postgres)
        targets = {
            "ours": server.url,
            "redis-always": stack.enter_context(
                redis_server(work / "always", "--appendonly", "yes", "--appendfsync", "always")
            ),
            "redis": stack.enter_context(redis_server(work / "default")),
            "postgres": postgres.new_database(),
        }
        plans = [(system, clients) for system in targets] + [(one, n) for n in FEWER for one in FEW_SYSTEMS]
        for number in range(rounds):
            for system, count in plans if number % 2 else plans[::-1]:
                one = _one(system, targets[system], count, seconds, keys if system == "ours" else [])
                found[system, count].append(one)
                rate = one["pairs"] / one["seconds"]
                say(f"seats {system}, {count} clients: {rate:.0f} pairs/s, p50 {one['p50Ms']:.2f} ms")
    for count in (clients, *FEWER):
        said = []
        for system in ("ours", *PEERS) if count == clients else FEW_SYSTEMS:
            rates = [one["pairs"] / one["seconds"] for one in found[system, count]]
            waits = [one["p50Ms"] for one in found[system, count]]
            said.append(f"{system} {median(rates):.0f}/s (p50 {median(waits):.2f} ms)")
        notes.append(f"seats, {count} clients, lock and release: {', '.join(said)}")

    def row(words: str, system: str, count: int, note: str, demanded: float | None) -> report.Row:
        ours, peer = ([float(one["pairs"]) for one in found[name, count]] for name in ("ours", system))
        return report.row(
            "seats: pairs per second", f"{count}: {words}", ours, peer, demanded=demanded, note=note
        )

    rows = [
        row(words, system, clients, note, DEMANDED if system == "redis-always" else None)
        for system, (words, note) in PEERS.items()
    ]
    always, note = PEERS["redis-always"]
    return rows + [row(always, "redis-always", count, note, DEMANDED) for count in FEWER]


def main() -> int:
    """`python -m bench.seats [ROUNDS [SECONDS [CLIENTS]]]` alone."""
    if shutil.which("taskset") is None:
        raise SystemExit("taskset is needed: apt-get install util-linux")
    asked = [float(one) for one in sys.argv[1:]] + [5, 2, CLIENTS][len(sys.argv) - 1 :]
    found = report.Report(report.machine())
    found.rows = measure(
        int(asked[0]), asked[1], lambda words: print(words, file=sys.stderr), found.notes, int(asked[2])
    )
    report.show(found, False)
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
