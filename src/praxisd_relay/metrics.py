"""Counts of a hub for Prometheus, and a tiny server for them on a loopback address.

Only sums over all practices: no id, no name, no address is ever a label.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, ClassVar

PREFIX = "praxis_relay_"
_MOST_REQUEST = 8192
_SECONDS = 5.0


class Counts:
    """What has been counted since the start. Each name is a counter of the metrics; help stands beside it."""

    HELP: ClassVar[dict[str, str]] = {
        "connections": "Connections that came to the public address.",
        "guests": "Connections of guests carried to a practice.",
        "links": "Links that were proved.",
        "turned_limit": "Connections cut because of a limit per address or of the hub.",
        "turned_slow": "Connections that did not say in time whom they want.",
        "turned_garbage": "Connections that sent no TLS.",
        "turned_unknown": "Connections that wanted a name nobody has.",
        "turned_offline": "Connections to a practice that is not linked.",
        "turned_practice": "Connections cut because of a limit per practice.",
        "proofs_failed": "Links refused.",
        "enrolled": "Practices enrolled.",
        "received_bytes": "Bytes taken from links.",
        "sent_bytes": "Bytes given to links.",
        "held": "Tenths of a second in which a practice had used up its bandwidth.",
        "idle": "Connections of guests ended because nothing moved.",
        "elsewhere": "Connections handed to another hub.",
    }
    __slots__ = tuple(HELP)

    def __init__(self) -> None:
        for name in self.HELP:
            setattr(self, name, 0)

    connections: int
    guests: int
    links: int
    turned_limit: int
    turned_slow: int
    turned_garbage: int
    turned_unknown: int
    turned_offline: int
    turned_practice: int
    proofs_failed: int
    enrolled: int
    received_bytes: int
    sent_bytes: int
    held: int
    idle: int
    elsewhere: int


def exposition(counts: Counts, gauges: dict[str, tuple[float, str]]) -> str:
    """The text that Prometheus reads. `gauges`: name → (value, help)."""
    lines: list[str] = []
    for name, said in Counts.HELP.items():
        full = f"{PREFIX}{name}_total"
        lines += [f"# HELP {full} {said}", f"# TYPE {full} counter", f"{full} {getattr(counts, name)}"]
    for name, (value, said) in gauges.items():
        full = f"{PREFIX}{name}"
        lines += [f"# HELP {full} {said}", f"# TYPE {full} gauge", f"{full} {value:g}"]
    return "\n".join(lines) + "\n"


class MetricsServer:
    """`GET /metrics` and `GET /health`, one answer for each connection."""

    def __init__(self, metrics: Callable[[], str], health: Callable[[], dict[str, Any]]) -> None:
        self._metrics, self._health = metrics, health
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listens; the address it got. Raises OSError."""
        self._server = await asyncio.start_server(self._answer, host, port, limit=_MOST_REQUEST)
        found = self._server.sockets[0].getsockname()
        return str(found[0]), int(found[1])

    async def stop(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head.split(b" ", 2)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _response(self, words: list[bytes]) -> bytes:
        method, path = words[0], words[1] if len(words) > 1 else b""
        if method != b"GET":
            return _http("405 Method Not Allowed", "text/plain", b"")
        if path == b"/metrics":
            return _http("200 OK", "text/plain; version=0.0.4; charset=utf-8", self._metrics().encode())
        if path == b"/health":
            return _http("200 OK", "application/json", json.dumps(self._health()).encode())
        return _http("404 Not Found", "text/plain", b"")


def _http(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
