"""A recorder between two programs: passes a TCP connection through and keeps every byte, with the time it went.

For proofs about what leaves the house: nothing of praxisd or of the other side takes part in the recording.

    with Recorder("127.0.0.1", port, clock.now) as between:
        …  # whoever should be heard talks to between.port
        assert b"Canary" not in between.everything()
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

_CHUNK = 65_536
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes as they went: `at` by the recorder's clock, `connection` counted from 1, `outward` = from who connected."""

    at: float
    connection: int
    outward: bool
    data: bytes


class Recorder:
    """Listens on a loopback port of its own and connects each caller to the target; both directions are kept."""

    def __init__(self, host: str, port: int, now: Callable[[], float] = time.time) -> None:
        self._target = (host, port)
        self._now = now
        self._lock = threading.Lock()
        self._pieces: list[Piece] = []
        self._count = 0
        self._open: set[socket.socket] = set()
        self._half: set[int] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, name="recorder", daemon=True)
        self._closed = False

    @property
    def port(self) -> int:
        """Where to connect to instead of the target."""
        return int(self._server.getsockname()[1])

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What went so far, in order."""
        with self._lock:
            return tuple(self._pieces)

    def sent(self) -> list[tuple[float, bytes]]:
        """(time of the first byte, all bytes) each caller sent, one entry per connection."""
        found: dict[int, tuple[float, bytearray]] = {}
        for one in self.pieces:
            if one.outward:
                found.setdefault(one.connection, (one.at, bytearray()))[1].extend(one.data)
        return [(at, bytes(data)) for at, data in found.values()]

    def everything(self) -> bytes:
        """All bytes the callers sent, one connection after another."""
        return b"\n".join(data for _, data in self.sent())

    def size(self) -> tuple[int, int]:
        """(bytes sent, bytes received) by the callers."""
        out = sum(len(one.data) for one in self.pieces if one.outward)
        return out, sum(len(one.data) for one in self.pieces if not one.outward)

    def clear(self) -> None:
        """Forget what went so far."""
        with self._lock:
            self._pieces.clear()

    def __enter__(self) -> "Recorder":
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()  # accept() does not see a close
        self._server.close()
        with self._lock:
            still = list(self._open)
        for one in still:
            _end(one)
        self._thread.join(_END_S)

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            if self._closed:
                caller.close()
                return
            try:
                target = socket.create_connection(self._target, 10)
            except OSError:
                _end(caller)
                continue
            with self._lock:
                self._count += 1
                number = self._count
                self._open |= {caller, target}
            for source, sink, outward in ((caller, target, True), (target, caller, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink, number, outward), name="recorder-pass", daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, number: int, outward: bool) -> None:
        try:
            while data := source.recv(_CHUNK):
                with self._lock:
                    self._pieces.append(Piece(self._now(), number, outward, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)
        with self._lock:
            last = number in self._half
            self._half ^= {number}
            if last:
                self._open -= {source, sink}
        if last:
            source.close()
            sink.close()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
