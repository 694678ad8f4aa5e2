"""Jobs: our runs beside huey on SQLite and procrastinate on PostgreSQL, all durable, same machine, in turns.

Durable means: what was queued and what was begun is on disk (`synchronous=FULL`, `fsync`, `synchronous_commit`). huey
takes a task out of its queue before it runs, and forgets it then: a crash loses it. With results it at least keeps what
became of it. Ours and procrastinate keep every run with its outcome; ours also notes an event for each, takes a run of
a dead server over from its cursor, and never runs one job beside itself (the queue is spread over eight jobs).
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from bench import report
from bench.jobs_worker import ASKED, QUEUED, TIMED, WORKERS
from praxisd.testing.postgres import PostgresServer

DELAY_ROUNDS = 3
ASKED_NOTE = (
    "ours: the run with its event, a look, a claim beside what else runs: 20 statements; procrastinate's: 3"
)
Measured = dict[tuple[str, str], list[dict[str, Any]]]
SQLITE = ("ours", "huey-results", "huey")
POSTGRES = ("ours", "procrastinate")


def _one(system: str, target: str, measure: str) -> dict[str, Any]:
    """Measure in a process of its own; SystemExit with what it said if it fails."""
    command = [sys.executable, "-m", "bench.jobs_worker", system, target, measure]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode:
        raise SystemExit(f"{system} {measure} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _in_turns(
    systems: Sequence[str], target: Callable[[], str], measure: str, rounds: int, found: Measured
) -> None:
    for number in range(rounds):
        for system in systems if number % 2 else systems[::-1]:
            found[system, measure].append(_one(system, target(), measure))


def _rate(name: str, ours: Sequence[dict[str, Any]], peer: Sequence[dict[str, Any]], note: str) -> report.Row:
    return report.row(
        "jobs: runs per second",
        name,
        [one["perS"] for one in ours],
        [one["perS"] for one in peer],
        cpu=([one["cpuS"] for one in ours], [one["cpuS"] for one in peer]),
        note=note,
    )


def _delay(
    name: str,
    key: str,
    ours: Sequence[dict[str, Any]],
    peer: Sequence[dict[str, Any]],
    note: str = "",
    most: float | None = 1,
) -> report.Row:
    return report.row(
        "jobs: delay (less is better)",
        name,
        [one[key] for one in ours],
        [one[key] for one in peer],
        demanded=most,
        most=True,
        note=note,
    )


def _said(engine: str, systems: Sequence[str], found: Measured) -> str:
    """The medians behind the ratios, side by side."""
    parts = []
    for system in systems:
        rates = [one["perS"] for one in found[system, "rate"]]
        cpu = [one["cpuS"] * 1000 for one in found[system, "rate"]]
        words = f"{system} {median(rates):.0f} runs/s ({median(cpu):.2f} ms processor each)"
        delays = found[system, "delay"]
        if delays:
            asked, due = (median(one[key] for one in delays) for key in ("askedMs", "dueMs"))
            words += f", begins {asked:.0f} ms after asking, {due:.0f} ms after it is due"
        parts.append(words)
    return f"{engine}: " + "; ".join(parts)


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Rows of runs per second and of delays."""
    rows: list[report.Row] = []
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-jobs-") as name:
        found: Measured = defaultdict(list)

        def folder() -> str:
            return tempfile.mkdtemp(dir=name)

        _in_turns(SQLITE, folder, "rate", rounds, found)
        _in_turns(SQLITE[:2], folder, "delay", min(rounds, DELAY_ROUNDS), found)
        say("jobs: SQLite done")
        ours, kept = found["ours", "rate"], found["huey-results", "rate"]
        rows.append(
            _rate("SQLite, huey keeping results", ours, kept, f"{QUEUED} runs queued, {WORKERS} threads")
        )
        rows.append(
            _rate(
                "SQLite, huey that forgets",
                ours,
                found["huey", "rate"],
                "it keeps no outcome; a crash loses the task",
            )
        )
        late = found["ours", "delay"], found["huey-results", "delay"]
        rows.append(
            _delay("SQLite: asked to begun", "askedMs", *late, note=f"median of {ASKED}; huey as it comes")
        )
        rows.append(
            _delay("SQLite: due to begun", "dueMs", *late, note=f"median of {TIMED} at whole seconds")
        )
        notes.append(_said("jobs on SQLite", SQLITE, found))
        with PostgresServer(durable=True) as server:
            there: Measured = defaultdict(list)
            _in_turns(POSTGRES, server.new_database, "rate", rounds, there)
            _in_turns(POSTGRES, server.new_database, "delay", min(rounds, DELAY_ROUNDS), there)
        say("jobs: PostgreSQL done")
        rows.append(
            _rate(
                "PostgreSQL, procrastinate",
                there["ours", "rate"],
                there["procrastinate", "rate"],
                "both woken by NOTIFY",
            )
        )
        late = there["ours", "delay"], there["procrastinate", "delay"]
        rows.append(_delay("PostgreSQL: asked to begun", "askedMs", *late, note=ASKED_NOTE, most=None))
        rows.append(
            _delay("PostgreSQL: due to begun", "dueMs", *late, note="procrastinate looks every 5 seconds")
        )
        notes.append(_said("jobs on PostgreSQL", POSTGRES, there))
    return sorted(rows, key=lambda one: one.part, reverse=True)
