"""Messages to patients as the owner of a practice meets them: the preview, the switches, the jobs, and what is left."""

import re
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, command, no_quiet_hours

from .walking import overflow, violations

JOBS = (
    "Terminerinnerungen vorbereiten",
    "Geburtstagsgrüße vorbereiten",
    "Mitteilungen versenden",
    "Stand der Mitteilungen abrufen",
)
A_RUN_MS = 40_000
_TO_APPOINTMENT = """([day, id]) => {
  history.pushState({appointment: id}, '', `#/calendar/${day}/day`);
  dispatchEvent(new PopStateEvent('popstate'));
}"""
NEVER_SENT = {"failed", "withdrawn", "prepared", "unsure"}
"""States of messages the gateway does not have (in this story an unsure one was lost before it arrived)."""

REFUSED = ("Nummer abgelehnt", "Mitteilung abgelehnt")


@pytest.fixture
def gateway(demo: Any) -> Client:
    """The SMS sandbox; messages go out at any hour of the day, and what was lost stays unsure as long as the test needs."""
    no_quiet_hours(demo.folder)
    assert command("settings", "set", "messaging.gateway_patience", "600", folder=demo.folder).code == 0
    return Client(demo.access["sandbox"]["sms"])


def _table(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def _saved(page: Page) -> None:
    """It is stored; the note of it is closed, so that the next one is a note of its own."""
    notes = page.get_by_role("region", name="Hinweise")
    expect(notes.get_by_text("Gespeichert", exact=True)).to_be_visible()
    notes.get_by_role("button", name="Schließen").first.click()
    expect(notes.get_by_text("Gespeichert", exact=True)).to_be_hidden()


def _preview(page: Page) -> str:
    """Nothing is switched on yet, and still one sees who would get what; the name of one who would get an SMS."""
    browsing.open_page(page, "reminders")
    expect(page.get_by_text("ausgeschaltet: Es wird nichts vorbereitet")).to_be_visible()
    rows = _table(page, "Bekommen eine Mitteilung").get_by_role("row").filter(has_text="SMS")
    expect(rows.first).to_be_visible()
    rows.first.locator("summary").click()
    expect(rows.first.locator("details p")).to_contain_text("wir erwarten Sie am")
    return str(rows.first.get_by_role("button").first.inner_text())


def _refuses(page: Page, name: str) -> None:
    """The patient says no at the desk: from the preview to the appointment, to the patient, to the consents."""
    _table(page, "Bekommen eine Mitteilung").get_by_role("button", name=re.compile(f"^{name},")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Zum Patienten").click()
    page.get_by_role("tab", name="Einwilligungen").click()
    page.get_by_label("Terminerinnerungen, SMS").select_option(label="widerrufen")
    page.get_by_label("Bemerkung").fill("am Telefon gesagt")
    page.get_by_role("button", name="Speichern", exact=True).click()
    _saved(page)
    browsing.open_page(page, "reminders")
    left_out = _table(page, "Bekommen keine")
    page.get_by_role("button", name=re.compile(r"^Patient möchte das nicht \(")).click()
    row = left_out.get_by_role("row").filter(has_text=name).first
    expect(row).to_contain_text("Patient möchte das nicht")
    expect(
        _table(page, "Bekommen eine Mitteilung").get_by_role("button", name=re.compile(f"^{name},"))
    ).to_have_count(0)


def _switch_on(page: Page) -> None:
    browsing.open_page(page, "reminders/switches")
    for label in ("Terminerinnerungen senden", "Geburtstagsgrüße senden"):
        page.get_by_role("switch", name=label).check()
    page.get_by_role("button", name="Speichern", exact=True).click()
    _saved(page)


def _run_the_jobs(page: Page) -> None:
    """One after the other, by the button of each; each run ends well, whatever became of single messages."""
    browsing.open_page(page, "jobs")
    for job in JOBS:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=re.compile(job)))
        page.get_by_role("button", name=f"Jetzt starten: {job}").click()
        expect(row.get_by_text("erfolgreich")).to_be_visible(timeout=A_RUN_MS)


def _state_filter(page: Page, state: str) -> Locator:
    page.get_by_label("Stand", exact=True).select_option(label=state)
    page.locator("main [aria-busy=true]").first.wait_for(state="detached")
    return _table(page, "Mitteilungen").get_by_role("button", name=re.compile("^Mitteilung an "))


