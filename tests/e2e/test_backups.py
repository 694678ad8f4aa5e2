"""The page of the backups: set up with folders standing in for media, backed up by one click, looked at, brought back, on paper.

The tests of this module are one story on one practice; each needs what those before it left.
"""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from praxisd.kernel.texts import Texts
from praxisd.services.backups.keys import alphabet
from praxisd.testing import browser as browsing
from praxisd.testing import debian

from .pictures import picture
from .updates_cast import button
from .walking import overflow, violations

TABS = ("today", "media", "runs", "restore", "setup", "protocol")
ROW = re.compile(r"^ *((?:[0-9a-x]{4} ){2}[0-9a-x]{4}) *$", re.MULTILINE)
"""A row of the recovery key as the sheet prints it."""
LONG_MS = 120_000
"""So long a whole run may take on a busy machine."""
PACKAGES = ("praxisd.services.backups", "praxisd.services.accounts")


class Words:
    """The console's texts, and those of the service, in the language of a test."""

    def __init__(self, lang: str) -> None:
        self._texts, self._lang = Texts(PACKAGES), lang

    def __call__(self, key: str, **params: object) -> str:
        return self._texts.get(f"console.{key}", self._lang, **params)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a medium shows up, one of a network drive, one to restore into."""
    top = tmp_path_factory.mktemp("media")
    for name in ("rdx", "nas", "back"):
        (top / name).mkdir()
    return top


def _open(page: Page, tab: str = "today") -> None:
    browsing.open_page(page, "backups" if tab == "today" else f"backups/{tab}")


def _drive(page: Page, w: Words, kind: str, path: Path) -> None:
    """Enter the drive that the wizard misses."""
    button(page, w(f"backups.drive_add.{kind}")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(w("backups.drive.path"), exact=True).fill(str(path))
    button(dialog, w("save")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(str(path), exact=True)).to_be_visible()


def _state(page: Page) -> Locator:
    return page.locator("#backups-state")


def test_the_wizard_of_variant_2_ends_with_a_plan_and_its_calendar(
    sign_in: Callable[..., Page], media: Path, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page)
    expect(_state(page)).to_have_text(w("backups.protected.none"))
    button(page, w("backups.setup_now")).click()
    expect(page.get_by_role("radio", name=w("backups.variant.variant2"))).to_be_checked()
    assert violations(page, axe) == [] and overflow(page) == []
    button(page, w("more")).click()

    for name in ("Samstag", "Sonntag"):  # whatever day it is: somebody is in the practice
        page.get_by_role("checkbox", name=name).check()
    evening = page.get_by_label(w("backups.times.evening"), exact=True)
    evening.fill("25:99")
    button(page, w("more")).click()
    expect(page.get_by_text(w("backups.times.wrong"), exact=True)).to_be_visible()
    evening.fill("18")
    assert violations(page, axe) == [] and overflow(page) == []
    button(page, w("more")).click()

    _drive(page, w, "removable", media / "rdx")
    _drive(page, w, "nas", media / "nas")
    expect(page.get_by_text(w("backups.seen.new"), exact=False).first).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    button(page, w("more")).click()

    calendar = page.get_by_role("table", name=w("backups.calendar.title"))
    expect(calendar.get_by_role("row")).to_have_count(1 + 14)
    expect(calendar).to_contain_text("Mo extern")
    expect(calendar).to_contain_text("NAS")
    assert violations(page, axe) == []
    button(page, w("backups.wizard.save")).click()
    expect(page.get_by_role("tab", name=w("backups.tab.media"))).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("heading", name=w("backups.media.unfilled_n", n=8))).to_be_visible()


def test_media_are_set_up_and_one_click_backs_up(
    sign_in: Callable[..., Page], demo: Any, media: Path, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "media")
    slot = _slot(demo)
    for label, drive in ((slot, "rdx"), ("NAS", "nas")):
        button(page, w("backups.media.set_up_of", label=label)).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label(w("backups.new_medium.label"), exact=True)).to_have_value(label)
        expect(dialog).to_contain_text(str(media / drive))
        button(dialog, w("backups.new_medium.yes")).click()
        expect(dialog).to_have_count(0, timeout=LONG_MS)
    row = page.get_by_role("row", name=slot).first
    expect(row).to_contain_text(w("backups.place.drive"))
    assert violations(page, axe) == [] and overflow(page) == []
    assert (media / "rdx" / "praxisd-medium.json").is_file()

    _open(page)
    expect(_state(page)).to_have_text(w("backups.protected.red"))
    button(page, w("backups.act.start")).click()
    expect(page.get_by_role("progressbar").or_(page.locator("#backups-last ~ p").first).first).to_be_visible()
    last = page.get_by_role("region", name=w("backups.today.last"))
    expect(last).to_contain_text(w("backups.state_text.good"), timeout=LONG_MS)
    button(last, w("backups.details")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("backups.state.good"))
    assert violations(page, axe) == [] and "{" not in dialog.inner_text()
    button(dialog, w("close")).first.click()


def test_after_a_trial_restore_the_practice_is_protected(sign_in: Callable[..., Page], axe: str) -> None:
    w = Words("de")
    page = sign_in("desk", width=1280)
    _open(page, "runs")
    button(page, w("backups.prove")).click()
    row = page.get_by_role("row", name=w("backups.kind.prove"))
    expect(row).to_contain_text(w("backups.state.good"), timeout=LONG_MS)
    assert violations(page, axe) == [] and overflow(page) == []
    _open(page)
    expect(_state(page)).to_have_text(w("backups.protected.green"), timeout=LONG_MS)
    picture(page, "backups", (1280, 900))


def test_the_desk_confirms_a_place_and_ticks_the_log(
    sign_in: Callable[..., Page], demo: Any, axe: str
) -> None:
    w = Words("de")
    _older(demo.folder, days=3)
    page = sign_in("desk", width=1280)
    _open(page)
    log = page.get_by_role("region", name=w("backups.today.log"))
    button(log, w("backups.act.check_log")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("backups.day_state.no_run"))
    dialog.get_by_label(w("backups.log.remark")).fill("Plan war noch nicht fertig")
    assert violations(page, axe) == []
    button(dialog, w("backups.log.yes")).click()
    expect(dialog).to_have_count(0)
    expect(log).to_contain_text(w("backups.today.log_done", day="|", who="|", at="|").split("|")[1].strip())
    button(log, w("backups.today.log_days")).click()
    expect(page.get_by_text("Plan war noch nicht fertig")).to_be_visible()

    _open(page, "media")
    button(page, w("backups.media.moved_of", label=_slot(demo))).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(w("backups.moved.person")).fill("Frau Kern")
    button(dialog, w("backups.moved.yes")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Frau Kern", exact=False).first).to_be_visible()


def test_a_file_comes_back_elsewhere(sign_in: Callable[..., Page], media: Path, axe: str) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "restore")
    page.get_by_role("radio").first.check()
    button(page, w("more")).click()
    page.get_by_role("radio", name=w("backups.restore.some")).check()
    files = page.get_by_role("list", name=w("backups.restore.files"))
    expect(files.get_by_role("listitem")).not_to_have_count(0, timeout=LONG_MS)
    files.get_by_role("button").last.click()
    first = files.get_by_role("checkbox").first
    expect(first).to_be_visible(timeout=LONG_MS)
    first.check()
    expect(page.get_by_text(w("backups.restore.chosen_one"), exact=True)).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    button(page, w("more")).click()

    button(page, w("backups.restore.go")).click()
    expect(page.get_by_text(w("backups.restore.path_missing"), exact=True)).to_be_visible()
    page.get_by_label(w("backups.restore.path"), exact=True).fill(str(media / "back"))
    assert violations(page, axe) == [] and overflow(page) == []
    button(page, w("backups.restore.go")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(w("backups.restored.good"), timeout=LONG_MS)
    assert [one for one in (media / "back").rglob("*") if one.is_file()]
    assert violations(page, axe) == []


def test_paper_and_sheet_are_printed_and_the_owners_password_is_asked(
    sign_in: Callable[..., Page], demo: Any, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "protocol")
    page.get_by_role("button", name=w("backups.protocol.answer")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("IT-Haus Nord")
    assert violations(page, axe) == []
    button(dialog, w("save")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("IT-Haus Nord")).to_be_visible()
    with page.expect_download() as saved:
        button(page, w("backups.protocol.pdf")).click()
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")

    _open(page, "setup")
    sheet = page.get_by_role("region", name=w("backups.keys.title"))
    expect(sheet).to_contain_text(w("backups.keys.not_printed"))
    button(sheet, w("backups.keys.print")).click()
    own = dialog.get_by_label(w("backups.keys.own"), exact=True)
    own.fill("falsch")
    button(dialog, w("backups.keys.sheet_yes")).click()
    expect(own).to_have_attribute("aria-invalid", "true")
    own.fill(demo.person("owner")[1])
    with page.expect_download() as saved:
        button(dialog, w("backups.keys.sheet_yes")).click()
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")
    expect(sheet).not_to_contain_text(w("backups.keys.not_printed"))


def test_a_medium_gets_another_name_and_a_lost_one_is_opened_by_what_is_typed(
    sign_in: Callable[..., Page], demo: Any, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "media")
    button(page, w("backups.details_of", what="NAS")).click()
    button(page.get_by_role("dialog"), w("backups.media.edit")).click()
    dialog = page.get_by_role("dialog", name=w("backups.media.edit_title", label="NAS"))
    name = dialog.get_by_label(w("backups.media.label"), exact=True)
    name.fill(" ")
    button(dialog, w("save")).click()
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("NAS Keller")
    assert violations(page, axe) == []
    button(dialog, w("save")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("dialog", name="NAS Keller")).to_be_visible()

    _open(page, "setup")
    button(page, w("backups.keys.open")).click()
    dialog = page.get_by_role("dialog", name=w("backups.keys.open_title"))
    dialog.get_by_label(w("backups.keys.open_medium")).select_option(label="NAS Keller")
    secret = dialog.get_by_label(w("backups.restore.password"), exact=True)
    button(dialog, w("backups.keys.open_yes")).click()
    expect(secret).to_have_attribute("aria-invalid", "true")
    secret.fill("geraten")
    dialog.get_by_label(w("backups.keys.own"), exact=True).fill(demo.person("owner")[1])
    assert violations(page, axe) == []
    button(dialog, w("backups.keys.open_yes")).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Kennwort Nr. 1", timeout=LONG_MS)


def test_the_move_goes_onto_an_encrypted_medium_first(
    sign_in: Callable[..., Page], media: Path, axe: str
) -> None:
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "setup")
    button(page, w("backups.move.begin")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio").first).to_be_checked()
    expect(dialog.get_by_label(w("backups.new_medium.drive"), exact=True)).to_contain_text(str(media / "nas"))
    expect(dialog).not_to_contain_text(w("backups.move.to_help"))
    assert violations(page, axe) == []
    dialog.get_by_role("radio").last.check()
    expect(dialog).to_contain_text(w("backups.move.to_help"))
    button(dialog, w("backups.move.yes")).click()  # nothing named, nothing confirmed
    expect(dialog).to_contain_text(w("backups.restore.path_missing"))


def test_every_part_stands_in_english_in_the_dark_and_on_a_tablet(
    sign_in: Callable[..., Page], axe: str
) -> None:
    w = Words("en")
    page = sign_in("owner", lang="en", theme="dark", width=820, height=1180)
    for tab in TABS:
        _open(page, tab)
        expect(page.get_by_role("tab", name=w(f"backups.tab.{tab}"))).to_have_attribute(
            "aria-selected", "true"
        )
        expect(page.get_by_text(w("loading"), exact=True)).to_have_count(0)
        assert violations(page, axe) == [] and overflow(page) == []
        assert "console." not in page.evaluate("document.body.innerText")


def test_the_desk_sees_and_changes_nothing_of_the_setup(sign_in: Callable[..., Page]) -> None:
    w = Words("de")
    page = sign_in("desk")
    _open(page, "setup")
    expect(page.get_by_role("heading", name=w("backups.plan.title"))).to_be_visible()
    for key in (
        "plan.change",
        "drive.new",
        "source.new",
        "keys.print",
        "keys.change",
        "keys.open",
        "move.begin",
    ):
        expect(button(page, w(f"backups.{key}"))).to_have_count(0)
    _open(page, "restore")
    expect(page.get_by_text(w("backups.restore.may_not"), exact=True)).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)


def _slot(demo: Any) -> str:
    """The label of the medium that the next evening wants."""
    days = demo.desk().call("GET", "/api/v1/backups/calendar")[1]["days"]
    return next(str(run["label"]) for day in days for run in day["runs"] if run["job"] == "evening")


def _older(folder: Path, days: int) -> None:
    """The plan holds since some days: so there are backup days that are over."""
    with sqlite3.connect(folder / "praxisd.db", timeout=30) as base:
        ((doc,),) = base.execute("SELECT doc FROM backups_plan").fetchall()
        kept = json.loads(doc)
        kept["at"] -= days * 86_400
        base.execute("UPDATE backups_plan SET doc = ?", (json.dumps(kept),))


def test_a_medium_whose_password_was_changed_elsewhere_asks_for_it(
    sign_in: Callable[..., Page], demo: Any, media: Path, axe: str
) -> None:
    """The run meets the lock; its dialog leads back to the last step, where the password is typed."""
    w = Words("de")
    page = sign_in("owner", width=1280)
    _open(page, "setup")
    sheet = page.get_by_role("region", name=w("backups.keys.title"))
    button(sheet, w("backups.keys.print")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(w("backups.keys.own"), exact=True).fill(demo.person("owner")[1])
    with page.expect_download() as saved:
        button(dialog, w("backups.keys.sheet_yes")).click()
    printed = "\n".join(one.extract_text() for one in PdfReader(saved.value.path()).pages)
    _locked_anew(media / "rdx" / "restic", alphabet.typed(" ".join(ROW.findall(printed))), "ganz anders")

    _open(page, "restore")
    page.get_by_role("row", name=_slot(demo)).get_by_role("radio").check()
    button(page, w("more")).click()
    button(page, w("more")).click()
    (media / "typed").mkdir()
    page.get_by_label(w("backups.restore.path"), exact=True).fill(str(media / "typed"))
    button(page, w("backups.restore.go")).click()
    button(dialog, w("backups.restored.password")).click(timeout=LONG_MS)
    expect(dialog).to_have_count(0)
    secret = page.get_by_label(w("backups.restore.password"), exact=True)
    assert violations(page, axe) == [] and overflow(page) == []
    secret.fill("geraten")
    button(page, w("backups.restore.go")).click()
    button(dialog, w("backups.restored.password")).click(timeout=LONG_MS)
    assert not list((media / "typed").iterdir())
    secret.fill("ganz anders")
    button(page, w("backups.restore.go")).click()
    expect(dialog).to_contain_text(w("backups.restored.good"), timeout=LONG_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1_500)
    assert not [one for one in asked if "/backups/restores/" in one], "what has ended is not looked at again"
    assert [one for one in (media / "typed").rglob("*") if one.is_file()]


def _locked_anew(repository: Path, key: str, password: str) -> None:
    """Whoever has the sheet gives the medium a password of their own, and takes all others away."""
    program = debian.program(["restic"], "restic")

    def restic(secret: str, *args: str) -> str:
        environment = os.environ | {"RESTIC_PASSWORD": secret, "RESTIC_REPOSITORY": str(repository)}
        line = [str(program), "--no-cache", *args]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout

    new = repository.parent.parent / "new password"
    new.write_text(password)
    restic(key, "key", "add", "--new-password-file", str(new))
    for one in json.loads(restic(password, "key", "list", "--json")):
        if not one["current"]:
            restic(password, "key", "remove", one["id"])
