"""A small TCP load balancer, so that a client sees what it would see behind haproxy in mode tcp.

Each connection goes to the ready node with the fewest; a node that refuses is passed over. `/health/ready` of each node is
asked every `EVERY_S`: a node that says 503 gets nothing new and keeps what it has (it drains); one that stays silent
`FALL` times is cut off with all its connections, as haproxy does by `on-marked-down shutdown-sessions`. While no node is
ready it answers 503 itself, as haproxy in mode http would.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

EVERY_S = 0.5
ANSWER_S = 2.0
FALL = 2
SILENT = -1
CONNECT_S = 1.0
HEAD_MOST = 65_536
MARK = "x-balancer"
"""Header by which a client knows that the answer is not a node's."""
_ASK = b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
_NOBODY = (
    f"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n{MARK}: 1\r\n"
    "connection: close\r\ncontent-length: 0\r\n\r\n"
).encode()


@dataclass(eq=False)
class Backend:
    """A node as the balancer knows it. `said`: the last status of its health, 0 for none; `given`:
    connections it has, or is about to get."""

    port: int
    ready: bool = False
    said: int = 0
    failed: int = 0
    given: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)


class Balancer:
    """`async with Balancer(ports) as one: one.port`."""

    def __init__(self, ports: Sequence[int], every_s: float = EVERY_S) -> None:
        self.backends = [Backend(port) for port in ports]
        self.port = 0
        self.cut = self.turned_away = 0
        self._every_s = every_s
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> int:
        """How many nodes are ready."""
        return sum(one.ready for one in self.backends)

    async def __aenter__(self) -> "Balancer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        for one in self.backends:
            self._tasks.add(asyncio.create_task(self._watch(one)))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self.backends:
            self._cut(one)

    # --- health ----------------------------------------------------------------------------------------------------

    async def _watch(self, one: Backend) -> None:
        while True:
            one.said = await _health(one.port)
            one.failed = 0 if one.said > 0 else one.failed + 1
            if one.said == 200:
                one.ready = True
            elif one.said > 0 or one.failed >= FALL:
                one.ready = False
            if one.failed >= FALL and one.said == SILENT:
                self._cut(one)  # who refuses is dead, or finishes what it has begun: nothing to be cut
            await asyncio.sleep(self._every_s)

    def _cut(self, one: Backend) -> None:
        for writer in [*one.open]:
            self.cut += 1
            writer.transport.abort()

    # --- connections -----------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            passed: set[Backend] = set()
            while True:
                choice = [one for one in self.backends if one.ready and one not in passed]
                if not choice:
                    await self._nobody(reader, writer)
                    return
                one = min(choice, key=lambda backend: backend.given)
                one.given += 1
                try:
                    async with asyncio.timeout(CONNECT_S):
                        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", one.port)
                    break
                except (OSError, TimeoutError):
                    one.given -= 1
                    passed.add(one)
            one.open.add(back_writer)
            ways = [
                asyncio.create_task(_pump(reader, back_writer)),
                asyncio.create_task(_pump(back_reader, writer)),
            ]
            try:  # whichever side ends, ends it: for HTTP it is over then
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                one.open.discard(back_writer)
                one.given -= 1
                back_writer.transport.abort()
        finally:
            writer.close()

    async def _nobody(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """No node is ready: say so, and take what the client still sends, so that the answer is not lost to a reset."""
        self.turned_away += 1
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(2):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_NOBODY)
                writer.write_eof()
                while await reader.read(HEAD_MOST):
                    pass


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All bytes from one side to the other."""
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def _health(port: int) -> int:
    """The status of `/health/ready`, 0 where nobody takes the connection, SILENT where no answer comes in time."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_ASK)
                words = (await reader.readline()).split(b" ")
                return int(words[1]) if len(words) > 1 else 0
            finally:
                writer.transport.abort()
    except TimeoutError:
        return SILENT
    except (OSError, ValueError):
        return 0
