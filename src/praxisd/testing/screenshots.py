"""`python -m praxisd.testing.screenshots FOLDER`: every page of the console as a picture, on a demo practice.

German and English, light and dark, and upright on a tablet: `de-light-calendar.png`, `de-tablet-calendar.png` …
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.testing import browser
from praxisd.testing.programs import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOOKS = {
    "de-light": browser.Look(),
    "de-dark": browser.Look(theme="dark"),
    "en-light": browser.Look(lang="en"),
    "en-dark": browser.Look(lang="en", theme="dark"),
    "de-tablet": browser.Look(width=820, height=1180),
    "en-tablet": browser.Look(lang="en", width=1024, height=768),
}
"""File name's beginning and how it looks."""


def take(folder: Path) -> list[Path]:
    """Start a demo, open every page in every look as its owner, and save what is seen; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="praxisd-shots-") as name:
        data = Path(name) / "demo"
        with running(data, verb="demo") as server, browser.browser() as chromium:
            owner = json.loads((data / "access.json").read_text(encoding="utf-8"))["console"]
            return [
                file
                for look in LOOKS
                for file in _look(chromium, look, server.url, (owner["user"], owner["password"]), folder)
            ]


def _look(chromium: "Browser", look: str, url: str, who: tuple[str, str], folder: Path) -> list[Path]:
    made, faults = browser.context(chromium, LOOKS[look])
    page = made.new_page()
    page.goto(url)
    page.locator("input[name=username]").wait_for()
    files = [folder / f"{look}-sign-in.png"]
    page.screenshot(path=files[0])
    browser.sign_in(page, url, *who)
    links = page.eval_on_selector_all("nav a", "all => all.map(a => a.getAttribute('href').slice(2))")
    for name in (*links, "account"):
        browser.open_page(page, name)
        files.append(folder / f"{look}-{name}.png")
        page.screenshot(path=files[-1], full_page=name != "calendar")
    made.close()
    for fault in faults:
        print(f"{look}: {fault}", file=sys.stderr)
    return files


if __name__ == "__main__":
    for shot in take(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")):
        print(shot)
