"""What the agent meets on the way: a real TCP path that can be frozen, cut or left idle, and a real CONNECT proxy."""

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import pytest
import uvloop

from .served_cast import Beside, Serve

T = TypeVar("T")

LOOPS = pytest.mark.parametrize("loops", ["stdlib", "uvloop"])
"""The agent must work on both."""


def go(loops: str, work: Coroutine[Any, Any, T], within_s: float = 180.0) -> T:
    """Run `work` on a loop of its own; nothing may go wrong unseen in a callback."""
    seen: list[dict[str, Any]] = []

    async def bounded() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context))
        async with asyncio.timeout(within_s):
            return await work

    factory = uvloop.new_event_loop if loops == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        found = runner.run(bounded())
    assert not seen, seen
    return found


async def until(good: Callable[[], Any], within_s: float = 30.0) -> float:
    """Wait until `good()`; how many seconds that took."""
    began = time.monotonic()
    while not good():
        assert time.monotonic() - began < within_s, "it did not come"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def free_port() -> int:
    """A port of this machine where nothing listens now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Path:
    """Carries TCP to `target`, and can misbehave as networks do. With `proxy` it is an HTTP proxy instead."""

    def __init__(
        self, target: tuple[str, int] | None = None, *, proxy: str | None = None, password: str = ""
    ) -> None:
        self.target = target
        self.proxy = proxy
        """open, refuse, hang, html, vanish: what the proxy does when asked."""
        self.password = password
        self.asked: list[str] = []
        self.taken = 0
        self.carried = 0
        """Bytes in both directions."""
        self.open = 0
        self.idle_s: float | None = None
        """Drops without a word what said nothing for so long."""
        self.port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._beside = Beside()

    async def start(self, port: int = 0) -> "Path":
        self._server = await asyncio.start_server(self._beside.each(self._take), "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def freeze(self) -> None:
        """No byte passes any more, and nobody is told: a cable pulled, a NAT that forgot."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    def cut(self) -> None:
        """End every connection with RST."""
        for writer in tuple(self._writers):
            sock = writer.get_extra_info("socket")
            with suppress(OSError, AttributeError):  # closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await self._beside.end()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.taken += 1
        self.open += 1
        other: asyncio.StreamWriter | None = None
        try:
            target = self.target
            if self.proxy is not None:
                target = await self._asked(reader, writer)
            if target is None:
                return
            far, other = await asyncio.open_connection(*target)
            self._writers.add(other)
            if self.proxy is not None:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._pump(reader, other), self._pump(far, writer))
        except (OSError, RuntimeError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            for one in filter(None, (writer, other)):
                self._writers.discard(one)
                one.transport.abort()

    async def _asked(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, int] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line = head.splitlines()[0]
        self.asked.append(line)
        wanted = "Basic " + base64.b64encode(self.password.encode()).decode()
        if self.password and f"Proxy-Authorization: {wanted}" not in head.splitlines():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
            await writer.drain()
            return None
        if self.proxy == "refuse":
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        elif self.proxy == "html":
            writer.write(b"<html>Welcome to the router</html>\r\n\r\n")
        elif self.proxy == "hang":
            await asyncio.sleep(3600)
        elif self.proxy == "open":
            host, _, port = line.split()[1].rpartition(":")
            return ("127.0.0.1" if host.endswith(".localhost") else host), int(port)
        with suppress(OSError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(self.idle_s):
                data = await reader.read(65536)
            await self._flows.wait()
            if not data:
                writer.write_eof()
                return
            self.carried += len(data)
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def path(*args: Any, **more: Any) -> AsyncIterator[Path]:
    """A Path that runs, and ends with the block."""
    one = await Path(*args, **more).start()
    try:
        yield one
    finally:
        await one.stop()


@asynccontextmanager
async def echo(
    answer: Serve,
) -> AsyncIterator[int]:
    """A tiny TCP server that does `answer` with each connection; its port."""
    beside = Beside()
    server = await asyncio.start_server(beside.each(answer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await beside.end()
