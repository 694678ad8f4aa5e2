"""The agent keeps its link, whatever becomes of hubs, networks and this computer (SPEC 2.1, 2.5)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from praxisd_relay import agent as agents
from praxisd_relay import agent_link, agent_rules, agent_slot
from praxisd_relay.agent import Agent
from praxisd_relay.agent_rules import State
from praxisd_relay.dial import Address
from praxisd_relay.frames import Goaway, Refused, Rst
from praxisd_relay.identity import Identity
from praxisd_relay.origin_tcp import origin
from praxisd_relay.pace import Pace
from praxisd_relay.proxy import Proxy
from praxisd_relay.stream import Far, Stream

from .agent_cast import LOOPS, echo, free_port, go, path, until
from .agent_hub_cast import AUTHORITY, KEY, NAME, Guest, hub


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
    *hubs: Address, take: Callable[[Stream], Far | Rst] = denied, kept: Kept | None = None, **more: Any
) -> AsyncIterator[Agent]:
    one = Agent(more.pop("key", KEY), hubs, take, on_change=kept, **more)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
        assert not task.done(), "the agent ended by itself"
    finally:
        one.stop()
        await asyncio.wait_for(task, 20)
    assert not one.state.connected


async def up(one: Agent, within_s: float = 30.0) -> float:
    return await until(lambda: one.state.connected, within_s)


async def down(one: Agent, within_s: float = 30.0) -> float:
    return await until(lambda: not one.state.connected, within_s)


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


@LOOPS
def test_a_link_comes_up_and_carries(loops: str) -> None:
    async def story() -> None:
        kept = Kept()
        async with hub() as far, echo(repeats) as port:
            async with agent(far.address, take=origin("127.0.0.1", port), kept=kept) as one:
                await up(one)
                assert kept.phases == ["resolving", "dialling", "proving", "up"]
                assert one.state.host == f"{KEY.id}.localhost"
                assert one.state.links[0].hub == far.address.text
                guest = far.open()
                await talks(guest)
                assert one.state.links[0].streams == 1
                assert guest.stream is not None
                guest.stream.finish()  # half close: the origin hears it and ends
                await until(lambda: guest.fin)
                await until(lambda: one.state.links[0].streams == 0)
                await until(lambda: one.state.links[0].rtt_ms is not None)
                assert far.open(name="x").stream is not None
            await until(lambda: far.up == 0)

    go(loops, story())


@LOOPS
def test_the_public_authorities_decide_where_there_is_no_pin(loops: str, tmp_path: Any) -> None:
    file = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(file)

    async def story() -> None:
        async with hub() as far:
            async with agent(Address(NAME, far.port), authority=str(file)) as one:
                await up(one)
            for address in (
                Address(NAME, far.port),
                Address("localhost", far.port),
            ):  # nobody vouches; other name
                authority = str(file) if address.host == "localhost" else None
                async with agent(address, authority=authority) as one:
                    await until(lambda one=one: one.state.links[0].code == "certificate")
                    assert far.up == 0

    go(loops, story())


@LOOPS
def test_somebody_else_with_a_certificate_of_his_own_hears_nothing(loops: str) -> None:
    async def story() -> None:
        async with hub() as far:
            said: list[int] = []
            far._said = lambda _carrier, kind, _payload: said.append(kind)  # type: ignore[method-assign]
            async with agent(Address("127.0.0.1", far.port, "A" * 43)) as one:
                await until(lambda: one.state.links[0].code == "foreign")
            assert said == []

    go(loops, story())


@LOOPS
def test_a_hub_that_is_killed_and_started_again(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            for _ in range(2):
                far.kill()
                assert await down(one) < 5
                assert one.state.links[0].phase in ("waiting", "resolving", "dialling")
                assert one.state.links[0].code in ("lost", "unreachable")
                await far.start()
                await up(one, 30)

    go(loops, story())


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
                assert await down(one) < 10
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


@LOOPS
def test_a_proxy_that_drops_what_is_idle_never_sees_an_idle_link(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, path(proxy="open") as between:
            far.ping_s = 0.4
            between.idle_s = 1.5
            async with agent(far.address, proxy=Proxy("127.0.0.1", between.port)) as one:
                await up(one)
                link = far.link
                await asyncio.sleep(4)
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
@pytest.mark.parametrize("code", ["unknown", "revoked", "version"])
def test_a_refusal_is_shown_and_asked_again_slowly(loops: str, code: str) -> None:
    async def story() -> None:
        async with hub() as far:
            far.refuse = Refused(code)
            async with agent(far.address) as one:
                await until(lambda: one.state.links[0].phase == "refused")
                shown = one.state.links[0]
                assert shown.code == code
                assert shown.retry_at is not None
                assert shown.retry_at - time.monotonic() > 30
                await asyncio.sleep(2)
                assert len(far.tries) == 1
                far.refuse = None  # the operator put it right; somebody presses the button
                one.now()
                await up(one)

    go(loops, story())


@LOOPS
def test_a_hub_without_time_is_asked_again_when_it_says_so(loops: str) -> None:
    async def story() -> None:
        async with hub() as far:
            far.refuse = Refused("busy", 1.0)
            async with agent(far.address) as one:
                await until(lambda: len(far.tries) == 1)
                await until(lambda: one.state.links[0].code == "busy")
                assert one.state.links[0].phase == "waiting"
                far.refuse = None
                assert await up(one) > 0.5

    go(loops, story())


@LOOPS
def test_revoked_while_up(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            far.refuse = Refused("revoked")
            far.link.goaway("revoked")
            far.link.drop("revoked")
            await until(lambda: one.state.links[0].phase == "refused")
            assert one.state.links[0].code == "revoked"
            assert len(far.tries) == 1

    go(loops, story())


@LOOPS
def test_two_machines_with_one_key_do_not_chase_each_other(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            await asyncio.sleep(0.05)
            far.link.goaway("replaced")
            far.link.drop("replaced")
            await until(lambda: not one.state.connected)
            shown = one.state.links[0]
            assert (shown.phase, shown.code) == ("waiting", "replaced")
            assert shown.retry_at is not None
            assert shown.retry_at - time.monotonic() > 20

    go(loops, story())


@LOOPS
def test_goaway_another_link_in_the_window_and_old_streams_finish(loops: str) -> None:
    async def story() -> None:
        async with (
            hub() as far,
            echo(repeats) as port,
            agent(far.address, take=origin("127.0.0.1", port)) as one,
        ):
            await up(one)
            old = far.link
            guest = far.open()
            await talks(guest)
            old.goaway("drain", 0.6, 0.6)
            asked = time.monotonic()
            await until(lambda: far.up == 2)
            assert 0.5 < time.monotonic() - asked < 5
            assert one.state.connected
            await talks(guest)  # the old stream goes on, on the old link
            await talks(far.open())
            assert guest.stream is not None
            guest.stream.finish()
            await until(lambda: guest.fin)
            await until(lambda: old.lost is not None)
            assert one.state.connected

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
def test_two_ways_to_one_hub_are_one_link(loops: str) -> None:
    """The hub names itself by another address: no second link, and no storm to find that out."""

    async def story() -> None:
        async with hub() as far, path() as between:
            between.target = ("127.0.0.1", far.port)
            far.homes = [f"127.0.0.1:{between.port}"]
            async with agent(far.address) as one:
                await up(one)
                await until(lambda: between.taken == 1)
                await asyncio.sleep(1.5)
                assert (between.taken, far.up) == (1, 1)
                assert len(one.state.links) == 1

    go(loops, story())


@LOOPS
def test_enrolment_by_code_then_by_key(loops: str) -> None:
    async def story() -> None:
        async with hub() as far:
            far.codes, far.known = {"C" * 26}, {"nobody"}
            key = Identity.new()
            async with agent(far.address, key=key, enrol="C" * 26) as one:
                await up(one)
                assert one.state.host == f"{key.id}.localhost"
                far.link.drop("restart")
                await until(lambda: len(far.tries) == 2)
                await up(one)
            async with agent(far.address, key=Identity.new(), enrol="C" * 26) as one:
                await until(lambda: one.state.links[0].phase == "refused")
                assert one.state.links[0].code == "code_wrong"

    go(loops, story())


@LOOPS
def test_rotation_makes_a_new_link_before_it_lets_go(loops: str) -> None:
    async def story() -> None:
        kept, fresh = Kept(), Identity.new()
        async with hub() as far, echo(repeats) as port:  # noqa: SIM117  (one line would be too long)
            async with agent(far.address, take=origin("127.0.0.1", port), kept=kept) as one:
                await up(one)
                guest = far.open()
                await talks(guest)
                far.rotates = False
                with pytest.raises(agents.Failed, match="unknown"):
                    await one.rotate(fresh)
                assert one.identity is KEY
                far.rotates = True
                assert await one.rotate(fresh) == fresh.id
                await until(lambda: one.state.host == f"{fresh.id}.localhost")
                await talks(guest)
                assert all(state.connected for state in kept.states[kept.phases.index("up") :])

    go(loops, story())


@LOOPS
def test_a_hub_that_says_nothing_after_tcp(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_link, "TLS_S", 0.5)

    async def story() -> None:
        async with hub() as far:
            far.mute = True
            async with agent(far.address) as one:
                await until(lambda: one.state.links[0].code == "silent")
                far.mute = False
                await up(one)

    go(loops, story())


@LOOPS
def test_what_is_no_hub(loops: str) -> None:
    async def answers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def story() -> None:
        async with echo(answers) as port, agent(Address("127.0.0.1", port, "A" * 43)) as one:
            await until(lambda: one.state.links[0].code in ("tls", "closed"))
        async with agent(Address("127.0.0.1", free_port())) as one:
            await until(lambda: one.state.links[0].code == "unreachable")

    go(loops, story())


@LOOPS
def test_a_dead_recovery_is_impossible(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a supervisor dies of, even of what no code of ours raises: there is another within seconds."""
    real = agent_slot.Slot._step
    ends: list[BaseException] = [
        RuntimeError("a fault of ours"),
        asyncio.CancelledError(),
        AssertionError(),
        GeneratorExit(),
        RecursionError(),
    ]
    left = list(ends)

    async def faulty(self: agent_slot.Slot) -> float:
        if left:
            raise left.pop()
        return await real(self)

    monkeypatch.setattr(agent_slot.Slot, "_step", faulty)
    monkeypatch.setattr(agent_slot, "LOOK_S", 0.1)
    monkeypatch.setattr(agents, "TICK_S", 0.1)
    monkeypatch.setattr(Pace, "failed", lambda _self: 0.05)

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            left.extend(ends)
            await until(lambda: not left)
            far.link.drop("restart")
            await down(one)
            await up(one)

    go(loops, story())


