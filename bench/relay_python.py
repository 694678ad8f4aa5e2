"""A server in Python behind the relay, beside the same server reached directly: what a relay costs before one as ours.

As in the notes (§ 2) the server is the bottleneck: it has a core of its own, and client, hub and agent, each a program of
its own, share the others. On one core, or where others work on the machine too, all programs compete, and the ratio of the
rates falls to that of all their processor time together ("by cpu"). So the notes say what each program used for a request,
and what follows from that alone for a server with a core of its own: its time beside that of all the others together.
`python -m bench.relay_python [ROUNDS] [SECONDS]` prints it alone.
"""

import contextlib
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import load, relay_load, relay_origin, relay_ours, relay_peers, report
from bench.relay_load import Cost
from bench.relay_peers import Measured, Way
from bench.relay_programs import clients_s, halves, on

KINDS = {"framework": "as ours (uvicorn, Litestar)", "bare": "uvicorn alone"}
LOADS = {"keep": "kept connections", "new": "a connection each"}
DEMANDS = {("framework", "keep"): 0.85}
"""Source: notes/relay.md § 8. For uvicorn alone nothing is demanded: with ready bytes it costs less than client, hub and
agent do together, and then they are the bottleneck and not the server."""
DIRECT, OURS = "direct", relay_ours.NAME


class Found(NamedTuple):
    """One measurement: what the client saw, and each program's processor time for a request, µs."""

    cost: Cost
    used: dict[str, float]

    @property
    def whole(self) -> float:
        """Of all programs."""
        return sum(self.used.values())

    @property
    def slowest(self) -> float:
        """Of the fuller core, where the origin has one and all others share another."""
        return max(self.used["origin"], self.whole - self.used["origin"])


Rounds = dict[tuple[str, str], dict[str, list[Found]]]
"""By origin and load, then by way."""


def measure(rounds: int, seconds: float, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """The rows."""
    found: Rounds = defaultdict(lambda: defaultdict(list))
    own, others = halves(1)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="praxisd-bench-python-")))
        relay_origin.certificate(work, relay_origin.NAME)
        ways: dict[str, list[Way]] = {}
        origins: dict[str, Measured] = {}
        for kind in KINDS:
            with on(own):
                port, origins[kind] = stack.enter_context(relay_origin.python(work, kind))
            (work / kind).mkdir()
            with on(others):
                ways[kind] = [
                    stack.enter_context(make(work / kind, port))
                    for make in (relay_peers.direct, relay_ours.ours)
                ]
        for number in range(rounds):
            for kind in KINDS:
                for what in LOADS:
                    for way in random.sample(ways[kind], 2):
                        with on(others):
                            one = _once(way, origins[kind], seconds, what == "new", say)
                        found[kind, what][way.name].append(one)
            say(f"relay, Python behind it: round {number + 1} of {rounds} done")
    notes += _notes(found)
    return [_row(kind, what, found[kind, what]) for what in LOADS for kind in KINDS]


def _once(way: Way, origin: Measured, seconds: float, close: bool, say: Callable[[str], None]) -> Found:
    programs: dict[str, Measured] = {"origin": origin, **dict(way.path)}
    before = {name: one.cpu_s() for name, one in programs.items()} | {"client": clients_s()}
    try:
        cost = relay_load.requests(way, seconds, close=close)
    except load.Failed as failed:
        if way.name == DIRECT:
            raise
        say(f"relay, Python behind it: {failed}")
        cost = Cost(1e-9, failed=1.0)
    after = {name: one.cpu_s() for name, one in programs.items()} | {"client": clients_s()}
    count = cost.rate * seconds
    return Found(cost, {name: (after[name] - before[name]) / count * 1e6 for name in before})


def _row(kind: str, what: str, each: dict[str, list[Found]]) -> report.Row:
    ours, direct = each[OURS], each[DIRECT]
    failed = [
        f"{name}: {median(one.cost.failed for one in found):.1%} failed"
        for name, found in each.items()
        if any(one.cost.failed for one in found)
    ]
    noise = relay_load.disturbed([one.cost for one in ours], [one.cost for one in direct])
    return report.row(
        f"relay, Python behind it: {LOADS[what]}",
        f"{KINDS[kind]}, beside direct",
        [one.cost.rate for one in ours],
        [one.cost.rate for one in direct],
        cpu=([one.whole for one in ours], [one.whole for one in direct]),
        demanded=None if noise else DEMANDS.get((kind, what)),
        note="; ".join(filter(None, (*failed, noise))),
    )


def _notes(found: Rounds) -> Iterator[str]:
    for (kind, what), each in found.items():
        said = []
        for name, rounds in each.items():
            used = ", ".join(
                f"{one} {median(each.used[one] for each in rounds):.0f}" for one in rounds[0].used
            )
            said.append(f"{name} {median(one.cost.rate for one in rounds):,.0f}/s ({used} µs each)")
        alone = median(a.slowest / b.slowest for a, b in zip(each[DIRECT], each[OURS], strict=True))
        yield (
            f"relay, Python behind it: {LOADS[what]}, {KINDS[kind]}: {'; '.join(said)}; "
            f"from these times, with a core of its own for the server: {alone:.2f}"
        )


def main() -> int:
    """It alone."""
    found = report.Report(report.machine())
    rounds, seconds = (float(one) for one in (*sys.argv[1:], *("7", "2")[len(sys.argv) - 1 :]))
    found.rows += measure(
        int(rounds), seconds, lambda words: print(words, file=sys.stderr, flush=True), found.notes
    )
    report.show(found, False)
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
