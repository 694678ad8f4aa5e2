"""Help by the service partner, as a desk meets it: write with what the diagnosis knows, read a package, save it, send it."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, command

from .walking import overflow, violations

PARTNER = "hilfe@systemhaus-nord.example"
ISSUE = "Mandant ohne gültige Lizenz"


def _wrote(page: Page, mails: Client) -> None:
    """From the issue to the form, which knows already what it is about; nothing leaves before „Senden“."""
    browsing.open_page(page, "issues")
    card = page.get_by_role("article").filter(has_text=ISSUE)
    card.get_by_role("button", name="An Servicepartner melden").click()
    about = page.get_by_label("Worum geht es?")
    expect(about.locator("option:checked")).to_have_text(ISSUE)
    page.get_by_label("Was ist passiert?").fill("Seit heute morgen.\nWas sollen wir tun?")
    page.get_by_label("Rückruf unter").fill("030 98765")
    page.get_by_role("button", name="Vorschau").click()
    shown = page.get_by_role("group", name="So geht die Nachricht hinaus")
    for part in (PARTNER, "directory.licence_invalid", "4711-08", "030 98765", "Was sollen wir tun?"):
        expect(shown).to_contain_text(part)
    text = shown.locator("pre").inner_text()
    assert _of_partner(mails) == []
    page.get_by_role("button", name="Senden", exact=True).click()
    expect(page.get_by_text("Die Nachricht ist hinausgegangen.")).to_be_visible()
    (mail,) = _of_partner(mails)
    assert mail["text"].replace("\r\n", "\n").strip() == text.strip()


def _of_partner(mails: Client) -> list[Any]:
    return [one for one in mails.call("GET", "/mails")[1] if PARTNER in json.dumps(one)]


def _read_and_saved(page: Page, axe: str) -> None:
    page.get_by_role("tab", name="Hilfspaket").click()
    assert violations(page, axe) == []
    page.get_by_role("button", name="Hilfspaket zusammenstellen").click()
    lines = page.get_by_role("region", name="Inhalt, Zeile für Zeile")
    expect(lines.get_by_role("listitem").first).to_contain_text('"part":"bundle"')
    expect(page.get_by_text("Dieses Paket hat die Praxis nicht verlassen.")).to_be_visible()
    more = page.get_by_role("button", name="Alle Zeilen anzeigen")
    if more.is_visible():
        more.click()
        expect(more).to_be_hidden()
    assert violations(page, axe) == [] and overflow(page) == []
    read = [str(one) for one in lines.get_by_role("listitem").all_inner_texts()]
    with page.expect_download() as saving:
        page.get_by_role("button", name="Als Datei speichern").click()
    saved = saving.value.path().read_text(encoding="utf-8").splitlines()
    assert saved == read and all(json.loads(one)["part"] for one in saved)
    expect(page.get_by_text("als Datei gespeichert")).to_be_visible()


def _sent(page: Page, mails: Client) -> None:
    page.get_by_role("button", name="An Servicepartner senden").click()
    page.get_by_role("dialog").get_by_role("button", name="An Servicepartner senden").click()
    expect(page.get_by_text("Das Hilfspaket ist hinausgegangen.")).to_be_visible()
    expect(page.get_by_text(f"per E-Mail an {PARTNER}")).to_be_visible()
    assert len(_of_partner(mails)) == 2
    page.get_by_role("button", name="Zur Übersicht").click()
    expect(page.get_by_role("region", name="Aufbewahrte Hilfspakete")).to_contain_text(PARTNER)


def test_the_desk_writes_to_the_service_partner_and_hands_over_a_package(
    demo: Any, sign_in: Any, axe: str
) -> None:
    for key, value in (
        ("support.partner_name", "Systemhaus Nord"),
        ("support.partner_email", PARTNER),
        ("diagnosis.customer_number", "4711-08"),
    ):
        assert command("settings", "set", key, value, folder=demo.folder).code == 0
    mails = Client(demo.access["sandbox"]["mail"])
    page = sign_in("desk", width=1280, height=900)
    _wrote(page, mails)
    _read_and_saved(page, axe)
    _sent(page, mails)
    assert violations(page, axe) == [] and overflow(page) == []
