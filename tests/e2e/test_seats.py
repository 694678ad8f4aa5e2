"""The console as a seat: who edits a patient is shown, waited for, asked, taken over from; what was typed is never lost."""

import base64
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Locator, Page, expect

from praxisd.testing import browser as browsing

from .pictures import picture
from .walking import overflow, violations


@pytest.fixture
def patient(demo: Any) -> dict[str, Any]:
    """A patient of this test's own."""
    body = {"family": "Sperrling", "given": "Paul", "birthDate": "1980-01-02", "note": "alt"}
    found = demo.desk().call("POST", "/api/v1/patients/search", {"family": "Sperrling"})[1]["patients"]
    for one in found:
        status, _ = demo.desk().call("PATCH", f"/api/v1/patients/{one['id']}", {"note": "alt"})
        assert status == 200
        return dict(one)
    status, made = demo.desk().call("POST", "/api/v1/patients", body)
    assert status == 201
    return dict(made)


def _record(page: Page, patient: dict[str, Any]) -> None:
    """The patient's record, as a click on the list opens it."""
    browsing.open_page(page, "patients")
    page.get_by_role("searchbox").first.fill("Sperrling")
    page.get_by_role("button", name="Sperrling").first.click()
    expect(page.get_by_role("heading", name="Sperrling")).to_be_visible()
    assert patient["id"] not in page.url


def _edit(page: Page) -> Locator:
    page.get_by_role("button", name="Angaben bearbeiten").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def _note(dialog: Locator) -> Locator:
    return dialog.get_by_label("Notiz")


def _saved(demo: Any, patient: dict[str, Any]) -> str:
    return str(demo.desk().call("GET", f"/api/v1/patients/{patient['id']}")[1]["note"])


def test_a_program_that_asks_is_admitted_by_the_code_on_its_screen(demo: Any, sign_in: Any, axe: str) -> None:
    page, _desk = sign_in("owner", width=1280), sign_in("desk")
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    public = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    asks = {"name": "Röntgen-PC", "program": "ZahnView 4", "publicKey": public}
    status, asked = demo.server.client().call("POST", "/api/v1/seats/register", asks)
    assert status < 300, asked
    browsing.open_page(page, "seats")
    card = page.get_by_role("form", name="Röntgen-PC")
    expect(card).to_contain_text("ZahnView 4")
    expect(page.get_by_role("region", name="Plätze").last).to_contain_text("Empfang")
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "seats", (1280, 860))
    code = card.get_by_label("Code am Bildschirm des Platzes")
    code.fill("12")
    card.get_by_role("button", name="Zulassen").click()
    expect(card.get_by_text("Der Code hat sechs Ziffern.")).to_be_visible()
    code.fill(asked["code"])
    card.get_by_role("button", name="Zulassen").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("region", name="Plätze").last).to_contain_text("Röntgen-PC")


def test_one_edits_the_other_sees_who_waits_and_goes_on(
    demo: Any, sign_in: Any, patient: dict[str, Any], axe: str
) -> None:
    one, other = sign_in("owner"), sign_in("desk", width=820, height=1180)
    for page in (one, other):
        _record(page, patient)
    expect(other.get_by_text("sieht sich das auch an")).to_be_visible()
    first = _edit(one)
    _note(first).fill("neu vom Ersten")
    expect(other.get_by_text("bearbeitet gerade")).to_be_visible()
    second = _edit(other)
    expect(second.get_by_text("Wird gerade bearbeitet von")).to_be_visible()
    expect(_note(second)).to_be_disabled()
    expect(second.get_by_role("button", name="Speichern")).to_be_disabled()
    assert violations(other, axe) == [] and overflow(other) == []
    second.get_by_role("button", name="Nachfragen").click()
    expect(first.get_by_text("möchte diesen Eintrag bearbeiten")).to_be_visible()
    assert violations(one, axe) == []
    first.get_by_role("button", name="Bin gleich fertig").click()
    expect(second.get_by_text("Antwort: „Bin gleich fertig.“")).to_be_visible()
    second.get_by_role("button", name="Warten").click()
    expect(second.get_by_text("Sie warten, an Stelle 1")).to_be_visible()
    first.get_by_role("button", name="Speichern").click()
    expect(first).to_be_hidden()
    expect(_note(second)).to_be_enabled()
    expect(_note(second)).to_have_value("neu vom Ersten")
    _note(second).fill("neu vom Zweiten")
    second.get_by_role("button", name="Speichern").click()
    expect(second).to_be_hidden()
    assert _saved(demo, patient) == "neu vom Zweiten"


