"""Two hubs with a real NATS: a client at the wrong hub beside one at the hub that holds the practice.

Same practice, same origin, same load, in turns; only the port the client connects to differs. The practice's agent is
linked with the second hub only (the link's name is in no DNS, so it cannot follow WELCOME to its other home). Twice:
with guests' bytes as they are between the hubs (`[peers] bytes = "plain"`, which the demands are for), and with mutual
TLS around them too (`"tls"`): then the holder encrypts what it has just decrypted.

Both hubs share one half of the cores; client, agent and origin have the other. In the field each hub has a computer of its
own: where all share two cores, the client and the practice go slower for what the second hub computes, and the ratio says
only that six programs compute more than five. A note tells what each used.
`python -m bench.relay_cluster [ROUNDS] [SECONDS]` prints it alone.
"""

import contextlib
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import trustme

from bench import load, relay_load, relay_origin, report
from bench.relay_load import Cost
from bench.relay_peers import Measured, Missing, Way
from bench.relay_programs import clients_s, debian, free_port, halves, on, running, wait_for
from praxisd.testing.relay_agents import Program
from praxisd.testing.relay_hub import Hub, host, practices

HERE, THERE = "right hub", "wrong hub"
DEMANDS = {"bulk": 0.85, "keep": 0.85, "new": 0.7}
"""Of "plain". Source: notes/relay.md § 8, measured with plain TCP between the hubs."""
KINDS = {"plain": "bytes as they are", "tls": "bytes in TLS again"}
_SAID = {
    "bulk": "cluster: 100 MB",
    "bulks": "cluster: 4 x 100 MB",
    "keep": "cluster: kept connections",
    "new": "cluster: a connection each",
}
_SEED = 6
_HUBS, _OTHERS = halves()


class Each(NamedTuple):
    """One measurement: what the client saw, and what each program used for a request, connection or MB, µs."""

    cost: Cost
    used: dict[str, float]


Found = dict[tuple[str, str], dict[str, list[Each]]]
"""By load and kind, then by way, one for each round."""
_PATIENCE_S = 60.0


class Both:
    """Processor time of two hubs together."""

    def __init__(self, *hubs: Hub) -> None:
        self._hubs = hubs

    def cpu_s(self) -> float:
        """So far, seconds."""
        return sum(hub.process.cpu_s() for hub in self._hubs)


def measure(rounds: int, seconds: float, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """The rows; none, and a note, where nats-server is not to be had."""
    found: Found = defaultdict(lambda: defaultdict(list))
    loads: dict[str, Callable[[Way], Cost]] = {
        "bulk": relay_load.download,
        "bulks": lambda way: relay_load.download(way, 4),
        "keep": lambda way: relay_load.requests(way, seconds),
        "new": lambda way: relay_load.requests(way, seconds, close=True),
    }
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="praxisd-bench-cluster-")))
        try:
            ways = {kind: stack.enter_context(two_hubs(work / kind, kind)) for kind in KINDS}
        except Missing as missing:
            notes.append(f"cluster: left out: {missing}")
            return []
        for number in range(rounds):
            for what, one in loads.items():
                for kind in random.sample([*KINDS], len(KINDS)):
                    for way in random.sample(ways[kind], 2):
                        found[what, kind][way.name].append(_once(one, way, say))
            say(f"cluster: round {number + 1} of {rounds} done")
    notes += _notes(found)
    return [_row(what, kind, found[what, kind]) for what in loads for kind in KINDS]


