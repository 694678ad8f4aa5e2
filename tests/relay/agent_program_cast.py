"""An agent as a program of its own, so that it can be stopped as a laptop's lid stops it: prints each change of phase."""

import asyncio
import sys

import uvloop

from praxisd_relay.agent import Agent
from praxisd_relay.agent_rules import State
from praxisd_relay.dial import Address
from praxisd_relay.identity import Identity
from praxisd_relay.origin_tcp import origin


def say(state: State) -> None:
    """One line."""
    print(state.links[0].phase, state.links[0].code, flush=True)


if __name__ == "__main__":
    loops, port, pin, name, origin_port = sys.argv[1:]
    one = Agent(
        Identity.new(),
        [Address("127.0.0.1", int(port), pin, name)],
        origin("127.0.0.1", int(origin_port)),
        on_change=say,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loops == "uvloop" else None) as runner:
        runner.run(one.run())
