"""The page of the logbook: found, followed, packed line by line, sent as shown; a standing order given and withdrawn."""

import re
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, command

from .pictures import picture
from .walking import overflow, violations

PARTNER = "hilfe@systemhaus-nord.example"


def _write(demo: Any, first: int, *codes: str) -> None:
    """Entries of a program with a key."""
    entries = [
        {
            "seq": first + at,
            "at": datetime.now(UTC).isoformat(),
            "level": "error",
            "kind": "error",
            "code": code,
            "fields": {"port": {"class": "tech", "value": 4711}},
            "text": f"Zeile {code}",
        }
        for at, code in enumerate(codes)
    ]
    assert demo.desk().call("POST", "/api/v1/logbook/entries", {"entries": entries})[0] == 200


def _found_and_followed(demo: Any, page: Page, axe: str) -> None:
    browsing.open_page(page, "logbook")
    table = page.get_by_role("region", name="Protokolle")
    expect(table).to_contain_text("scanner.failed")
    assert violations(page, axe) == [] and overflow(page) == []
    page.get_by_role("searchbox", name="Suchen").fill("druck")
    expect(table).not_to_contain_text("scanner.failed")
    expect(table).to_contain_text("drucker.leer")
    page.get_by_role("searchbox", name="Suchen").fill("")
    page.get_by_role("switch", name="Mitlesen").check()
    _write(demo, 10, "kam.eben")
    expect(table.get_by_role("row").nth(1)).to_contain_text("kam.eben")


def _packed_and_sent(page: Page, axe: str, mails: Client) -> None:
    page.get_by_role("tab", name="An den Hersteller").click()
    page.get_by_role("button", name="Paket zusammenstellen").click()
    lines = page.get_by_role("region", name="Inhalt, Zeile für Zeile")
    expect(lines).to_contain_text("scanner.failed")
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "logbook", (1280, 900))
    lines.get_by_role("listitem").filter(has_text="drucker.leer").get_by_role("checkbox").check()
    page.get_by_role("button", name="Gewählte Zeilen streichen").click()
    expect(lines).not_to_contain_text("drucker.leer")
    read = [str(one) for one in lines.locator("code").all_inner_texts()]
    page.get_by_role("button", name="Senden", exact=True).click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("genau wie Sie sie sehen")
    assert mails.call("GET", "/mails")[1] == []
    asked.get_by_role("button", name="Senden", exact=True).click()
    expect(page.get_by_text("Das Paket ist hinausgegangen")).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Als Datei speichern").click()
    saved = saving.value.path().read_text(encoding="utf-8").splitlines()
    assert saved == read
    assert len(mails.call("GET", "/mails")[1]) == 1
    page.get_by_role("button", name="Zur Übersicht").click()
    expect(page.get_by_role("region", name="Pakete")).to_contain_text("gesendet")


def _ordered_and_withdrawn(page: Page, axe: str) -> None:
    page.get_by_role("tab", name="Daueraufträge").click()
    expect(page.get_by_text("Ohne einen sendet praxisd nichts von selbst.")).to_be_visible()
    page.get_by_role("button", name="Dauerauftrag erteilen").click()
    page.get_by_role("dialog").get_by_role("button", name="Dauerauftrag erteilen").click()
    orders = page.get_by_role("region", name="Alle Daueraufträge")
    expect(orders).to_contain_text("läuft")
    assert violations(page, axe) == [] and overflow(page) == []
    orders.get_by_role("button", name=re.compile("Widerrufen")).click()
    expect(orders).to_contain_text("widerrufen")


def test_entries_are_found_followed_and_leave_only_as_shown(demo: Any, sign_in: Any, axe: str) -> None:
    for key, value in (("support.partner_name", "Systemhaus Nord"), ("support.partner_email", PARTNER)):
        assert command("settings", "set", key, value, folder=demo.folder).code == 0
    mails = Client(demo.access["sandbox"]["mail"])
    _write(demo, 1, "scanner.failed", "drucker.leer")
    page = sign_in("owner", width=1024, height=768)
    _found_and_followed(demo, page, axe)
    _packed_and_sent(page, axe, mails)
    _ordered_and_withdrawn(page, axe)
    page.get_by_role("tab", name="Umfang").click()
    expect(page.get_by_role("region", name="Wer schreibt")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
