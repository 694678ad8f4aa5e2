"""The page of medicines and a patient's medication: found however typed, checked with sources, editions switched and back."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from praxisd import __version__
from praxisd.sandbox import updates as sandbox
from praxisd.testing import browser as browsing

from .pictures import picture
from .updates_cast import trust
from .walking import overflow, violations

MAIN = "Medikamentendaten (Beispiel)"


def _typed(page: Page, words: str) -> Any:
    page.get_by_role("searchbox", name="Präparat, Wirkstoff, ATC oder PZN").fill(words)
    return page.get_by_role("list", name="Gefundene Präparate")


def _found_however_typed(page: Page, axe: str) -> None:
    browsing.open_page(page, "medication")
    found = _typed(page, "amoxi")
    expect(found.get_by_role("button").first).to_contain_text("Amoxicillin")
    expect(found).not_to_contain_text("ähnlich geschrieben")
    for words, name in (("amoxycilin", "Amoxicillin"), ("Penizillin", "Penicillin")):
        found = _typed(page, words)
        expect(found.get_by_role("button").first).to_contain_text(name)
        expect(found.get_by_role("button").first).to_contain_text("ähnlich geschrieben")
    expect(page.get_by_text("Genau so heißt keines")).to_be_visible()
    expect(_typed(page, "xqzzyvw")).to_have_count(0)
    expect(page.get_by_text("Nichts gefunden.")).to_be_visible()
    found = _typed(page, "amoxi")
    expect(found.get_by_role("button").first).to_contain_text("Amoxicillin")
    page.keyboard.press("ArrowDown")
    expect(found.get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")
    product = page.get_by_role("article")
    expect(product.get_by_role("heading", name="Inhaltsstoffe")).to_be_visible()
    expect(product.get_by_text("4.5 Wechselwirkungen mit anderen Arzneimitteln")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "medication")


def _confirmed(page: Page, axe: str) -> None:
    page.get_by_role("tab", name="Medikamentendaten").click()
    card = page.get_by_role("article", name=MAIN)
    expect(card).to_contain_text("Beispieldaten")
    assert violations(page, axe) == [] and overflow(page) == []
    card.get_by_role("button", name="Bestätigen").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("keine vollständige Prüfung")
    expect(dialog.get_by_role("button", name="Bestätigen")).to_be_disabled()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Bestätigen").click()
    expect(card).to_contain_text("Bestätigt")


def _switched_and_back(page: Page) -> None:
    """Nothing is known of the publisher before somebody looks, and nothing is subscribed."""
    card = page.get_by_role("article", name=MAIN)
    facts = card.locator("dd").first
    before = facts.inner_text()
    page.get_by_role("button", name="Nach neuer Ausgabe sehen").click()
    take = card.get_by_role("button", name=re.compile("Ausgabe .* übernehmen"))
    expect(take).to_be_visible(timeout=60_000)
    take.click()
    page.get_by_role("dialog").get_by_role("button", name="Übernehmen").click()
    expect(facts).not_to_have_text(before, timeout=60_000)
    back = card.get_by_role("button", name=re.compile("Zurück zu "))
    expect(back).to_be_visible()
    back.click()
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(facts).to_have_text(before, timeout=60_000)


def _patient(page: Page) -> None:
    browsing.open_page(page, "patients")
    page.get_by_role("searchbox", name="Suchen").fill("Acker")
    page.locator("main table button.open").first.click()
    page.get_by_role("tab", name="Medikation").click()


def _enter(page: Page, words: str) -> None:
    page.get_by_role("button", name="Eintragen", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill(words)
    dialog.get_by_role("list", name="Gefundene Präparate").get_by_role("button").first.click()
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_be_hidden()


def _checked(page: Page, axe: str) -> None:
    _patient(page)
    for words in ("ibuprofen", "lithium"):
        _enter(page, words)
    check = page.get_by_role("region", name="Was die Medikamentendaten dazu sagen")
    finding = check.get_by_role("list", name="Gefunden").get_by_role("article")
    expect(finding.first).to_contain_text("Lithium")
    expect(finding.first).to_contain_text("Quelle: ")
    page.get_by_role("button", name="Eintragen", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill("Kräutertee")
    page.reload()  # what stood in the search is not lost
    page.get_by_role("tab", name="Medikation").click()
    page.get_by_role("button", name="Weiter bearbeiten").click()
    expect(dialog.get_by_role("searchbox")).to_have_value("Kräutertee")
    dialog.get_by_role("button", name=re.compile("als Freitext eintragen")).click()
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_be_hidden()
    expect(check).to_contain_text("Nicht geprüft")
    expect(check.get_by_text("Kräutertee")).to_be_visible()
    page.get_by_role("button", name="Risiko eintragen").click()
    dialog.get_by_label("Aus den Medikamentendaten").select_option(label="Penicillin-Allergie")
    dialog.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("region", name="Allergien und Risiken").first).to_contain_text(
        "Penicillin-Allergie"
    )
    assert violations(page, axe) == []
    picture(page, "medication-patient", top="main [role=tablist]")
    _enter(page, "amoxi")
    expect(check).to_contain_text("Gegenanzeige")


def test_in_english_on_a_tablet_upright(sign_in: Any, axe: str) -> None:
    page = sign_in("desk", lang="en", width=820, height=1180)
    browsing.open_page(page, "medication")
    page.get_by_role("searchbox", name="Product, substance, ATC or PZN").fill("ibuprofen")
    page.get_by_role("list", name="Products found").get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Ingredients")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    for tab in ("Medicine data", "Notices"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        assert violations(page, axe) == [] and overflow(page) == []


def test_found_confirmed_checked_switched_and_back(demo: Any, sign_in: Any, axe: str, tmp_path: Path) -> None:
    page = sign_in("owner", width=1024, height=768)
    _found_however_typed(page, axe)
    _confirmed(page, axe)
    _checked(page, axe)
    made = sandbox.make(tmp_path, __version__)
    made.publish(sandbox.MEDICATION)
    trust(demo.folder, made)
    browsing.open_page(page, "medication/sets")
    _switched_and_back(page)
