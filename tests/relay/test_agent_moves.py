"""An agent leaves a hub for another one: make before break, and nobody is cut by it, not even who comes that moment."""

import asyncio
import time

import pytest

from praxisd_relay import agent_slot
from praxisd_relay.agent_rules import State
from praxisd_relay.carrier import Carrier
from praxisd_relay.origin_tcp import origin
from praxisd_relay.pace import Pace

from .agent_cast import LOOPS, echo, go, until
from .agent_hub_cast import Guest, hub
from .agent_run_cast import agent, repeats, talks


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_slot, "SETTLE_S", 1.0)
    monkeypatch.setattr(agent_slot, "CALM_S", 0.3)


def at(state: State) -> set[str]:
    """The hubs with a link that counts."""
    return {link.hub for link in state.links if link.phase == "up"}


@LOOPS
def test_a_link_moves_home_when_the_home_is_there_again(loops: str) -> None:
    """Three hubs, one of our two homes is away: a third one serves until it is back, and nothing is cut by the move."""

    async def story() -> None:
        async with hub("one") as first, hub("two") as second, hub("three") as third, echo(repeats) as port:
            first.kill()
            homes = [first.address.text, second.address.text]
            first.homes = second.homes = third.homes = homes
            async with agent(third.address, take=origin("127.0.0.1", port)) as one:
                # Links that count, not links that stand: the first may move to the second home while the other is made.
                await until(lambda: at(one.state) == {second.address.text, third.address.text})
                guest = third.open()
                await talks(guest)
                await first.start()
                await until(lambda: first.up == 1)
                await talks(guest)
                assert one.state.connected
                assert guest.stream is not None
                guest.stream.finish()
                await until(lambda: guest.fin)
                await until(lambda: third.up == 0)
                tries = len(first.tries) + len(second.tries) + len(third.tries)
                await asyncio.sleep(2.5)  # and stays there
                assert len(first.tries) + len(second.tries) + len(third.tries) == tries

    go(loops, story())


@LOOPS
def test_who_comes_in_the_moment_of_the_move_is_served(loops: str) -> None:
    """The hub that is left cannot know it yet and opens a stream: it is carried to its end; after that, none is opened."""

    async def story() -> None:
        async with hub("one") as first, hub("two") as second, hub("three") as third, echo(repeats) as port:
            homes = {first.address.text, second.address.text}
            first.homes = second.homes = third.homes = sorted(homes)
            came: list[Guest] = []

            def moved(state: State) -> None:
                if not came and third.up and state.links[0].hub in homes:
                    came.append(third.open())

            async with agent(third.address, take=origin("127.0.0.1", port), kept=moved) as one:
                await until(lambda: came)
                guest, left = came[0], third.link
                await talks(guest)
                assert left.leaving
                await until(lambda: at(one.state) == homes)
                await talks(guest)
                assert guest.stream is not None
                guest.stream.finish()
                await until(lambda: guest.fin)
                await until(lambda: third.up == 0)
                assert guest.code is None

    go(loops, story())


def test_a_hub_that_is_left_and_says_nothing_more_is_let_go_of() -> None:
    """Whether it has read the farewell cannot be known: once it is silent, and nothing runs, its link ends."""

    async def story() -> None:
        async with hub("one") as first, hub("two") as second, hub("three") as third:
            homes = {first.address.text, second.address.text}
            first.homes = second.homes = third.homes = sorted(homes)
            third.ping_s = 0.3
            left: list[Carrier] = []

            def moved(state: State) -> None:
                if not left and third.up and state.links[0].hub in homes:
                    left.append(third.link)
                    assert third.link._transport is not None
                    third.link._transport.pause_reading()

            async with agent(third.address, kept=moved) as one:
                await until(lambda: left)
                await until(lambda: at(one.state) == homes)
                await until(lambda: all(len(slot.links) == 1 for slot in one._slots))
                assert not left[0].leaving  # that it has not read

    go("uvloop", story())


@LOOPS
def test_a_home_that_was_tried_in_vain_is_kept_for_nobody(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link that would move there has another try only minutes later: whoever needs a hub now may dial it."""
    monkeypatch.setattr(Pace, "failed", lambda _self: 0.05)

    async def story() -> None:
        async with hub("one") as first, hub("two") as second, hub("three") as third:
            first.kill()
            homes = [first.address.text, second.address.text]
            first.homes = second.homes = third.homes = homes
            async with agent(third.address) as one:
                await until(lambda: at(one.state) == {second.address.text, third.address.text})
                (away,) = (slot for slot in one._slots if slot.live and slot.live.address == third.address)
                monkeypatch.setattr(agent_slot, "SETTLE_S", 600.0)
                await until(lambda: away._settle_at > time.monotonic() + 300 and away._attempt is None)
                assert away.trying == first.address
                second.kill()
                await first.start()
                await until(lambda: at(one.state) == {first.address.text, third.address.text})

    go(loops, story())
