"""The agent itself: whatever a part of it dies of, it goes on; it takes leave, changes its key, survives its origin."""

import asyncio

import pytest

from praxisd_relay import agent as agents
from praxisd_relay import agent_link, agent_rules, agent_slot
from praxisd_relay.agent import Agent
from praxisd_relay.frames import Goaway, Rst
from praxisd_relay.identity import Identity
from praxisd_relay.origin_tcp import origin
from praxisd_relay.pace import Pace
from praxisd_relay.stream import Far, Stream

from .agent_cast import LOOPS, echo, free_port, go, until
from .agent_hub_cast import KEY, hub
from .agent_run_cast import Kept, agent, anew, repeats, talks, up


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
    monkeypatch.setattr(agent_slot, "CALM_S", 0.1)
    monkeypatch.setattr(agents, "TICK_S", 0.1)
    monkeypatch.setattr(Pace, "failed", lambda _self: 0.05)

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            left.extend(ends)
            await until(lambda: not left)
            await anew(far, one)

    go(loops, story())


@LOOPS
def test_a_supervisor_that_hangs_is_replaced_and_its_link_kept(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hung = agent_slot.Slot._step, [False]

    async def hangs(self: agent_slot.Slot) -> float:
        if hung[0]:
            hung[0] = False
            await asyncio.sleep(3600)
        return await real(self)

    monkeypatch.setattr(agent_slot.Slot, "_step", hangs)
    monkeypatch.setattr(agent_slot, "LOOK_S", 0.1)
    monkeypatch.setattr(agent_slot, "CALM_S", 0.1)

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            link, (supervisor,) = far.link, one._tasks.values()
            hung[0] = True
            await until(lambda: not hung[0])
            with monkeypatch.context() as patience:  # not before: a slow try is no hang
                patience.setattr(agents, "STUCK_S", 0.5)
                await until(lambda: supervisor.done() and supervisor not in one._tasks.values())
            assert (far.link, len(far.tries)) == (link, 1)
            await anew(far, one)

    go(loops, story())


@LOOPS
def test_faults_while_dialling_are_only_failed_tries(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, faults = agent_slot.establish, [KeyError("x"), MemoryError(), OSError("y"), ValueError("z")]

    async def faulty(wanted: agent_link.Wanted) -> agent_link.Link:
        if faults:
            raise faults.pop()
        return await real(wanted)

    monkeypatch.setattr(agent_slot, "establish", faulty)
    monkeypatch.setattr(agent_slot, "LOOK_S", 0.1)
    monkeypatch.setattr(agent_slot, "CALM_S", 0.1)
    monkeypatch.setattr(
        agent_rules.Pace if hasattr(agent_rules, "Pace") else agents, "failed", lambda _self: 0.05
    )

    async def story() -> None:
        async with hub() as far, agent(far.address) as one:
            await up(one)
            assert not faults

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
            one.stop(drain_s=50)
            await until(lambda: far.link.leaving)
            await talks(guest)
            assert guest.stream is not None
            guest.stream.finish()
            await until(lambda: guest.fin)
            assert guest.code is None
            await asyncio.wait_for(task, 30)
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
