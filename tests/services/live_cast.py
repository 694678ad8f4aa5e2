"""Who listens in the tests of the live stream: keys and sessions of two practices, and a reader of server-sent events."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.kernel.sessions import Live
from praxisd.web.doors import Doors

from .listing_sample import SERVICE

SERVICES = (KERNEL, SERVICE)
sessions: dict[str, str] = {}
"""Sessions that hold: token -> role."""
touches: list[bool] = []


def _actor(house: House, organization: str, role: str) -> Actor:
    return Actor(
        Kind.USER, f"{organization}-{role}", organization, house.registry.role(role), masked=role == "partner"
    )


def authenticate(house: House, secret: str, _address: str | None) -> Actor:
    """The secret is `practice-role`."""
    organization, _, role = secret.partition("-")
    if role not in ("owner", "desk", "partner", "pvs"):
        raise Problem("accounts.key_missing", 401)
    return _actor(house, organization, role)


def session(house: House, token: str, _address: str | None, touch: bool) -> Live:
    """The session of a cookie; its practice is `a`."""
    touches.append(touch)
    if token not in sessions:
        raise Problem("accounts.session_ended", 401)
    return Live(token, _actor(house, "a", sessions[token]), "csrf", 1 << 40)


DOORS = Doors(authenticate, lambda _house, _actor: None, session=session)


def note(
    house: House, type_: str = "trial.made", organization: str = "a", subject: str = "7", kind: str = "Trial"
) -> int:
    """Let something happen; the number of its event."""
    actor = Actor(Kind.USER, "anna", organization)
    house.store.run(actor, lambda tx: events.note(tx, type_, kind, subject, version=3))
    with house.store.read(system("test")) as tx:
        return events.head(tx)


class Listener:
    """One stream, read in a thread. `next()` is the next message: (event, data, id)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._found: queue.Queue[tuple[str, Any, str | None] | None] = queue.Queue()
        self.pings = 0
        self.raw = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        event, data, id_ = "", None, None
        try:
            for line in self.answer.iter_lines():
                self.raw += line + "\n"
                name, _, value = line.partition(": ")
                if line == "event: ping":
                    self.pings += 1
                elif name == "event":
                    event = value
                elif name == "id":
                    id_ = value
                elif name == "data" and event:
                    data = msgspec.json.decode(value)
                elif not line and event:
                    self._found.put((event, data, id_))
                    event, data, id_ = "", None, None
        except (httpx.HTTPError, httpx.StreamError):
            pass
        self._found.put(None)

    def next(self, timeout: float = 30) -> tuple[str, Any, str | None]:
        found = self._found.get(timeout=timeout)
        assert found is not None, "the stream has ended"
        return found

    def changes(self, count: int) -> list[Any]:
        """The data of the next `count` messages, which must be changes."""
        found = [self.next() for _ in range(count)]
        assert {one[0] for one in found} <= {"change"}, found
        assert all(one[2] == str(one[1]["seq"]) for one in found)
        return [one[1] for one in found]

    def silent(self, seconds: float = 0.4) -> bool:
        """True if nothing comes for a while."""
        time.sleep(seconds)
        return self._found.empty()

    def ended(self, timeout: float = 30) -> bool:
        """True if the server has closed the stream."""
        return self._found.get(timeout=timeout) is None


@contextmanager
def listening(
    url: str, key: str = "a-owner", since: int | None = None, cookie: str | None = None, **headers: str
) -> Iterator[Listener]:
    """An open stream; with `cookie` as a person, else with a key."""
    who = {"Cookie": f"praxisd={cookie}"} if cookie else {"Authorization": f"Bearer {key}"}
    address = f"{url}/api/v1/live" + ("" if since is None else f"?since={since}")
    with (
        httpx.Client(timeout=httpx.Timeout(5, read=30)) as client,
        client.stream("GET", address, headers={**who, **headers}) as answer,
    ):
        if answer.status_code != 200:
            answer.read()
            raise AssertionError((answer.status_code, answer.json()["code"], dict(answer.headers)))
        try:
            yield Listener(answer)
        finally:  # closing alone would wait for the thread that reads
            with contextlib.suppress(OSError):
                answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
