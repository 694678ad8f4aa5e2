"""The agent and its hub: dial, prove, be refused, be sent elsewhere, enrol (SPEC 2.1, 2.3)."""

import asyncio
import time
from typing import Any

import pytest

from praxisd_relay import agent_rules
from praxisd_relay.dial import Address
from praxisd_relay.frames import Refused
from praxisd_relay.identity import Identity
from praxisd_relay.origin_tcp import origin

from .agent_cast import LOOPS, echo, free_port, go, path, until
from .agent_hub_cast import AUTHORITY, KEY, NAME, hub
from .agent_run_cast import Kept, agent, repeats, talks, up


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
                await asyncio.sleep(0.5)
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
                await up(one)
                assert far.tries[1] - far.tries[0] > 1.0

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
            assert 0.5 < time.monotonic() - asked < 25  # a slot looks around by itself after thirty
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
def test_two_ways_to_one_hub_are_one_link(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub names itself by another address: no second link, and no storm to find that out."""
    monkeypatch.setattr(agent_rules, "NODE_FIRST_S", 60.0)

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
