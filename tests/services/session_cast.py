"""What the tests of sessions share: a practice with people who sign in through the real door, and their browsers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.services.accounts import api, passwords
from praxisd.testing.practice import Practice, small_practice
from praxisd.web.app import build

PASSWORD = "Der Hund bellt im Hof"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes in a moment; the tests that count hashes bring their own."""
NOBODY = "$argon2id$v=19$m=8,t=1,p=1$" + "A" * 22 + "$" + "A" * 43
"""The hash that no password has, of the same kind."""


def hash_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of which the work of a hash is no part. Those that count hashes use real ones."""
    monkeypatch.setattr(passwords, "_HASHER", QUICK)
    monkeypatch.setattr(passwords, "NOBODY", NOBODY)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Browser:
    """One browser of one person: keeps cookies, sends the CSRF token."""

    def __init__(self, client: TestClient[Any]) -> None:
        self.http = client
        self.csrf = ""

    def sign_in(self, login: str = "anna", password: str = PASSWORD, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {"User-Agent": FIREFOX})
        body = {"login": login, "password": password, **more}
        answer = self.http.post("/api/v1/session", json=body, headers=headers)
        if answer.status_code == 201:
            self.csrf = answer.json()["csrf"]
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = {"X-Praxisd-Csrf": self.csrf, **options.pop("headers", {})}
        return self.http.post(f"/api/v1{path}", json=body, headers=headers, **options)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(f"/api/v1{path}", headers={"X-Praxisd-Csrf": self.csrf})

    @property
    def token(self) -> str:
        return next((one.value or "" for one in self.http.cookies.jar if "praxisd" in one.name), "")


class Scene:
    """A practice and the browsers in it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.practice: Practice = small_practice(house)
        self.owner = Actor(Kind.CLI, "cli", self.practice.organization, everything=True)
        self._hash = QUICK.hash(PASSWORD)

    def add(self, login: str = "anna", role: str = "owner", **given: Any) -> api.User:
        args = {"login": login, "name": login.title(), "role": role, "password_hash": self._hash, **given}
        return self.house.store.run(self.owner, lambda tx: api.create_user(tx, self.house.registry, **args))

    def change(self, user: api.User, **given: Any) -> api.User:
        return self.house.store.run(
            self.owner, lambda tx: api.change_user(tx, self.house.registry, user.id, **given)
        )

    def set(self, key: str, value: Any) -> None:
        self.house.store.run(self.owner, lambda tx: self.house.settings.put(tx, key, value))

    @contextmanager
    def browser(self, house: House | None = None, **options: Any) -> Iterator[Browser]:
        here = house or self.house
        with TestClient(build(here, main.doors(here)), **options) as client:  # type: ignore[arg-type]
            yield Browser(client)

    def notes(self, prefix: str) -> list[events.Event]:
        with self.house.store.read(self.owner) as tx:
            return [one for one in events.since(tx, 0) if one.type.startswith(prefix)]


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem code of a refusal."""
    return answer.status_code, answer.json()["code"]


def set_up_factor(browser: Browser, now: Callable[[], int]) -> tuple[str, list[str]]:
    """Set up the second factor; its secret and the recovery codes."""
    started = browser.post("/session/second-factor", {"password": PASSWORD})
    assert started.status_code == 200, started.text
    secret = started.json()["secret"]
    done = browser.post("/session/second-factor/confirm", {"code": pyotp.TOTP(secret).at(now())})
    assert done.status_code == 200, done.text
    return secret, done.json()["recoveryCodes"]