@contextlib.contextmanager
def two_hubs(work: Path, kind: str = "tls") -> Iterator[list[Way]]:
    """The two ways to one practice. Raises Missing, RuntimeError."""
    program = debian("nats-server", "nats-server")
    if program is None:
        raise Missing("nats-server: apt-get install nats-server")
    work.mkdir()
    relay_origin.certificate(work, relay_origin.NAME)
    (practice,) = practices(_SEED, 1)
    authority, bus = trustme.CA(), free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(on(_OTHERS))
        origin = stack.enter_context(relay_origin.nginx(work))
        nats = stack.enter_context(running([program, "-a", "127.0.0.1", "-p", str(bus)], work / "nats.out"))
        wait_for(bus, nats)
        hubs = []
        for node in ("hub1", "hub2"):
            one = Hub(work / node, [practice])
            _join(one, node, authority, bus, kind)
            with on(_HUBS):
                hubs.append(stack.enter_context(one))
        wrong, right = hubs
        agent = Program(work / "agent.out", _SEED, 1, [(right.port, right.pin)], origin)
        stack.callback(agent.stop)
        path = (("wrong hub", wrong.process), ("right hub", right.process), ("agent", agent.process))
        ways = [
            Way(HERE, right.port, host(practice), relay=_one(right), path=path[1:]),
            Way(THERE, wrong.port, host(practice), relay=Both(wrong, right), path=path),
        ]
        for way in ways:
            _answers(way)
        yield ways


def _one(hub: Hub) -> Measured:
    return Both(hub)


def _join(hub: Hub, node: str, authority: trustme.CA, bus: int, kind: str) -> None:
    """Make it a hub of the cluster: certificate of the hubs' own authority, `[peers]` and `[nats]`."""
    made = authority.issue_cert(node)
    authority.cert_pem.write_to_path(hub.folder / "peers-ca.pem")
    made.private_key_pem.write_to_path(hub.folder / "peers.key")
    (hub.folder / "peers.pem").write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    with hub.config.open("a") as config:
        config.write(f'[peers]\nnode = "{node}"\nlisten = "127.0.0.1:0"\n')
        config.write('certificate = "peers.pem"\nkey = "peers.key"\nca = "peers-ca.pem"\nannounce_s = 0.5\n')
        config.write(f'bytes = "{kind}"\n')
        config.write(f'[nats]\nservers = ["nats://127.0.0.1:{bus}"]\n')


def _answers(way: Way) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            relay_load.requests(way, 1, 1)
            return
        except load.Failed as failed:
            if time.monotonic() > until:
                raise RuntimeError(f"{way.name}: {failed}") from failed


def _once(one: Callable[[Way], Cost], way: Way, say: Callable[[str], None]) -> Each:
    before = {name: program.cpu_s() for name, program in way.path} | {"client": clients_s()}
    try:
        with on(_OTHERS):
            cost = one(way)
    except load.Failed as failed:
        say(f"cluster: {failed}")
        return Each(Cost(1e-9, failed=1.0), dict.fromkeys(before, 0.0))
    after = {name: program.cpu_s() for name, program in way.path} | {"client": clients_s()}
    hubs = sum(after[name] - before[name] for name in before if name.endswith("hub"))
    each = cost.cpu_us / hubs if hubs else 0.0  # the same time, by request and altogether
    return Each(cost, {name: (after[name] - before[name]) * each for name in before})


def _row(what: str, kind: str, found: dict[str, list[Each]]) -> report.Row:
    costs = {name: [one.cost for one in each] for name, each in found.items()}
    there, here = costs[THERE], costs[HERE]
    failed = [
        f"{name}: {median(one.failed for one in each):.1%} failed"
        for name, each in costs.items()
        if any(one.failed for one in each)
    ]
    noise = relay_load.disturbed(there, here)
    return report.row(
        _SAID[what],
        f"wrong hub, {KINDS[kind]}",
        [one.rate for one in there],
        [one.rate for one in here],
        cpu=([one.cpu_us for one in there], [one.cpu_us for one in here]),
        demanded=DEMANDS.get(what) if kind == "plain" and not noise else None,
        note="; ".join(filter(None, (*failed, noise))),
    )


def _notes(found: Found) -> Iterator[str]:
    """Rates, and processor time of each program but the origin."""
    units = {"bulk": "MB", "bulks": "MB", "keep": "request", "new": "connection"}
    for (what, kind), costs in found.items():
        said = [
            f"{name} {median(one.cost.rate for one in each):,.0f}/s ("
            + ", ".join(
                f"{program} {median(one.used[program] for one in each):,.0f}" for program in each[0].used
            )
            + " µs each)"
            for name, each in costs.items()
        ]
        yield f"{_SAID[what]}, {KINDS[kind]}, per {units[what]}: {'; '.join(said)}"


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
