"""HTTP connections with limits uvicorn's own lack: size of the headers, how long they may take to arrive, and how many
there may be (`crowd`).
"""

import asyncio
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from praxisd.web.crowd import Crowd

HEADER_BYTES = 32 * 1024
HEADER_PATIENCE_S = 30.0
_CODE = "http.headers_too_large"
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


def _refusal() -> bytes:
    """431 as problem+json; the language cannot be known before the headers are."""
    body = msgspec.json.encode(
        {
            "type": f"https://praxisd.org/problems/{_CODE}",
            "title": "Headers too large",
            "status": 431,
            "code": _CODE,
            "retry": False,
        }
    )
    head = (
        b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
        b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    return head + body


class Settings(uvicorn.Config):
    """uvicorn's settings, and all connections of the server. `limit_concurrency` is none of them: `crowd` says it better."""

    crowd: Crowd
    sockets: frozenset[bytes] = frozenset()
    """Paths of WebSockets; elsewhere a wish to change the protocol is ignored, as RFC 9110 § 7.8 allows."""


class Connection(HttpToolsProtocol):
    """One client connection. A request head must fit into 32 kB and arrive within 30 s, else the connection ends."""

    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None
    config: Settings

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request head."""
        super().connection_made(transport)
        self.config.crowd.silent(self, len(self.connections))
        self._expect_head()

    def leave(self) -> None:
        """Make room for others; nothing was asked."""
        if not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._no_deadline()
        self.config.crowd.speaks(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives while a head is incomplete; the parser itself would collect without end."""
        self.config.crowd.speaks(self)
        if self._in_head:
            self._head_bytes += len(data)
            # One read may bring the head and a large body with it: only what precedes the body counts.
            if self._head_bytes > HEADER_BYTES and self._before(data) + _head_end(data) > HEADER_BYTES:
                self.transport.write(_refusal())
                self.transport.close()
                return
        super().data_received(data)
        if self._in_head and self._head_bytes and self._deadline is None:
            self._expect_head()  # nearly every head comes in one piece and needs no clock

    def _before(self, data: bytes) -> int:
        return self._head_bytes - len(data)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is here: its clock and count stop."""
        self._in_head = False
        self._head_bytes = 0
        self._no_deadline()
        full = self.config.crowd.full(len(self.connections), len(self.tasks), self.url)
        self.app = self.config.crowd.refuse if full else self.config.loaded_app
        super().on_headers_complete()

    def _should_upgrade(self) -> bool:
        return self.url.partition(b"?")[0].rstrip(b"/") in self.config.sockets and super()._should_upgrade()

    def handle_websocket_upgrade(self) -> None:
        """Change over, unless there is no room, or an answer is still on its way."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.config.crowd.full(len(self.connections), len(self.tasks), self.url):
            self.transport.write(_BUSY)
            self.transport.close()
            return
        self._no_deadline()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """Between two requests it says nothing."""
        super().on_response_complete()
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self.config.crowd.silent(self, len(self.connections))

    def on_message_complete(self) -> None:
        """Whatever comes next on this connection is a head again; its clock starts with its first byte."""
        super().on_message_complete()
        self._in_head = True

    def _expect_head(self) -> None:
        self._no_deadline()
        self._deadline = self.loop.call_later(HEADER_PATIENCE_S, self._too_slow)

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self.leave()


def _head_end(data: bytes) -> int:
    """How many bytes of `data` belong to the head."""
    found = data.find(b"\r\n\r\n")
    return len(data) if found < 0 else found + 4


def state_of(server: Any) -> tuple[int, int]:
    """(open connections, those with a request being answered) of a uvicorn server."""
    connections = server.server_state.connections
    busy = sum(
        1 for c in connections if getattr(c, "cycle", None) is not None and not c.cycle.response_complete
    )
    return len(connections), busy