@LOOPS
def test_a_supervisor_that_hangs_is_replaced_and_its_link_kept(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "STUCK_S", 0.5)
    real, hung = agent_slot.Slot._step, [False]

    async def hangs(self: agent_slot.Slot) -> float:
        if hung[0]:
            hung[0] = False
            await asyncio.sleep(3600)
        return await real(self)

    monkeypatch.setattr(agent_slot.Slot, "_step", hangs)
    monkeypatch.setattr(agent_slot, "LOOK_S", 0.1)

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            link = far.link
            hung[0] = True
            await until(lambda: not hung[0])
            far_tries = len(far.tries)
            await asyncio.sleep(2.5)
            assert (far.link, len(far.tries)) == (link, far_tries)
            link.drop("restart")
            await down(one)
            await up(one)

    go(loops, story())


@LOOPS
def test_faults_while_dialling_are_only_failed_tries(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, faults = agent_slot.establish, [KeyError("x"), MemoryError(), OSError("y"), ValueError("z")]

    async def faulty(wanted: agent_link.Wanted) -> agent_link.Link:
        if faults:
            raise faults.pop()
        return await real(wanted)

    monkeypatch.setattr(agent_slot, "establish", faulty)
    monkeypatch.setattr(
        agent_rules.Pace if hasattr(agent_rules, "Pace") else agents, "failed", lambda _self: 0.05
    )

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            assert not faults

    go(loops, story())


@LOOPS
def test_the_time_of_day_may_jump(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with hub() as far:
            far.ping_s = 0.3
            async with agent(far.address) as one:
                await up(one)
                link, real = far.link, time.time
                for jump in (86_400.0 * 365, -86_400.0 * 365, 3600.0):
                    monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
                    await asyncio.sleep(0.7)
                    assert one.state.connected
                assert far.link is link
                link.drop("restart")
                await down(one)
                await up(one)

    go(loops, story())


@LOOPS
def test_after_a_sleep_a_dead_link_is_found_out_within_seconds(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that goes on while a laptop sleeps has jumped: links are asked at once, not after their next ping."""
    slept = [0.0]
    real = agents.awake_clock
    monkeypatch.setattr(agents, "awake_clock", lambda: real() + slept[0])

    async def story() -> None:
        async with hub() as far, path() as between:
            far.ping_s = 30.0
            between.target = ("127.0.0.1", far.port)
            address = Address("127.0.0.1", between.port, far.address.pin, NAME)
            async with agent(address) as one:
                await up(one)
                slept[0] += 90.0  # a link that lives is kept
                link = far.link
                await asyncio.sleep(3.5)
                assert one.state.connected
                assert far.link is link
                between.freeze()
                slept[0] += 90.0
                assert await down(one) < 8
                between.cut()
                between.thaw()
                await up(one)

    go(loops, story())


@LOOPS
def test_who_takes_leave_lets_streams_finish(loops: str) -> None:
    async def story() -> None:
        async with hub() as far, echo(repeats) as port:
            one = Agent(KEY, [far.address], origin("127.0.0.1", port))
            task = asyncio.ensure_future(one.run())
            await up(one)
            guest = far.open()
            await talks(guest)
            one.stop(drain_s=20)
            await until(lambda: far.link.leaving)
            await talks(guest)
            assert guest.stream is not None
            guest.stream.finish()
            await until(lambda: guest.fin)
            assert guest.code is None
            await asyncio.wait_for(task, 10)
            await until(lambda: far.up == 0)
            assert len(far.tries) == 1

    go(loops, story())


@LOOPS
def test_an_origin_that_is_not_there_or_fails_costs_only_its_stream(loops: str) -> None:
    async def story() -> None:
        def fails(_stream: Stream) -> Far | Rst:
            raise RuntimeError("a fault")

        async with hub() as far:
            async with agent(far.address, take=origin("127.0.0.1", free_port())) as one:
                await up(one)
                guests = [far.open() for _ in range(20)]
                await until(lambda: all(guest.code is Rst.REFUSED for guest in guests))
                assert one.state.connected
            async with agent(far.address, take=fails) as one:
                await up(one)
                guest = far.open()
                await until(lambda: guest.code is not None)
                assert one.state.connected

    go(loops, story())


def test_goaway_reasons_and_what_is_shown() -> None:
    pace = agent_rules.Pace(lambda low, _high: low)
    after = agent_rules.after_goaway
    assert after(pace, Goaway("drain", 3, 2), ours=False) == agent_rules.Wait(3.0, "waiting", "drain")
    assert after(pace, Goaway("revoked"), ours=False).phase == "refused"
    assert after(pace, Goaway("replaced"), ours=True).seconds == 0
    assert after(pace, Goaway("replaced"), ours=False).seconds >= 30
    assert after(pace, Goaway("something new", 1, 1), ours=False).phase == "waiting"
