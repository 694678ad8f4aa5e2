"""The relay beside the floor (direct, haproxy and nginx by SNI) and beside other tunnels (`ssh -R`, snitun).

All programs run at the same time and idle but for the one whose turn it is; in each round the ways come in an order drawn
by lot, and each round gives its own ratios. The processor time is that of the relay's own program on the server's side.
"""

import contextlib
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import load, relay_load, relay_origin, relay_ours, relay_peers, report
from bench.relay_load import Cost
from bench.relay_peers import Missing, Via, Way
from bench.relay_programs import running

Maker = Callable[[Path, int, Via], contextlib.AbstractContextManager[Way]]
Load = Callable[[Way], Cost]
Found = dict[str, dict[str, list[Cost]]]
"""By load and way, one for each round."""

OURS = relay_ours.NAME
MAKERS: tuple[Maker, ...] = (
    relay_peers.direct,
    relay_peers.haproxy,
    relay_peers.nginx,
    relay_peers.ssh,
    relay_peers.snitun,
    relay_ours.ours,
)
SLOW: tuple[Maker, ...] = (
    relay_peers.direct,
    relay_peers.ssh,
    relay_peers.snitun,
    relay_ours.ours,
)
DEMANDS: dict[tuple[str, str], float] = {
    ("keep", "snitun"): 1.7,
    ("new", "snitun"): 1.1,
    ("bulk", "snitun"): 2.2,
    ("beside", "snitun"): 0.15,
    ("keep", "direct"): 0.22,
    ("new", "direct"): 0.37,
    ("bulk", "direct"): 0.33,
}
"""The demands beside snitun were set against 0.47 (0.13, 0.34 and 0.15 of direct); those beside direct say the same of
the floor, and are the ones that bind: 0.40, the newest for Python 3.11, is several times slower."""
_SAID = {
    "keep": "relay: kept connections",
    "new": "relay: a connection each",
    "bulk": "relay: 100 MB",
    "bulks": "relay: 4 x 100 MB",
    "beside": "relay: small beside 1 bulk, p50",
    "besides": "relay: small beside 4 bulks, p50",
}
_ORDER = ["direct", "haproxy", "nginx stream", "ssh -R", "snitun", OURS]
_UNITS = {"keep": "request", "new": "connection", "bulk": "MB"}
_BESIDE_S = 6.0


def measure(rounds: int, seconds: float, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """All rows; peers that are not to be had are named in the notes."""
    found: Found = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-relay-") as name, contextlib.ExitStack() as stack:
        work = Path(name)
        relay_origin.certificate(work, relay_origin.NAME)
        origin = stack.enter_context(relay_origin.nginx(work))
        fast = _started(stack, work / "fast", MAKERS, origin, relay_peers.straight, notes)
        slow = _started(stack, work / "slow", SLOW, origin, _line(stack, work), [])
        loads: list[tuple[str, Sequence[Way], Load]] = [
            ("keep", fast, lambda way: relay_load.requests(way, seconds)),
            ("new", fast, lambda way: relay_load.requests(way, seconds, close=True)),
            ("bulk", fast, relay_load.download),
            ("bulks", fast, lambda way: relay_load.download(way, 4)),
            ("beside", slow, lambda way: relay_load.beside(way, 1, _BESIDE_S)),
            ("besides", slow, lambda way: relay_load.beside(way, 4, _BESIDE_S)),
        ]
        for number in range(rounds):
            for what, ways, one in loads:
                for way in random.sample(ways, len(ways)):
                    found[what][way.name].append(_once(one, way, say))
            say(f"relay: round {number + 1} of {rounds} done")
    notes += _notes(found)
    return [row for what in _SAID for row in _rows(what, found[what])]


def _started(
    stack: contextlib.ExitStack,
    work: Path,
    makers: Sequence[Maker],
    origin: int,
    via: Via,
    notes: list[str],
) -> list[Way]:
    work.mkdir()
    ways = []
    for make in makers:
        try:
            ways.append(stack.enter_context(make(work, origin, via)))
        except Missing as missing:
            notes.append(f"relay: left out: {missing}")
    return ways


def _line(stack: contextlib.ExitStack, work: Path) -> Via:
    """A slow line of its own for each way: 20 Mbit/s up, 30 ms, a queue of 50 ms."""
    command = [relay_ours.PYTHON, "-m", "bench.relay_shaper"]

    def via(port: int, slow: str) -> int:
        one = stack.enter_context(
            running([*command, str(port), slow], work / f"shaper-{port}.out", ready=True)
        )
        return int(one.words[0])

    return via


def _once(one: Load, way: Way, say: Callable[[str], None]) -> Cost:
    """A load; what failed entirely is tried once more (a tunnel links anew), and then counts as next to nothing."""
    for _ in range(2):
        try:
            return one(way)
        except load.Failed as failed:
            say(f"relay: {failed}")
    return Cost(1e-9, failed=1.0, p50_ms=1e6)


def _rows(what: str, costs: dict[str, list[Cost]]) -> Iterator[report.Row]:
    ours = costs.get(OURS, [])
    latency = what.startswith("beside")
    for name in sorted(costs, key=_ORDER.index):
        peer = costs[name]
        if name == OURS or not ours:
            continue
        cpu = None
        if peer[0].cpu_us and ours[0].cpu_us:
            cpu = ([one.cpu_us for one in ours], [one.cpu_us for one in peer])
        yield report.row(
            _SAID[what],
            f"beside {name}",
            [one.p50_ms if latency else one.rate for one in ours],
            [one.p50_ms if latency else one.rate for one in peer],
            cpu=cpu,
            demanded=DEMANDS.get((what, name)),
            most=latency,
            note=_failures(name, ours, peer),
        )


def _failures(name: str, ours: list[Cost], peer: list[Cost]) -> str:
    said = [
        f"{who}: {median(one.failed for one in costs):.1%} failed (rounds up to {max(one.failed for one in costs):.1%})"
        for who, costs in ((OURS, ours), (name, peer))
        if any(one.failed for one in costs)
    ]
    return "; ".join(said)


def _notes(found: Found) -> Iterator[str]:
    """What the ratios were made of: processor time of the relay's program, and rates."""
    for what, unit in _UNITS.items():
        said = [
            f"{name} {median(one.cpu_us for one in costs):,.0f}"
            for name, costs in _ordered(found[what])
            if costs[0].cpu_us
        ]
        yield f"relay: processor time of the hub in µs per {unit}: {', '.join(said)}"
    for what in ("keep", "new", "bulk", "bulks"):
        said = [f"{name} {median(one.rate for one in costs):,.0f}" for name, costs in _ordered(found[what])]
        yield f"{_SAID[what]}, per second: {', '.join(said)}"
    for what in ("beside", "besides"):
        said = [
            f"{name} {median(one.p50_ms for one in costs):,.0f} ms (p95 {median(one.p95_ms for one in costs):,.0f}) "
            f"at {median(one.rate for one in costs):.2f} MB/s"
            for name, costs in _ordered(found[what])
        ]
        yield f"{_SAID[what]}: {', '.join(said)}"


def _ordered(costs: dict[str, list[Cost]]) -> list[tuple[str, list[Cost]]]:
    return sorted(costs.items(), key=lambda one: _ORDER.index(one[0]))
