"""A connection that has just come to the hubs' port: a neighbour's TLS, or the bytes of a guest that was announced.

Whatever it is, it has seconds to say so, and only so many may be undecided at the same time.
"""

import asyncio
from collections.abc import Callable

from praxisd_relay import rooms
from praxisd_relay.peers_plain import MARK, PREFACE, WAIT_S

HALF_OPEN = 256
"""Connections that have not proved themselves; more are closed at once."""


class Gate:
    """What all entries of a port share. `tls` takes over a neighbour's connection and calls `proved` or `failed` once;
    `plain` takes over an announced one, or says False. None: no such connections here."""

    def __init__(
        self,
        tls: Callable[[asyncio.Transport, bytes], None],
        plain: Callable[[asyncio.Transport, bytes], bool] | None,
    ) -> None:
        self.tls, self.plain = tls, plain
        self.half_open = 0
        self.refused = 0
        """Connections that came to nothing."""

    def proved(self) -> None:
        """One is no longer half open."""
        self.half_open -= 1

    def failed(self) -> None:
        """One came to nothing."""
        self.half_open -= 1
        self.refused += 1


class Entry(asyncio.Protocol):
    """A connection before it is decided what it is."""

    __slots__ = ("_gate", "_said", "_timer", "_transport")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._said = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        gate = self._gate
        if gate.half_open >= HALF_OPEN:
            gate.refused += 1
            transport.abort()  # type: ignore[attr-defined]
            return
        gate.half_open += 1
        self._transport = transport  # type: ignore[assignment]
        self._timer = asyncio.get_running_loop().call_later(WAIT_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """First bytes."""
        gate, transport = self._gate, self._transport
        if transport is None:
            return
        self._said += data
        if gate.plain is None or self._said[:1] != MARK:
            self._decided()
            gate.tls(transport, self._said)
        elif len(self._said) >= PREFACE:
            self._decided()
            rooms.tune_link(transport)
            if gate.plain(transport, self._said):
                gate.proved()
            else:
                gate.failed()
                transport.abort()

    def eof_received(self) -> bool:
        """Went away without a word."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """So it did, or had no time left."""
        if self._transport is not None:
            self._decided()
            self._gate.failed()

    def _decided(self) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
