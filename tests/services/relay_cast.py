"""What the tests of the relay share: a real hub in a thread, a link that says what it is told to, guests that come in."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.visitors import Visitor
from praxisd.services.relay.linking import Link, Probe, Snapshot
from praxisd.services.relay.room import Room
from praxisd.web.app import build
from praxisd_relay.config import Config
from praxisd_relay.hub import Hub
from praxisd_relay.identity import Identity, show_code

OUTSIDE = "203.0.113.7"
NAME = "aaaaaaaaaaaaaaaaaaaaaaaaaa.relay.localhost"
PATIENCE_S = 60.0


def until(true: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What `true` gives once it is true; fails after a while."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


class RunningHub:
    """A hub with a loop and a thread of its own."""

    def __init__(self, folder: Path, port: int = 0, **config: Any) -> None:
        listen = (f"127.0.0.1:{port}",)
        self.config = Config(
            data=folder, domain="relay.localhost", link_name="link.localhost", listen=listen, **config
        )
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.hub: Hub = self.run(self._start())

    async def _start(self) -> Hub:
        hub = Hub(self.config)
        await hub.start()
        return hub

    def run(self, work: Any) -> Any:
        """The result of a coroutine on the hub's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def ask(self, call: Callable[[], Any]) -> Any:
        """The result of a call on the hub's loop."""
        done: Future[Any] = Future()

        def work() -> None:
            try:
                done.set_result(call())
            except BaseException as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(work)
        return done.result(PATIENCE_S)

    def invitation(self, code: str | None = None) -> str:
        """A line as the operator hands it out."""
        code = code or self.ask(lambda: self.hub.registry.invite("Praxis am Test"))
        host, _, pin = self.hub.public.partition("/")
        return "/".join((host, show_code(code), pin))

    @property
    def practices(self) -> list[str]:
        """Ids the hub knows and has not revoked, those of former keys too."""
        return list(self.ask(lambda: [one.id for one in self.hub.registry.practices() if not one.revoked]))

    def close(self) -> None:
        """End it."""
        self.run(self.hub.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()


@contextmanager
def running_hub(folder: Path, port: int = 0, **config: Any) -> Iterator[RunningHub]:
    """A hub until the block ends."""
    hub = RunningHub(folder, port, **config)
    try:
        yield hub
    finally:
        hub.close()


class Script:
    """A Runner that says what the test wrote into `now`."""

    def __init__(self, _house: House | None = None) -> None:
        self.now = Snapshot()
        self.calls: list[str] = []

    def up(self, probe: str | None = "", **more: Any) -> None:
        """A link is up; `probe` is its code, None for good, "" for not made yet."""
        made = None if probe == "" else Probe(at=1_795_420_800, code=probe, ms=12)
        link = Link(hub="link.localhost:443", phase="up", since=1_795_420_800, rtt_ms=9)
        self.now = Snapshot(holds=True, links=(link,), host=NAME, probe=made, **more)

    def down(self, phase: Any = "waiting", code: str | None = "unreachable") -> None:
        """No link is up."""
        link = Link(hub="link.localhost:443", phase=phase, since=1_795_420_800, code=code)
        self.now = Snapshot(holds=True, links=(link,))

    def start(self) -> None:
        self.calls.append("start")

    def look(self) -> None:
        self.calls.append("look")

    def snapshot(self) -> Snapshot:
        return self.now

    def probe(self, _within_s: float) -> Snapshot:
        self.calls.append("probe")
        return self.now

    def read(self) -> None:
        self.calls.append("read")

    def rotate(self, fresh: Identity, _within_s: float) -> str:
        """As a real one: the link is up under the new name then, and nobody waits for it in vain."""
        self.calls.append("rotate")
        self.now = msgspec.structs.replace(self.now, host=f"{fresh.id}.relay.localhost")
        return fresh.id

    def close(self, _drain_s: float) -> None:
        self.calls.append("close")


def scripted(house: House) -> tuple[Room, Script]:
    """The room of a house whose link is a script."""
    script = Script()
    script.up()
    room = house.shared["relay.room"] = Room(house, lambda _house: script)
    return room, script


def outside(house: House, address: str | None = OUTSIDE, port: int = 40_123, public: int = 8443) -> "Guest":
    """A guest of the relay."""
    house.visitors.admit(port, Visitor(address, NAME, port=public))
    return Guest(doors_of(house), ("127.0.0.1", port))


def doors_of(house: House) -> Litestar:
    """The application of a house, built once."""
    found: Litestar | None = house.shared.get("tests.doors")
    if found is None:
        found = house.shared["tests.doors"] = build(house, main.doors(house))
    return found


def inside(house: House, port: int = 40_999) -> "Guest":
    """Somebody on this computer, from a port nobody registered."""
    return Guest(doors_of(house), ("127.0.0.1", port))


class Guest:
    """Requests that come from one end of a connection."""

    def __init__(self, app: Litestar, client: tuple[str, int]) -> None:
        self._app = app
        self._client = client

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; `headers`, `json` as httpx takes them."""

        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=self._client)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **more)

        return asyncio.run(work())

    def get(self, path: str, key: str = "", **headers: str) -> httpx.Response:
        """GET, with a key if there is one."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, headers={**given, **({"Authorization": f"Bearer {key}"} if key else {})})
