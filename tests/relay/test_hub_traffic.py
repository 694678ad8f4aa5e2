"""What a practice's guests may use, and how a hub goes away."""

import asyncio
import time
from pathlib import Path

import pytest

from praxisd_relay import guests as traffic
from praxisd_relay import hub_upkeep
from praxisd_relay.config import Limits
from praxisd_relay.frames import Open, Rst, Type
from praxisd_relay.hello import alert
from praxisd_relay.hub_upkeep import health, metrics
from praxisd_relay.stream import Far, Stream

from .agent_cast import LOOPS, go
from .hub_cast import OPEN, Caller, Guest, answer, client_hello, hub, until

MB = 1_000_000


class Spring:
    """A practice's end that gives as many bytes as there are, while it may."""

    def __init__(self, stream: Stream, size: int) -> None:
        self.stream, self.left, self.paused = stream, size, False
        self.heard = 0
        asyncio.get_running_loop().call_soon(self.flow)

    def flow(self) -> None:
        while self.left and not self.paused and not self.stream.over:
            piece = min(self.left, 50_000)
            self.left -= piece
            self.stream.write(bytes(piece))
        if not self.left:
            self.stream.finish()

    def arrived(self, data: memoryview) -> None:
        self.heard += len(data)

    def ended(self) -> None:
        """The guest has said all."""

    def broken(self, code: Rst) -> None:
        self.left = 0

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self.flow()


