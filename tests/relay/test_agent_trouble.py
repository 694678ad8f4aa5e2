"""Networks, hubs and clocks that misbehave: the shown state is true in time, and the link comes back by itself (SPEC 2.5)."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path as File

import pytest

from praxisd_relay import agent as agents
from praxisd_relay import agent_link, agent_rules
from praxisd_relay.dial import Address
from praxisd_relay.link import Limits
from praxisd_relay.origin_tcp import origin
from praxisd_relay.proxy import Proxy

from .agent_cast import LOOPS, echo, go, path, until
from .agent_hub_cast import NAME, Hub, hub
from .agent_run_cast import Kept, agent, anew, down, repeats, talks, up

LATE_S = 10.0
"""A busy machine may see it so much later."""


@LOOPS
def test_a_hub_that_is_killed_and_started_again(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            for _ in range(2):
                far.kill()
                assert await down(one) < 9  # told at once: silence would take nine seconds
                assert one.state.links[0].phase in ("waiting", "resolving", "dialling")
                assert one.state.links[0].code in ("lost", "unreachable")
                await far.start()
                await up(one, 30)

    go(loops, story())


@pytest.mark.slow
@LOOPS
def test_a_cable_that_is_pulled_shows_within_ten_seconds_and_heals(loops: str) -> None:
    """Nothing ends, nothing arrives: the state must not go on saying up, and a new way must be found."""

    async def story() -> None:
        async with hub() as far, path(("127.0.0.1", 0)) as between:
            between.target = ("127.0.0.1", far.port)
            kept = Kept()
            async with agent(Address("127.0.0.1", between.port, far.address.pin, NAME), kept=kept) as one:
                await up(one)
                old = far.link
                between.freeze()
                assert await down(one) < 10 + LATE_S
                assert "silent" in kept.phases
                await until(lambda: between.taken >= 2)  # it dials anew although the old link has not ended
                between.cut()
                between.thaw()
                await up(one)
                assert far.link is not old

    go(loops, story())


@LOOPS
def test_a_line_that_only_stuttered_is_kept(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, path() as between, echo(repeats) as port:
            far.ping_s = 0.3
            between.target = ("127.0.0.1", far.port)
            address = Address("127.0.0.1", between.port, far.address.pin, NAME)
            async with agent(address, take=origin("127.0.0.1", port)) as one:
                await up(one)
                guest = far.open()
                await talks(guest)
                between.freeze()
                await until(lambda: one.state.links[0].phase == "silent")
                between.thaw()
                await up(one)
                await talks(guest)
                assert guest.code is None

    go(loops, story())


@pytest.mark.slow
@LOOPS
def test_a_proxy_that_drops_what_is_idle_never_sees_an_idle_link(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, path(proxy="open") as between:
            far.ping_s = 0.4
            between.idle_s = 3.0
            async with agent(far.address, proxy=Proxy("127.0.0.1", between.port)) as one:
                await up(one)
                link = far.link
                await asyncio.sleep(6)
                assert far.link is link
                assert one.state.connected
                between.idle_s = (
                    0.05  # now even this is too quiet for it: dropped without a word, again and again
                )
                tries = between.taken
                await until(lambda: between.taken > tries + 1)
                between.idle_s = None
                await up(one)

    go(loops, story())


@LOOPS
def test_two_hubs_two_links_one_dies_the_other_serves(loops: str) -> None:
    async def story() -> None:
        async with hub("one") as first, hub("two") as second, echo(repeats) as port:
            homes = [first.address.text, second.address.text]
            first.homes = second.homes = homes
            async with agent(first.address, take=origin("127.0.0.1", port)) as one:
                await until(lambda: first.up == 1 and second.up == 1)
                assert one.state.homes == tuple(homes)
                await until(lambda: [link.phase for link in one.state.links] == ["up", "up"])
                await talks(first.open())
                first.kill()
                await talks(second.open())  # at once
                await until(lambda: sum(link.phase == "up" for link in one.state.links) == 1)
                assert one.state.connected
                await first.start()
                await until(lambda: first.up == 1)
                assert second.up == 1

    go(loops, story())


@LOOPS
def test_a_hub_that_says_nothing_after_tcp(loops: str) -> None:
    async def story() -> None:
        async with hub() as far:
            far.mute = True
            async with agent(far.address, limits=Limits(wait_s=0.5)) as one:
                await until(lambda: one.state.links[0].code == "silent")
                far.mute = False
                one.limits = Limits()
                await up(one)

    go(loops, story())


@LOOPS
def test_the_time_of_day_may_jump(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with hub() as far:
            far.ping_s = 1.0
            async with agent(far.address) as one:
                await up(one)
                link, real = far.link, time.time
                for jump in (86_400.0 * 365, -86_400.0 * 365, 3600.0):
                    monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
                    heard = link.received
                    await until(lambda heard=heard: link.received > heard)  # it goes on asking
                    assert one.state.connected
                assert far.link is link
                await anew(far, one)

    go(loops, story())


@pytest.mark.slow
@LOOPS
def test_after_a_sleep_a_dead_link_is_found_out_within_seconds(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that goes on while a laptop sleeps has jumped: links are asked at once, not after their next ping."""
    slept = [0.0]
    real = agents.awake_clock
    monkeypatch.setattr(agents, "awake_clock", lambda: real() + slept[0])
    monkeypatch.setattr(agent_link, "CHECK_S", 4.0)

    async def story() -> None:
        async with hub() as far, path() as between:
            far.ping_s = 30.0
            between.target = ("127.0.0.1", far.port)
            address = Address("127.0.0.1", between.port, far.address.pin, NAME)
            async with agent(address) as one:
                await up(one)
                slept[0] += 90.0  # a link that lives is kept
                link = far.link
                await asyncio.sleep(6)
                assert one.state.connected
                assert far.link is link
                between.freeze()
                slept[0] += 90.0
                assert await down(one) < 30  # its next ping would show it after a minute
                between.cut()
                between.thaw()
                await up(one)

    go(loops, story())


