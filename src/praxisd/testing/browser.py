"""A real browser for the console: Debian's Chromium, driven by Playwright; installed where that is possible.

Playwright is imported only when a browser is opened: it is a tool of development.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.testing import debian

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PACKAGE = "chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # root has no user namespace of its own; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 60_000
"""How long something may take to appear before a test fails."""


def program() -> Path:
    """The browser's program, installed as root on Debian where it is missing. Raises `debian.ProgramMissing`."""
    return debian.program(_NAMES, PACKAGE)


@contextmanager
def browser() -> "Iterator[Browser]":
    """A headless browser until the block ends."""
    from playwright.sync_api import sync_playwright

    where = program()
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=str(where), args=list(_FLAGS))
        try:
            yield found
        finally:
            found.close()


@dataclass
class Look:
    """How a person looks at the console: language, theme, window, where the browser stands, with or without scripts."""

    lang: str = "de"
    theme: str = "light"
    width: int = 1440
    height: int = 900
    zone: str = "Europe/Berlin"
    scripts: bool = True
    options: dict[str, Any] = field(default_factory=dict)


RUSH, WITHIN_MS = 40, 2_000.0
"""So often within so long no page asks for the same thing, whatever a person does."""


class Faults(list[str]):
    """What the browser complained of: errors of scripts, refused by the content policy, failed requests; and what a page asked
    for again and again without a pause, as one does that asks whenever it hears an answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[str, deque[float]] = {}

    def asked(self, address: str, at_ms: float) -> None:
        """This was fetched, at this time of the browser. Only what the server is asked for counts, not files of the console."""
        if "/api/" not in address:
            return
        times = self._asked.setdefault(address, deque(maxlen=RUSH))
        times.append(at_ms)
        if len(times) == RUSH and times[-1] - times[0] < WITHIN_MS:
            times.clear()
            self.append(f"rush: {address} was asked for {RUSH} times in {WITHIN_MS / 1000:.0f} s")


def context(browser_: "Browser", look: Look) -> "tuple[BrowserContext, Faults]":
    """A fresh browser profile that looks as asked, and the list its complaints are put into."""
    made = browser_.new_context(
        viewport={"width": look.width, "height": look.height},
        timezone_id=look.zone,
        locale="de-DE" if look.lang == "de" else "en-GB",
        java_script_enabled=look.scripts,
        accept_downloads=True,
        **look.options,
    )
    made.set_default_timeout(WAIT_MS)
    if look.scripts:
        made.add_init_script(
            f"try {{ localStorage.setItem('praxisd.language', '{look.lang}');"
            f" localStorage.setItem('praxisd.theme', '{look.theme}'); }} catch {{}}"
        )
    faults = Faults()

    def watch(page: "Page") -> None:
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("console", lambda message: _note(faults, message))
        page.on("requestfinished", lambda request: _fetched(faults, request))

    made.on("page", watch)
    return made, faults


def _fetched(faults: Faults, request: Any) -> None:
    if request.method == "GET":
        faults.asked(request.url, request.timing["startTime"])


_EXPECTED = ("Failed to load resource", "net::ERR_", "WebSocket handshake: Unexpected response code: 503")
"""The browser writes a line for each refused request; refusals are asserted where they are expected."""


def _note(faults: Faults, message: Any) -> None:
    if message.type == "error" and not any(word in message.text for word in _EXPECTED):
        faults.append(f"console: {message.text}")


def sign_in(page: "Page", url: str, user: str, password: str) -> None:
    """Open the console and sign in, as a person does."""
    page.goto(url)
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").click()
    page.locator("nav a").first.wait_for(state="attached")


def open_page(page: "Page", name: str) -> None:
    """Go to a page of the console and wait until it stands."""
    page.evaluate("name => { location.hash = '#/' + name }", name)
    page.locator("[data-page-title]").wait_for()
    page.locator("main [aria-busy=true]").first.wait_for(state="detached")
    page.wait_for_timeout(150)  # transitions and the last painting


def settled(page: "Page") -> None:
    """Wait until nothing moves any more, and the last of it is painted: what fades in has no colours to be judged by. What
    turns without end is not waited for.
    """
    page.evaluate(
        """async () => {
          const frame = () => new Promise(done => requestAnimationFrame(done));
          await frame();
          const moving = document.getAnimations().filter(one => one.effect?.getComputedTiming().iterations !== Infinity);
          const over = Promise.allSettled(moving.map(one => one.finished));
          await Promise.race([over, new Promise(done => setTimeout(done, 5000))]);
          await frame();
          await frame();
        }"""
    )
