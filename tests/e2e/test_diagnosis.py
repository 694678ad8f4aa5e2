"""The page of the diagnosis: software entered, its ServiceProvider mended by a click, requirements, ports, and who may."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from praxisd.testing import browser as browsing

from .pictures import picture
from .updates_cast import Words, button
from .walking import overflow, violations

GUID = "8330F1B9-514D-409F-B4E3-80ADE4076DA0"
TABS = ("software", "requirements", "ports", "exclusions", "directive")
BROKEN = "serviceprovider.not_enabled"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An x.concept whose two INI files are there; in one of them Installed is not 1."""
    top = tmp_path_factory.mktemp("pvs")
    data, program = top / "DConcept" / "DeData", top / "medatixx" / f"ServiceProvider_{GUID}"
    data.mkdir(parents=True)
    program.mkdir(parents=True)
    same = f"UniqueIdentifizier={GUID}\r\nTCPPort=23174\r\n"
    (data / "ServiceProvider.ini").write_bytes(f"[INSTALL]\r\nInstalled=0\r\n{same}".encode())
    own = f"[Install]\r\nInstalled=1\r\n{same}PVSTName=X.CONCEPT\r\nPVSDDataPath={data}\r\n"
    (program / "ServiceProvider.ini").write_bytes(own.encode())
    return top


def _open(page: Page, tab: str = "software") -> None:
    browsing.open_page(page, "diagnosis" if tab == "software" else f"diagnosis/{tab}")


def _entered(page: Page, w: Words, folder: Path) -> None:
    """The page stands, and x.concept is entered: by hand, if nobody has done it yet."""
    _open(page)
    shown = page.get_by_role("heading", name="x.concept", exact=True)
    expect(shown.or_(page.get_by_text(w("diagnosis.software.none"), exact=True))).to_be_visible()
    if shown.count():
        return
    button(page, w("diagnosis.software.new")).last.click()
    dialog = page.get_by_role("dialog")
    button(dialog, w("save")).click()
    expect(dialog).to_contain_text(w("diagnosis.software.product_missing"))
    dialog.get_by_label(w("diagnosis.software.product"), exact=True).select_option("x.concept")
    dialog.get_by_label(w("diagnosis.software.data_folder")).fill(str(folder / "DConcept" / "DeData"))
    dialog.get_by_label(w("diagnosis.software.program_folder")).fill(str(folder / "medatixx"))
    button(dialog, w("save")).click()
    expect(dialog).to_have_count(0)
    expect(shown).to_be_visible()


def test_a_software_is_entered_and_its_serviceprovider_mended_by_a_click(
    sign_in: Callable[..., Page], folder: Path, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _entered(page, w, folder)
    card = page.get_by_role("article", name="x.concept")
    expect(card).to_contain_text(str(folder / "DConcept"))
    expect(card).not_to_contain_text(w("diagnosis.provider.looking"))
    fault = card.locator(".fault", has_text=BROKEN)
    expect(fault).to_contain_text(w("diagnosis.provider.in_line", n=2))
    side = card.get_by_role("region", name=w("diagnosis.provider.pvs"))
    expect(side.locator("tr.wrong", has_text="Installed=0")).to_have_count(1)
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "diagnosis", (1440, 1250))

    button(
        card, w("diagnosis.provider.check_of", name="x.concept")
    ).click()  # the list of issues knows it too
    fault.locator("button.primary").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=w("diagnosis.provider.repair_title"))).to_be_visible()
    expect(dialog).not_to_contain_text("{")
    dialog.locator("button[type=submit]").click()
    expect(fault).to_have_count(0)
    file = folder / "DConcept" / "DeData" / "ServiceProvider.ini"
    assert b"\r\nInstalled=1\r\n" in file.read_bytes()
    assert [one for one in file.parent.iterdir() if b"Installed=0" in one.read_bytes() and one != file]


def test_a_late_answer_in_the_language_of_before_does_not_count(
    sign_in: Callable[..., Page], folder: Path
) -> None:
    w, en = Words("de"), Words("en")
    page = sign_in("owner", width=1280)
    _entered(page, w, folder)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.headers.get("accept-language", "").startswith("de"):
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/v1/serviceprovider", hold)
    browsing.open_page(page, "overview")
    with page.expect_request("**/api/v1/serviceprovider"):
        browsing.open_page(page, "diagnosis")
    button(page, "English").click()
    card = page.get_by_role("article", name="x.concept")
    check = button(card, en("diagnosis.provider.check_of", name="x.concept"))
    expect(check).to_be_visible()
    words = card.inner_text()
    assert held
    for one in held:
        with page.expect_response("**/api/v1/serviceprovider"):
            one.continue_()
    page.wait_for_timeout(500)
    assert card.inner_text() == words