@asynccontextmanager
async def program(loops: str, far: Hub, origin_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """An agent in a process of its own."""
    words = loops, str(far.port), far.address.pin or "", NAME, str(origin_port)
    one = await asyncio.create_subprocess_exec(
        sys.executable, str(File(__file__).with_name("agent_program_cast.py")), *words, stdout=subprocess.PIPE
    )
    try:
        yield one
    finally:
        one.kill()
        await one.communicate()


@LOOPS
@pytest.mark.parametrize("dropped", [False, True])
def test_a_program_that_stood_still_goes_on(loops: str, dropped: bool) -> None:
    """SIGSTOP as a laptop sleeps: for so long that the hub gave the link up, or not; back within seconds."""

    async def story() -> None:
        async with hub() as far, echo(repeats) as port:
            far.ping_s, far.dead_s = 0.4, 2.5 if dropped else 60.0
            async with program(loops, far, port) as one:
                await until(lambda: far.up == 1)
                link = far.link
                one.send_signal(signal.SIGSTOP)
                if dropped:
                    await until(lambda: far.up == 0)
                    far.dead_s = 60.0  # for the link that is made now
                else:
                    await until(lambda: link.silent)
                one.send_signal(signal.SIGCONT)
                await until(lambda: far.up and not far.link.silent)
                await talks(far.open())
                assert (far.link is link) is not dropped

    go("stdlib", story())


@pytest.mark.slow
@LOOPS
def test_a_name_for_many_hubs_is_looked_at_again_soon(loops: str) -> None:
    """It led to the hub that the other link is at; the next time it leads to one that lives (found by a simulation)."""

    async def story() -> None:
        async with hub("one") as first, hub("two") as second, hub("three") as third, path() as between:
            between.target = ("127.0.0.1", first.port)
            name = Address("127.0.0.1", between.port, first.address.pin, NAME)
            first.homes = second.homes = third.homes = [first.address.text, second.address.text]
            async with agent(name) as one:
                await until(lambda: first.up == 1 and second.up == 1)
                between.target, before = ("127.0.0.1", second.port), between.taken
                first.kill()
                await until(lambda: between.taken > before)  # it leads to the other link's hub
                between.target = ("127.0.0.1", third.port)
                await until(lambda: third.up == 1)
                assert second.up == 1
                await until(lambda: sum(link.phase == "up" for link in one.state.links) == 2)

    go(loops, story())


def test_how_long_it_is_believed_where_an_address_leads() -> None:
    waits = [0.0]
    for _ in range(12):
        waits.append(agent_rules.believed(waits[-1]))
    assert waits[1:] == [4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
