"""A TCP proxy that can lose everything without a word: what a pulled cable or a lost radio is to a connection.

proxy = SeatProxy("127.0.0.1", port)      # listens at proxy.port
proxy.lose()                              # from now on nothing arrives, and nobody is told: no FIN, no RST
proxy.heal()                              # new connections get through; what was lost stays lost

Used in tests only. A connection of before `heal` stays dead, as one does that a router has forgotten.
"""

import selectors
import socket
import threading
from contextlib import suppress

CHUNK = 65_536


class _Pair:
    """Two ends and whether anything passes between them."""

    def __init__(self, near: socket.socket, far: socket.socket | None) -> None:
        self.near, self.far = near, far
        self.dead = far is None
        self.deaf = False
        """What the far side says is lost, what is said to it arrives."""

    def other(self, one: socket.socket) -> socket.socket | None:
        return self.far if one is self.near else self.near

    def ends(self) -> list[socket.socket]:
        return [one for one in (self.near, self.far) if one is not None]


class SeatProxy:
    """One thread. `close` ends all connections."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._bell, self._ring = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._pairs: dict[socket.socket, _Pair] = {}
        self._lock = threading.Lock()
        self._losing = False
        self._over = False
        self.lost_bytes = 0
        self._thread = threading.Thread(target=self._run, name="seat-proxy", daemon=True)
        self._thread.start()

    def lose(self, *, answers_only: bool = False) -> None:
        """From now on everything is swallowed, on all connections and new ones; or what the far side says, on those of now."""
        with self._lock:
            self._losing = self._losing or not answers_only
            for pair in self._pairs.values():
                pair.deaf = True
                pair.dead = pair.dead or not answers_only

    def heal(self) -> None:
        """New connections get through again."""
        with self._lock:
            self._losing = False

    def close(self) -> None:
        """End it."""
        self._over = True
        self._ring.send(b"x")
        self._thread.join()

    def _run(self) -> None:
        while not self._over:
            for key, _ in self._selector.select():
                one = key.fileobj
                assert isinstance(one, socket.socket)
                if one is self._listener:
                    self._accept()
                elif one is not self._bell:
                    self._pass(one)
        for one in (*self._pairs, self._listener, self._bell, self._ring):
            with suppress(OSError):
                one.close()
        self._selector.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        with self._lock:
            losing = self._losing
        far = None
        if not losing:
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                near.close()
                return
            far.settimeout(None)
        pair = _Pair(near, far)
        for one in pair.ends():
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs[one] = pair
            self._selector.register(one, selectors.EVENT_READ)

    def _pass(self, one: socket.socket) -> None:
        pair = self._pairs.get(one)
        if pair is None:
            return
        try:
            data = one.recv(CHUNK)
        except OSError:
            data = b""
        with self._lock:
            dead = pair.dead or (pair.deaf and bool(data) and one is pair.far)
        other = pair.other(one)
        if dead:  # the end of one side is lost on the way, too
            self.lost_bytes += len(data)
            if not data:
                self._forget(one)
            return
        try:
            if data and other is not None:
                other.sendall(data)
                return
        except OSError:
            pass
        for end in pair.ends():
            self._forget(end)

    def _forget(self, one: socket.socket) -> None:
        with self._lock:
            if self._pairs.pop(one, None) is None:
                return
        self._selector.unregister(one)
        one.close()
