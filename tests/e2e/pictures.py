"""Pictures of the manual, made where a test stands before what they show: `make pictures`.

Each call is read by tests/house/test_pictures.py too, so name and languages are written out there.
"""

import os
from pathlib import Path

from playwright.sync_api import Page, Request, expect

FOLDER = "PRAXISD_PICTURES"
"""The environment variable that names the folder; without it nothing is done."""
SIZE = (1280, 800)
MOST_LOOKS = 20
"""After so many looks at what is under way a picture is taken as it is."""
LANGUAGES = {"de": "Deutsch", "en": "English"}
_TOASTS = "(all, how) => all.forEach(one => { one.style.display = how; })"
"""By the element: the console's policy lets nobody put a style sheet in."""


def picture(
    page: Page,
    name: str,
    size: tuple[int, int] = SIZE,
    langs: tuple[str, ...] = ("de", "en"),
    top: str = "",
) -> None:
    """`<name>-<lang>.png` of what the page shows, for each language; then all is as it was. `size`: of the window, CSS pixels.
    `top`: a selector of what is to stand at the upper edge."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    window, spoken = page.viewport_size, page.locator("html").get_attribute("lang") or ""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for lang in langs:
        _speak(page, lang)
        page.evaluate("scrollTo(0, 0)")
        if top:
            page.locator(top).first.evaluate("one => one.scrollIntoView({block: 'start'})")
            page.evaluate("scrollBy(0, -80)")  # below the bar that stays
        page.locator(".toasts").evaluate_all(_TOASTS, "none")
        page.screenshot(path=Path(folder) / f"{name}-{lang}.png", animations="disabled")
        page.locator(".toasts").evaluate_all(_TOASTS, "")
    _speak(page, spoken)
    if window is not None:
        page.set_viewport_size(window)


def _speak(page: Page, lang: str) -> None:
    """All that was fetched comes again in the other language; some answers take seconds."""
    asked: list[Request] = []
    answered: list[Request] = []

    def note(request: Request) -> None:
        if request.resource_type in ("fetch", "xhr"):
            asked.append(request)

    def tick(request: Request) -> None:
        answered.append(request)

    page.on("request", note)
    page.on("requestfinished", tick)
    page.on("requestfailed", tick)
    if page.locator("html").get_attribute("lang") != lang:
        page.get_by_role("button", name=LANGUAGES[lang], exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", lang)
    page.locator("main [aria-busy=true]").first.wait_for(state="detached")
    for _ in range(MOST_LOOKS):
        before = len(asked)
        page.wait_for_timeout(800)
        if before == len(asked) and all(one in answered for one in asked):
            break
    page.remove_listener("request", note)
    page.remove_listener("requestfinished", tick)
    page.remove_listener("requestfailed", tick)
