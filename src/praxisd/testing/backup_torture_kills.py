"""kill -9 of the process that runs the backup, at random points of every step; the practice writes on from a process of its own.

After each: the practice's own database is whole, nothing of the run lies in the data folder, the run reads „interrupted“ (or
had ended before), the next one is good, and the states from before are there; one of them is restored each time, all at the end.
"""

import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd.testing.backup_torture_scene import DATABASE, found, judged
from praxisd.testing.backup_torture_worker import BEGIN, END, Make, Worker
from praxisd.testing.backup_torture_writer import Beside

STEPS = (BEGIN, "medium", "stage", "copy", "verify", "drop", END)
"""Where a run may be hit: `begin` before its first step, `record` once its last one is done."""
KEPT = 4
"""So few states are kept that each run drops one (unless asked for otherwise)."""


@dataclass
class Kills:
    """What was hit, and what was found: `faults` are broken promises."""

    kills: int = 0
    seconds: float = 0.0
    hit: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    restored: int = 0
    confirmed: int = 0
    good: set[str] = field(default_factory=set)
    """States that read good after the last run."""
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        hit = ", ".join(f"{name} {number}" for name, number in self.hit.items())
        ended = ", ".join(f"{name} {number}" for name, number in self.ended.items())
        lines = [
            f"{self.kills} x kill -9 of who runs the backup in {self.seconds:.1f} s: {hit}",
            f"  these runs then read: {ended}; {self.restored} states restored, {self.confirmed} transfers confirmed meanwhile;"
            f" violations={len(self.faults)}",
        ]
        return "\n".join([*lines, *(f"    {one}" for one in self.faults[:20])])


def kills(
    top: Path, engine: Make, times: int, seed: int, megabytes: int, first: int = 0, kept: int = KEPT
) -> Kills:
    """So many kills, one after the other, each step in its turn (from number `first` on), at a moment that the dice choose."""
    dice, result, began = random.Random(seed), Kills(), time.monotonic()
    folder = found(top / "practice", megabytes)
    path = top / "nas"
    path.mkdir()
    confirmed: dict[str, int] = {}
    Worker(folder, engine, path, "plan", kept).answer()
    with Beside(folder / DATABASE) as writer:
        while len(confirmed) < kept:
            before = writer.confirmed
            spans, answer = _usual(Worker(folder, engine, path, "run"))
            confirmed |= {one: before for one in answer["states"] if one not in confirmed}
            result.good = set(answer["good"])
        for number in range(times):
            _once(
                folder,
                engine,
                path,
                STEPS[(first + number) % len(STEPS)],
                spans,
                dice,
                writer,
                confirmed,
                result,
                kept,
            )
        wanted = list(confirmed.items())
        answer = Worker(folder, engine, path, "restore", wanted).answer()
        result.faults += answer["faults"]
        result.restored += answer["restored"]
        result.confirmed = writer.confirmed
    result.seconds = time.monotonic() - began
    return result


def _usual(worker: Worker) -> tuple[dict[str, float], dict[str, Any]]:
    """How long each step of a run takes that nobody hits."""
    times: list[tuple[str, float]] = []
    while isinstance(word := worker.hear(), tuple):
        times.append((word[0], word[1]))
    spans = {one[0]: after[1] - one[1] for one, after in itertools.pairwise(times)}
    return {"drop": 0.1} | spans, word


def _once(
    folder: Path,
    engine: Make,
    path: Path,
    step: str,
    spans: dict[str, float],
    dice: random.Random,
    writer: Beside,
    confirmed: dict[str, int],
    result: Kills,
    kept: int,
) -> None:
    """One kill in this step, and all that must be true afterwards."""
    before, started = writer.confirmed, time.monotonic()
    worker = Worker(folder, engine, path, "run")
    run, reached = _reach(worker, step)
    time.sleep(dice.random() * spans.get(step, 0.1))
    while worker.said(0) and isinstance(word := worker.hear(), tuple):
        reached = word[0]
    worker.kill()
    result.kills += 1
    result.hit["after its end" if reached == "done" else reached] += 1
    faults = [f"the practice: {one}" for one in judged(folder / DATABASE, writer.confirmed)]
    old = list(confirmed.items())
    answer = Worker(folder, engine, path, "next", old, dice.randrange(kept)).answer()
    result.restored += answer["restored"]
    state, code, detail = answer["runs"].get(run, ["lost", "", ""])
    result.ended[state] += 1
    if state not in ("interrupted", "good"):
        faults.append(f"the run that was hit reads {state} {code} {detail}")
    last = list(answer["runs"].values())[-1]
    if last[0] != "good":
        faults.append(f"the next run: {' '.join(last)}")
    faults += answer["faults"] + [f"left over: {one}" for one in answer["left"]]
    gone = set(confirmed) - set(answer["states"])
    fresh = [one for one in answer["states"] if one not in confirmed]
    stays = [one for one, _ in old if one in result.good][len(fresh) - kept :] if len(fresh) < kept else []
    if lost := gone.intersection(stays):
        faults.append(f"{len(lost)} of the newest good states are not there any more, {len(fresh)} are new")
    if len(answer["good"]) < kept or not fresh:
        faults.append(f"{len(answer['good'])} good states, {len(fresh)} new ones")
    result.good = set(answer["good"])
    for one in gone:
        del confirmed[one]
    confirmed |= dict.fromkeys(fresh, before)
    if not writer.alive:
        faults.append("the practice's writer was refused")
    result.faults += [
        f"kill {result.kills} ({reached}, after {time.monotonic() - started:.2f} s): {one}" for one in faults
    ]


def _reach(worker: Worker, step: str) -> tuple[str, str]:
    """Wait until it is there, or past it. The id of the run, and the step."""
    run = reached = ""
    while isinstance(word := worker.hear(), tuple):
        reached = word[0]
        run = run or (word[2] if len(word) > 2 else "")
        if reached in (step, "done"):
            break
    return run, reached
