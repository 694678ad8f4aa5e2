"""How links begin and end over real sockets, and bridges without a link; on the standard loop and on uvloop."""

import asyncio
import contextlib
import hashlib
import os
import socket
import ssl
import struct
from pathlib import Path

import pytest

from praxisd_relay import frames
from praxisd_relay.bridge import Bridge, couple
from praxisd_relay.carrier import Carrier, Limits, connect
from praxisd_relay.frames import Rst, Type
from praxisd_relay.pump import TlsError
from praxisd_relay.stream import NOBODY

from .wire_cast import LINK_NAME, Certificates, certificates, echo, loop, run, scene, until

__all__ = ["certificates", "loop"]  # fixtures
MB = 1 << 20
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close says RST."""


def test_the_link_cut_tells_guests_and_origins(loop: str, certificates: Certificates) -> None:
    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        writer.close()

    async def work() -> None:
        async with scene(certificates, waits) as made:
            guests = [await made.guest() for _ in range(3)]
            for _, writer in guests:
                writer.write(b"x")
            await until(lambda: made.agent.streams == 3)
            made.agent._transport.abort()  # type: ignore[union-attr]
            for reader, writer in guests:
                with pytest.raises(ConnectionError):
                    await reader.readexactly(1)
                writer.close()
            await until(lambda: len(made.lost) == 2)
            assert made.lost["hub"] in ("closed", "reset")
            assert made.hub.open(frames.Open("a", 1, "a"), NOBODY) is None

    run(loop, work())


def test_goaway_lets_streams_finish(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            reader, writer = await made.guest()
            writer.write(b"begun")
            await until(lambda: made.agent.streams == 1)
            idle: list[int] = []
            made.hub.on_idle = lambda: idle.append(1)
            made.agent.goaway("drain", 0, 5)
            await until(lambda: made.hub.leaving)
            late, late_writer = await made.guest()
            late_writer.write(b"late")
            assert await _read(late) == b""
            writer.write_eof()
            assert (await reader.read(-1))[32:] == b"begun"
            await until(lambda: idle)
            writer.close()
            late_writer.close()

    run(loop, work())


def test_what_the_last_stream_sent_arrives_although_its_link_is_dropped(
    loop: str, certificates: Certificates
) -> None:
    """The hub reads its link later (its practice has used up what it may move) and says something meanwhile."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        await go.wait()
        writer.write(b"x" * 200_000)
        writer.close()

    async def work() -> None:
        async with scene(certificates, serve) as made:
            far, near = made.agent._transport, made.hub._transport
            assert far is not None and near is not None
            far.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            near.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            reader, writer = await made.guest()
            writer.write(b"?")
            writer.write_eof()
            await until(lambda: made.origins and made.origins[0]._heard and made.hub.rtt)
            made.hub.allow(0)
            go.set()
            await until(lambda: not made.agent.streams and not far.get_write_buffer_size())
            made.agent.drop("done")
            await asyncio.sleep(0.05)
            made.hub._link.ping()
            await asyncio.sleep(0.05)
            made.hub.allow(float("inf"))
            assert await reader.read(-1) == b"x" * 200_000
            writer.close()
            await until(lambda: made.agent.closed and made.hub.closed)
            assert made.lost == {"agent": "done", "hub": "closed"}

    go = asyncio.Event()
    run(loop, work())


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(-1)
    except ConnectionError:
        return b""


def test_silence_is_told_and_ends_and_a_check_finds_it_out(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo, Limits(ping_s=0.05, dead_s=60)) as made:
            told: list[str] = []
            made.agent.on_silent = lambda: told.append("silent")
            made.agent.on_heard = lambda: told.append("heard")
            made.hub._transport.pause_reading()  # type: ignore[union-attr]
            await until(lambda: made.agent.silent)
            assert told[-1] == "silent"
            made.hub._transport.resume_reading()  # type: ignore[union-attr]
            await until(lambda: not made.agent.silent)
            assert told[-2:] == ["silent", "heard"]
            made.agent.check(5.0)
            await asyncio.sleep(0.2)
            assert made.agent.lost is None
            made.hub._transport.pause_reading()  # type: ignore[union-attr]
            await asyncio.sleep(0.2)
            made.agent.check(0.05)
            await until(lambda: made.lost.get("agent") == "silent")
            made.hub._transport.resume_reading()  # type: ignore[union-attr]

    run(loop, work())