def test_taken_over_keeps_what_was_typed_and_refuses_to_save_it_unseen(
    demo: Any, sign_in: Any, patient: dict[str, Any]
) -> None:
    one, other = sign_in("owner"), sign_in("desk")
    for page in (one, other):
        _record(page, patient)
    first = _edit(one)
    _note(first).fill("vom Ersten, nicht gespeichert")
    second = _edit(other)
    second.get_by_role("button", name="Übernehmen", exact=True).click()
    second.get_by_role("button", name="Jetzt übernehmen").click()
    expect(second.get_by_text("Bitte wählen Sie einen Grund.")).to_be_visible()
    second.get_by_label("Warum übernehmen Sie?").select_option(label="Es eilt")
    second.get_by_role("button", name="Jetzt übernehmen").click()
    expect(_note(second)).to_be_enabled()
    expect(first.get_by_text("übernommen")).to_be_visible()
    expect(_note(first)).to_have_value("vom Ersten, nicht gespeichert")
    first.get_by_role("button", name="Speichern").click()
    expect(first).to_be_visible()
    assert _saved(demo, patient) == "alt"
    _note(second).fill("vom Zweiten")
    second.get_by_role("button", name="Speichern").click()
    expect(second).to_be_hidden()
    first.get_by_role("button", name="Weiter bearbeiten").click()
    expect(first.get_by_text("An einem anderen Arbeitsplatz geändert")).to_be_visible()
    expect(first.get_by_role("cell", name="vom Zweiten")).to_be_visible()
    first.get_by_role("button", name="Meinen Stand speichern").click()
    expect(first).to_be_hidden()
    assert _saved(demo, patient) == "vom Ersten, nicht gespeichert"


def test_a_reload_keeps_typed_text_until_it_is_discarded(sign_in: Any, patient: dict[str, Any]) -> None:
    page = sign_in("desk")
    _record(page, patient)
    dialog = _edit(page)
    _note(dialog).fill("halb getippt")
    page.once("dialog", lambda asked: asked.accept())
    page.reload()
    expect(page.get_by_text("Nicht gespeicherte Eingaben")).to_be_visible()
    page.get_by_role("button", name="Weiter bearbeiten").click()
    dialog = page.get_by_role("dialog")
    expect(_note(dialog)).to_have_value("halb getippt")
    expect(dialog.get_by_text("steht wieder da")).to_be_visible()
    assert "halb" in page.evaluate("JSON.stringify(sessionStorage)")
    dialog.get_by_role("button", name="Abbrechen").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Verwerfen").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "halb" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_signing_out_takes_typed_text_with_it(sign_in: Any, patient: dict[str, Any]) -> None:
    page = sign_in("desk")
    _record(page, patient)
    _note(_edit(page)).fill("halb getippt")
    page.once("dialog", lambda asked: asked.accept())
    page.reload()
    expect(page.get_by_text("Nicht gespeicherte Eingaben")).to_be_visible()
    assert "halb" in page.evaluate("JSON.stringify(sessionStorage)")
    page.get_by_role("button", name="Empfang").click()
    page.get_by_role("button", name="Abmelden").click()
    page.locator("input[name=username]").wait_for()
    assert "halb" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_without_the_line_saving_goes_by_the_version_and_says_so(
    demo: Any, sign_in: Any, patient: dict[str, Any]
) -> None:
    page = sign_in("desk")
    page.route_web_socket("**/api/v1/seats/live", lambda line: line.close(code=1013))
    page.reload()
    page.locator("nav a").first.wait_for(state="attached")
    _record(page, patient)
    dialog = _edit(page)
    expect(dialog.get_by_text("Andere Plätze sehen gerade nicht")).to_be_visible()
    _note(dialog).fill("ohne Sperre")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_be_hidden()
    assert _saved(demo, patient) == "ohne Sperre"


def test_two_tabs_of_one_person_know_of_each_other(demo: Any, sign_in: Any, patient: dict[str, Any]) -> None:
    page = sign_in("owner")
    _record(page, patient)
    _edit(page)
    tab = page.context.new_page()
    tab.goto(page.url.split("#")[0])
    tab.locator("nav a").first.wait_for(state="attached")
    _record(tab, patient)
    second = _edit(tab)
    expect(second.get_by_text("Sie selbst bearbeiten diesen Eintrag schon")).to_be_visible()
    second.get_by_role("button", name="Hierher holen").click()
    expect(_note(second)).to_be_enabled()
    expect(page.get_by_role("dialog").get_by_text("übernommen")).to_be_visible()
    tab.close()
    page.get_by_role("dialog").get_by_role("button", name="Weiter bearbeiten").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Weiter bearbeiten")).to_be_hidden()
    held = demo.desk().call("GET", "/api/v1/seats/locks")[1]["locks"]
    assert [one["record"] for one in held] == [f"Patient/{patient['id']}"]


def test_every_seat_is_told_of_setup_mode_and_of_maintenance_to_come(sign_in: Any, axe: str) -> None:
    owner, desk = sign_in("owner"), sign_in("desk", lang="en", width=820, height=1180)
    browsing.open_page(owner, "seats/work")
    expect(owner.get_by_role("region", name="Wer gerade arbeitet")).to_contain_text("Empfang")
    owner.get_by_role("button", name="Einrichtungsbetrieb einschalten").click()
    expect(desk.get_by_text("Set-up mode.")).to_be_visible()
    owner.get_by_label("Beginn in").select_option(label="30 Minuten")
    owner.get_by_role("switch", name="Zur angekündigten Zeit die Türen schließen").uncheck()
    owner.get_by_role("button", name="Ankündigen", exact=True).click()
    expect(desk.get_by_role("timer")).to_have_text(re.compile(r"^(29|30) min left$"))
    for page in (owner, desk):
        assert violations(page, axe) == [] and overflow(page) == []
    owner.get_by_role("button", name="Absagen").click()
    owner.get_by_role("button", name="Einrichtungsbetrieb beenden").click()
    expect(desk.get_by_text("Set-up mode.")).to_be_hidden()
    expect(desk.get_by_role("timer")).to_be_hidden()