def test_every_part_stands_in_english_in_the_dark_and_on_a_tablet(
    sign_in: Callable[..., Page], folder: Path, axe: str
) -> None:
    w = Words("en")
    page = sign_in("owner", lang="en", theme="dark", width=820, height=1180)
    _entered(page, w, folder)
    for tab in TABS:
        _open(page, tab)
        expect(page.get_by_role("tab", name=w(f"diagnosis.tab.{tab}"))).to_have_attribute(
            "aria-selected", "true"
        )
        if tab == "requirements":
            expect(page.get_by_role("row")).not_to_have_count(0)
            for state in ("not_fulfilled", "undetermined", "fulfilled"):
                mark = page.get_by_role("row", name=w(f"diagnosis.requirements.state.{state}"))
                expect(mark.first).to_be_visible()
            note = page.get_by_role("region", name=w("diagnosis.source_of", product="x.concept"))
            expect(note).to_contain_text(w("diagnosis.version", version="08/2023"))
            expect(note).to_contain_text("04/08/2023")  # as of which day the source stands
        if tab == "exclusions":
            expect(page.get_by_role("row", name="ServiceProvider").first).to_be_visible()
        assert violations(page, axe) == [] and overflow(page) == []
        assert "console." not in page.evaluate("document.body.innerText")


def test_the_checklist_asks_for_the_size_of_the_practice_first(
    sign_in: Callable[..., Page], axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=820, height=1180)
    _open(page, "directive")
    sizes = page.get_by_role("group", name=w("diagnosis.directive.size"))
    expect(page.get_by_text(w("diagnosis.directive.size"), exact=True)).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    button(sizes, w("diagnosis.directive.medium")).click()
    expect(
        page.get_by_text(w("diagnosis.directive.for_size", size=w("diagnosis.directive.medium")))
    ).to_be_visible()
    expect(page.get_by_role("heading", name="Anlage 2", exact=False).first).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []


def test_issues_of_one_kind_stand_together_and_say_once_what_to_do(
    sign_in: Callable[..., Page], folder: Path
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _entered(page, w, folder)
    browsing.open_page(page, "issues")
    button(page, w("issues.check_all")).click()
    cards = page.locator("article.issue", has_text="diagnosis.requirement_missed")
    second = page.locator("article.issue + article.issue", has_text="diagnosis.requirement_missed")
    expect(second.get_by_text(w("issues.steps"), exact=True).first).to_be_visible(timeout=60_000)
    expect(cards.first.locator("dd li").first).to_be_visible()
    expect(cards.first.get_by_text(w("issues.steps"), exact=True)).to_have_count(0)
    steps = cards.nth(1).locator("dd li").first
    expect(steps).to_be_hidden()
    picture(page, "issues", (1440, 1250))
    cards.nth(1).get_by_text(w("issues.steps"), exact=True).click()
    expect(steps).to_be_visible()
    assert overflow(page) == []


def test_ports_are_tried_and_saved_for_the_firewall(
    sign_in: Callable[..., Page], folder: Path, axe: str
) -> None:
    w = Words("de")
    page = sign_in("partner", width=1280)
    _entered(page, w, folder)
    _open(page, "ports")
    page.get_by_label(w("diagnosis.ports.source")).select_option("praxisd")
    row = page.get_by_role("row", name=w("diagnosis.port_state.listening"))
    expect(row.first).to_be_visible()
    page.get_by_role("checkbox", name=w("diagnosis.ports.external")).check()
    button(page, w("diagnosis.ports.test")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("diagnosis.ports.external_text"))
    button(dialog, w("no")).click()
    page.get_by_role("checkbox", name=w("diagnosis.ports.external")).uncheck()
    button(page, w("diagnosis.ports.test")).click()
    expect(page.get_by_text(w("diagnosis.ports.tested"), exact=True)).to_be_visible()
    assert violations(page, axe) == []
    for key, beginning in (("pdf", b"%PDF"), ("csv", b"\xef\xbb\xbf"), ("nftables", b"#")):
        with page.expect_download() as saved:
            button(page, w(f"diagnosis.ports.export.{key}")).click()
        assert Path(saved.value.path()).read_bytes().startswith(beginning)


def test_the_desk_reads_and_changes_nothing(sign_in: Callable[..., Page], demo: Any, folder: Path) -> None:
    w = Words("de")
    _entered(sign_in("owner"), w, folder)
    page = sign_in("desk")
    _open(page)
    card = page.get_by_role("article", name="x.concept")
    expect(card).to_contain_text("ServiceProvider")
    expect(button(page, w("diagnosis.software.new"))).to_have_count(0)
    expect(button(page, w("diagnosis.software.edit_of", name="x.concept"))).to_have_count(0)
    expect(card.locator("button.primary")).to_have_count(0)
    _open(page, "ports")
    expect(page.get_by_label(w("diagnosis.ports.state_label"))).to_be_visible()
    expect(button(page, w("diagnosis.ports.test"))).to_have_count(0)
