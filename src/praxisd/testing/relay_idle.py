"""`python -m praxisd.testing.relay_idle`: 5,000 idle links in one hub: what one costs, whether others notice, how they return.

    --links N   --spread S (seconds the hub asks for)   --rounds N (of the load)   --seed S   --out DIR

1. 5,000 practices link; the growth of the hub's resident memory over their number is what a link costs (in TLS, kernel
buffers not counted). 2. One more practice is asked, in turns with the same practice at a hub without idle links. 3. The
hub is killed with -9 and started again at once: the time until every link stands, by the agents' own word and the hub's.
Ends with 1 if a promise was broken: 28 KB, 0.9 of the requests, back within the spread and 3 s (where the processors
of this machine can do that much arithmetic in the time: all agents are on it too).
"""

import argparse
import asyncio
import contextlib
import os
import random
import resource
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from praxisd.testing.relay_agents import Program, raise_limit
from praxisd.testing.relay_guest import Guest, Origin
from praxisd.testing.relay_hub import LINK_NAME, Hub, host, practices
from praxisd_relay import dial
from praxisd_relay.hub_certificate import make_own
from praxisd_relay.identity import Identity, verify
from praxisd_relay.pace import LIVED_S
from praxisd_relay.pump import Pump, link_server

KB_PER_LINK, BESIDE, BACK_S = 28.0, 0.9, 3.0
PATIENCE_S = 180.0
_AT_ONCE, _LOAD_S, _TRIES = 8, 1.5, 300


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
    agents_ms: float = 0.0
    bare_ms: float = 0.0
    """What the bare arithmetic of a link costs the hub on this machine at this moment."""
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures."""
        worked = self.links * (self.back_ms + self.agents_ms) / 1000
        lines = [
            f"{self.links:,} idle links in one hub: {self.kb:.1f} KB each (at most {KB_PER_LINK:.0f}); to make one takes "
            f"{self.connect_ms:.2f} ms of its processor (the bare TLS handshake and signature: {self.bare_ms:.2f} ms); "
            f"{self.idle_cpu:.1%} of a processor while they idle (pings)",
            f"  requests beside them over requests to a hub with 1 link, in turns: {median(self.beside or [0]):.2f} by the "
            f"hub's processor time, {median(self.beside_wall or [0]):.2f} by the clock (at least {BESIDE})",
            f"  killed with -9 and started again, spread {self.spread_s:.0f} s: all back {self.back_s:.1f} s after it was "
            f"ready (at most {self.spread_s + BACK_S:.0f}); of a processor {self.back_ms:.2f} ms of the hub and "
            f"{self.agents_ms:.2f} ms of the agents' programs for each link: {worked:.1f} s on {os.cpu_count()} cores",
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


class Agents:
    """All practices with an idle link, in as many programs as there are processors: each uses one."""

    def __init__(self, out: Path, seed: int, links: int) -> None:
        count = max(1, min(os.cpu_count() or 1, links))
        self.shares = [
            (seed + number, links // count + (number < links % count), out / f"many-{number}.log")
            for number in range(count)
        ]
        self.programs: list[Program] = []

    @property
    def practices(self) -> list[Identity]:
        """All of them."""
        return [one for seed, share, _ in self.shares for one in practices(seed, share)]

    def start(self, hub: Hub, origin: int) -> None:
        """They dial, 1,500 a second."""
        per_second = 1500.0 / len(self.shares)
        for seed, share, log in self.shares:
            self.programs.append(Program(log, seed, share, [(hub.port, hub.pin)], origin, per_second))

    def signal(self, number: int) -> None:
        """To each."""
        for one in self.programs:
            one.signal(number)

    def cpu_s(self) -> float:
        """Processor time so far."""
        return sum(one.process.cpu_s() for one in self.programs)

    async def up(self) -> int:
        """How many are linked. OSError, EOFError, TimeoutError."""
        return sum([(await one.ask("all", 30.0))["up"] for one in self.programs])

    async def why(self) -> list[object]:
        """What they show."""
        return [await one.ask("why", 30.0) for one in self.programs]

    def stop(self) -> None:
        """End them."""
        for one in self.programs:
            one.stop()


async def _all(agents: Agents, hub: Hub, links: int) -> float:
    """Seconds until all say that they are linked, and the hub says so too. TimeoutError after `PATIENCE_S`."""
    began, up = time.monotonic(), 0
    while time.monotonic() - began < PATIENCE_S:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            up = await agents.up()
            if up >= links and hub.metrics()["praxis_relay_links"] > links:
                return time.monotonic() - began
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{up} of {links} links after {PATIENCE_S:.0f} s: {await agents.why()}")


async def _rates(hub: Hub, guest: Guest) -> tuple[float, float]:
    """Requests per second of the hub's processor, and of the clock."""
    before, began = hub.process.cpu_s(), time.monotonic()
    done = await _load(guest)
    took = time.monotonic() - began
    return done / (hub.process.cpu_s() - before), done / took


