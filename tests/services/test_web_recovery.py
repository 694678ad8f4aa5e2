"""The recovery page: sign-in, issues, activity and log without script, in maintenance too, and nothing typed ever runs."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pyotp
import pytest

from praxisd.kernel import issues, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.service import Finding, Severity

from .session_cast import PASSWORD, Browser, Scene, set_up_factor

HOME, FORM = "/recovery", {"Content-Type": "application/x-www-form-urlencoded"}
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "body",
    "header",
    "main",
    "footer",
    "h1",
    "h2",
    "h3",
    "p",
    "a",
}
TAGS |= {"form", "label", "input", "button", "section", "strong", "span", "div"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
NAUGHTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE x; --",
    "</title><svg/onload=alert(1)>",
    "&lt;b&gt; & <b>",
    "{subject} {0} %s ${x} {{7*7}}",
    "\u202eevil\u2066",
    "javascript:alert(1)",
)


class Page(HTMLParser):
    """A page taken apart; finding anything that could run fails the test."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.answer, self.text, self.lang = answer, "", ""
        self.forms: list[dict[str, str]] = []
        self.links: dict[str, str] = {}
        self._link: str | None = None
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script" not in policy and "unsafe" not in policy
        assert "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        assert tag in TAGS, f"<{tag}>"
        assert not [k for k in given if k.startswith("on") or k in ("style", "srcdoc")], given
        assert not given.get("href", "").lower().startswith(("javascript:", "data:", "http", "//"))
        if tag == "html":
            self.lang = given["lang"]
        if tag == "form":
            assert given["method"] == "post" and given["action"].startswith("/recovery/")
            self.forms.append({"action": given["action"]})
        if tag == "input" and self.forms:
            self.forms[-1][given["name"]] = given.get("value", "")
        if tag == "a":
            self._link = given["href"]

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._link is not None:
            self.links[data] = self._link
            self._link = None

    def form(self, end: str) -> dict[str, str]:
        """The form that leads to `/recovery/<end>`."""
        return next(one for one in self.forms if one["action"].startswith(f"/recovery/{end}"))


def get(browser: Browser, path: str = HOME, **options: Any) -> Page:
    return Page(browser.http.get(path, **options))


def post(browser: Browser, form: dict[str, str], **given: str) -> httpx.Response:
    sent = {k: v for k, v in form.items() if k != "action"} | given
    return browser.http.post(form["action"], content=urlencode(sent), headers=FORM, follow_redirects=False)


def sign_in(browser: Browser, login: str = "anna", password: str = PASSWORD, **more: str) -> httpx.Response:
    return post(browser, get(browser).form("sign-in"), login=login, password=password, **more)


@pytest.fixture
def scene(house: House) -> Scene:
    found = Scene(house)
    found.add(name="Anna Adler")
    return found


