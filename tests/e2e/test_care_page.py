"""The page of the database: checked by hand, measured, moved while the console stays open, the old one released."""

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from praxisd.testing import browser as browsing

from .pictures import picture
from .walking import overflow, violations


def test_the_database_is_checked_and_moved_and_the_old_one_goes(
    demo: Any, sign_in: Any, axe: str, tmp_path: Path
) -> None:
    page = sign_in("owner", width=1024, height=768)
    browsing.open_page(page, "care")
    page.get_by_role("button", name="Jetzt ganz prüfen").click()
    checks = page.get_by_role("region", name="Prüfungen")
    expect(checks.get_by_text("in Ordnung")).to_be_visible()
    expect(page.get_by_role("region", name="Was den Platz braucht")).to_contain_text("directory_patient")
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "database", (1280, 900))

    page.get_by_role("tab", name="Umziehen").click()
    to = page.get_by_label("Neuer Ordner auf dem Server")
    to.fill(str(demo.folder))
    page.get_by_role("button", name="Ansehen").click()
    expect(page.get_by_role("alert")).to_be_visible()
    to.fill(str(tmp_path / "neu"))
    page.get_by_role("button", name="Ansehen").click()
    expect(page.get_by_text("Das geht")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    page.get_by_role("button", name="Umziehen", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Umziehen", exact=True).click()
    last = page.get_by_role("region", name="Letzter Umzug")
    expect(last).to_contain_text("umgezogen")
    expect(last).to_contain_text(str(tmp_path / "neu"))
    old = page.get_by_role("region", name="Alte Datenbanken")
    assert violations(page, axe) == [] and overflow(page) == []

    page.get_by_role("tab", name="Zustand").click()
    page.get_by_role("button", name="Jetzt kurz prüfen").click()
    expect(page.get_by_role("region", name="Die Datenbank")).to_contain_text(str(tmp_path / "neu"))
    page.get_by_role("tab", name="Umziehen").click()
    old.get_by_role("button", name="Freigeben und löschen").click()
    page.get_by_role("dialog").get_by_role("button", name="Freigeben und löschen").click()
    expect(old).to_contain_text("gelöscht")