def _failed_one(page: Page, demo: Any, axe: str) -> None:
    """The run was a success, one message was not: its page says why, and what to do.

    Others may have failed later, in the network: the sandbox does so with some numbers; who is reminded is a matter of the day.
    """
    refused = next(one for one in _messages(demo) if (one["reason"] or {}).get("title") in REFUSED)
    browsing.open_page(page, "messages")
    page.get_by_label("Weg", exact=True).select_option(label="SMS")
    _state_filter(page, "nicht zustellbar")
    rows = _table(page, "Mitteilungen").get_by_role("row").filter(has_text=refused["patientName"])
    rows.get_by_role("button", name=re.compile("^Mitteilung an ")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("nicht zustellbar", exact=True)).to_be_visible()
    expect(dialog.get_by_text(refused["reason"]["title"]).first).to_be_visible()
    expect(dialog.get_by_text("nichts abgebucht")).to_be_visible()
    dialog.get_by_text("Alles, was damit geschah").click()
    expect(dialog.get_by_role("group", name="Alles, was damit geschah").locator("li").first).to_be_visible()
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def _unsure_one(page: Page) -> None:
    """The answer was lost: a person decides, and nothing is sent again unasked."""
    page.evaluate("location.hash = '#/messages/unsure'")
    row = _table(page, "Mitteilungen").get_by_role("row").filter(has_text="unklar")
    expect(row).to_have_count(1)
    row.get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Noch einmal senden").click()
    asked = page.get_by_role("dialog", name="Noch einmal senden?")
    asked.get_by_role("button", name="Nicht senden").click()
    dialog.get_by_role("button", name="Ging nicht hinaus, nicht mehr senden").click()
    expect(page.get_by_text("Als nicht gesendet vermerkt")).to_be_visible()
    expect(dialog.get_by_text("unklar", exact=True)).to_be_hidden()
    page.keyboard.press("Escape")
    expect(row).to_have_count(0)


def _letter(page: Page) -> None:
    page.get_by_role("tab", name="Briefe").click()
    ticks = _table(page, "Briefe").get_by_role("button", name=re.compile("^Brief an .* ist erledigt$"))
    expect(ticks.first).to_be_visible()
    name, before = str(ticks.first.get_attribute("aria-label")), ticks.count()
    ticks.first.click()
    expect(page.get_by_text("Brief erledigt").first).to_be_visible()
    expect(ticks).to_have_count(before - 1)
    assert name not in [one.get_attribute("aria-label") for one in ticks.all()] or before > 2


def _book_credits(page: Page) -> None:
    page.get_by_role("tab", name="Guthaben").click()
    row = _table(page, "Guthaben").get_by_role("row").filter(has_text="Prophylaxe am Beispielplatz")
    row.get_by_role("button", name=re.compile("^Guthaben für .* buchen$")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Buchen", exact=True).click()
    expect(dialog.get_by_text("Bitte geben Sie eine ganze Zahl ein, nicht 0.")).to_be_visible()
    dialog.get_by_label("Guthabenpunkte").fill("-500")
    dialog.get_by_label("Wofür").fill("Rechnung 4711")
    dialog.get_by_role("button", name="Buchen", exact=True).click()
    expect(dialog.get_by_label("Guthabenpunkte")).to_be_focused()
    expect(dialog.get_by_text("höchstens zurückbuchen")).to_be_visible()
    dialog.get_by_label("Guthabenpunkte").fill("100")
    dialog.get_by_role("button", name="Buchen", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("120")
    expect(_table(page, "Buchungen").get_by_role("row").filter(has_text="Rechnung 4711")).to_have_count(1)


def _template(page: Page) -> None:
    """A placeholder nobody knows is refused where it was written, and what was written stays."""
    browsing.open_page(page, "templates")
    page.get_by_role("button", name="Terminerinnerung, SMS, Deutsch: Text bearbeiten").click()
    dialog = page.get_by_role("dialog")
    text = dialog.get_by_label("Text", exact=True)
    text.fill("Guten Tag {name}, bitte kommen Sie am {datum}.")
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_be_focused()
    expect(dialog.locator(".error")).to_contain_text("{datum}".strip("{}"))
    expect(text).to_have_value("Guten Tag {name}, bitte kommen Sie am {datum}.")
    text.fill("Guten Tag {name}, bitte kommen Sie am {date}.")
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("bitte kommen Sie am {date}.")).to_be_visible()


def _confirmed(page: Page, demo: Any, gateway: Client) -> None:
    """A patient answers JA: the appointment shows it, while somebody looks at it."""
    arrived = gateway.call("GET", "/messages")[1]
    mine = {
        one["address"]: one for one in _messages(demo) if one["state"] == "delivered" and one["appointment"]
    }
    sent = next(one for one in arrived if one["to"] in mine)
    message = mine[sent["to"]]
    page.evaluate(_TO_APPOINTMENT, [message["start"][:10], message["appointment"]])
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("zugestellt", exact=True)).to_be_visible()
    assert gateway.call("POST", f"/messages/{sent['id']}/reply", {"text": "JA"})[0] < 300
    expect(dialog.get_by_text("bestätigt", exact=True).first).to_be_visible()
    dialog.get_by_role("button", name="Zum Patienten").click()
    page.get_by_role("tab", name="Mitteilungen").click()
    row = _table(page, "Von der Praxis").get_by_role("row").filter(has_text="Terminerinnerung").first
    expect(row).to_contain_text("bestätigt")


def _messages(demo: Any) -> list[dict[str, Any]]:
    status, found = demo.desk().call("POST", "/api/v1/outbox/search", {"limit": 200})
    assert status == 200 and found["next"] is None
    return list(found["messages"])


def _lost_in_the_network(one: dict[str, Any]) -> bool:
    """The gateway had it; the sandbox's network lets some numbers fail."""
    return bool(one["state"] == "failed" and (one["reason"] or {}).get("code") == "messaging.sms_failed")


