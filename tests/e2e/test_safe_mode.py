"""Safe mode in the console: it says why, hides what rests, leads to issues, log and updates, and tries again."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import running
from praxisd_guard import home as homes
from praxisd_guard.durable import put_json
from praxisd_guard.places import Places

from .conftest import Demo
from .updates_cast import Words, button, over
from .walking import names, overflow, violations

LOG = "server-20261127-101500.log"


def _started(places: Places, reason: str, ago_s: float = 60) -> None:
    """What the guard would have said of the start."""
    last = {"signal": 11, "at": time.time() - ago_s, "log": str(places.home / "logs" / LOG)}
    failed = reason == "crash"
    facts = {"failures": 3 if failed else 0, "last": last, "by": None}
    put_json(places.start, {"reason": reason, "at": time.time() - ago_s, **facts})


@pytest.fixture(scope="module")
def practice(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(data, HOME): a filled practice, and the home of a guard that started it in safe mode."""
    folder = tmp_path_factory.mktemp("safe") / "demo"
    shutil.copytree(filled, folder)
    home = folder / "program"
    homes.found(home, folder)
    return folder, home


@pytest.fixture
def safe(practice: tuple[Path, Path]) -> Iterator[Demo]:
    folder, home = practice
    _started(Places(home), "crash")
    with running(folder, "--safe", env={"PRAXISD_HOME": str(home)}) as server:
        yield Demo(server, folder, json.loads((folder / "access.json").read_text()))


def _page(profile: Callable[..., BrowserContext], safe: Demo, role: str = "owner", **look: Any) -> Page:
    page = profile(**look).new_page()
    browsing.sign_in(page, safe.url, *safe.person(role))
    return page


@pytest.mark.parametrize(("lang", "theme", "width"), [("de", "light", 1440), ("en", "dark", 820)])
def test_it_says_why_and_hides_what_rests(
    profile: Callable[..., BrowserContext], safe: Demo, axe: str, lang: str, theme: str, width: int
) -> None:
    w = Words(lang)
    page = _page(profile, safe, lang=lang, theme=theme, width=width)
    expect(page.get_by_role("heading", name=w("safe.title"), exact=True)).to_be_visible()
    main = page.locator("main")
    for told in (
        w("safe.why_crash"),
        w("safe.end_signal", n="11"),
        LOG,
        w("safe.rests_text"),
        w("safe.next_try"),
    ):
        expect(main).to_contain_text(told)
    expect(main.get_by_role("heading", level=3).first).to_be_visible()  # the Issue says it too
    assert set(names(page)) == {"overview", "issues", "log", "support", "updates", "backups"}
    assert violations(page, axe) == [] and overflow(page) == []
    for name in ("issues", "log", "support", "updates", "backups"):
        browsing.open_page(page, name)
        expect(page.locator("main").get_by_text(w("guard.safe_bar"))).to_be_visible()
        expect(page.locator("main [role=alert]")).to_have_count(0)
    browsing.open_page(page, "calendar")
    expect(page.get_by_text(w("safe.resting"), exact=True)).to_be_visible()
    page.get_by_role("link", name=w("safe.resting_back")).click()
    expect(page.get_by_role("heading", name=w("safe.title"), exact=True)).to_be_visible()


def test_the_desk_reads_it_but_does_not_restart(profile: Callable[..., BrowserContext], safe: Demo) -> None:
    w = Words("de")
    page = _page(profile, safe, "desk")
    expect(page.get_by_text(w("safe.try_may_not"))).to_be_visible()
    expect(button(page, w("safe.try"))).to_have_count(0)


def test_another_try_waits_for_the_other_server_and_goes_on_with_it(
    profile: Callable[..., BrowserContext], practice: tuple[Path, Path]
) -> None:
    w = Words("de")
    folder, home = practice
    _started(Places(home), "crash")
    access = json.loads((folder / "access.json").read_text())
    with running(folder, "--safe", env={"PRAXISD_HOME": str(home)}) as server:
        page = _page(profile, Demo(server, folder, access))
        button(page, w("safe.try")).click()
        button(page.get_by_role("dialog"), w("safe.try")).click()
        expect(over(page)).to_contain_text(w("guard.try_again"))
        orders = list(Places(home).orders.glob("*.json"))
        assert [json.loads(one.read_text())["kind"] for one in orders] == ["try_again"]
        page.wait_for_timeout(1_500)
        expect(over(page)).to_be_visible()  # the old server still answers: that is not what was asked for
        port = int(server.url.rpartition(":")[2])
    _started(Places(home), "try_again", ago_s=0)  # what the guard does with the order
    with running(folder, port=port, env={"PRAXISD_HOME": str(home)}):
        expect(over(page)).to_have_count(0)
        expect(page.get_by_role("heading", name=w("page.overview"), exact=True)).to_be_visible()
        assert "calendar" in names(page)
