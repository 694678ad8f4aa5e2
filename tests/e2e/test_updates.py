"""Downloads in the console: look, the window at sign-in, tick and „Ausführen“, the way back; closed doors and a new version.

This practice has no guard: data sets can be installed, programs cannot. `test_updates_guarded.py` has one.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from praxisd import __version__
from praxisd.sandbox import updates as sandbox
from praxisd.testing import browser as browsing

from .updates_cast import Words, button, closed, over, trust
from .walking import overflow, violations

FIRST, SECOND = "2026-10-01", "holidays"


@pytest.fixture(scope="module")
def made(demo: Any, tmp_path_factory: pytest.TempPathFactory) -> sandbox.Made:
    """A publisher whose folder this practice takes its updates from."""
    found = sandbox.make(tmp_path_factory.mktemp("publisher"), __version__)
    trust(demo.folder, found)
    return found


def _look(page: Page, w: Words) -> None:
    browsing.open_page(page, "updates")
    button(page, w("updates.look")).click()
    expect(page.get_by_text(w("updates.looked_done"), exact=True)).to_be_visible()
    expect(button(page, w("updates.look"))).to_be_enabled()


def _run(page: Page, w: Words, version: str) -> None:
    page.get_by_role("checkbox", name=w("updates.version", version=version)).check()
    button(page, w("updates.go")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("updates.install_data"))
    button(dialog, w("updates.install_yes")).click()
    expect(page.get_by_text(w("updates.done"), exact=True)).to_be_visible()


def test_what_is_subscribed_waits_and_the_window_tells_each_person_once(
    sign_in: Callable[..., Page], demo: Any, made: sandbox.Made, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner")
    _look(page, w)
    expect(page.get_by_text(w("updates.no_guard"))).to_be_visible()
    program = page.get_by_role("article", name="praxisd")
    expect(program).to_contain_text(w("word.update_state.waiting"))
    expect(
        program.get_by_role("checkbox", name=w("updates.version", version=made.versions["good"]))
    ).to_have_count(0)
    data = page.get_by_role("article", name="Feiertage")
    data.get_by_role("switch", name=w("updates.subscribed")).check()
    _look(page, w)
    expect(data.get_by_role("checkbox", name=w("updates.version", version=FIRST))).to_be_enabled()
    assert violations(page, axe) == [] and overflow(page) == []

    for role in ("owner", "desk"):
        page = sign_in(role)
        window = page.get_by_role("dialog", name=w("updates.news"))
        expect(window).to_contain_text(f"Feiertage (Beispiel) {FIRST}")
        expect(window).to_contain_text(f"praxisd {made.versions['good']}")
        assert violations(page, axe) == []
        button(window, w("updates.news_read")).click()
        expect(window).to_have_count(0)
        _sign_out(page)
        with page.expect_response("**/api/v1/updates"):
            browsing.sign_in(page, demo.url, *demo.person(role))
        page.wait_for_timeout(300)
        expect(window).to_have_count(0)


def test_the_window_waits_until_nobody_types(
    profile: Callable[..., Any], demo: Any, made: sandbox.Made
) -> None:
    """It would take the keys that were meant for a field."""
    w, page = Words("de"), profile().new_page()
    held: list[Route] = []
    page.route("**/api/v1/updates", lambda route: held.append(route))
    browsing.sign_in(page, demo.url, *demo.person("partner"))
    browsing.open_page(page, "medication")
    field = page.get_by_role("searchbox").first
    field.press_sequentially("amo")
    with page.expect_response("**/api/v1/updates"):
        held[0].continue_()
    page.wait_for_timeout(1_200)
    window = page.get_by_role("dialog", name=w("updates.news"))
    expect(window).to_have_count(0)
    page.keyboard.type("xi")
    expect(field).to_have_value("amoxi")
    field.blur()
    expect(window).to_be_visible()
    expect(field).to_have_value("amoxi")


def _sign_out(page: Page) -> None:
    page.locator(".person > button").click()
    button(page, Words("de")("sign_out")).click()
    page.locator("input[name=password]").wait_for()


def test_the_window_follows_a_change_of_user_and_stays_away_from_others(
    sign_in: Callable[..., Page], profile: Callable[..., Any], demo: Any, made: sandbox.Made
) -> None:
    w = Words("en")
    page = sign_in("partner", lang="en")
    window = page.get_by_role("dialog", name=w("updates.news"))
    expect(window).to_be_visible()
    page.reload()  # not read yet, but nobody signed in anew
    page.locator("nav a").first.wait_for(state="attached")
    page.wait_for_timeout(300)
    expect(window).to_have_count(0)
    page.evaluate("sessionStorage.clear()")

    other = profile(lang="en").new_page()
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))

    def without(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["permissions"] = [one for one in body.get("permissions", []) if not one.startswith("updates.")]
        route.fulfill(response=answer, body=json.dumps(body))

    other.route("**/api/v1/session", without)
    browsing.sign_in(other, demo.url, *demo.person("partner"))
    browsing.open_page(other, "overview")
    other.wait_for_timeout(300)
    expect(other.get_by_role("dialog")).to_have_count(0)
    assert not any(one.endswith("/updates") for one in asked)


def test_a_data_set_is_installed_at_once_and_taken_back_with_a_yes(
    sign_in: Callable[..., Page], demo: Any, made: sandbox.Made, axe: str
) -> None:
    w = Words("en")
    page = sign_in("owner", lang="en", theme="dark", width=820, height=1180)
    browsing.open_page(page, "updates")
    data = page.get_by_role("article", name="Public holidays")
    _run(page, w, FIRST)
    expect(data).to_contain_text(f"{w('updates.in_use')} {FIRST}")
    expect(data).to_contain_text("days old")
    made.publish(SECOND)
    _look(page, w)
    second = made.versions[SECOND]
    _run(page, w, second)
    expect(data).to_contain_text(f"{w('updates.in_use')} {second}")
    assert violations(page, axe) == [] and overflow(page) == []
    button(data, w("updates.back_to", version=FIRST)).click()
    question = page.get_by_role("dialog")
    button(question, w("no")).click()
    expect(data).to_contain_text(f"{w('updates.in_use')} {second}")
    button(data, w("updates.back_to", version=FIRST)).click()
    button(question, w("updates.back_yes")).click()
    expect(data).to_contain_text(f"{w('updates.in_use')} {FIRST}")
    page.get_by_role("tab", name=w("updates.tab.history")).click()
    expect(page.get_by_role("row", name="Public holidays").filter(has_text=second)).to_be_visible()


def _typed(page: Page) -> Any:
    """Something typed and not saved, on a page that says so."""
    browsing.open_page(page, "settings")
    field = page.locator("main input[type=number]").first
    was = field.input_value()
    field.fill(str(int(was) + 1))
    return field, was


def test_closed_doors_lie_over_the_page_and_nothing_typed_is_lost(
    sign_in: Callable[..., Page], demo: Any, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner")
    field, was = _typed(page)
    with closed(demo.folder):
        # at once, also where the page knows already, and no mouse would get through to the button
        page.locator("form.settings").evaluate("form => form.requestSubmit()")
        expect(over(page)).to_contain_text(w("guard.maintenance"))
        expect(over(page)).to_contain_text(w("guard.kept"))
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(over(page)).to_be_visible()
        assert violations(page, axe) == []
    expect(over(page)).to_have_count(0)
    expect(page.get_by_text(w("saved"), exact=True)).to_be_visible()  # it waited, and went through
    expect(field).to_have_value(str(int(was) + 1))
    field.fill(was)
    page.locator("form.settings button[type=submit]").click()


def test_on_another_version_the_page_loads_itself_anew_once_nothing_is_lost_by_it(
    sign_in: Callable[..., Page], demo: Any
) -> None:
    w = Words("de")
    page = sign_in("owner")

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=json.dumps(answer.json() | ({"version": "9.9.9"} if answer.ok else {}))
        )

    field, was = _typed(page)
    page.evaluate("window.mark = 1")
    page.route("**/api/v1/console", newer)
    with closed(demo.folder):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # who comes back to this page
        expect(over(page)).to_be_visible()
    bar = page.get_by_text(w("guard.newer", version="9.9.9"))
    expect(bar).to_be_visible()
    expect(field).to_have_value(str(int(was) + 1))
    assert page.evaluate("window.mark") == 1
    button(page, w("settings.discard")).click()
    expect(page.get_by_text(w("guard.updated", version="9.9.9"), exact=True)).to_be_visible()
    assert page.evaluate("window.mark") is None
    expect(bar).to_have_count(0)
    assert page.url.endswith("#/settings")
