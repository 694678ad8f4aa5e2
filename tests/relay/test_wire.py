"""Carrier and bridge over real sockets, on the standard loop and on uvloop."""

import asyncio
import contextlib
import gc
import logging
import os
import socket
import struct

import pytest

from praxisd_relay import frames
from praxisd_relay.bridge import Bridge
from praxisd_relay.carrier import Limits
from praxisd_relay.frames import Rst
from praxisd_relay.stream import NOBODY, Stream

from .wire_cast import Certificates, certificates, descriptors, echo, loop, run, scene, through, until

__all__ = ["certificates", "loop"]  # fixtures
MB = 1 << 20
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close says RST."""


def test_eight_megabytes_both_ways_and_half_close(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            await through(made, os.urandom(8 * MB))
            await through(made, b"\x16", 20)  # as TLS begins: a guest may say what he likes
            await until(lambda: not made.hub.streams and not made.agent.streams)
            assert made.guests[0].received == 8 * MB == made.origins[0].sent
            assert made.hub.rtt is not None and made.agent.rtt is not None
            assert made.hub.received > 8 * MB < made.hub.sent
        assert made.lost == {"agent": "done", "hub": "closed"}

    run(loop, work())


def test_many_at_once(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            await through(made, os.urandom(300_000), 60)
            await until(lambda: not made.hub.streams and not made.agent.streams)

    run(loop, work())


def test_a_slow_reader_beside_a_quick_one_holds_little(loop: str, certificates: Certificates) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readexactly(1)
            while True:
                writer.write(bytes(65536))
                await writer.drain()

    async def work() -> None:
        async with scene(certificates, endless) as made:
            slow = socket.create_connection(made.front)
            slow.send(b"x")
            await until(lambda: made.origins and made.origins[0].stream is not None)
            await until(lambda: made.guests[0].sent > 100_000)
            quick, writer = await made.guest()
            writer.write(b"x")
            for _ in range(16):
                await quick.readexactly(MB)
            held = -1
            while made.origins[0].received != held:  # on a busy machine buffers fill late
                held = made.origins[0].received
                for _ in range(4):
                    await quick.readexactly(MB)
            # It stands still: what is under way is its window and the buffers of sockets.
            assert held < 12 * MB
            stream = made.hub._link.streams[1]
            assert stream._paused and stream.window.size <= 4 * MB
            slow.close()
            writer.close()
            await until(lambda: not made.hub.streams and not made.agent.streams)

    run(loop, work())


def test_a_cut_is_a_cut_on_the_other_side(loop: str, certificates: Certificates) -> None:
    seen: list[str] = []
    cut = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(1) == b"o":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            return
        writer.write(b"y")
        try:
            seen.append(repr(await reader.read()))
        except ConnectionError:
            seen.append("cut")
        writer.close()
        cut.set()

    async def work() -> None:
        async with scene(certificates, serve) as made:
            guest = socket.create_connection(made.front)
            guest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            guest.send(b"g")
            await asyncio.get_running_loop().run_in_executor(None, guest.recv, 1)
            guest.close()
            await cut.wait()
            assert seen == ["cut"]
            reader, writer = await made.guest()
            writer.write(b"o")
            with pytest.raises(ConnectionError):
                await reader.readexactly(1)
            writer.close()
            await until(lambda: not made.hub.streams and not made.agent.streams)
            assert not made.lost

    run(loop, work())


def test_half_close_on_a_socket_that_was_just_reset_never_ends_the_link(
    loop: str, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """Lesson 1: `write_eof` on it raises OSError(107) on the standard loop, inside the link's `buffer_updated`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async def work() -> None:
        async with scene(certificates, serve) as made:
            for _ in range(150):
                reader, writer = await made.guest()
                writer.write(b"x")
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    await reader.read(-1)
                writer.close()
            await until(lambda: not made.hub.streams and not made.agent.streams)
            assert not made.lost

    with caplog.at_level(logging.ERROR):
        run(loop, work())
    assert not [one for one in caplog.records if one.name.startswith("praxisd_relay")]


