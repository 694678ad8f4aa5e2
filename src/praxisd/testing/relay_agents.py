"""Many practices in one program: an agent for each, all with the same origin. What they show is told on demand.

`python -m praxisd.testing.relay_agents SEED COUNT HUB_PORT[,HUB_PORT] PIN[,PIN] ORIGIN_PORT` prints `ready PORT`; a line
to that port is a question: `all` (how many are linked), `one N` (what the Nth shows), `why` (how many show what), `now`
(do not wait, try again), `jump S` (the time of day that this program sees goes S seconds wrong, as when somebody
corrects a clock).
"""

import argparse
import asyncio
import contextlib
import faulthandler
import functools
import gc
import json
import logging
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from praxisd.testing.relay_hub import LINK_NAME, Process, practices
from praxisd_relay.agent import Address, Agent, State
from praxisd_relay.origin_tcp import origin


def raise_limit() -> None:
    """As many descriptors as this user may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Agents:
    """All of one program."""

    def __init__(self, asked: argparse.Namespace) -> None:
        hubs = [
            Address("127.0.0.1", int(port), pin, LINK_NAME)
            for port, pin in zip(asked.hubs.split(","), asked.pins.split(","), strict=True)
        ]
        carry = origin("127.0.0.1", asked.origin)
        self._up: set[int] = set()
        self.agents = [
            Agent(one, hubs, carry, on_change=functools.partial(self._changed, number))
            for number, one in enumerate(practices(asked.seed, asked.count))
        ]
        self.tasks: list[asyncio.Task[None]] = []
        self._time = time.time

    async def start(self, per_second: float) -> None:
        """All begin, spread over the time that `per_second` makes; 0: at once."""
        for number, one in enumerate(self.agents):
            self.tasks.append(asyncio.create_task(one.run()))
            if per_second and number % 50 == 49:
                await asyncio.sleep(50 / per_second)

    def _changed(self, number: int, state: State) -> None:
        """Counted as they tell it: to ask thousands ten times a second would be most of what this program does."""
        (self._up.add if state.connected else self._up.discard)(number)

    def answer(self, question: str) -> Any:
        """See above."""
        word, _, rest = question.partition(" ")
        match word:
            case "all":
                ended = sum(task.done() for task in self.tasks)
                return {"up": len(self._up), "of": len(self.agents), "ended": ended}
            case "one":
                state = self.agents[int(rest or 0)].state
                return {"connected": state.connected, "links": [link._asdict() for link in state.links]}
            case "why":
                states = [link for one in self.agents for link in one.state.links]
                return dict(Counter(f"{link.phase} {link.code or ''}".strip() for link in states))
            case "now":
                for one in self.agents:
                    one.now()
            case "jump":
                by, real = float(rest), self._time
                time.time = lambda: real() + by
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One who asks."""
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line.decode().strip())).encode() + b"\n")
                await writer.drain()
        writer.close()


async def _main(asked: argparse.Namespace) -> None:
    raise_limit()
    faulthandler.enable()
    gc.set_threshold(
        100_000, 20, 20
    )  # it would walk over thousands of agents all the time; a practice has one
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    agents = Agents(asked)
    server = await asyncio.start_server(agents.serve, "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await agents.start(asked.per_second)
    await asyncio.Event().wait()


class Program:
    """The program from outside."""

    def __init__(
        self,
        log: Path,
        seed: int,
        count: int,
        hubs: list[tuple[int, str]],
        origin: int,
        per_second: float = 0.0,
    ) -> None:
        """hubs: port and pin of each. Starts it and waits for its line; RuntimeError if none comes."""
        command = [sys.executable, "-m", "praxisd.testing.relay_agents", "--per-second", str(per_second)]
        command += ["--", str(seed), str(count)]  # a pin may begin with a dash
        command += [",".join(str(port) for port, _ in hubs), ",".join(pin for _, pin in hubs), str(origin)]
        with log.open("a") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("ready"):
            raise RuntimeError(f"the agents did not start: {log.read_text()[-2000:]}")
        self.port = int(line.split()[1])

    @property
    def process(self) -> Process:
        """Its figures."""
        return Process(self._process.pid)

    @property
    def alive(self) -> bool:
        """Is it running?"""
        return self._process.poll() is None

    @property
    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        """Send one."""
        self._process.send_signal(number)

    async def ask(self, question: str, within: float = 10.0) -> Any:
        """An answer. OSError, EOFError or TimeoutError if none comes."""
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            try:
                writer.write(question.encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
        if not line:
            raise EOFError
        return json.loads(line)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("hubs")
    parser.add_argument("pins")
    parser.add_argument("origin", type=int)
    parser.add_argument("--per-second", type=float, default=0.0)
    asked = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main(asked))
    else:
        uvloop.run(_main(asked))


if __name__ == "__main__":
    main()
