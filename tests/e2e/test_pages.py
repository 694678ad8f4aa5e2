"""Every page, in both languages and both themes, on desk, tablet and zoomed: no axe violation, nothing cut off or untold."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from praxisd.testing import browser as browsing

from .pictures import picture
from .walking import names, overflow, violations

ROLES = ("owner", "desk", "partner")


SIZES = {"tablet": (1024, 768), "tablet upright": (820, 1180), "zoom 200": (720, 450)}
"""720 CSS pixels are a window of 1440 at 200 % zoom."""


def _walk(page: Page, axe: str, more: tuple[str, ...] = ("account",)) -> list[str]:
    found: list[str] = []
    for name in (*names(page), *more):
        browsing.open_page(page, name)
        found += [f"{name}: {one}" for one in violations(page, axe)]
        found += [f"{name}: no text: {one}" for one in _untold(page)]
    return found


def _untold(page: Page) -> list[str]:
    """Keys that have no text: they are shown as themselves, `console.something`. The log speaks in codes."""
    page.evaluate("document.querySelectorAll('code, pre').forEach(e => e.remove())")
    shown = page.evaluate("document.body.innerText") + json.dumps(
        page.evaluate(
            "[...document.querySelectorAll('[aria-label],[title]')].map(e => [e.ariaLabel, e.title])"
        )
    )
    at = shown.find("console.")
    return [shown[at : at + 60]] if at >= 0 else []


@pytest.mark.parametrize(("lang", "theme"), [("de", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_any_page(sign_in: Any, axe: str, lang: str, theme: str) -> None:
    """Two of the four pairs see all there is: a theme changes colours and no text, a language texts and no colour."""
    page = sign_in("owner", lang=lang, theme=theme)
    assert len(names(page)) >= 15
    assert page.locator("html").get_attribute("lang") == lang
    assert page.locator("html").get_attribute("data-theme") == theme
    if theme == "dark":
        browsing.open_page(page, "overview")
        picture(page, "overview-dark", (1440, 1100), langs=("en",))
    assert _walk(page, axe) == []


@pytest.mark.parametrize("role", ["desk", "partner"])
def test_axe_finds_nothing_for_the_other_roles(sign_in: Any, axe: str, role: str) -> None:
    assert _walk(sign_in(role), axe) == []


def test_axe_would_find_something(sign_in: Any, axe: str) -> None:
    page = sign_in("owner")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/console/mark.svg\"><button></button>')"
    )
    assert {one.split(" ")[0] for one in violations(page, axe)} >= {"image-alt", "button-name"}
    page.evaluate("document.querySelector('main').append('console.nowhere.said')")
    assert _untold(page)[0].startswith("console.nowhere.said")


def test_pages_stay_usable_on_tablets_and_at_200_percent(sign_in: Any) -> None:
    page = sign_in("owner")
    browsing.open_page(page, "overview")
    picture(page, "overview-tablet", SIZES["tablet upright"], langs=("de",))
    found = []
    for name in (*names(page), "account"):
        browsing.open_page(page, name)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            found += [f"{name}, {size}: {one}" for one in overflow(page)]
    assert found == []


def test_switching_the_language_keeps_the_view(sign_in: Any) -> None:
    page = sign_in("owner")
    for name in names(page):
        browsing.open_page(page, name)
        before = page.locator("[data-page-title]").inner_text()
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert page.evaluate("location.hash").startswith(f"#/{name}")
        assert page.locator("[data-page-title]").count() == 1
        page.get_by_role("button", name="Deutsch").click()
        page.wait_for_function("document.documentElement.lang === 'de'")
        page.wait_for_function(
            "text => document.querySelector('[data-page-title]')?.innerText === text", arg=before
        )
