"""`python -m praxisd.testing.seat_race`: many programs race for the same locks, over WebSocket; nobody may be second.

    --clients 8        processes, each at a seat of its own      --acquires N   attempts of all together (100,000)
    --nodes 1          servers      --postgres   on PostgreSQL, durable (two nodes if left out)
    --freezes 2        so many racers are stopped (SIGSTOP) for longer than the interval, one after the other
    --keys 6           records they want      --seed S      --out DIR   where histories and folders stay

Prints one table; ends with 1 if a single promise was broken. The history, one JSON object a line, is described in
`seat_race_history`, for checkers written by others.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from praxisd import main as composition
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.config import Config
from praxisd.testing import seat_race_client, seat_scene
from praxisd.testing.postgres import PostgresServer
from praxisd.testing.programs import environment
from praxisd.testing.seat_race_check import Violation, check, holds, stale
from praxisd.testing.seat_race_history import Record, offset, read, write
from praxisd.testing.seat_race_proof import unproven
from praxisd.testing.torture_nodes import Node

INTERVAL_S = 10
FROZEN_S = INTERVAL_S * 1.5
LONGEST_S = 3600.0


@dataclass
class Race:
    """What came of it. `seconds`: of the race alone."""

    engine: str
    nodes: int
    clients: int
    records: list[Record]
    seconds: float
    violations: list[Violation] = field(default_factory=list)

    @property
    def acquires(self) -> int:
        """Attempts to get a lock."""
        return sum(1 for one in self.records if one.op in ("lock", "wait", "take", "switch"))


def race(
    out: Path,
    *,
    clients: int = 8,
    acquires: int = 100_000,
    nodes: int = 1,
    postgres: bool = False,
    freezes: int = 2,
    keys: int = 6,
    seed: int = 1,
    silent: int = 2000,
) -> Race:
    """Run it and judge it. Everything is kept in `out`."""
    with ExitStack() as stack:
        url = None
        if postgres:
            server = stack.enter_context(PostgresServer(durable=True))
            url = server.new_database()
        folders = [out / f"node{number}" for number in range(nodes)]
        for folder in folders:
            seat_scene.write_config(folder, url, INTERVAL_S)
        scene = seat_scene.prepare(folders[0], url, takers=clients, seats=0, patients=keys)
        for folder in folders[1:]:  # all nodes of an installation have its key
            shutil.copy(folders[0] / "vault.key", folder / "vault.key")
        running = [Node(number, folder, out / f"node{number}.log") for number, folder in enumerate(folders)]
        for node in running:
            stack.callback(node.kill)
            node.start()
        for node in running:
            node.ready()
        histories, racers = [], []
        for number in range(clients):
            key, history = out / f"seat{number}.json", out / f"client{number}.jsonl"
            scene.takers[number].save(key)
            histories.append(history)
            node = running[number % nodes]
            line = [sys.executable, seat_race_client.__file__, f"http://127.0.0.1:{node.port}", str(key)]
            line += [str(history), "--name", str(number), "--node", str(node.number)]
            line += ["--acquires", str(acquires // clients), "--seed", str(seed * 1000 + number)]
            line += ["--seconds", str((FROZEN_S + 4) * freezes), "--silent", str(silent)]
            line += ["--api-key", scene.secrets["desk"], "--records", ",".join(scene.records)]
            racers.append(_started(stack, line))
        for racer in racers:
            assert racer.stdout is not None and racer.stdout.readline() == b"ready\n"
        began = time.monotonic()
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(b"go\n")
            racer.stdin.flush()
        for number in range(freezes):
            _freeze(racers[number % clients])
        codes = [racer.wait(LONGEST_S) for racer in racers]
        seconds = time.monotonic() - began
        faults = [Violation("exit_code", f"racers ended with {codes}")] if any(codes) else []
        ends = [node.stop() for node in running]
        if any(ends):
            faults.append(Violation("exit_code", f"servers ended with {ends}"))
        told = _told(folders[0], url, scene)
    records = sorted([*read(histories), *told], key=lambda one: (one.start, one.end))
    write(out / "history.jsonl", records)
    result = Race("postgresql" if postgres else "sqlite", nodes, clients, records, seconds, faults)
    result.violations += check(records)
    result.violations += [
        Violation("blind_checker", f"a planted {what} was not found") for what in unproven(records)
    ]
    return result


def _started(stack: ExitStack, line: list[str]) -> "subprocess.Popen[bytes]":
    racer = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())

    def end() -> None:
        if racer.poll() is None:
            racer.kill()
        racer.wait()

    stack.callback(end)
    return racer


def _freeze(racer: "subprocess.Popen[bytes]") -> None:
    """Stop it, as a closed lid does, until its locks have expired; then let it go on where it stood."""
    time.sleep(2)
    if racer.poll() is None:
        racer.send_signal(signal.SIGSTOP)
        time.sleep(FROZEN_S)
        racer.send_signal(signal.SIGCONT)


def _told(folder: Path, url: str | None, scene: seat_scene.SeatScene) -> list[Record]:
    """What the server did by itself."""
    names = {key.seat: str(number) for number, key in enumerate(scene.takers)}
    house = composition.open_practice(folder, Config(database_url=url, log_level="error"))
    shift, found, last = offset(), list[Record](), 0
    try:
        with house.store.read(system("seats", scene.organization)) as tx:
            while batch := events.since(tx, last, types=("lock.expired", "lock.taken_over"), limit=500):
                last = batch[-1].seq
                for one in batch:
                    expired = one.type == "lock.expired"
                    at = one.at * 1_000_000_000 + shift
                    fence = int(one.codes["fence"] or 0)
                    found.append(
                        Record(
                            op="expired" if expired else "taken",
                            key=one.subject,
                            client=names.get(str(one.codes["seat" if expired else "before"]), ""),
                            start=at,
                            end=at + 1_000_000_000,
                            outcome="done",
                            fence=fence if expired else fence - 1,
                        )
                    )
    finally:
        house.stop()
    return found


def report(result: Race, out: Path) -> str:
    """The table of one race."""
    found, _ = holds(result.records)
    late = stale(result.records, found)
    counted = Counter((one.op, one.outcome) for one in result.records if one.op != "beat")
    lines = [
        f"{result.engine}, {result.nodes} nodes: {result.acquires} acquires by {result.clients} clients in"
        f" {result.seconds:.1f} s ({result.acquires / max(result.seconds, 1e-9):.0f}/s), {len(found)} holds",
        *(f"  {op:8} {outcome:8} {number:8}" for (op, outcome), number in sorted(counted.items())),
        f"  stale writes: {len(late)}, refused {sum(one.outcome == 'refused' for one in late)}",
        f"  history in {out / 'history.jsonl'}",
        f"  violations={len(result.violations)}",
        *(f"    {one.kind}: {one.text}" for one in result.violations[:20]),
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.seat_race", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--acquires", type=int, default=100_000)
    parser.add_argument("--nodes", type=int)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--freezes", type=int, default=2)
    parser.add_argument("--keys", type=int, default=6)
    parser.add_argument("--silent", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    if asked.nodes is not None and asked.nodes > 1 and not asked.postgres:
        parser.error("several nodes need --postgres")
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-seats-"))
    out.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, everything kept in {out}", flush=True)
    result = race(
        out,
        clients=asked.clients,
        acquires=asked.acquires,
        nodes=asked.nodes or (2 if asked.postgres else 1),
        postgres=asked.postgres,
        freezes=asked.freezes,
        keys=asked.keys,
        seed=asked.seed,
        silent=asked.silent,
    )
    print(report(result, out), flush=True)
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
