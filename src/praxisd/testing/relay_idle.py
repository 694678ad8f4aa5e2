"""`python -m praxisd.testing.relay_idle`: 5,000 idle links in one hub: what one costs, whether others notice, how they return.

    --links N   --spread S (seconds the hub asks for)   --rounds N (of the load)   --seed S   --out DIR

1. One practice is linked, and asked over kept TLS-less streams in turns with 2. 2. 5,000 more link; the growth of the hub's
resident memory over their number is what a link costs (in TLS, kernel buffers not counted). 3. The hub is killed with -9 and
started again at once: the time until every link stands, by the agents' own word and by the hub's.
Ends with 1 if a promise was broken: 28 KB, 0.9 of the requests, back within the spread and 3 s.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from praxisd.testing.relay_agents import Program, raise_limit
from praxisd.testing.relay_guest import Guest, Origin
from praxisd.testing.relay_hub import Hub, host, practices

KB_PER_LINK, BESIDE, BACK_S = 28.0, 0.9, 3.0
PATIENCE_S = 180.0
_AT_ONCE, _LOAD_S = 8, 1.5


@dataclass
class Idle:
    """What was found."""

    links: int
    spread_s: float
    kb: float = 0.0
    connect_ms: float = 0.0
    """Processor time of the hub for one link, milliseconds."""
    idle_cpu: float = 0.0
    """Of a processor, with all links idle."""
    beside: list[float] = field(default_factory=list)
    """Requests by the same processor time with all links, over those with one; one for each round."""
    beside_wall: list[float] = field(default_factory=list)
    back_s: float = 0.0
    back_ms: float = 0.0
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures."""
        lines = [
            f"{self.links:,} idle links in one hub: {self.kb:.1f} KB each (at most {KB_PER_LINK:.0f}); to make one takes "
            f"{self.connect_ms:.2f} ms of its processor; {self.idle_cpu:.1%} of a processor while they idle (pings)",
            f"  requests beside them over requests with 1 link: {median(self.beside or [0]):.2f} by the hub's processor "
            f"time without the pings', {median(self.beside_wall or [0]):.2f} by the clock (at least {BESIDE} of the former)",
            f"  killed with -9 and started again, spread {self.spread_s:.0f} s: all back {self.back_s:.1f} s after it was "
            f"ready (at most {self.spread_s + BACK_S:.0f}), {self.back_ms:.2f} ms of its processor each",
        ]
        return "\n".join([*lines, *(f"  broken: {one}" for one in self.faults)])


async def _load(guest: Guest) -> int:
    """Requests answered in a fixed time, some at once, each over a connection of its own."""
    until, done = time.monotonic() + _LOAD_S, 0

    async def one() -> None:
        nonlocal done
        while time.monotonic() < until:
            await guest.get(1_000)
            done += 1

    await asyncio.gather(*(one() for _ in range(_AT_ONCE)))
    return done


async def _all(agents: Program, hub: Hub, links: int) -> float:
    """Seconds until all say that they are linked, and the hub says so too. TimeoutError after `PATIENCE_S`."""
    began, up = time.monotonic(), 0
    while time.monotonic() - began < PATIENCE_S:
        with suppress(OSError, EOFError, TimeoutError):
            up = (await agents.ask("all", 30.0))["up"]
            if up >= links and hub.metrics()["praxis_relay_links"] > links:
                return time.monotonic() - began
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{up} of {links} links after {PATIENCE_S:.0f} s: {await agents.ask('why', 30.0)}")


async def _rates(hub: Hub, guest: Guest, idle_cpu: float = 0.0) -> tuple[float, float]:
    """Requests per second of the hub's processor (without what idle links take of it), and of the clock."""
    before, began = hub.process.cpu_s(), time.monotonic()
    done = await _load(guest)
    took = time.monotonic() - began
    return done / (hub.process.cpu_s() - before - idle_cpu * took), done / took


async def measure(links: int, spread_s: float, rounds: int, seed: int, out: Path) -> Idle:
    """All of it."""
    raise_limit()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most < links + 500:
        raise SystemExit(f"{links} links need {links + 500} descriptors, here are {most}: ulimit -n")
    found = Idle(links, spread_s)
    one, many = practices(seed, 1), practices(seed + 1, links)
    hub = Hub(out / "hub", [*one, *many], spread_s=spread_s, limits=None)
    agents: Program | None = None
    with hub, Origin(out / "origin.log") as origin:
        first = Program(out / "first.log", seed, 1, [(hub.port, hub.pin)], origin.port)
        try:
            guest = Guest(hub.port, host(one[0]))
            await _all(first, hub, 0)
            while not await guest.answers():
                await asyncio.sleep(0.1)
            await _load(guest)  # warm
            alone = [await _rates(hub, guest) for _ in range(rounds)]
            memory, cpu = hub.process.rss_kb(), hub.process.cpu_s()
            agents = Program(out / "many.log", seed + 1, links, [(hub.port, hub.pin)], origin.port, 1500.0)
            await _all(agents, hub, links)
            await asyncio.sleep(2.0)
            found.connect_ms = (hub.process.cpu_s() - cpu) / links * 1000
            found.kb = (hub.process.rss_kb() - memory) / links
            cpu, began = hub.process.cpu_s(), time.monotonic()
            await asyncio.sleep(10.0)
            found.idle_cpu = (hub.process.cpu_s() - cpu) / (time.monotonic() - began)
            among = [await _rates(hub, guest, found.idle_cpu) for _ in range(rounds)]
            found.beside = [b[0] / a[0] for a, b in zip(alone, among, strict=True)]
            found.beside_wall = [b[1] / a[1] for a, b in zip(alone, among, strict=True)]
            await asyncio.sleep(1.0)
            hub.kill()
            await asyncio.sleep(0.3)
            hub.start()
            found.back_s = await _all(agents, hub, links)
            found.back_ms = hub.process.cpu_s() / links * 1000
        finally:
            first.stop()
            if agents is not None:
                agents.stop()
    _judge(found)
    return found


def _judge(found: Idle) -> None:
    if found.kb > KB_PER_LINK:
        found.faults.append(f"{found.kb:.1f} KB for a link")
    if median(found.beside) < BESIDE:
        found.faults.append("requests beside idle links cost more")
    if found.back_s > found.spread_s + BACK_S:
        found.faults.append(f"back only after {found.back_s:.1f} s")


def main(arguments: list[str] | None = None) -> int:
    """What the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.relay_idle", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--links", type=int, default=5_000)
    parser.add_argument("--spread", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-relay-idle-"))
    print(f"logs in {out}", flush=True)
    found = asyncio.run(measure(asked.links, asked.spread, asked.rounds, asked.seed, out))
    print(found.report(), flush=True)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