def test_reminders_from_the_preview_to_the_answer(demo: Any, sign_in: Any, gateway: Client, axe: str) -> None:
    page = sign_in("owner")
    who = _preview(page)
    _refuses(page, who)
    _switch_on(page)
    assert gateway.call("POST", "/faults", {"next": ["refuse", "lose"]})[0] == 200
    _run_the_jobs(page)
    _failed_one(page, demo, axe)
    _unsure_one(page)
    _letter(page)
    _book_credits(page)
    _template(page)
    _confirmed(page, demo, gateway)
    sms = [one for one in _messages(demo) if one["channel"] == "sms"]
    assert who not in {one["patientName"] for one in sms}
    wanted = Counter(
        one["address"] for one in sms if one["state"] not in NEVER_SENT or _lost_in_the_network(one)
    )
    arrived = Counter(one["to"] for one in gateway.call("GET", "/messages")[1])
    assert arrived == wanted and arrived, "the gateway has exactly the messages that were sent, each once"


def test_access_data_are_checked_at_their_fields(sign_in: Any, axe: str) -> None:
    page = sign_in("owner")
    browsing.open_page(page, "messages/accounts")
    page.get_by_role("button", name="Zugangsdaten für SMS bearbeiten").click()
    dialog = page.get_by_role("dialog")
    sender, address = dialog.get_by_label("Absender"), dialog.get_by_label("Adresse des Anbieters")
    sender.fill("Zahnarztpraxis")
    expect(dialog.get_by_text("Ein Name darf höchstens 11 Zeichen haben.")).to_be_visible()
    sender.fill("Praxis")
    was = address.input_value()
    address.fill("http://127.0.0.1:9/")
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    key = dialog.get_by_label("Schlüssel (API-Key)")
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_text("Kennwort bitte neu eingeben")).to_be_visible()
    assert violations(page, axe) == []
    address.fill(was)
    dialog.get_by_label("Guthabenpunkte je Mitteilung").fill("2")
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Zugangsdaten für E-Mail bearbeiten").click()
    kind = dialog.get_by_label("Rückmeldungen lesen aus")
    expect(dialog.get_by_label("Pfad des Ordners")).to_be_visible()
    expect(dialog.get_by_label("IMAP-Server")).to_have_count(0)
    kind.select_option(label="Postfach (IMAP)")
    expect(dialog.get_by_label("Pfad des Ordners")).to_have_count(0)
    expect(dialog.get_by_label("IMAP-Server")).to_be_visible()


def test_the_partner_sees_no_patient_and_the_desk_no_access_data(sign_in: Any) -> None:
    partner = sign_in("partner")
    browsing.open_page(partner, "messages")
    expect(partner.get_by_role("tab")).to_have_text(["Mitteilungen", "Zahlen", "Versandwege", "Schalter"])
    desk = sign_in("desk")
    browsing.open_page(desk, "messages")
    expect(desk.get_by_role("tab")).to_have_text(["Mitteilungen", "Briefe", "Zahlen"])


def _mail_form(page: Page) -> Locator:
    browsing.open_page(page, "messages/accounts")
    page.get_by_role("button", name="Zugangsdaten für E-Mail bearbeiten").click()
    return page.get_by_role("dialog")


def test_who_saves_second_sees_both_states(sign_in: Any) -> None:
    slow, quick = _mail_form(sign_in("owner")), _mail_form(sign_in("owner"))
    slow.get_by_label("Absender", exact=True).fill("mine@beispielplatz.example")
    quick.get_by_label("Absender", exact=True).fill("theirs@beispielplatz.example")
    quick.get_by_role("button", name="Speichern", exact=True).click()
    expect(quick).to_be_hidden()
    slow.get_by_role("button", name="Speichern", exact=True).click()
    row = slow.get_by_role("alert").get_by_role("row").filter(has_text="Absender")
    expect(row).to_contain_text("mine@beispielplatz.example")
    expect(row).to_contain_text("theirs@beispielplatz.example")
    slow.get_by_role("button", name="Meinen Stand speichern").click()
    expect(slow).to_be_hidden()
    expect(slow.page.get_by_text("mine@beispielplatz.example")).to_be_visible()


_TABS = (
    *(f"messages/{one}" for one in ("letters", "figures", "credits", "accounts", "switches")),
    *(f"reminders/{one}" for one in ("birthday", "refused", "switches")),
    "templates/birthday",
)


@pytest.mark.parametrize(("lang", "theme"), [("de", "light"), ("en", "dark")])
def test_axe_finds_nothing_behind_the_tabs(sign_in: Any, axe: str, lang: str, theme: str) -> None:
    """On a tablet held upright, after the story: with messages, letters, entries and figures on the screen."""
    page = sign_in("owner", lang=lang, theme=theme, width=820, height=1180)
    found: list[str] = []
    for name in _TABS:
        browsing.open_page(page, name)
        found += [f"{name}: {one}" for one in (*violations(page, axe), *overflow(page))]
        found += [f"{name}: no text" for _ in range("console." in page.evaluate("document.body.innerText"))]
    assert found == []