async def _paired(full: tuple[Hub, Guest], bare: tuple[Hub, Guest], many: Agents, found: Idle) -> None:
    """One round: the hub with all links and one with a single link, one right after the other, in an order drawn by lot.

    The many agents stand still meanwhile (for less than their links would mind): all of them are on this machine, and
    what they need of its processors would be counted as the hub's.
    """
    many.signal(signal.SIGSTOP)
    try:
        rates = {}
        for which in random.sample([full, bare], 2):
            rates[which[0]] = await _rates(*which)
    finally:
        many.signal(signal.SIGCONT)
    found.beside.append(rates[full[0]][0] / rates[bare[0]][0])
    found.beside_wall.append(rates[full[0]][1] / rates[bare[0]][1])
    await asyncio.sleep(2.0)


async def _ready(guest: Guest) -> None:
    while not await guest.answers():
        await asyncio.sleep(0.1)
    await _load(guest)  # warm


async def measure(links: int, spread_s: float, rounds: int, seed: int, out: Path) -> Idle:
    """All of it."""
    raise_limit()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most < links + 500:
        raise SystemExit(f"{links} links need {links + 500} descriptors, here are {most}: ulimit -n")
    found = Idle(links, spread_s)
    one, agents = practices(seed, 1), Agents(out, seed + 1, links)
    hub = Hub(out / "hub", [*one, *agents.practices], spread_s=spread_s)
    bare = Hub(out / "bare", one, spread_s=spread_s)
    with contextlib.ExitStack() as stack:
        for each in (hub, bare):
            stack.enter_context(each)
        origin = stack.enter_context(Origin(out / "origin.log")).port
        guests = {}
        for each in (hub, bare):
            first = Program(out / "first.log", seed, 1, [(each.port, each.pin)], origin)
            stack.callback(first.stop)
            guests[each] = Guest(each.port, host(one[0]))
            await _ready(guests[each])
        memory, cpu = hub.process.rss_kb(), hub.process.cpu_s()
        stack.callback(agents.stop)
        agents.start(hub, origin)
        await _all(agents, hub, links)
        linked = time.monotonic()
        await asyncio.sleep(2.0)
        found.connect_ms = (hub.process.cpu_s() - cpu) / links * 1000
        found.kb = (hub.process.rss_kb() - memory) / links
        cpu, began = hub.process.cpu_s(), time.monotonic()
        await asyncio.sleep(10.0)
        found.idle_cpu = (hub.process.cpu_s() - cpu) / (time.monotonic() - began)
        for _ in range(rounds):
            await _paired((hub, guests[hub]), (bare, guests[bare]), agents, found)
        # What failed while 5,000 began in the same instant is forgotten by links that lived, as those of practices do.
        await asyncio.sleep(max(0.0, linked + LIVED_S + 5.0 - time.monotonic()))
        hub.kill()
        await asyncio.sleep(0.3)
        before = agents.cpu_s()
        hub.start()
        found.back_s = await _all(agents, hub, links)
        found.back_ms = hub.process.cpu_s() / links * 1000
        found.agents_ms = (agents.cpu_s() - before) / links * 1000
    found.bare_ms = _bare_ms(out)
    _judge(found)
    return found


def _bare_ms(folder: Path) -> float:
    """Processor time of the bare arithmetic of a link on the hub's side, here and now: a TLS handshake and a signature."""
    make_own(folder / "chain.pem", folder / "key.pem", LINK_NAME)
    server = link_server(str(folder / "chain.pem"), str(folder / "key.pem"), ["praxis-relay/1"])
    client = dial.context(True)
    who, spent = practices(1, 1)[0], 0.0
    signed = who.sign(b"nonce")
    for _ in range(_TRIES):
        far = Pump(client, server=False, server_name=LINK_NAME)
        said, near = far.outgoing(), Pump(server, server=True)
        began = time.process_time()
        near.feed(said)
        spent += time.process_time() - began
        far.feed(near.outgoing())
        said, began = far.outgoing(), time.process_time()
        near.feed(said)
        verify(who.public, b"nonce", signed)
        spent += time.process_time() - began
    return spent / _TRIES * 1000


def _judge(found: Idle) -> None:
    if found.kb > KB_PER_LINK:
        found.faults.append(f"{found.kb:.1f} KB for a link")
    if median(found.beside) < BESIDE:
        found.faults.append("requests beside idle links cost more")
    worked = found.links * (found.back_ms + found.agents_ms) / 1000
    if found.back_s > max(found.spread_s + BACK_S, 2 * worked / (os.cpu_count() or 1)):
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