def test_who_never_says_anything_is_dropped(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            first, made.limits = made.hub, Limits(handshake_s=1.5)
            sock = socket.create_connection(made.gate)
            sock.setblocking(False)
            mute = await connect(sock, certificates.client, LINK_NAME)
            lost: list[str] = []
            await until(lambda: made.hub is not first)
            made.hub.on_lost = lost.append
            await until(lambda: lost == ["timeout"])
            mute.on_control = lambda *_: None
            await until(lambda: mute.lost)
            made.hub = first

    run(loop, work())


@pytest.mark.parametrize("what", ["unknown ca", "wrong name", "no tls", "cut", "nobody answers"])
def test_a_link_that_cannot_be_made_says_why_and_closes_its_socket(
    loop: str, certificates: Certificates, what: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        if what == "no tls":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif what == "nobody answers":
            await reader.read(-1)
        writer.close()

    async def work() -> None:
        async with scene(certificates, serve) as made:
            sock = socket.create_connection(
                made.gate if what in ("unknown ca", "wrong name") else made.origin
            )
            sock.setblocking(False)
            hub = made.hub
            context = ssl.create_default_context() if what == "unknown ca" else certificates.client
            name = "other.test" if what == "wrong name" else LINK_NAME
            with pytest.raises((TlsError, ConnectionError, TimeoutError)) as raised:
                await connect(sock, context, name, Limits(wait_s=0.5) if what == "nobody answers" else None)
            if what in ("unknown ca", "wrong name"):
                assert "certificate" in str(raised.value)
            await until(lambda: sock.fileno() == -1)
            made.hub = hub

    run(loop, work())


@pytest.mark.parametrize("sent", ["noise", "frame", "huge"])
def test_a_link_that_speaks_nonsense_is_dropped(loop: str, certificates: Certificates, sent: str) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            if sent == "noise":
                made.agent._transport.write(b"\x17\x03\x03\x00\x20" + os.urandom(32))  # type: ignore[union-attr]
            elif sent == "frame":
                made.agent._link.put(Type.WELCOME)
            else:
                made.agent._link.parts.append(frames.HEADER.pack(Type.DATA, 0, 65535, 1))
                made.agent._link.wake()
            await until(lambda: made.lost.get("hub"))
            assert made.lost["hub"] == ("tls" if sent == "noise" else "protocol")
            await until(lambda: made.lost.get("agent"))

    run(loop, work())


def test_who_asks_and_never_listens_is_dropped(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            made.agent._transport.pause_reading()  # type: ignore[union-attr]
            made.agent.on_open = None  # type: ignore[assignment]
            for _ in range(20_000):
                if made.hub.lost:
                    break
                for _ in range(50):
                    made.hub._link.put(Type.LIMIT, 0, b'{"rate":null}' + b" " * 2000)
                await asyncio.sleep(0)
            assert made.lost["hub"] == "flood"
            made.agent._transport.resume_reading()  # type: ignore[union-attr]

    run(loop, work())


def test_an_owner_that_fails_ends_its_link_in_order(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:

            def fails(kind: int, payload: bytes) -> None:
                raise KeyError(kind)

            made.hub.on_control = fails
            made.agent.control(Type.ROTATE, frames.Rotate())
            await until(lambda: made.lost.get("hub") == "error")
            await until(lambda: made.lost.get("agent") == "closed")

    run(loop, work())


def test_what_the_hub_says_waits_until_somebody_listens(loop: str, certificates: Certificates) -> None:
    async def work() -> None:
        async with scene(certificates, echo) as made:
            first = made.hub
            sock = socket.create_connection(made.gate)
            sock.setblocking(False)
            late: Carrier = await asyncio.wait_for(connect(sock, certificates.client, LINK_NAME), 30)
            await until(lambda: made.hub is not first)
            for _ in range(20):
                await asyncio.sleep(0.005)
            heard: list[int] = []
            late.on_control = lambda kind, _: heard.append(kind)
            await until(lambda: heard)
            assert heard == [Type.HELLO]
            late.drop("done")
            await until(lambda: late.closed)
            made.hub = first
            made.lost.clear()

    run(loop, work())


def test_two_sockets_coupled(loop: str, certificates: Certificates) -> None:
    """What the cluster does: a guest here, another hub there, no stream between."""

    async def work() -> None:
        origin = await asyncio.start_server(echo, "127.0.0.1", 0)
        made: list[Bridge] = []

        class Guest(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport: asyncio.Transport = transport  # type: ignore[assignment]

            def data_received(self, data: bytes) -> None:
                here, there = Bridge(), Bridge()
                made.extend((here, there))
                couple(here, there)
                here.take(self.transport, data)
                tasks.append(
                    asyncio.ensure_future(
                        asyncio.get_running_loop().create_connection(
                            lambda: there, *origin.sockets[0].getsockname()[:2]
                        )
                    )
                )

        tasks: list[asyncio.Future] = []
        front = await asyncio.get_running_loop().create_server(Guest, "127.0.0.1", 0)
        data = os.urandom(4 * MB)
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname()[:2])
        writer.write(data)
        writer.write_eof()
        back = await reader.read(-1)
        assert back[:32] == hashlib.sha256(data).digest() and back[32:] == data
        writer.close()
        await until(lambda: all(one._done for one in made))
        front.close()
        origin.close()

    run(loop, work())


def test_a_bridge_whose_socket_never_comes(certificates: Certificates, tmp_path: Path) -> None:
    done: list[int] = []

    class Counted:
        def __init__(self) -> None:
            self.codes: list[Rst] = []

        def write(self, data: bytes | bytearray | memoryview) -> None:
            raise AssertionError

        finish = pause = resume = lambda self: None

        def reset(self, code: Rst) -> None:
            self.codes.append(code)

    stream = Counted()
    bridge = Bridge(stream, lambda: done.append(1))
    bridge.arrived(memoryview(b"early"))
    bridge.refused()
    bridge.refused()
    bridge.broken(Rst.GONE)
    assert (stream.codes, done) == ([Rst.REFUSED], [1])


def test_the_end_of_a_socket_that_was_reset_this_moment_is_no_error(loop: str) -> None:
    """Lesson 1, exactly: the reset has come, the loop has not seen it yet, `write_eof` raises on the standard loop."""

    async def work() -> None:
        done: list[int] = []
        bridge = Bridge(None, lambda: done.append(1))
        server = await asyncio.get_running_loop().create_server(lambda: bridge, "127.0.0.1", 0)
        sock = socket.create_connection(server.sockets[0].getsockname())
        await until(lambda: bridge._transport is not None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
        bridge.ended()
        await until(lambda: done)
        server.close()

    run(loop, work())
