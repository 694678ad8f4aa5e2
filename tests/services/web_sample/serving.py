"""A served house for tests: real sockets on a free port, in a thread of the test's process."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from praxisd.kernel.app import House
from praxisd.kernel.log import Log
from praxisd.web.door import Doors
from praxisd.web.server import Server, serve

from .. import web_sample

DOORS = Doors(web_sample.authenticate, web_sample.take)


class Running:
    """A server that answers. `http` is a client with the key `all`; `log()` is what was logged so far."""

    def __init__(self, house: House, url: str, server: Server, stream: io.BytesIO) -> None:
        self.house = house
        self.url = url
        self.server = server
        self._stream = stream
        self.http = httpx.Client(base_url=url, headers={"Authorization": "Bearer all"}, timeout=20)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rsplit(":", 1)[1])

    def log(self) -> str:
        """All lines logged so far."""
        return self._stream.getvalue().decode()

    def key(self, name: str) -> dict[str, str]:
        """Headers with another key."""
        return {"Authorization": f"Bearer {name}"}

    def post(self, title: str = "a", key: str | None = None, **body: Any) -> httpx.Response:
        """POST a note, with an Idempotency-Key if given."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.http.post("/api/v1/notes", json={"title": title, **body}, headers=headers)


@contextmanager
def running(house: House, doors: Doors = DOORS) -> Iterator[Running]:
    """Serve `house` until the block ends."""
    stream = io.BytesIO()
    house.log = Log("info", stream)
    ready, found = threading.Event(), {}

    def on_ready(url: str) -> None:
        found["url"] = url
        ready.set()

    def on_server(server: Server) -> None:
        found["server"] = server

    thread = threading.Thread(
        target=lambda: serve(house, doors, "127.0.0.1", 0, on_ready, on_server),
        name="test-server",
        daemon=True,
    )
    thread.start()
    assert ready.wait(60), "the server did not get ready"
    one = Running(house, found["url"], found["server"], stream)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        web_sample.gate.set()
        web_sample.limited_actors.clear()
        one.http.close()
        one.server.stop()
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"