@pytest.mark.parametrize("before", ["finish", "reset", "data and finish"])
def test_the_guest_ends_while_the_agent_still_dials(
    loop: str, certificates: Certificates, before: str
) -> None:
    """Lesson 3."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):  # uvloop's word for a closed one
            came.append(await reader.read(-1))
            writer.write(b"answer")
            writer.close()

    async def work() -> None:
        async with scene(certificates, serve) as made:
            made.dial_after = asyncio.Event()
            reader, writer = await made.guest()
            writer.write(b"1" + (b"2" * 100_000 if "data" in before else b""))
            await until(lambda: made.origins)
            if before == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
                await until(lambda: made.origins[0].stream is None)
            else:
                writer.write_eof()
                await until(lambda: made.origins[0]._heard)
            made.dial_after.set()
            if before != "reset":
                assert await reader.read(-1) == b"answer"
                assert len(came[0]) == (100_001 if "data" in before else 1)
            await until(lambda: not made.hub.streams and not made.agent.streams)
            writer.close()
            assert not made.lost

    run(loop, work())


def test_an_origin_that_is_not_there_and_one_that_comes_back(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            right, made.origin = made.origin, ("127.0.0.1", 1)
            reader, writer = await made.guest()
            writer.write(b"x")
            with pytest.raises(ConnectionError):
                await reader.readexactly(1)
            writer.close()
            made.origin = right
            await through(made, b"again")
            await until(lambda: not made.hub.streams and not made.agent.streams)

    run(loop, work())


def test_an_end_that_raises_costs_one_stream(loop: str, certificates: Certificates) -> None:
    class Bad(Bridge):
        def arrived(self, data: memoryview) -> None:
            raise OSError(107, "not connected")

    async def work() -> None:
        async with scene(certificates, echo) as made:
            take = made.take
            made.agent.on_open = lambda stream: Bad(stream)
            reader, writer = await made.guest()
            writer.write(b"x")
            with pytest.raises(ConnectionError):
                await reader.readexactly(1)
            writer.close()
            made.agent.on_open = take
            await through(made, b"others")
            assert not made.lost

    run(loop, work())


def test_the_queue_counts_what_waits_for_tls(loop: str, certificates: Certificates) -> None:
    """Lesson 5: with a reader that stands still, what the sending side holds is the high water, not all there is."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()

    async def work() -> None:
        async with scene(certificates, endless, Limits(window=4 * MB, streams=300)) as made:
            made.hub._transport.pause_reading()  # type: ignore[union-attr]
            await asyncio.sleep(0)
            streams = [made.hub.open(frames.Open("a", 1, "a"), NOBODY) for _ in range(20)]
            await until(lambda: len(made.origins) == 20 and made.agent._blocked)
            transport, link = made.agent._transport, made.agent._link
            assert transport is not None
            for _ in range(50):
                await asyncio.sleep(0.002)
                pending = sum(len(p) for s in link.streams.values() for p in s.pending or ())
                assert transport.get_write_buffer_size() + link.queued <= 2 * link.limits.high_water
                assert pending <= 20 * 65536
            for stream in streams:
                assert stream is not None
                stream.reset(Rst.CLOSED)
            made.hub._transport.resume_reading()  # type: ignore[union-attr]
            await until(lambda: not made.agent.streams)

    run(loop, work())


def test_dialling_again_and_again_leaves_no_descriptor_and_no_object(
    loop: str, certificates: Certificates
) -> None:
    """Lesson 4: closed descriptors are reused; nothing may still watch them."""

    async def work() -> None:
        async with scene(certificates, echo) as made:
            await through(made, b"x", 10)
            await until(lambda: not made.hub.streams)
            await asyncio.sleep(0.1)
            gc.collect()
            before = descriptors()
            for _ in range(10):
                await through(made, b"x" * 1000, 20)
            await until(lambda: not made.hub.streams and not made.agent.streams)
            made.guests.clear()
            made.origins.clear()

            def clean() -> bool:
                gc.collect()
                left = [one for one in gc.get_objects() if isinstance(one, Bridge | Stream)]
                return descriptors() <= before and not left

            await until(clean)
            assert made.hub._link.budget.used == 0 == made.agent._link.budget.used

    run(loop, work())


def test_on_a_slow_line_little_waits_here(loop: str, certificates: Certificates) -> None:
    """What waits in this process stands before every small answer: on a slow line it must be little."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()

    async def work() -> None:
        async with scene(certificates, endless) as made:
            made.hub.allow(0)
            for _ in range(60):  # more than the kernel takes
                made.hub.open(frames.Open("a", 1, "a"), NOBODY)
            agent = made.agent
            await until(lambda: agent._blocked)
            while agent._high > 64 * 1024:
                made.hub.allow(1)  # one read, 256 KB
                await asyncio.sleep(0.08)
            assert agent._transport is not None
            assert agent._transport.get_write_buffer_size() + agent._link.queued <= 64 * 1024 + 65_536
            made.hub.allow(float("inf"))

    run(loop, work())
