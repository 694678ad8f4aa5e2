"""Where many links come at once they wait for their turn, and a flood of them stays as bounded as before."""

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest

from praxisd_relay import frames, hub_upkeep
from praxisd_relay.config import Limits

from .agent_cast import go
from .hub_cast import LINK, Caller, client_hello, hub, until


def test_handshakes_are_taken_so_many_at_a_time(tmp_path: Path) -> None:
    """A busy hub cuts nobody off who waits for his turn: nothing of a handshake is done in vain."""

    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=3)) as one:
            begun = [await Caller().dial(one) for _ in range(3)]
            code = one.registry.invite("x")
            waiting = [asyncio.ensure_future(Caller().dial(one)) for _ in range(3)]
            await until(lambda: len(one.line) == 3)
            waiting.pop().cancel()  # who goes away is not waited for
            await until(lambda: len(one.line) == 2)
            begun[0].close()
            await until(lambda: any(each.done() for each in waiting))
            first = next(each for each in waiting if each.done()).result()
            assert isinstance(await first.ask(first.enrolment(code)), frames.Welcome)
            for each in await asyncio.gather(*waiting):
                assert each.lost is None
            assert one.counts.turned_limit == 0 and not one.line and not one.fronts
            for each in (*begun, *(each.result() for each in waiting)):
                each.close()
            await until(lambda: not one.half_open.total and not one.links.proving)

    go("uvloop", work())


def test_who_waits_for_a_turn_that_does_not_come_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_upkeep, "TURN", 0.05)

    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=1)) as one:
            await Caller().dial(one)
            for _ in range(2):
                with pytest.raises(ConnectionError):
                    await Caller().dial(one)
            assert [each.levelname for each in caplog.records if "cut off" in each.message] == ["WARNING"]
            assert one.counts.turned_limit == 2 and not one.line and not one.half_open.total

    with caplog.at_level(logging.WARNING, "praxisd_relay"):
        go("uvloop", work())


def test_who_waits_still_counts_as_half_open(tmp_path: Path) -> None:
    """A flood of newcomers that never prove themselves takes no more connections than before."""

    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=1, half_open_per_address=3)) as one:
            await Caller().dial(one)
            flood = [asyncio.ensure_future(Caller().dial(one)) for _ in range(6)]
            await until(lambda: sum(each.done() for each in flood) == 3)
            assert len(one.line) == one.half_open.total == 3 and one.counts.turned_limit == 3
            talker, writer = await asyncio.open_connection("127.0.0.1", one.port, local_addr=("127.0.0.2", 0))
            writer.write(client_hello(LINK))
            await until(lambda: len(one.line) == 4)
            writer.write(bytes(20_000))
            with contextlib.suppress(ConnectionError):
                assert await talker.read() == b""
            await until(lambda: len(one.line) == 3)
            writer.close()
            await one.drain()  # nobody waits for a hub that goes away
            assert not one.line
            for each in flood:
                with contextlib.suppress(Exception):
                    await each

    go("uvloop", work())


def test_each_address_has_its_turn(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, handshakes=2)) as one:
            begun = [await Caller().dial(one, f"127.0.0.{2 + number}") for number in range(2)]
            crowd = [asyncio.ensure_future(Caller().dial(one, "127.0.0.4")) for _ in range(5)]
            await until(lambda: len(one.line) == 5)
            late = asyncio.ensure_future(Caller().dial(one, "127.0.0.5"))
            await until(lambda: len(one.line) == 6)
            for each in begun:
                each.close()
            await asyncio.wait_for(late, 30)
            assert sum(each.done() for each in crowd) <= 1
            for each in crowd:
                each.cancel()

    go("uvloop", work())
