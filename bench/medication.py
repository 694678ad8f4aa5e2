"""The search of products over 100,000 names beside a plain prefix query, tantivy, a full scan; `python -m bench medication`."""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import medication_peers as peers
from bench import report
from praxisd.services.medication import finding, finding_cascade, finding_making, sets_reading
from praxisd.services.medication.finding_index import Index
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.testing.houses import Houses
from praxisd.testing.medication_large import install
from praxisd.testing.medication_names import Asked, met, products, questions
from praxisd.testing.practice import small_practice

NAMES = 100_000
LEAST = 0.98
"""So often the right word is among the first 20 (issue 11)."""
SCANNED = 20
"""So many questions of a class are given to the full scan in a round: each takes as long as hundreds of the others."""
_RESIDENT = """
import resource, sys
from pathlib import Path
from praxisd.services.medication.finding_index import Index
def now():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
before = now()
index = Index.read(Path(sys.argv[1]).read_bytes(), sys.argv[2])
print(now() - before)
"""
Find = Callable[[str], Sequence[str]]


@dataclass
class _Turns:
    """What one way of searching has taken, and how often it was right."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    hits: int = 0
    asked: int = 0

    def ask(self, find: Find, one: Asked) -> None:
        """Ask once, by the clock and by processor time, in ms."""
        begin, used = time.perf_counter(), time.thread_time()
        names = find(one.typed)
        self.cpu.append((time.thread_time() - used) * 1000)
        self.wall.append((time.perf_counter() - begin) * 1000)
        self.asked += 1
        self.hits += met(one, names)

    @property
    def rate(self) -> float:
        """Of all questions, so many were answered with the right word."""
        return self.hits / max(1, self.asked)

    def said(self) -> str:
        """For a note."""
        return f"hits {self.rate:.1%} p50 {_at(self.wall, 0.5):.2f} p99 {_at(self.wall, 0.99):.2f} ms"


def _at(took: Sequence[float], share: float) -> float:
    return sorted(took)[max(0, int(len(took) * share + 0.5) - 1)]


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Rows: hit rates by class; p99 over that of a plain prefix query of the same round; the peers in notes and rows."""
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-medication-") as name:
        houses = Houses("sqlite", Path(name))
        try:
            return _measure(houses, rounds, say, notes)
        finally:
            houses.close()


def _measure(houses: Houses, rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    say(f"medication: making {NAMES:,} names")
    made = products(NAMES)
    names = {one.id: one.names[0] for one in made}
    asked = questions(made)
    house = houses.open()
    practice = small_practice(house)
    install(house, made, "large")
    opened = sets_reading.open_set(house, MEDICATION)
    begin = time.perf_counter()
    index = finding_making.index_of(house, opened)
    notes.append(_about(index, opened, asked, time.perf_counter() - begin))

    def ours(text: str) -> list[str]:
        return [names[index.ids[one.product]] for one in finding_cascade.find(index, text, 20, {})]

    def whole(text: str) -> list[str]:
        with house.store.read(practice.desk()) as tx:
            return [one.name for one in finding.search(house, tx, text, 20).results]

    say("medication: indexes of the peers")
    listed = list(names.values())
    prefix, other, scan = peers.Prefix(listed).find, peers.Tantivy(listed).find, peers.Scan(listed).find
    found = []
    for kind, some in asked.items():
        say(f"medication: {kind}")
        by_round: list[dict[str, _Turns]] = []
        for turn in range(rounds):
            turns = {one: _Turns() for one in ("ours", "whole", "plain", "tantivy", "scan")}
            for no, one in enumerate(some):
                turns["plain"].ask(prefix, asked["prefix"][no])
                turns["ours"].ask(ours, one)
                turns["tantivy"].ask(other, one)
                turns["whole"].ask(whole, one)
                if no % (len(some) // SCANNED) == turn % (len(some) // SCANNED):
                    turns["scan"].ask(scan, one)
            by_round.append(turns)
        found += _rows(kind, by_round)
    return found


def _rows(kind: str, by_round: list[dict[str, _Turns]]) -> list[report.Row]:
    last = by_round[-1]
    said = ", ".join(f"{name}: {one.said()}" for name, one in last.items() if name != "ours")
    rates = sorted(one["ours"].rate for one in by_round)
    rate = report.Row(
        part="medication", name=f"{kind}: hits", ratio=rates[0], low=rates[0], high=rates[-1], demanded=LEAST,
        met=rates[0] >= LEAST, note=f"{last['ours'].said()}; {said}",
    )  # fmt: skip
    rows = [rate]
    for name, floor, who in (
        ("p99 / plain prefix query", "plain", "ours"), ("whole answer, p99 / plain prefix", "plain", "whole"),
        ("p99 / tantivy", "tantivy", "ours"), ("p99 / rapidfuzz scan", "scan", "ours"),
    ):  # fmt: skip
        pairs = [(one[who], one[floor]) for one in by_round]
        ratios = sorted(_at(a.wall, 0.99) / _at(b.wall, 0.99) for a, b in pairs)
        cpu = median(_at(a.cpu, 0.99) / _at(b.cpu, 0.99) for a, b in pairs)
        rows.append(report.Row("medication", f"{kind}: {name}", median(ratios), ratios[0], ratios[-1], cpu))
    return rows


def _about(index: Index, opened: sets_reading.Opened, asked: dict[str, list[Asked]], spent: float) -> str:
    """How large the index is, what it cost, and by which questions it is judged."""
    file = opened.path.parent / finding_making.FILE
    said = subprocess.run(
        [sys.executable, "-P", "-c", _RESIDENT, str(file), opened.mark],
        capture_output=True,
        text=True,
        check=True,
    )
    digest = hashlib.sha256(
        "\n".join(one.typed for some in asked.values() for one in some).encode()
    ).hexdigest()[:12]
    return (
        f"medication: {index.size:,} names, {len(index.words):,} words, {len(index.sounds):,} sounds; made by a child in "
        f"{spent:.1f} s, once an edition; file {file.stat().st_size / 1e6:.1f} MB, resident {int(said.stdout) / 1e6:.0f} MB; "
        f"{sum(map(len, asked.values()))} questions, digest {digest}"
    )