async def drink(port: int, host: str) -> int:
    """Bytes that come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(client_hello(host))
    found = 0
    while data := await reader.read(1 << 20):
        found += len(data)
    writer.transport.abort()
    return found


@LOOPS
def test_a_practice_moves_no_more_than_it_may_and_others_do_not_notice(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=4 * MB, burst_s=1, per_address=0)
        async with hub(tmp_path, limits) as one:
            much = await Caller().up(one, one.registry.invite("x"))
            much.take = lambda stream: Spring(stream, 12 * MB)
            little = await Caller().up(one, one.registry.invite("y"))
            assert much.said[Type.WELCOME].limits.rate == 4 * MB
            guest = await Guest.visit(one, little.host)
            began = time.monotonic()
            running = asyncio.create_task(drink(one.port, much.host))
            said = 0
            while not running.done():
                assert await guest.say(b"x" * 100) == b"X" * 100
                said += 1
            assert await running == 12 * MB
            took = time.monotonic() - began
            assert (
                took > 1.2
            )  # 12 MB at 4 a second, of which one second's worth comes at once, in reads of 256 KB
            assert said > 20 and one.counts.held >= 1
            assert much.lost is None and little.lost is None
            guest.close()
            link = one.links.running[much.key.id].carrier
            await until(lambda: not one.links.active)
            assert link._stop_at == float("inf")  # pings of days must not use it up
            again = asyncio.create_task(drink(one.port, much.host))
            await until(lambda: link._stop_at < float("inf"))
            newer = await Caller(much.key).up(one)
            assert (
                link._stop_at == float("inf") and await again == 12 * MB
            )  # what an old link still carries goes on
            newer.close()

    go(loops, work())


def test_the_bandwidth_counts_both_directions_and_ends_in_no_debt_for_ever(tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=2 * MB, burst_s=0.5, per_address=0)
        async with hub(tmp_path, limits) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            springs: list[Spring] = []

            def take(stream: Stream) -> Far | Rst:
                springs.append(Spring(stream, 0))
                return springs[-1]

            practice.take = take
            _, writer = await asyncio.open_connection("127.0.0.1", one.port)
            writer.write(client_hello(practice.host))
            used = one.links.of(practice.key.id)
            began = time.monotonic()
            for half in (8 * MB, 16 * MB):  # on loopback the first half is through before anybody has looked
                for _ in range(80):
                    writer.write(bytes(100_000))
                    await writer.drain()
                await until(lambda half=half: springs and springs[0].heard >= half and used.dry)
            assert time.monotonic() - began > 2  # but 8 MB have to be paid for before the second half is read
            await until(lambda: not used.dry)
            writer.transport.abort()

    go("uvloop", work())


@LOOPS
def test_guests_of_one_practice_at_the_same_time(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, streams=3, streams_per_address=3)) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            assert practice.said[Type.WELCOME].limits.streams == 3
            other = await Caller().up(one, one.registry.invite("y"))
            guests = [await Guest.visit(one, practice.host) for _ in range(3)]
            assert await answer(one, client_hello(practice.host)) == alert(80)
            assert one.counts.turned_practice == 1
            fine = await Guest.visit(one, other.host)
            guests.pop().close()
            await until(lambda: one.links.running[practice.key.id].carrier.streams == 2)
            guests.append(await Guest.visit(one, practice.host))
            assert [await each.say(b"x") for each in (*guests, fine)] == [b"X"] * 4
            for each in (*guests, fine):
                each.close()
            await until(lambda: one.sockets.guests == 0)

    go(loops, work())


def test_one_address_cannot_take_all_of_a_practice(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, streams=5)) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            guests = [await Guest.visit(one, practice.host) for _ in range(2)]
            assert await answer(one, client_hello(practice.host)) == alert(80)
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port, local_addr=("127.0.0.9", 0))
            writer.write(client_hello(practice.host))
            assert (await reader.readexactly(1)) == b"\x16"  # a ServerHello: others come in
            writer.transport.abort()
            guests.pop().close()
            await until(lambda: one.sockets.guests == 1)
            guests.append(await Guest.visit(one, practice.host))
            for each in guests:
                each.close()
            await until(lambda: one.sockets.guests == 0)
            assert one.links.of(practice.key.id)._places.total == 0

    go("uvloop", work())


def test_new_guests_a_second(tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=0, streams_per_second=0.001, streams_burst=4, per_address=0)
        async with hub(tmp_path, limits) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            other = await Caller().up(one, one.registry.invite("y"))
            for _ in range(3):
                (await Guest.visit(one, practice.host)).close()
            opened = Open("192.0.2.1", 1, practice.host)
            assert isinstance(one.carry(opened, traffic.Guest(one.links.of("x"), 0.0, one.sockets)), Stream)
            assert one.carry(opened, traffic.Guest(one.links.of("x"), 0.0, one.sockets)) is Rst.BUSY
            assert await answer(one, client_hello(practice.host)) == alert(80)
            (await Guest.visit(one, other.host)).close()

    go("uvloop", work())


def test_another_hub_reaches_what_is_linked_here_and_nothing_else(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            far = traffic.Guest(one.links.of("x"), 0.0, one.sockets)
            assert one.carry(Open("192.0.2.1", 1, "localhost"), far) is Rst.GONE
            assert one.carry(Open("192.0.2.1", 1, one.config.link_name), far) is Rst.GONE
            stream = one.carry(Open("192.0.2.1", 7, practice.host), far)
            assert isinstance(stream, Stream)
            await until(lambda: practice.ends)
            assert (practice.ends[0].stream.opened.address, practice.ends[0].stream.opened.port) == (
                "192.0.2.1",
                7,
            )
            assert list(one.held()) == [practice.key.id]

    go("uvloop", work())


@LOOPS
def test_a_connection_on_which_nothing_moves_is_ended(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(rate=0, idle_s=2.0)) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            idle = await Guest.visit(one, practice.host)
            busy = await Guest.visit(one, practice.host)
            gone = asyncio.create_task(idle.gone())
            while not gone.done():
                assert await busy.say(b"x") == b"X"
                await asyncio.sleep(0.02)
            assert one.counts.idle == 1 and practice.ends[0].code is Rst.TIMEOUT
            assert practice.lost is None
            busy.close()
            await until(lambda: one.sockets.guests == 0)

    go(loops, work())


@LOOPS
def test_draining(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, OPEN, drain_s=30, spread_s=7) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            proving = await Caller().dial(one)
            running, idle = await Guest.visit(one, practice.host), await Guest.visit(one, practice.host)
            began = time.monotonic()
            draining = asyncio.create_task(one.drain())
            await until(lambda: Type.GOAWAY in practice.said)
            goaway = practice.said[Type.GOAWAY]
            assert (goaway.reason, goaway.delay_s, goaway.spread_s) == ("drain", 0, 7)
            with pytest.raises(OSError):  # refused, or reset on the way
                await Guest.visit(one, practice.host)
            gone = asyncio.create_task(idle.gone())
            while not gone.done():  # what runs goes on, what is idle is not waited for
                assert await running.say(b"work") == b"WORK"
                await asyncio.sleep(0.02)
            assert not draining.done() and health(one)["status"] == "draining"
            running.close()
            await draining
            assert time.monotonic() - began < 25
            assert practice.lost is None  # `stop` ends it
            await one.stop()
            await until(lambda: practice.lost and proving.lost)

    go(loops, work())


def test_a_drain_ends(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, OPEN, drain_s=0.3) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            guest = await Guest.visit(one, practice.host)
            async with asyncio.timeout(30):
                draining = asyncio.create_task(one.drain())
                while not draining.done():
                    assert await guest.say(b"x") == b"X"
            await one.stop()
            assert await guest.gone()

    go("uvloop", work())


def test_counts_tell_nothing_of_a_practice(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("Praxis Dr. Muster"))
            guest = await Guest.visit(one, practice.host)
            assert await guest.say(b"x") == b"X"
            await answer(one, client_hello("unknown.example"))
            said = metrics(one)
            for secret in (practice.key.id, practice.key.id[:8], "Muster", "127.0.0", "unknown.example"):
                assert secret not in said and secret not in str(health(one) | {"link": ""})
            for line in ("guests_total 1", "links_total 1", "links 1", "streams 1", "turned_unknown_total 1"):
                assert f"praxis_relay_{line}\n" in said
            assert health(one)["practices"] == health(one)["links"] == 1
            guest.close()

    go("uvloop", work())


def test_counters_per_practice_and_hour(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            practice.take = lambda stream: Spring(stream, MB)
            assert await drink(one.port, practice.host) == MB
            await hub_upkeep.minutely(one)
            streams, received, sent, seen = one.registry.usage(24)[practice.key.id]
            assert streams == 1 and MB < received < 1.1 * MB and 300 < sent < 50_000
            assert abs(seen - time.time()) < 60
            await hub_upkeep.minutely(one)  # pings alone are no news
            assert one.registry.usage(24)[practice.key.id][0] == 1
            practice.close()
            await until(lambda: not one.holds(practice.key.id))
            await hub_upkeep.minutely(one)
            await hub_upkeep.minutely(one)
            assert not one.links.traffic

    go("uvloop", work())


def test_upkeep_survives_what_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            failed = 0

            def poll() -> int:
                nonlocal failed
                failed += 1
                raise OSError("disk")

            one.registry.poll = poll  # type: ignore[method-assign]
            assert one._upkeep is not None
            one._upkeep.cancel()
            one._upkeep = asyncio.create_task(hub_upkeep.run(one))
            await until(lambda: failed >= 2)
            assert not one._upkeep.done()

    go("uvloop", work())
    assert "upkeep" in caplog.text
