"""The way from outside as a practice sets it up: the wizard in both languages, and that nothing is overwritten by accident."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client

from .relay_cast import QUICK_MS, Words, button, held, host, hub_pid, invitation, owner_key, part, state
from .walking import overflow, violations

PORTAL = "Beispielportal"
ME = "/api/v1/me"
UP_MS = 60_000


@pytest.fixture(scope="module")
def owner(demo: Any) -> Client:
    """A key that may do what the owner may."""
    client: Client = demo.server.client(owner_key(demo.folder))
    return client


@pytest.fixture(autouse=True)
def enrolled(demo: Any, owner: Client) -> Iterator[None]:
    """Each test begins, and leaves, with the practice enrolled and the relay in use."""

    def ensure() -> None:
        now = owner.call("GET", "/api/v1/relay")[1]
        if not now["enrolled"]:
            given = {"invitation": invitation(demo.folder, demo.access)}
            assert owner.call("POST", "/api/v1/relay/enrol", given)[0] == 200
        elif not now["enabled"]:
            assert owner.call("PUT", "/api/v1/relay/enabled", {"enabled": True})[0] == 200

    ensure()
    yield
    ensure()


def _works(demo: Any, secret: str) -> bool:
    return bool(demo.server.client(secret).call("GET", ME)[0] == 200)


def _seen_addresses(page: Page) -> list[str]:
    seen: list[str] = []
    page.context.on("request", lambda request: seen.append(request.url))
    page.context.on("page", lambda opened: opened.on("framenavigated", lambda frame: seen.append(frame.url)))
    return seen


@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_newcomer_walks_the_wizard(sign_in: Any, demo: Any, owner: Client, lang: str) -> None:
    w = Words(lang)
    assert owner.call("POST", "/api/v1/relay/leave", {"confirm": True})[0] == 200
    page: Page = sign_in("owner", lang=lang)
    seen = _seen_addresses(page)
    browsing.open_page(page, "setup/relay")
    on = button(page, w("more"))
    expect(page.get_by_role("heading", name=w("relay.step.settings"), exact=True)).to_be_visible()
    on.click()
    part(page, w, "use")
    use = page.get_by_role("switch", name=w("relay.use"))
    expect(use).not_to_be_checked()
    expect(page.get_by_text(w("relay.use_why"))).to_be_visible()
    use.click()
    expect(use).to_be_checked()
    on.click()
    part(page, w, "invitation")
    expect(on).to_have_count(0)  # nothing goes on without
    _enrol(page, w, demo)
    shown = page.get_by_text(w("relay.stand.good"), exact=True)
    expect(shown).to_be_visible(timeout=UP_MS)
    on.click()
    part(page, w, "access")
    expect(page.get_by_role("row", name=PORTAL)).to_be_visible()
    name = f"Terminportal {lang}"
    secret = _get_access(page, w, name)
    part(page, w, "shown")
    _kept(page, w, demo, secret)
    button(page, w("relay.kept_next")).click()
    part(page, w, "try")
    button(page, w("relay.try_go")).click()
    expect(page.get_by_text(w("relay.try_good"), exact=True)).to_be_visible()
    on.click()
    part(page, w, "release")
    _release(page, w, owner)
    button(page, w("relay.finish")).click()
    expect(page.get_by_role("heading", name=w("relay.step.release"), exact=True)).to_be_hidden()
    assert not any(secret in one or secret[13:] in one for one in seen), "the key is in no address"
    assert not any("ticket=" in one for one in seen if "?" in one)
    browsing.open_page(page, "relay/log")
    row = page.get_by_role("row", name=name).first
    expect(row).to_be_visible()
    expect(row).to_contain_text(w("relay.op.self_read"))


def _enrol(page: Page, w: Words, demo: Any) -> None:
    """A wrong line is refused and stays; the right one is taken."""
    line = page.get_by_label(w("relay.invitation"), exact=True)
    go = button(page, w("relay.enrol"))
    go.click()
    expect(page.get_by_text(w("relay.invitation_missing"))).to_be_visible()
    expect(line).to_be_focused()
    line.fill("das ist keine Einladung")
    go.click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(line).to_have_value("das ist keine Einladung")
    line.fill(invitation(demo.folder, demo.access))
    go.click()
    expect(line).to_have_count(0, timeout=UP_MS)


def _get_access(page: Page, w: Words, name: str) -> str:
    button(page, w("relay.access_get")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(w("keys.portal_name"), exact=True).fill(name)
    button(dialog, w("add")).click()
    expect(dialog).to_have_count(0)
    secret = page.locator("dd.secret code").inner_text()
    assert secret.startswith("pxd_")
    return secret


def _kept(page: Page, w: Words, demo: Any, secret: str) -> None:
    """Copied, printed alone, carried to the page of the interface by a ticket that is good once."""
    outside = page.locator("dd code").all_inner_texts()
    assert any(one.startswith("https://") and one.endswith("/api/v1") for one in outside)
    page.evaluate(
        "() => { window.print = () => { window.printed = document.querySelector('.print-sheet').innerText } }"
    )
    button(page, w("print")).click()
    assert secret in page.evaluate("window.printed")
    page.emulate_media(media="print")
    assert page.locator("h1").is_hidden()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".print-sheet")).to_have_count(0)
    with page.context.expect_page() as opened:
        button(page, w("keys.open")).click()
    docs = opened.value
    expect(docs.locator("details.operation").first).to_be_visible()
    assert docs.url == f"{demo.url}/docs"
    docs.locator("#filter").fill("/api/v1/me")
    docs.reload()
    expect(docs.locator("details.operation")).to_have_count(0)  # asked for a key again: the ticket is gone
    docs.close()


def _release(page: Page, w: Words, owner: Client) -> None:
    """The switch of a type, off and on again: what portals see follows."""

    def seen() -> set[str]:
        return {one["name"] for one in owner.call("GET", "/api/v1/released")[1]["healthcareServices"]}

    switch = page.get_by_role("switch", name=f"Schmerztermin: {w('released.switch')}")
    expect(switch).not_to_be_checked()
    assert "Schmerztermin" not in seen()
    for wanted in (True, False):
        with page.expect_response(lambda r: r.request.method == "PATCH") as answered:
            switch.click()
        assert answered.value.ok
        expect(switch).to_be_checked(checked=wanted)
        assert ("Schmerztermin" in seen()) is wanted


def _writes(page: Page) -> list[str]:
    """What the browser asks to change from now on."""
    sent: list[str] = []
    page.on("request", lambda r: r.method != "GET" and sent.append(f"{r.method} {r.url} {r.post_data}"))
    return sent


def _in_haste(form: Locator, submit: Locator, field: Locator) -> None:
    """What hands do by accident: Enter, Enter, a double click, and one more."""
    field.press("Enter")
    field.press("Enter")
    submit.dblclick()
    submit.click()
    expect(form).to_be_visible()


def test_access_data_are_never_overwritten_by_accident(sign_in: Any, demo: Any, owner: Client) -> None:
    w, old = Words("de"), demo.access["api_key"]
    assert _works(demo, old)
    page: Page = sign_in("owner")
    sent = _writes(page)
    browsing.open_page(page, "setup/relay/access")
    expect(page.get_by_role("row", name=PORTAL).get_by_text(old[:12])).to_be_visible()  # what exists is shown
    button(page, w("relay.access_get")).click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_label(w("keys.portal_name"), exact=True)
    name.fill(f" {PORTAL.upper()} ")
    submit = dialog.locator("button[type=submit]")
    submit.click()
    warning = dialog.get_by_role("alert")
    expect(warning).to_contain_text(PORTAL.upper())
    expect(warning).to_contain_text(old[:12])  # names what would stop working
    expect(warning).to_contain_text(w("keys.replace_text"))
    _in_haste(dialog, submit, name)
    expect(warning).to_contain_text(w("keys.replace_missing"))
    tick = warning.get_by_role("checkbox")
    expect(tick).not_to_be_checked()
    tick.check()
    name.fill("Ganz anderes Portal")
    expect(warning).to_have_count(0)  # a yes to one portal is none to another
    name.fill(PORTAL)
    submit.click()
    expect(tick).not_to_be_checked()
    button(dialog, w("no")).click()
    button(page, w("leave_yes")).click()
    expect(dialog).to_have_count(0)
    button(page, w("relay.replace_of", name=PORTAL)).click()
    expect(dialog).to_contain_text(old[:12])
    _in_haste(dialog, dialog.locator("button[type=submit]"), dialog.get_by_role("combobox"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert not [one for one in sent if '"replace":true' in one or "/rotate" in one]
    assert _works(demo, old)


def test_an_explicit_yes_replaces_one_portals_access_data_after_an_overlap(
    sign_in: Any, demo: Any, owner: Client
) -> None:
    w = Words("en")
    other = demo.access["api_key"]
    made = owner.call("POST", "/api/v1/keys", {"name": "Portal Nord"})[1]
    page: Page = sign_in("owner", lang="en")
    browsing.open_page(page, "relay")
    button(page, w("relay.replace_of", name="Portal Nord")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").select_option("3600")
    dialog.get_by_role("checkbox").check()
    button(dialog, w("keys.rotate")).click()
    secret = page.locator("dd.secret code").inner_text()
    assert _works(demo, made["secret"]) and _works(demo, secret) and _works(demo, other)
    button(dialog, w("keys.kept")).click()
    row = page.get_by_role("row", name="Portal Nord").filter(has_text=made["prefix"])
    expect(row).to_contain_text("ends")
    expect(row.get_by_role("button")).to_have_count(0)
    button(page, w("relay.replace_of", name="Portal Nord")).click()
    dialog.get_by_role("checkbox").check()
    button(dialog, w("keys.rotate")).click()
    latest = page.locator("dd.secret code").inner_text()
    assert _works(demo, latest) and _works(demo, other)
    assert not _works(demo, secret), "at once"


def test_the_way_in_is_never_given_up_by_accident(sign_in: Any, demo: Any, owner: Client) -> None:
    w, before = Words("de"), owner.call("GET", "/api/v1/relay")[1]
    page: Page = sign_in("owner")
    sent = _writes(page)
    browsing.open_page(page, "setup/relay/invitation")
    expect(page.get_by_text(w("relay.enrolled", host=host(before["url"])))).to_be_visible()
    button(page, w("relay.again")).click()
    form = page.get_by_role("form", name=w("relay.enrol_again"))
    line = form.get_by_label(w("relay.invitation"), exact=True)
    line.fill(invitation(demo.folder, demo.access))
    expect(form).to_contain_text(host(before["url"]))  # names what would be lost
    submit = button(form, w("relay.enrol_again"))
    submit.dblclick()
    submit.click()
    expect(form).to_contain_text(w("keys.replace_missing"))
    assert not [one for one in sent if "/relay/" in one]
    line.fill("keine Einladung")
    form.get_by_role("checkbox").check()
    submit.click()
    expect(form.get_by_role("alert")).to_be_visible()
    expect(form.get_by_role("checkbox")).not_to_be_checked()  # a yes holds for one try
    line.fill("")
    button(form, w("no")).click()
    browsing.open_page(page, "relay")
    for what in ("rotate", "leave"):
        button(page, w(f"relay.{what}")).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(host(before["url"]))
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    use = page.get_by_role("switch", name=w("relay.use"))
    use.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_contain_text(w("relay.off_text"))
    page.keyboard.press("Escape")
    expect(use).to_be_checked()
    after = owner.call("GET", "/api/v1/relay")[1]
    assert (after["host"], after["enabled"], after["enrolled"]) == (before["host"], True, True)


def test_the_state_is_true_within_ten_seconds(sign_in: Any, demo: Any) -> None:
    """The hub stands still without closing anything: the page says so, and says when it is good again."""
    w = Words("de")
    page: Page = sign_in("owner")
    browsing.open_page(page, "relay")
    state(page, w, "good", UP_MS)
    with held(hub_pid(demo.folder)):
        began = time.monotonic()
        expect(page.get_by_text(w("relay.stand.good"), exact=True)).to_have_count(0, timeout=QUICK_MS + 5_000)
        took = time.monotonic() - began
        state(page, w, "lost")
        expect(page.locator("section").filter(has=page.locator("#relay-state"))).to_contain_text(
            "Relay-Server"
        )
    state(page, w, "good", UP_MS)
    assert took <= QUICK_MS / 1000 + 5, "ten seconds, and what a busy machine adds"


def test_a_server_that_does_not_answer_is_told_from_a_good_state(sign_in: Any, demo: Any) -> None:
    w = Words("de")
    page: Page = sign_in("owner")
    browsing.open_page(page, "relay")
    state(page, w, "good", UP_MS)
    page.route("**/api/v1/relay", lambda route: None)  # never answered
    state(page, w, "unknown", QUICK_MS + 5_000)
    page.unroute_all(behavior="ignoreErrors")
    state(page, w, "good")


@pytest.mark.parametrize(("lang", "theme", "width"), [("de", "light", 820), ("en", "dark", 1280)])
def test_axe_and_tablet_in_every_part_and_dialog(
    sign_in: Any, axe: str, lang: str, theme: str, width: int
) -> None:
    w, found = Words(lang), list[str]()
    page: Page = sign_in("owner", lang=lang, theme=theme, width=width, height=1180)

    def look(where: str) -> None:
        page.wait_for_timeout(200)  # transitions and the last painting
        found.extend(f"{where}: {one}" for one in (*violations(page, axe), *overflow(page)))

    for name in ("settings", "use", "invitation", "access", "try", "release"):
        browsing.open_page(page, f"setup/relay/{name}")
        expect(page.get_by_role("heading", name=w(f"relay.step.{name}"), exact=True)).to_be_visible()
        look(name)
    browsing.open_page(page, "relay")
    state(page, w, "good", UP_MS)
    look("page")
    for opener in (w("relay.replace_of", name=PORTAL), w("relay.again"), w("relay.leave")):
        button(page, opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        look(opener)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    for tab in ("log", "settings"):
        page.get_by_role("tab", name=w(f"relay.tab.{tab}")).click()
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        look(tab)
    assert found == []


def test_who_may_only_look_changes_nothing(sign_in: Any) -> None:
    w = Words("de")
    page: Page = sign_in("desk")
    browsing.open_page(page, "relay")
    state(page, w, "good", UP_MS)
    expect(page.get_by_role("switch", name=w("relay.use"))).to_be_disabled()
    for name in ("rotate", "leave", "probe", "try_go"):
        expect(button(page, w(f"relay.{name}"))).to_have_count(0)
    expect(page.get_by_role("tab", name=w("relay.tab.log"))).to_have_count(0)
