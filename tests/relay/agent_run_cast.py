"""An agent that runs for the length of a block, and what is asked of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from praxisd_relay.agent import Agent
from praxisd_relay.agent_rules import State
from praxisd_relay.dial import Address
from praxisd_relay.frames import Rst
from praxisd_relay.stream import Far, Stream

from .agent_cast import until
from .agent_hub_cast import KEY, Guest, Hub


def denied(_stream: Stream) -> Far | Rst:
    return Rst.DENIED


class Kept:
    """Everything an agent said of itself."""

    def __init__(self) -> None:
        self.states: list[State] = []

    def __call__(self, state: State) -> None:
        self.states.append(state)

    @property
    def phases(self) -> list[str]:
        return [state.links[0].phase for state in self.states]


@asynccontextmanager
async def agent(
    *hubs: Address,
    take: Callable[[Stream], Far | Rst] = denied,
    kept: Callable[[State], None] | None = None,
    **more: Any,
) -> AsyncIterator[Agent]:
    one = Agent(more.pop("key", KEY), hubs, take, on_change=kept, **more)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
        assert not task.done(), "the agent ended by itself"
    finally:
        one.stop()
        await asyncio.wait_for(task, 30)
    assert not one.state.connected


async def up(one: Agent, within_s: float = 30.0) -> float:
    return await until(lambda: one.state.connected, within_s)


async def down(one: Agent, within_s: float = 30.0) -> float:
    return await until(lambda: not one.state.connected, within_s)


async def anew(far: Hub, one: Agent) -> None:
    """The hub drops the link; the agent dials again (the dice may choose at once: no look at „down“ would be sure) and is up."""
    tries = len(far.tries)
    far.link.drop("restart")
    await until(lambda: len(far.tries) > tries)
    await up(one)


async def talks(guest: Guest, said: bytes = b"ping") -> None:
    """The guest says something and hears it again."""
    assert guest.stream is not None
    before = len(guest.data)
    guest.stream.write(said)
    await until(lambda: bytes(guest.data[before:]) == said)


async def repeats(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An origin: says everything again; ends when the guest ends."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
