"""The door while no server is ready: every request is answered 503 with Retry-After, none is refused.

It listens on the guard's own socket, beside the server that is on its way in or out; whichever of the two takes a
connection answers it. Every answer closes its connection, so that the next one may reach the server. It takes no more
connections than it answers at once: however many come, the guard keeps the descriptors it needs to start a server.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_BYTES = 16 * 1024
BODY_BYTES = 16 * 1024
"""Of a body that somebody reads (the floor's form)."""
HEAD_S = 5.0
LINGER_S = 2.0
"""So long a body nobody wants is read on: closing at once would reset the connection and lose the answer."""
LINGER_BYTES = 64 * 1024 * 1024
BACKLOG = 512
MOST = 400
"""Connections taken at once; more wait in the socket's queue until one of them is done."""
CROWDED_S = 1.0
"""So long a connection may say nothing while there are so many that others wait behind it."""
_AT_ONCE = 64
"""Connections taken in one turn of the loop."""
_SHORT_S = 0.2
"""So long nothing is taken after the system had no descriptor for a connection."""


@dataclass(frozen=True)
class Request:
    """What the door has read of a request; header names are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def wants_page(self) -> bool:
        """True for a browser that shows the answer to a person."""
        return "text/html" in self.headers.get("accept", "")


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    kind: str
    """Content-Type."""
    headers: dict[str, str] = field(default_factory=dict)


_REASONS = {200: "OK", 303: "See Other", 400: "Bad Request", 403: "Forbidden", 503: "Service Unavailable"}


class Door:
    """Accepts while it is open; `answer` makes the Reply to a Request."""

    def __init__(self, sock: socket.socket, answer: Callable[[Request], Reply], most: int = MOST) -> None:
        """`sock` listens and does not block; `most`: connections taken at once."""
        self._sock = sock
        self._answer = answer
        self._most = most
        self._open = False
        self._paused: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """True while it accepts."""
        return self._open

    @property
    def inside(self) -> int:
        """Connections it has taken and not yet closed."""
        return len(self._running)

    async def open(self) -> None:
        """Begin to accept; nothing if it does already."""
        self._open = True
        self._listen()

    def close(self) -> None:
        """Stop accepting; who is inside is still answered."""
        self._open = False
        self._listen()

    async def finish(self, limit_s: float = 1.0) -> None:
        """Close, and give who is inside a moment."""
        self.close()
        if self._running:
            await asyncio.wait(set(self._running), timeout=limit_s)
        for one in tuple(self._running):
            one.cancel()

    def _listen(self) -> None:
        """Hear of new connections as long as there is room for one."""
        loop = asyncio.get_running_loop()
        if self._open and self._paused is None and len(self._running) < self._most:
            loop.add_reader(self._sock, self._take)
        else:
            loop.remove_reader(self._sock)

    def _take(self) -> None:
        for _ in range(min(_AT_ONCE, self._most - len(self._running))):
            try:
                guest, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError:  # no descriptor, no memory: what waits in the queue is not lost
                self._paused = asyncio.get_running_loop().call_later(_SHORT_S, self._resume)
                break
            guest.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._meet(guest))
            self._running.add(task)
            task.add_done_callback(self._done)
        self._listen()

    def _resume(self) -> None:
        self._paused = None
        self._listen()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # a fault of one answer is nobody else's
        if self._open:
            self._listen()

    @property
    def _patience_s(self) -> float:
        return HEAD_S if len(self._running) < self._most // 2 else min(HEAD_S, CROWDED_S)

    async def _meet(self, guest: socket.socket) -> None:
        with contextlib.suppress(OSError), guest:  # an error: the guest is gone
            reader, writer = await asyncio.open_connection(sock=guest, limit=HEAD_BYTES)
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()
                try:
                    await asyncio.wait_for(writer.wait_closed(), LINGER_S)
                finally:
                    writer.transport.abort()  # who does not take the answer holds no place

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(_read(reader), self._patience_s)
        except (TimeoutError, asyncio.IncompleteReadError):
            return  # connected and said nothing whole: there is nobody to answer
        except (ValueError, asyncio.LimitOverrunError):
            request = Request("GET", "/", {})  # not HTTP as we know it; 503 is true all the same
        reply = self._answer(request)
        writer.write(encoded(reply, head_only=request.method == "HEAD"))
        await asyncio.wait_for(writer.drain(), HEAD_S)
        with contextlib.suppress(OSError):
            writer.write_eof()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_drain(reader), LINGER_S)


async def _drain(reader: asyncio.StreamReader) -> None:
    left = LINGER_BYTES
    while left > 0 and (piece := await reader.read(64 * 1024)):
        left -= len(piece)


async def _read(reader: asyncio.StreamReader) -> Request:
    """Request line, headers, and a small body. ValueError for what is no HTTP/1."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.split("\r\n")
    method, target, _version = first.split(" ")
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    body = b""
    length = headers.get("content-length", "0")
    if length.isdigit() and 0 < int(length) <= BODY_BYTES and "expect" not in headers:
        body = await reader.readexactly(int(length))
    return Request(method.upper(), target.partition("?")[0], headers, body)


def encoded(reply: Reply, head_only: bool = False) -> bytes:
    """The bytes of an answer (RFC 9112)."""
    headers = {
        "Content-Type": reply.kind,
        "Content-Length": str(len(reply.body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if head_only else reply.body)