@pytest.fixture
def browser(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as found:
        yield found


def raise_issue(house: House, subject: str = "", **params: Any) -> None:
    facts = {"free": 100, "limit": 500} | params
    finding = Finding("store.disk_low", subject, Severity.ERROR, facts)
    house.store.run(system("checks"), lambda tx: issues.raise_issue(tx, finding, "kernel.disk"))


def test_a_person_signs_in_sees_what_is_wrong_and_signs_out(scene: Scene, browser: Browser) -> None:
    raise_issue(scene.house)
    scene.house.log.warning("sample_line", count=4711)
    first = get(browser)
    assert first.lang == "de" and "Anmeldename" in first.text and "Speicherplatz" not in first.text
    assert "4711" not in first.text
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/recovery?lang=de")
    flags = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    page = get(browser)
    assert "Angemeldet als Anna Adler." in page.text
    assert "Wenig Speicherplatz" in page.text and "Schaffen Sie Platz" in page.text
    assert "sample_line" in page.text and '{"count":4711}' in page.text
    assert "Meldung „Wenig Speicherplatz“ ist aufgetreten" in page.text
    saved = browser.http.get(page.links["Protokoll speichern"])
    assert saved.status_code == 200 and "sample_line" in saved.text
    gone = post(browser, page.form("sign-out"))
    assert gone.status_code == 303 and "Max-Age=0" in gone.headers["set-cookie"]
    assert "Anmeldename" in get(browser).text
    assert browser.get("/session").status_code == 401


def test_check_again_heals(scene: Scene, browser: Browser) -> None:
    raise_issue(scene.house)
    sign_in(browser)
    assert "Wenig Speicherplatz" in get(browser).text.split("Letzte Aktivitäten")[0]
    assert post(browser, get(browser).form("check")).status_code == 303
    assert "Wenig Speicherplatz" not in get(browser).text.split("Letzte Aktivitäten")[0]


def test_what_was_typed_wrong_is_explained(scene: Scene, browser: Browser) -> None:
    refused = sign_in(browser, password="falsch-falsch-falsch")
    page = Page(refused)
    assert refused.status_code == 401 and "set-cookie" not in refused.headers
    assert "Anmeldung nicht möglich" in page.text
    assert page.form("sign-in")["login"] == "anna" and page.form("sign-in")["password"] == ""
    assert "falsch-falsch" not in refused.text
    for _ in range(40):
        refused = sign_in(browser, password="falsch-falsch-falsch")
        if refused.status_code == 429:
            break
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert "Zu viele Anfragen" in Page(refused).text


def test_a_second_factor_is_asked_for(scene: Scene, browser: Browser) -> None:
    clock: Any = scene.house.clock
    browser.sign_in()
    secret, codes = set_up_factor(browser, clock.now)
    browser.delete("/session")
    clock.advance(60)
    needed = sign_in(browser)
    assert needed.status_code == 401 and "Code fehlt" in Page(needed).text
    wrong = sign_in(browser, code="000000")
    assert wrong.status_code == 401 and "Anmeldename" in Page(wrong).text
    assert sign_in(browser, code=pyotp.TOTP(secret).at(clock.now())).status_code == 303
    assert "Anna Adler" in get(browser).text
    post(browser, get(browser).form("sign-out"))
    assert sign_in(browser, code=codes[0]).status_code == 303


def test_each_role_sees_what_it_may(scene: Scene) -> None:
    raise_issue(scene.house)
    for role in ("desk", "partner"):
        scene.add(role, role)
        with scene.browser() as browser:
            assert sign_in(browser, role).status_code == 303
            text = get(browser).text
            assert "Wenig Speicherplatz" in text
            assert ("Letzte Zeilen des Protokolls" in text) is (role == "partner")
            assert ("Letzte Aktivitäten" in text) is (role == "partner")


def test_both_languages_at_a_link(scene: Scene, browser: Browser) -> None:
    german = get(browser)
    english = get(browser, german.links["English"])
    assert english.lang == "en" and "Recovery page" in english.text
    assert english.form("sign-in")["action"] == "/recovery/sign-in?lang=en"
    answer = post(browser, english.form("sign-in"), login="anna", password=PASSWORD)
    page = get(browser, answer.headers["location"])
    assert "Signed in as" in page.text and page.links["Deutsch"] == "/recovery?lang=de"
    assert get(browser, headers={"Accept-Language": "en"}).lang == "en"
    assert get(browser, "/recovery?lang=xx").lang == "de"
    for query in ("lang=" + "<script>", "organization=%22%3E%3Cscript%3E", "a=1&" * 30):
        browser.http.cookies.clear()
        page = get(browser, f"/recovery?{query}")
        assert "<script" not in page.answer.text


@pytest.mark.parametrize("end", ["check", "sign-out"])
def test_forms_of_others_are_refused(scene: Scene, browser: Browser, end: str) -> None:
    sign_in(browser)
    form = get(browser).form(end)
    for csrf in ("", "x", form["csrf"][:-1]):
        refused = post(browser, form | {"csrf": csrf})
        assert refused.status_code == 403 and "fremder Seite" in Page(refused).text
    headers = FORM | {"Sec-Fetch-Site": "cross-site"}
    refused = browser.http.post(form["action"], content=urlencode({"csrf": form["csrf"]}), headers=headers)
    assert refused.status_code == 403
    assert "Angemeldet als" in get(browser).text


def test_a_strangers_page_cannot_sign_anyone_in(scene: Scene, browser: Browser) -> None:
    sent = urlencode({"login": "anna", "password": PASSWORD})
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        refused = browser.http.post("/recovery/sign-in", content=sent, headers=FORM | headers)
        assert refused.status_code == 403 and "set-cookie" not in refused.headers


def test_what_is_no_form_of_ours(scene: Scene, browser: Browser) -> None:
    for content, headers, status in (
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"login=%00", FORM, 400),
        (b"login=%ff", FORM, 400),
        (b"login=\xff", FORM, 400),
        (b"a=1&" * 30, FORM, 400),
        (b"login=" + b"x" * 9000, FORM, 413),
    ):
        refused = browser.http.post("/recovery/sign-in", content=content, headers=headers)
        assert refused.status_code == status, content[:20]
        Page(refused)
    assert browser.http.get("/recovery/sign-in").status_code == 405
    assert browser.http.put("/recovery").headers["allow"] == "GET, HEAD, OPTIONS"
    assert browser.http.head("/recovery").content == b""
    assert browser.http.options("/recovery/check").headers["allow"] == "POST, OPTIONS"
    assert browser.http.get("/recovery/nothing").status_code == 404
    css = browser.http.get("/recovery/recovery.css")
    assert css.headers["content-type"] == "text/css; charset=utf-8" and b"url(" not in css.content


