"""praxisd's own way: the hub as `praxisd relay-hub serve`, and an agent in a program of its own; one port, the link in TLS."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.relay_peers import Via, Way, straight
from praxisd.testing.relay_agents import Program
from praxisd.testing.relay_hub import Hub, host, practices

NAME = "praxisd"
PYTHON = sys.executable
_SEED = 1
_PATIENCE_S = 30.0


@contextlib.contextmanager
def ours(work: Path, origin: int, via: Via = straight) -> Iterator[Way]:
    """Hub and agent with their own certificate, key and registry; limits per address lifted, as nowhere else is one."""
    (one,) = practices(_SEED, 1)
    with Hub(work / "praxisd", [one]) as hub:
        agent = Program(work / "praxisd-agent.out", _SEED, 1, [(via(hub.port, "caller"), hub.pin)], origin)
        try:
            _linked(agent)
            path = (("hub", hub.process), ("agent", agent.process))
            yield Way(NAME, hub.port, host(one), relay=hub.process, path=path)
        finally:
            agent.stop()


def _linked(agent: Program) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not asyncio.run(agent.ask("all"))["up"]:
        if time.monotonic() > until:
            raise RuntimeError("the agent found no way to the hub")
        time.sleep(0.05)
