"""What the tests of the way from outside share: the words of the page in both languages, the hub of the demo practice."""

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Locator, Page, expect

from praxisd.kernel.texts import Texts
from praxisd.sandbox import relay as sandbox
from praxisd.testing.programs import command

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("praxisd.services.relay", "praxisd.services.accounts", "praxisd.services.calendar")
QUICK_MS = 10_000
"""The state on the page never lies longer (SPEC 2.5)."""


class Words:
    """The console's texts in the language of a test: `w("relay.use")`."""

    def __init__(self, lang: str) -> None:
        self._texts, self._lang = Texts(PACKAGES), lang

    def __call__(self, key: str, **params: object) -> str:
        return self._texts.get(f"console.{key}", self._lang, **params)


def state(page: Page, w: Words, word: str, timeout: float | None = None) -> None:
    """Wait until the page says so."""
    expect(page.locator("#relay-now")).to_contain_text(
        w(f"relay.stand.{word}"), **({} if timeout is None else {"timeout": timeout})
    )


def part(page: Page, w: Words, name: str) -> None:
    """Wait until the wizard shows this part, and has put the focus there."""
    title = page.get_by_role("heading", name=w(f"relay.step.{name}"), exact=True)
    expect(title).to_be_visible()
    expect(title).to_be_focused()


def button(scope: Page | Locator, name: str) -> Locator:
    """A button by its exact name."""
    return scope.get_by_role("button", name=name, exact=True)


def invitation(folder: Path, access: dict[str, Any]) -> str:
    """A fresh invitation of the demo's own hub."""
    port = int(str(access["relay"]["connect"]).rpartition(":")[2])
    return sandbox.invitation(folder, port, "Prüfung")


def owner_key(folder: Path) -> str:
    """The secret of a new key that may do what the owner may."""
    made = command("keys", "create", "--role", "owner", "--name", "Prüfung", "--json", folder=folder)
    return str(made.json["secret"])


def hub_pid(folder: Path) -> int:
    """The process of the demo's hub: it listens where practices connect to it."""
    access = json.loads((folder / "access.json").read_text(encoding="utf-8"))
    port = int(str(access["relay"]["connect"]).rpartition(":")[2])
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            return one.pid
    raise AssertionError("the demo has no hub")


@contextmanager
def held(pid: int) -> "Iterator[None]":
    """The process stands still: nothing is closed, nothing answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def host(url: str) -> str:
    """`name:port` as the page says it."""
    return urlsplit(url).netloc
