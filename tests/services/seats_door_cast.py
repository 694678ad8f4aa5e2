"""Seats that come in by the real door, byte for byte as the protocol says: no client of ours in between."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from praxisd import main
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.service import Service
from praxisd.services.accounts import api as accounts
from praxisd.services.seats import desk, register
from praxisd.testing.practice import Practice, small_practice

from .web_sample.serving import Running, running

PROTOCOL = "praxisd.seats.v1"
NEEDED = ("kernel", "accounts", "directory", "calendar", "logbook", "reminders", "seats")


def _services() -> tuple[Service, ...]:
    """Those named, and what they need in turn."""
    there, wanted = {one.name: one for one in main.services(plugins=False)}, set(NEEDED)
    while missing := {name for one in wanted for name in there[one].needs} - wanted:
        wanted |= missing
    return tuple(one for name, one in there.items() if name in wanted)


SERVICES = _services()
PASSWORD = "Der Hund bellt im Hof"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def b64(data: bytes) -> str:
    """base64url without `=`."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A program that was registered and approved."""

    def __init__(
        self,
        house: House,
        organization: str,
        name: str = "Empfang",
        *,
        approved: bool = True,
        may_take: bool = False,
    ):
        self.private = Ed25519PrivateKey.generate()
        public = b64(self.private.public_key().public_bytes_raw())
        actor = system("test", organization)
        made = house.store.run(actor, lambda tx: register.register(tx, name=name, public_key=public))
        if approved:
            house.store.run(actor, lambda tx: register.approve(tx, made.id, made.code))
            house.store.run(actor, lambda tx: register.change(tx, made.id, may_take=may_take))
        self.seat = made.id

    def here(self, hello: dict[str, Any], session: str, **given: Any) -> dict[str, Any]:
        """The first request, signed for this hello; `given` replaces what is signed or said."""
        signs = {"installation": hello["installation"], "challenge": hello["challenge"], "seat": self.seat}
        signs["session"] = session
        signs |= {name: given.pop(f"signed_{name}") for name in [*signs] if f"signed_{name}" in given}
        words = "\n".join(
            (PROTOCOL, signs["installation"], signs["challenge"], signs["seat"], signs["session"])
        )
        signature = b64(self.private.sign(words.encode()))
        return {
            "type": "here",
            "id": 1,
            "seat": self.seat,
            "session": session,
            "signature": signature,
            **given,
        }


class Wired:
    """One connection."""

    def __init__(self, url: str, **headers: str) -> None:
        self.ws: ClientConnection = connect(
            url.replace("http", "ws", 1) + "/api/v1/seats/live",
            subprotocols=[PROTOCOL],  # type: ignore[list-item]
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=2,
        )
        self._id = 1
        self.pushed: list[dict[str, Any]] = []
        self.hello: dict[str, Any] = {}

    def next(self, timeout: float = 30) -> dict[str, Any]:
        """The next message, of whatever type."""
        return json.loads(self.ws.recv(timeout))  # type: ignore[no-any-return]

    def greeted(self) -> "Wired":
        self.hello = self.next()
        assert self.hello["type"] == "hello"
        return self

    def send(self, **message: Any) -> int:
        self._id += 1
        self.ws.send(json.dumps({"id": self._id, **message}))
        return int(message.get("id", self._id))

    def answer(self, id_: int, timeout: float = 30) -> dict[str, Any]:
        """The answer to a request; pushes that come before are kept."""
        while True:
            told = self.next(timeout)
            if told["type"] in ("answer", "problem") and told.get("id") == id_:
                return told
            self.pushed.append(told)

    def ask(self, **message: Any) -> dict[str, Any]:
        """Say something and hear the answer."""
        return self.answer(self.send(**message))

    def push(self, type_: str, timeout: float = 30) -> dict[str, Any]:
        """The next push of a type."""
        while True:
            for one in self.pushed:
                if one["type"] == type_:
                    self.pushed.remove(one)
                    return one
            self.pushed.append(self.next(timeout))

    def closed(self, timeout: float = 30) -> tuple[int, str]:
        """How the server closes, after whatever it says before."""
        try:
            while True:
                self.pushed.append(self.next(timeout))
        except ConnectionClosed as end:
            assert end.rcvd is not None, "it went without a word"
            return end.rcvd.code, end.rcvd.reason

    def close(self) -> None:
        self.ws.close()


class Door:
    """A served practice with programs and people."""

    def __init__(self, one: Running) -> None:
        self.one, self.house, self.url = one, one.house, one.url
        self.practice: Practice = small_practice(self.house)
        self.organization = self.practice.organization
        self._open: list[Wired] = []

    def key(self, name: str = "Empfang", **more: bool) -> Key:
        return Key(self.house, self.organization, name, **more)

    def wired(self, **headers: str) -> Wired:
        """A connection that heard hello."""
        found = Wired(self.url, **headers)
        self._open.append(found)
        return found.greeted()

    def program(
        self, key: Key | None = None, session: str = "", **given: Any
    ) -> tuple[Wired, dict[str, Any]]:
        """A program that said who it is, and the answer."""
        key, line = key or self.key(), self.wired()
        asked = key.here(line.hello, session or secrets.token_hex(16), **given)
        return line, line.ask(**asked)

    def person(self, role: str = "owner", login: str = "anna") -> dict[str, str]:
        """The headers of the browser of somebody who has signed in."""
        actor = Actor(Kind.CLI, "cli", self.organization, everything=True)
        given = {"login": login, "name": login.title(), "role": role, "password_hash": _HASH}
        self.house.store.run(actor, lambda tx: accounts.create_user(tx, self.house.registry, **given))
        answer = self.one.http.post(
            "/api/v1/session", json={"login": login, "password": PASSWORD}, headers={"Authorization": ""}
        )
        assert answer.status_code == 201, answer.text
        cookie = answer.headers["set-cookie"].split(";")[0]
        self.one.http.cookies.clear()
        return {"Cookie": cookie, "Origin": self.url, "X-Csrf": answer.json()["csrf"]}

    def browser(self, who: dict[str, str], session: str = "", **given: Any) -> tuple[Wired, dict[str, Any]]:
        """A tab of a person, and the answer to `here`."""
        line = self.wired(Cookie=who["Cookie"], Origin=who["Origin"])
        return line, line.ask(type="here", session=session or secrets.token_hex(16), **given)

    def leave(self) -> None:
        for one in self._open:
            one.close()


@contextmanager
def door_of(house: House) -> Iterator[Door]:
    """Serve `house` with its desk until the block ends."""
    with running(house, main.doors(house)) as one:
        desk.start(house)
        found = Door(one)
        try:
            yield found
        finally:
            found.leave()