def test_it_works_during_maintenance(scene: Scene, browser: Browser) -> None:
    raise_issue(scene.house)
    scene.house.store.run(system("test"), lambda tx: maintenance.begin(tx, "update", 600))
    assert browser.get("/session").status_code == 503
    assert "Gerade läuft eine Wartung" in get(browser).text
    assert sign_in(browser).status_code == 303
    assert "Wenig Speicherplatz" in get(browser).text
    assert post(browser, get(browser).form("check")).status_code == 303
    assert post(browser, get(browser).form("sign-out")).status_code == 303


def test_a_session_that_has_ended_leads_to_the_form(scene: Scene, browser: Browser) -> None:
    sign_in(browser)
    form = get(browser).form("check")
    scene.house.clock.advance(24 * 3600)  # type: ignore[attr-defined]
    assert "Anmeldename" in get(browser).text
    ended = post(browser, form)
    assert ended.status_code == 401 and "Sitzung beendet" in Page(ended).text
    assert post(browser, form | {"action": "/recovery/sign-out"}).status_code == 303


@pytest.mark.parametrize("text", NAUGHTY)
def test_nothing_typed_or_stored_ever_runs(scene: Scene, browser: Browser, text: str) -> None:
    """`Page` fails at any tag, attribute or address that is not ours."""
    assert Page(sign_in(browser, login=text)).form("sign-in")["login"] == text
    raise_issue(scene.house, subject=text, free=text, limit=text)
    scene.add("bea", name=text)
    assert sign_in(browser, "bea").status_code == 303
    page = get(browser)
    assert f"Angemeldet als {text}." in page.text
    assert f"nur noch etwa {text} MB frei" in page.text


@pytest.mark.foreign_data
def test_the_big_list_of_naughty_strings(scene: Scene, browser: Browser, foreign_data: Path) -> None:
    listed = json.loads((foreign_data / "names" / "blns" / "blns.json").read_text(encoding="utf-8"))
    assert len(listed) > 400
    texts = [" ".join(listed[start : start + 40]).replace("\0", "") for start in range(0, len(listed), 40)]
    for number, text in enumerate(texts):
        raise_issue(scene.house, subject=str(number), free=text)
    assert sign_in(browser).status_code == 303
    shown = re.sub(r"\s+", " ", get(browser).text)
    for text in texts:
        assert re.sub(r"\s+", " ", text).strip()[:200] in shown


def test_it_is_counted_under_one_name_and_logs_nothing_typed(scene: Scene, browser: Browser) -> None:
    sign_in(browser, login="Geheimer-Name", password="Geheimes-Kennwort-1")
    sign_in(browser)
    get(browser)
    written = b"\n".join(line for _, line in scene.house.log.recent()).decode()
    assert (
        '"route":"recovery.page","status":401' in written
        and '"route":"recovery.page","status":303' in written
    )
    assert "Geheim" not in written
