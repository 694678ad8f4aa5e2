"""The first start in a real browser: from the code on the server's screen to a calendar that can be booked."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from praxisd.testing.programs import Running, running

from .walking import overflow, violations

PASSWORD = "Der Hund bellt im Hof"
_CODE = re.compile(r"^ {4}([2-9A-Z]{4}-[2-9A-Z]{4})$", re.MULTILINE)
_WORDS = {
    "de": {
        "name": "Name der Spalte",
        "released": "Online buchbar",
        "another": "Weitere Spalte",
        "tuesday": "Dienstag, vormittags, bis",
        "save": "Speichern und weiter",
        "check": "Kontrolle online buchbar",
        "skip": "Überspringen",
        "relay": "Von außen erreichbar werden",
        "backup": "„Datensicherung“ öffnen",
        "messages": "Erinnerungen per SMS oder E-Mail",
        "ready": "Der Kalender ist bereit",
        "open": "Alte Daten übernehmen",
    },
    "en": {
        "name": "Name of the column",
        "released": "Bookable online",
        "another": "Another column",
        "tuesday": "Tuesday, morning, to",
        "save": "Save and go on",
        "check": "Check-up bookable online",
        "skip": "Skip",
        "relay": "Become reachable from outside",
        "backup": "Open “Backups”",
        "messages": "Reminders by SMS or e-mail",
        "ready": "The calendar is ready",
        "open": "Take over old data",
    },
}


def shown(server: Running) -> str:
    """The code on the server's own screen."""
    until = time.monotonic() + 10
    while (found := _CODE.search(server.errors)) is None:
        assert time.monotonic() < until, server.errors
        time.sleep(0.05)
    return found[1]


@pytest.mark.parametrize(
    ("lang", "theme", "width"), [("de", "light", 1440), ("en", "dark", 820)], ids=["de", "en-dark-tablet"]
)
def test_from_the_code_to_a_calendar(
    tmp_path: Path, profile: Callable[..., BrowserContext], axe: str, lang: str, theme: str, width: int
) -> None:
    words = _WORDS[lang]
    with running(tmp_path / "praxis") as server:
        page = profile(lang=lang, theme=theme, width=width, height=1180).new_page()
        page.goto(server.url)
        begin(page, shown(server), lambda: look(page, axe))
        page.locator("#setup-step").wait_for()
        look(page, axe)
        columns(page, words, lambda: look(page, axe))
        switch = page.get_by_role("switch", name=words["check"])
        switch.wait_for()
        look(page, axe)
        switch.check()
        save(page, words)
        page.get_by_text("praxisd import").wait_for()
        look(page, axe)
        page.get_by_role("button", name=words["skip"], exact=True).locator("visible=true").click()
        page.locator("#setup-step", has_text=words["relay"]).wait_for()
        page.get_by_role("heading", level=3).locator("visible=true").first.wait_for()
        look(page, axe)
        page.get_by_role("button", name=words["skip"], exact=True).locator("visible=true").click()
        page.get_by_role("link", name=words["backup"]).wait_for()
        look(page, axe)
        page.get_by_role("button", name=words["skip"], exact=True).locator("visible=true").click()
        page.get_by_text(words["messages"]).wait_for()
        look(page, axe)
        page.get_by_role("button", name=words["skip"], exact=True).locator("visible=true").click()
        page.get_by_text(words["ready"]).wait_for()
        look(page, axe)
        page.reload()  # a step that was left is found again, skipped as it was
        page.get_by_role("button", name=words["open"]).first.click()
        page.get_by_text("praxisd import").wait_for()
        assert page.url.endswith("#/setup/takeover")
        # Nobody is asked for a code any more.
        other = profile(lang=lang).new_page()
        other.goto(server.url)
        other.locator("input[name=username]").wait_for()
        assert other.locator("input[name=code]").count() == 0


def look(page: Page, axe: str) -> None:
    page.wait_for_timeout(200)
    assert violations(page, axe) == []
    assert overflow(page) == []


def begin(page: Page, code: str, see: Callable[[], None]) -> None:
    """Code, practice and owner, by keyboard alone where nothing has to be chosen."""
    page.locator("input[name=code]").wait_for()
    page.keyboard.type("AAAA AAAA")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    see()
    page.locator("input[name=code]").fill(code.lower().replace("-", ""))
    page.keyboard.press("Enter")
    page.locator("input[name=practice]").wait_for()
    page.keyboard.type("Praxis Dr. Muster")
    page.locator("select[name=country]").select_option("AT")
    assert page.locator("select[name=zone]").input_value() == "Europe/Vienna"
    page.locator("select[name=region]").select_option("AT-9")
    see()
    page.locator("button[type=submit]").click()
    page.locator("input[name=username]").wait_for()
    page.keyboard.type("Dr. Eva Muster")
    page.locator("input[name=username]").fill("eva")
    page.locator("input[name=password]").fill("zu kurz")
    assert page.locator("button[type=submit]").is_disabled()
    see()
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")


def columns(page: Page, words: dict[str, str], see: Callable[[], None]) -> None:
    save(page, words)
    page.locator('[aria-invalid="true"]').first.wait_for()
    page.get_by_label(words["name"]).first.fill("Dr. Muster")
    page.get_by_role("switch", name=words["released"]).locator("visible=true").first.check()
    page.get_by_role("button", name=words["another"]).click()
    page.keyboard.type("Prophylaxe")
    page.get_by_label(words["tuesday"]).fill("7")
    save(page, words)
    page.get_by_role("alert").locator("visible=true").wait_for()
    see()
    page.get_by_label(words["tuesday"]).fill("1230")
    save(page, words)


def save(page: Any, words: dict[str, str]) -> None:
    page.get_by_role("button", name=words["save"]).locator("visible=true").click()
