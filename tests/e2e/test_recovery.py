"""The day on which nothing else works: without scripts, or with a broken bundle, one can still see what is wrong."""

import re
from typing import Any

import pytest

from praxisd.testing import browser as browsing

from .walking import names


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


def test_the_service_partner_reads_no_patient_on_any_page(demo: Any, sign_in: Any, profile: Any) -> None:
    """What the server masks, as it arrives in the browser: all pages of the console, and the recovery page."""
    people: list[dict[str, Any]] = []
    cursor = None
    while True:
        body = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        answer = demo.desk().call("POST", "/api/v1/patients/search", body)[1]
        people += answer["patients"]
        cursor = answer["next"]
        if cursor is None:
            break
    assert len(people) >= 300
    secrets = {f"{one['given']} {one['family']}" for one in people} | {
        f"{one['family']}, {one['given']}" for one in people
    }
    secrets |= {one["phone"] for one in people if one["phone"]}

    def read(page: Any) -> list[str]:
        text = page.locator("html").inner_html()
        return [one for one in secrets if one in text]

    page = sign_in("partner")
    for name in (*names(page), "account"):
        browsing.open_page(page, name)
        assert read(page) == [], name
    desk = sign_in("desk")
    browsing.open_page(desk, "patients")
    assert read(desk), "the desk reads names, or this test proves nothing"
    plain = profile(scripts=False).new_page()
    plain.goto(f"{demo.url}/recovery")
    _sign_in(plain, demo, "partner")
    plain.get_by_text("Lizenz").first.wait_for()
    assert read(plain) == []
