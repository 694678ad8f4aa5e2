"""Backups under a steady load of writing: nothing confirmed is lost, no copy is broken, and the writer does not stand still.

After each run the writer goes on without one for as long as the run took: so its longest stall with a backup is compared with
the longest without, on the same computer, in the same minutes, over the same time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from praxisd.services.backups.engines.restic import Restic
from praxisd.testing.backup_torture_scene import Practice, found
from praxisd.testing.backup_torture_writer import InHouse, centile, until


@dataclass
class Load:
    """What was measured (seconds), and what was found: `faults` are broken promises."""

    runs: int = 0
    restored: int = 0
    seconds: float = 0.0
    commits: int = 0
    during: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    longest: list[tuple[float, float]] = field(default_factory=list)
    """The longest stall during each run, and in the span after it."""
    faults: list[str] = field(default_factory=list)

    def ratio(self, share: float) -> float:
        """Of the transfers during backups and those without, at this share (1: the longest)."""
        return centile(self.during, share) / max(centile(self.without, share), 1e-9)

    def report(self) -> str:
        """The figures as lines."""
        pairs = sorted(one / max(other, 1e-9) for one, other in self.longest)
        lines = [
            f"{self.runs} backups under load in {self.seconds:.1f} s, {self.commits} confirmed transfers, {self.restored} states"
            f" restored; violations={len(self.faults)}"
        ]
        for name, share in (("median", 0.5), ("p99", 0.99), ("max", 1.0)):
            lines.append(
                f"  writer {name}: {centile(self.during, share) * 1000:.1f} ms during backups,"
                f" {centile(self.without, share) * 1000:.1f} ms without: ratio {self.ratio(share):.2f}"
            )
        if pairs:
            lines.append(
                f"  longest stall, run by run: median ratio {pairs[len(pairs) // 2]:.2f}, highest {pairs[-1]:.2f}"
            )
        return "\n".join([*lines, *(f"    {one}" for one in self.faults[:20])])


def load(top: Path, engine: Callable[[Path], Restic], runs: int, megabytes: int) -> Load:
    """So many whole runs, each through the queue; every state is restored and judged."""
    result = Load()
    folder = found(top / "practice", megabytes)
    path = top / "nas"
    path.mkdir()
    practice = Practice.opened(folder, engine, path)
    try:
        practice.plan()
        with InHouse(practice.house) as writer:
            until(lambda: len(writer.times) > 20 or writer.error is not None)
            for _ in range(runs):
                _one(practice, writer, result)
        if writer.error is not None:
            result.faults.append(f"the writer was refused: {writer.error!r}")
        result.commits = writer.confirmed
        kept = [(one.engine_id, 0) for one in practice.states()]
        result.faults += practice.restored(kept)
        result.faults += [f"left over: {one}" for one in practice.left()]
    finally:
        practice.close()
    return result


def _one(practice: Practice, writer: InHouse, result: Load) -> None:
    confirmed, began = writer.confirmed, time.perf_counter()
    run = practice.run()
    ended = time.perf_counter()
    until(lambda: writer.times[-1][0] > 2 * ended - began or writer.error is not None, 600)
    during, without = writer.between(began, ended), writer.between(ended, 2 * ended - began)
    result.during += during
    result.without += without
    result.longest.append((max(during, default=0.0), max(without, default=0.0)))
    result.seconds += ended - began
    result.runs += 1
    if run.state != "good":
        result.faults.append(f"run {result.runs}: {run.state} {run.code} {run.detail}")
        return
    made = run.snapshot.rpartition("/")[2]
    result.faults += practice.restored([(made, confirmed)])
    result.restored += 1
