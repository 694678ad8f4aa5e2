"""The console in a real browser, against real servers on demo practices of their own."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.debian import ProgramMissing
from praxisd.testing.programs import Client, Running, running

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 30_000
"""So long a page may take to show something: on a busy machine five seconds were not enough."""
expect.set_options(timeout=PATIENCE_MS)
BUILT = ROOT / "src" / "praxisd" / "web" / "console" / "index.html"


@dataclass
class Demo:
    """A running sample practice and its ways in."""

    server: Running
    folder: Path
    access: dict[str, Any]

    @property
    def url(self) -> str:
        return self.server.url

    def person(self, role: str) -> tuple[str, str]:
        """(login, password) of owner, desk or partner."""
        owner = self.access["console"]
        people = {owner["user"]: owner["password"]} | {u["user"]: u["password"] for u in self.access["users"]}
        return role, people[role]

    def desk(self) -> Client:
        """The desk's key, for what a test prepares without the browser."""
        return self.server.client(self.access["desk_key"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module; each test has profiles of its own.

    Not for the session: Playwright's event loop counts as running in this thread until the browser is closed, and tests
    elsewhere have loops of their own.
    """
    assert BUILT.is_file(), "the console is not built: make ui"
    try:
        browsing.program()
    except ProgramMissing as missing:
        pytest.skip(str(missing))
    with browsing.browser() as found:
        yield found


@pytest.fixture(scope="module")
def demo(filled_today: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo practice for one module."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(filled_today, folder)
    with running(folder, verb="demo") as server:
        yield Demo(server, folder, json.loads((folder / "access.json").read_text()))


Open = Callable[..., Page]


@pytest.fixture
def profile(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Fresh browser profiles; at the end none may have complained."""
    opened: list[tuple[BrowserContext, browsing.Faults]] = []
    expected: list[str] = []

    def make(**look: Any) -> BrowserContext:
        made = browsing.context(chromium, browsing.Look(**look))
        opened.append(made)
        return made[0]

    make.expected = expected  # type: ignore[attr-defined]  # what this test provokes: words of complaints
    yield make
    for context, _ in opened:
        context.close()
    complaints = [fault for _, faults in opened for fault in faults]
    assert [one for one in complaints if not any(word in one for word in expected)] == []
    assert all(any(word in one for one in complaints) for word in expected)


@pytest.fixture
def sign_in(demo: Demo, profile: Callable[..., BrowserContext]) -> Open:
    """Sign in as owner, desk or partner; returns the page. Looks as asked (`lang`, `theme`, `width` …)."""

    def go(role: str = "owner", **look: Any) -> Page:
        page = profile(**look).new_page()
        browsing.sign_in(page, demo.url, *demo.person(role))
        return page

    return go


@pytest.fixture
def axe() -> str:
    """The source of axe-core, as the console's own lock file pins it."""
    return (ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
