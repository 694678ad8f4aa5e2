"""Serve: bind first, say when ready, and stop so that nobody notices.

On SIGTERM or SIGINT this node drains: `/health/ready` turns 503, every answer closes its connection, running
requests have until 8 s after the signal, then the house stops; the exit code is 0 within 10 s. A second signal ends
the program at once. One of several nodes goes on accepting until a load balancer that asks for its health has heard it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from praxisd.kernel.app import House, State
from praxisd.web.app import build
from praxisd.web.connection import Connection, Settings, state_of
from praxisd.web.crowd import Crowd, overloaded
from praxisd.web.door import API, Doors
from praxisd.web.health import ASKERS
from praxisd.web.wire import PING_S, Wire

DRAIN_S = 1.0
"""Idle connections get so long to make a last request, which is answered with `Connection: close`."""
FINISH_S = 8.0
"""Running requests must be done so long after the signal."""
EXIT_S = 9.5
"""The program ends by force so long after the signal (SPEC 14.1 promises 10 s)."""
KEEP_ALIVE_S = 75
LONGEST_BACKLOG = 512


def bind(host: str, port: int, handle: int | None = None) -> socket.socket:
    """A listening address taken before anything else starts; port 0 takes a free one. Raises OSError.

    `handle`: the descriptor of a socket that listens already; whoever started this program keeps it open (the guard).
    """
    if handle is not None:
        return socket.socket(fileno=handle)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def url_of(sock: socket.socket) -> str:
    """`http://127.0.0.1:8080`: where the socket is reached from this computer."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn with our own signals, a drain before the stop, and a word when requests are answered."""

    def __init__(self, config: uvicorn.Config, house: House, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._house = house
        self._on_ready = on_ready
        self._asked_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then tell."""
        await super().startup(sockets)
        if self._house.state is State.STARTING:
            self._house.state = State.SAFE if self._house.safe else State.RUNNING
        await asyncio.get_running_loop().run_in_executor(None, self._on_ready)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain: let connections end with their next answer, then stop listening and finish what runs."""
        self._house.state = State.DRAINING
        self._house.wake.signal()  # live streams look, and take their leave
        began = time.monotonic()
        until_told = began + self._untold_s(began)
        while not self.force_exit and (now := time.monotonic()) < max(began + DRAIN_S, until_told):
            connections, _busy = state_of(self)
            if not connections and now >= until_told:
                break
            await asyncio.sleep(0.02)
        spent = time.monotonic() - (self._asked_at or began)
        self.config.timeout_graceful_shutdown = max(1, round(FINISH_S - spent))
        await super().shutdown(sockets)

    def _untold_s(self, now: float) -> float:
        """So long the load balancers before several nodes need to hear that nothing must be sent here any more: until then
        the doors stay open, and what still comes is answered. 0.0 where no other node could take over.
        """
        askers = self._house.shared.get(ASKERS)
        return 0.0 if askers is None or self._house.store.alone else askers.wait_s(now)

    def stop(self) -> None:
        """Ask for the end, from any thread."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first SIGTERM or SIGINT drains, the second ends at once; afterwards the program exits 0, not by signal."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        watched = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self._on_signal) for one in watched}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + number)
        self._house.state = State.DRAINING
        self.stop()
        forced = threading.Timer(EXIT_S, os._exit, (0,))
        forced.daemon = True
        forced.start()


def serve(
    house: House,
    doors: Doors,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_ready: Callable[[str], None] = lambda _url: None,
    on_server: Callable[[Server], None] = lambda _server: None,
    *,
    handle: int | None = None,
) -> int:
    """Serve until a signal (or `Server.stop()`, which `on_server` hands out) and stop the house; returns 0.

    `on_ready(url)` is called in a thread once requests are answered. `handle` as for `bind`. Raises OSError if the address
    is taken.
    """
    with contextlib.closing(bind(host, port, handle)) as sock:
        url = url_of(sock)
        config = Settings(
            build(house, doors),
            http=Connection,
            loop="auto",
            ws=Wire,
            ws_max_size=max((one.most_bytes for one in house.registry.sockets), default=65_536),
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            backlog=LONGEST_BACKLOG,
        )
        config.crowd = Crowd(overloaded(house))
        config.sockets = frozenset((API + one.path).encode() for one in house.registry.sockets)
        server = Server(config, house, lambda: on_ready(url))
        on_server(server)
        try:
            server.run(sockets=[sock])
        finally:
            house.stop(patience_s=1.0)
    return 0
