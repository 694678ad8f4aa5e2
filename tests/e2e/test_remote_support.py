"""Remote support in two browsers: granted in the practice, entered through the relay, masked, ended by one click, recorded."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from praxisd import main
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.texts import Texts
from praxisd.services.support import remote, remote_room
from praxisd.testing import browser as browsing
from praxisd.testing.houses import START, Houses
from praxisd.testing.practice import small_practice
from praxisd.web.server import Server, serve

from .walking import overflow, violations

WHO = "Frau Weber, Systemhaus Nord"
UP_MS = 60_000


class Words:
    """Texts of the support in one language."""

    def __init__(self, lang: str) -> None:
        self._texts, self._lang = Texts(["praxisd.services.support"]), lang

    def __call__(self, key: str, **params: object) -> str:
        return self._texts.get(key, self._lang, **params)


def _grant(page: Page, w: Words) -> tuple[str, str]:
    """Let somebody in on the page; address and code."""
    browsing.open_page(page, "support/remote")
    page.get_by_label(w("console.support.remote.name"), exact=True).fill(WHO)
    page.get_by_label(w("console.support.remote.purpose"), exact=True).fill("Drucker einrichten")
    page.get_by_role("button", name=w("console.support.remote.grant"), exact=True).click()
    code = page.locator("code.code")
    expect(code).to_be_visible()
    return page.locator("dd code").first.inner_text(), code.inner_text()


def _bar(page: Page, w: Words) -> Any:
    return page.get_by_role("status", name=w("console.remote.bar_label"), exact=True)


@pytest.mark.parametrize(("lang", "theme", "width"), [("de", "light", 1280), ("en", "dark", 820)])
def test_from_the_grant_to_its_end(
    sign_in: Any,
    profile: Callable[..., BrowserContext],
    demo: Any,
    axe: str,
    lang: str,
    theme: str,
    width: int,
) -> None:
    w = Words(lang)
    look = {"lang": lang, "theme": theme, "width": width}
    page: Page = sign_in("owner", **look)
    address, code = _grant(page, w)
    assert address.startswith("https://") and address.endswith("/support")
    assert violations(page, axe) == [] and overflow(page) == []
    partner = profile(**look, options={"ignore_https_errors": True}).new_page()
    partner.goto(address)
    assert violations(partner, axe) == []
    field = partner.get_by_label(w("support.page.code"), exact=True)
    field.fill("AAAA-2222")
    field.press("Enter")
    expect(partner.get_by_role("alert")).to_contain_text(w("support.code_refused.title"))
    partner.get_by_label(w("support.page.code"), exact=True).fill(code.lower())
    partner.get_by_role("button", name=w("support.page.go"), exact=True).click()
    expect(_bar(partner, w)).to_contain_text(w("console.remote.mine"), timeout=UP_MS)
    # Masked: no name of a patient, on a day of the calendar that has some.
    names = _patients(demo)
    browsing.open_page(
        partner, f"calendar/{_a_day(demo)}/week"
    )  # at the weekend today may have nothing to show
    expect(partner.locator(".box.appointment").first).to_be_visible()
    seen = partner.locator("body").inner_text() + partner.content()
    assert [one for one in names if one in seen] == []
    # Everybody in the practice sees it, and anybody ends it by one click.
    desk: Page = sign_in("desk", **look)
    browsing.open_page(desk, f"calendar/{_a_day(demo)}/day")
    expect(desk.locator(".box.appointment").first).to_be_visible()
    bar = _bar(desk, w)
    expect(bar).to_contain_text(w("console.remote.inside"))
    expect(bar).to_contain_text(WHO)
    assert [one for one in names if one in desk.locator("body").inner_text()]
    assert violations(desk, axe) == []
    bar.get_by_role("button", name=w("console.remote.end"), exact=True).click()
    expect(bar).to_have_text("")
    expect(partner.get_by_text(w("support.page.closed"), exact=True)).to_be_visible(timeout=UP_MS)
    partner.goto(address.removesuffix("/support"))
    assert w("console.remote.mine") not in partner.content()
    # What was done is there, and nothing of what was looked at.
    expect(_bar(page, w)).to_have_text("")
    page.get_by_role("button", name=w("console.support.remote.record")).first.click()
    record = page.get_by_role("region", name=w("console.support.remote.record"), exact=True)
    for words in (
        w("event.support.granted", minutes=60),
        w("event.support.entered"),
        w("event.support.ended"),
        "calendar.view",
    ):
        expect(record).to_contain_text(words)
    assert [one for one in names if one in record.inner_text()] == []
    assert violations(page, axe) == [] and overflow(page) == []


def _a_day(demo: Any) -> str:
    """The first day that still has an appointment."""
    found = demo.desk().call("POST", "/api/v1/appointments/search", {"status": "booked", "limit": 200})[1]
    return str(min(one["start"] for one in found["appointments"])[:10])


def _patients(demo: Any) -> list[str]:
    found = demo.desk().call("POST", "/api/v1/appointments/search", {"status": "booked", "limit": 200})[1]
    names = sorted({one["patientName"] for one in found["appointments"] if one.get("patientName")})
    assert names
    return names


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[House, str]]:
    """A small practice whose clock the test turns."""
    houses = Houses("sqlite", tmp_path)
    house = houses.open(clock=FrozenClock(START))
    ready, found = threading.Event(), {}

    def on_ready(url: str) -> None:
        found["url"] = url
        ready.set()

    servers: list[Server] = []
    thread = threading.Thread(
        target=lambda: serve(house, main.doors(house), "127.0.0.1", 0, on_ready, servers.append),  # type: ignore[arg-type]
        daemon=True,
    )
    thread.start()
    assert ready.wait(60)
    yield house, found["url"]
    servers[0].stop()
    thread.join(60)
    houses.close()


def test_the_clock_ends_it_on_the_partners_screen(
    served: tuple[House, str], profile: Callable[..., BrowserContext]
) -> None:
    house, url = served
    w = Words("de")
    owner = Actor(Kind.CLI, "cli", small_practice(house).organization, everything=True)
    made = remote.grant(house, owner, name=WHO, purpose="Drucker", minutes=30)
    partner = profile().new_page()
    partner.goto(f"{url}/support")
    partner.get_by_label(w("support.page.code"), exact=True).fill(made.code)
    partner.keyboard.press("Enter")
    expect(_bar(partner, w)).to_contain_text(w("console.remote.mine"))
    house.clock.advance(30 * 60)  # type: ignore[attr-defined]
    remote_room.turn(house)
    expect(partner.get_by_text(w("support.page.closed"), exact=True)).to_be_visible()
    with house.store.read(owner) as tx:
        assert [(one.ended_by, one.ended_at) for one in remote.latest(tx)] == [
            (remote.TIME, made.grant.until)
        ]
