"""A slow line in between, in user space: `python -m bench.relay_shaper TARGET_PORT SLOW [--mbit 20] [--rtt 30] [--queue 50]`.

SLOW says which side sends through the bottleneck: `caller` (an agent that dialled out) or `target` (an origin that is
dialled). All connections share its rate and its queue, as behind one router; the other direction is only late. What
does not fit into the queue is not read, so that the sender's own TCP holds it back. Prints `ready PORT`.
"""

import argparse
import collections
import socket
import threading
import time

_CHUNK = 4096
_KERNEL = 4096
"""Asked of the kernel as receive buffer (it doubles it): what it holds is a queue of its own."""


class Line:
    """One direction of the line: bytes leave it at `rate`, `delay` seconds after their turn.

    rate: bytes per second, 0 for no bound. queue: seconds that the last byte in it may have to wait.
    """

    def __init__(self, rate: float, delay: float, queue: float) -> None:
        self._rate, self._delay, self._queue = rate, delay, queue
        self._lock = threading.Lock()
        self._free = 0.0

    def admit(self, size: int) -> float:
        """Waits until there is room in the queue; when these bytes arrive, on the monotonic clock."""
        while True:
            with self._lock:
                now = time.monotonic()
                ahead = self._free - now
                if not self._rate:
                    return now + self._delay
                if ahead <= self._queue:
                    self._free = max(now, self._free) + size / self._rate
                    return self._free + self._delay
            time.sleep(ahead - self._queue)


def carry(source: socket.socket, sink: socket.socket, line: Line) -> None:
    """From one socket to the other until it ends."""
    waiting: collections.deque[tuple[float, bytes]] = collections.deque()
    some = threading.Condition()

    def deliver() -> None:
        try:
            while True:
                with some:
                    while not waiting:
                        some.wait()
                    at, data = waiting.popleft()
                time.sleep(max(0.0, at - time.monotonic()))
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
        except OSError:
            source.close()

    threading.Thread(target=deliver, daemon=True).start()
    while True:
        try:
            data = source.recv(_CHUNK)
        except OSError:
            data = b""
        at = line.admit(len(data))
        with some:
            waiting.append((at, data))
            some.notify()
        if not data:
            return


def main() -> None:
    """Listen, dial, carry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=int)
    parser.add_argument("slow", choices=("caller", "target"))
    parser.add_argument("--mbit", type=float, default=20.0)
    parser.add_argument("--rtt", type=float, default=30.0, help="milliseconds")
    parser.add_argument("--queue", type=float, default=50.0, help="milliseconds")
    asked = parser.parse_args()
    delay = asked.rtt / 2000
    bottleneck = Line(asked.mbit * 125_000, delay, asked.queue / 1000)
    back = Line(0.0, delay, 0.0)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    print("ready", listening.getsockname()[1], flush=True)
    while True:
        caller, _ = listening.accept()
        target = socket.socket()
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL)
        target.connect(("127.0.0.1", asked.target))
        for one in (caller, target):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first, second = (bottleneck, back) if asked.slow == "caller" else (back, bottleneck)
        for source, sink, line in ((caller, target, first), (target, caller, second)):
            threading.Thread(target=carry, args=(source, sink, line), daemon=True).start()


if __name__ == "__main__":
    main()
