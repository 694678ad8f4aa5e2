"""The console through a real update: it says what happens, comes back by itself, and tells why a broken version went back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import running

from .conftest import Demo
from .updates_cast import Words, button, over

UPDATE_MS = 120_000
"""So long an update may take on a busy machine; on a quiet one it is ten seconds."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("updated") / "demo"
    with running(folder, verb="demo", guarded=True) as server:
        yield Demo(server, folder, json.loads((folder / "access.json").read_text()))


def _publish(guarded: Demo, what: str) -> None:
    body = json.dumps({"what": what}).encode()
    address = f"{guarded.access['sandbox']['updates']}/publish"
    urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=60).read()


def _order(page: Page, w: Words, version: str) -> None:
    browsing.open_page(page, "updates")
    page.get_by_role("checkbox", name=w("updates.version", version=version)).check()
    button(page, w("updates.go")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("updates.install_ends"))
    button(dialog, w("updates.install_yes")).click()
    expect(over(page)).to_contain_text(w("guard.update_to", version=version), timeout=UPDATE_MS)


def _look(page: Page, w: Words) -> None:
    browsing.open_page(page, "updates")
    button(page, w("updates.look")).click()
    expect(page.get_by_text(w("updates.looked_done"), exact=True)).to_be_visible(timeout=60_000)


@pytest.mark.timeout(600)
def test_a_good_version_comes_a_broken_one_goes_and_the_page_says_why(
    profile: Callable[..., BrowserContext], guarded: Demo
) -> None:
    w = Words("de")
    page: Page = profile().new_page()
    seat: Page = profile().new_page()  # another seat, where somebody looks at something else
    browsing.sign_in(page, guarded.url, *guarded.person("owner"))
    _look(page, w)
    browsing.sign_in(seat, guarded.url, *guarded.person("desk"))
    button(seat.get_by_role("dialog", name=w("updates.news")), w("updates.news_read")).click()
    browsing.open_page(seat, "inbox")

    _order(page, w, "0.2.0")
    expect(over(seat)).to_be_visible(timeout=UPDATE_MS)
    for one in (page, seat):
        expect(over(one)).to_have_count(0, timeout=UPDATE_MS)
        expect(one.get_by_role("link", name="Praxis im Blick")).to_be_attached(
            timeout=UPDATE_MS
        )  # loaded anew
    assert seat.url.endswith("#/inbox")
    expect(page.locator("main")).to_contain_text(w("updates.runs", version="0.2.0"))
    expect(button(page, w("updates.back_to", version="0.1.0"))).to_be_enabled()

    _publish(guarded, "broken")
    _look(page, w)
    page.evaluate("window.mark = 1")
    _order(page, w, "0.3.0")
    expect(over(page)).to_have_count(0, timeout=UPDATE_MS)
    last = page.get_by_role("region", name=w("updates.last_order"))
    expect(last).to_contain_text(w("updates.ended.rolled_back"), timeout=UPDATE_MS)
    expect(last).to_contain_text("failed-0.3.0-")
    expect(page.locator("main")).to_contain_text(w("updates.runs", version="0.2.0"))
    assert page.evaluate("window.mark") == 1, "the same version runs: nothing is loaded anew"

    _restart(page, w, guarded.folder)


def _restart(page: Page, w: Words, folder: Path) -> None:
    """A restart by hand: asked once, waited for, over."""
    state = folder / "program" / "state.json"

    def server() -> Any:
        return json.loads(state.read_text())["server_pid"]

    before = server()
    button(page, w("updates.restart")).click()
    button(page.get_by_role("dialog"), w("updates.restart_yes")).click()
    expect(over(page)).to_contain_text(w("guard.restart"))
    expect(page.get_by_text(w("updates.restarted"), exact=True)).to_be_visible(timeout=UPDATE_MS)
    assert server() != before
