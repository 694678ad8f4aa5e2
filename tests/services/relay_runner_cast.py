"""A house that is really served, its runner, a real hub, and guests that come from outside with plain sockets and TLS."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.visitors import Visitor
from praxisd.services.relay import enrolling, identity
from praxisd.services.relay.runner import LinkRunner
from praxisd.web.server import Server, serve

from .relay_cast import RunningHub, until

WHO = system("test")


@contextmanager
def served(house: House) -> Iterator[Server]:
    """Our own doors on a port of this computer, as `praxisd serve` opens them."""
    ready, found = threading.Event(), {}

    def on_ready(url: str) -> None:
        house.shared["url"] = url
        ready.set()

    doors: Any = main.doors(house)
    thread = threading.Thread(
        target=lambda: serve(house, doors, "127.0.0.1", 0, on_ready, lambda one: found.update(server=one)),
        daemon=True,
    )
    thread.start()
    assert ready.wait(30)
    try:
        yield found["server"]
    finally:
        found["server"].stop()
        thread.join(15)
        assert not thread.is_alive()


@contextmanager
def linked(house: House, hub: RunningHub) -> Iterator[LinkRunner]:
    """The house enrolled at the hub, its link up and found from outside, if its doors are open."""
    enrolling.enrol(house, WHO, hub.invitation())
    with keeping(house) as runner:
        until(lambda: runner.snapshot().connected)
        yield runner


@contextmanager
def keeping(house: House) -> Iterator[LinkRunner]:
    """A runner that runs."""
    runner = LinkRunner(house)
    runner.start()
    try:
        yield runner
    finally:
        runner.close(1.0)
        assert not [one for one in threading.enumerate() if one is runner._thread]


def name_of(house: House) -> str:
    """Our name at the hub."""
    found = identity.current(house)
    assert found is not None
    return found.host


def tls() -> ssl.SSLContext:
    """A guest that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def come(hub: RunningHub, name: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """A guest whose TLS is up; ssl.SSLError or OSError if not."""
    plain = socket.create_connection(("127.0.0.1", hub.hub.port), 30)
    try:
        return (context or tls()).wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def ask(guest: ssl.SSLSocket, name: str, path: str = "/health/live") -> None:
    """One request that ends its connection."""
    guest.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())


def rest(guest: ssl.SSLSocket) -> bytes:
    """All that comes until the end."""
    found = b""
    while data := guest.recv(65536):
        found += data
    return found


def get(hub: RunningHub, name: str, path: str = "/health/live") -> bytes:
    """A whole visit: the answer's bytes."""
    with come(hub, name) as guest:
        ask(guest, name, path)
        return rest(guest)


class Book:
    """Who was registered as a guest, and when he left."""

    def __init__(self, house: House) -> None:
        self.came: list[Visitor] = []
        self._visitors = house.visitors
        admit = house.visitors.admit

        def note(port: int, visitor: Visitor, host: str = "127.0.0.1") -> None:
            self.came.append(visitor)
            admit(port, visitor, host)

        house.visitors.admit = note  # type: ignore[method-assign]

    @property
    def inside(self) -> int:
        return len(self._visitors)


class Doors:
    """Doors of the test's own in place of the house's: `serve` gets each connection in a thread."""

    def __init__(self, house: House, serve_one: Callable[[socket.socket], None]) -> None:
        self._serve = serve_one
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.taken = 0
        house.shared["url"] = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._turn, daemon=True).start()

    def _turn(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            threading.Thread(target=self._one, args=(one,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with sock:
            try:
                self._serve(sock)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def doors(house: House, serve_one: Callable[[socket.socket], None]) -> Iterator[Doors]:
    """Doors until the block ends."""
    one = Doors(house, serve_one)
    try:
        yield one
    finally:
        one.close()


def within(seconds: float, true: Callable[[], Any]) -> float:
    """How long it took; fails if longer than `seconds`."""
    began = time.monotonic()
    until(true, seconds)
    return time.monotonic() - began


def there_and_back(guest: ssl.SSLSocket, text: bytes) -> bytes:
    """Sent and read in turns by one thread: one end of TLS is not for two of them (CPython before 3.14 has no lock there)."""
    guest.setblocking(False)
    gone, found = 0, b""
    while len(found) < len(text):
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if gone < len(text):
                gone += guest.send(text[gone : gone + 65536])
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            piece = guest.recv(65536)
            assert piece, "cut off"
            found += piece
            continue  # there may be more of it already
        assert any(select.select([guest], [guest] if gone < len(text) else [], [], 30)), "nothing moves"
    return found
