"""Help on an issue, reached from the issue; the page of a plug-in: its form and its table, drawn by what it declared; and what a
practice sees whose server another one looks after.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from praxisd.kernel import plugin_places
from praxisd.testing import browser as browsing
from praxisd.testing.plugin_wheel import pack
from praxisd.testing.programs import command, running

from .conftest import ROOT, Demo
from .walking import overflow, violations


@pytest.fixture(scope="module")
def demo(filled_today: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The sample practice with the example plug-in; it looks after the server, which a second practice shares."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(filled_today, folder)
    listed = command("practice", "list", "--json", folder=folder)
    assert listed.code == 0, listed.err
    (first,) = listed.json["practices"]
    other = command("practice", "create", "Praxis am Markt", "--another", "--json", folder=folder).json["id"]
    keeper = ("kernel.keeper", first["id"], "--organization", first["id"])
    assert command("settings", "set", *keeper, folder=folder).code == 0
    zoe = ("users", "create", "zoe", "--role", "owner", "--generate", "--json", "--organization", other)
    (folder.parent / "zoe").write_text(command(*zoe, folder=folder).json["password"])
    wheel = pack(ROOT / "examples" / "plugin", folder.parent)
    plugin_places.put(folder, "fridge", "1.0", wheel)
    with running(folder) as server:
        yield Demo(server, folder, json.loads((folder / "access.json").read_text()))


def test_from_an_issue_to_its_help_and_to_all_others(sign_in: Any, axe: str) -> None:
    page = sign_in("owner")
    browsing.open_page(page, "issues")
    page.get_by_role("link", name="Hilfe zu dieser Meldung").first.click()
    title = page.locator("[data-page-title]")
    expect(page.get_by_role("heading", name="Jetzt offen")).to_be_visible()
    assert title.inner_text() and page.get_by_text("jede Minute").count()
    assert violations(page, axe) == []
    page.get_by_role("link", name="Alle Meldungen", exact=True).click()
    expect(title).to_have_text("Hilfe zu Meldungen")
    page.get_by_label("Meldung oder Code suchen").fill("disk_low")
    expect(page.get_by_role("listitem").filter(has_text="store.disk_low")).to_be_visible()
    assert page.locator("main li").count() == 1 and violations(page, axe) == []
    page.get_by_role("link", name="Wenig Speicherplatz").click()
    expect(page.locator("main code").first).to_have_text("store.disk_low")
    page.evaluate("location.hash = '#/help/no.such_code'")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(title).to_have_text("Hilfe zu Meldungen")
    assert violations(page, axe) == []
    page.get_by_role("link", name="Alle Meldungen", exact=True).click()
    expect(page.get_by_label("Meldung oder Code suchen")).to_be_visible()


def test_a_practice_that_shares_its_server_is_told_who_sees_to_it(demo: Demo, profile: Any, axe: str) -> None:
    page = profile(width=820, height=1180).new_page()
    browsing.sign_in(page, demo.url, "zoe", (demo.folder.parent / "zoe").read_text())
    browsing.open_page(page, "settings")
    expect(page.get_by_text("Was den ganzen Server betrifft, stellt ein, wer ihn betreut.")).to_be_visible()
    expect(page.get_by_text("ganzer Server", exact=True)).to_have_count(0)
    assert violations(page, axe) == [] and overflow(page) == []
    browsing.open_page(page, "diagnosis")
    expect(page.get_by_role("tab").first).to_have_text("§ 390 SGB V")
    expect(page.get_by_text("Wie viele Personen arbeiten in der Praxis")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    browsing.open_page(page, "issues")
    card = page.locator("article.issue", has_text="backups.plan_missing")
    expect(card).to_contain_text("zuständig ist, wer ihn betreut")
    assert violations(page, axe) == [] and overflow(page) == []


def test_a_plug_ins_form_and_table(sign_in: Any, axe: str) -> None:
    page = sign_in("owner", lang="en")
    browsing.open_page(page, "fridge")
    expect(page.locator("[data-page-title]")).to_have_text("Refrigerator")
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(page.get_by_text("Please fill in.")).to_be_visible()
    field = page.get_by_label("Temperature in °C", exact=True)
    expect(field).to_be_focused()
    field.fill("451")
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(page.get_by_text("This temperature cannot be right")).to_be_visible()
    field.fill("4,5")
    page.get_by_role("button", name="Enter", exact=True).click()
    row = page.get_by_role("row").filter(has_text="fine")
    expect(row).to_contain_text("4.5")
    expect(field).to_have_value("")
    assert violations(page, axe) == []
