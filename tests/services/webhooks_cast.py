"""What the tests of webhooks share: a receiver on the loopback, and a practice whose events reach it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from litestar.testing import TestClient

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.events import Dispatcher
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.portals.deliveries_loop import Courier
from praxisd.testing.practice import Practice, key_for, small_practice

from .reminders_cast import at

NETWORKS = "portals.webhook_networks"


@dataclass
class Call:
    """One call as the receiver got it."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return msgspec.json.decode(self.raw, type=dict[str, Any])


@dataclass
class Receiver:
    """Answers with the next status of `plan`, then with 200. `on_call` runs before it answers."""

    port: int = 0
    plan: list[int] = field(default_factory=list)
    got: list[Call] = field(default_factory=list)
    on_call: Callable[[Call], None] | None = None
    extra: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, call: Call) -> int:
        with self._lock:
            self.got.append(call)
            status = self.plan.pop(0) if self.plan else 200
        if self.on_call is not None:
            self.on_call(call)
        return status

    def types(self) -> list[str]:
        return [one.body["type"] for one in self.got]


@contextmanager
def receiver(**more: Any) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    made = Receiver(**more)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status = made.take(Call(self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
            self.send_response(status)
            for name, value in made.extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Scene:
    """The practice, its keys, and what happens in it. It is Monday, 23 November 2026, 09:00."""

    house: House
    client: TestClient[Any]
    practice: Practice
    keys: dict[str, str]
    portals: dict[str, str]
    """Ids of the portals by name."""

    @property
    def actor(self) -> Actor:
        return system("test", self.practice.organization)

    def do(self, work: Any) -> Any:
        return self.house.store.run(self.actor, work)

    def ask(
        self, method: str, path: str, status: int = 200, body: Any = None, role: str = "owner", **headers: str
    ) -> Any:
        """One REST request; decoded JSON."""
        sent = {"Authorization": f"Bearer {self.keys[role]}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        given = (
            {"json": {} if body is None and method == "POST" else body}
            if method not in ("GET", "DELETE")
            else {}
        )
        answer = self.client.request(method, f"/api/v1{path}", headers=sent, **given)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def hook(self, url: str, events: Any = ("*",), role: str = "owner", **more: Any) -> dict[str, Any]:
        """A webhook of this key."""
        body = {"name": "Programm", "url": url, "events": list(events), **more}
        found: dict[str, Any] = self.ask("POST", "/webhooks", 201, body, role)
        return found

    def book(self, hour: int, portal: str | None = None, minute: int = 0) -> str:
        """An appointment on Tuesday, by the desk or by a portal."""
        actor = self.actor if portal is None else self.practice.portal(self.house, self.portals[portal])
        start = at(f"2026-11-24 {hour:02}:{minute:02}")
        wish = calendar.Wish(
            service=self.practice.check, start=start, schedules=self.practice.doctors[:1], patient=self.practice.patient,
            outside_hours=portal is None,
        )  # fmt: skip
        return str(self.house.store.run(actor, lambda tx: calendar.book(self.house, tx, wish).id))

    def tell(self) -> None:
        """All events reach the webhooks."""
        found = [one for one in self.house.registry.handlers if one.name == "portals.webhooks"]
        dispatcher = Dispatcher(self.house, found)
        while dispatcher.step():
            pass
        assert not dispatcher.failing

    def deliver(self, courier: Courier | None = None) -> int:
        """All that is due now is called; how many calls."""
        self.tell()
        courier, done = courier or Courier(self.house), 0
        while made := courier.step():
            done += made
        return done

    def wait(self, seconds: int) -> None:
        self.house.clock.advance(seconds)  # type: ignore[attr-defined]

    def log(self, hook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        """The log of a webhook, the newest first."""
        asked = "&".join(f"{k}={v}" for k, v in query.items())
        found: list[dict[str, Any]] = self.ask("GET", f"/webhooks/{hook['id']}/deliveries?{asked}")[
            "deliveries"
        ]
        return found


def scene(house: House, client: TestClient[Any]) -> Scene:
    """A small practice with keys of all roles; the loopback may be called without encryption."""
    practice = small_practice(house)
    keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner", "pvs")}
    keys |= {name: key_for(house, practice, "portal", name) for name in ("red", "blue")}
    with house.store.read(system("test", practice.organization)) as tx:
        portals = {one.name: str(one.portal) for one in accounts.list_keys(tx)[0] if one.portal}
    made = Scene(house, client, practice, keys, portals)
    made.do(lambda tx: house.settings.put(tx, NETWORKS, "127.0.0.1"))
    return made
