"""The day on which nothing else works: without scripts, or with a broken bundle, one can still see what is wrong."""

import re
from typing import Any

import pytest


def _sign_in(page: Any, demo: Any, role: str = "owner") -> None:
    login, password = demo.person(role)
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name=re.compile("Anmelden|Sign in")).click()


@pytest.mark.parametrize("lang", ["de", "en"])
def test_without_scripts_one_signs_in_and_sees_issues_and_log(demo: Any, profile: Any, lang: str) -> None:
    page = profile(scripts=False, lang=lang).new_page()
    page.goto(demo.url)  # index.html sends browsers without scripts on
    page.wait_for_url("**/recovery*")
    _sign_in(page, demo)
    page.get_by_text("Lizenz" if lang == "de" else "licence").first.wait_for()  # the demo's expired licence
    assert page.locator("script").count() == 0
    text = page.locator("body").inner_text()
    assert re.search(r"\d\d:\d\d", text)


def test_with_a_broken_bundle_the_page_leads_to_recovery(demo: Any, profile: Any) -> None:
    page = profile().new_page()
    page.route("**/console/assets/*.js", lambda route: route.abort())
    page.goto(demo.url)
    page.get_by_role("link", name=re.compile("Notfallseite")).click()
    page.wait_for_url("**/recovery*")
    _sign_in(page, demo, "partner")
    page.get_by_text("Lizenz").first.wait_for()
