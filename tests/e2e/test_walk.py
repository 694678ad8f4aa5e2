"""The walk of docs/de/konsole.md, as a person does it: mouse, then keyboard alone, then the other language."""

import re
import time
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from praxisd.testing import browser as browsing

from .pictures import picture

COLUMN, KIND, FAMILY = "Dr. Frühling", "Beratung", "Wandersmann"


def _open_a_column(page: Page) -> None:
    browsing.open_page(page, "schedules")
    page.get_by_role("button", name="Neue Terminspalte").or_(
        page.get_by_role("link", name="Neue Terminspalte")
    ).first.click()
    page.get_by_label("Name", exact=True).fill(COLUMN)
    for start, end in (("8", "12"), ("13:00", "17:00")):  # Monday to Friday are ticked already
        page.get_by_label("Von", exact=True).fill(start)
        page.get_by_label("Bis", exact=True).fill(end)
        page.get_by_role("button", name="Hinzufügen", exact=True).click()
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.get_by_text("Gespeichert").first).to_be_visible()


def _make_a_type(page: Page) -> None:
    browsing.open_page(page, "services")
    page.get_by_role("button", name="Neue Terminart").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(KIND)
    dialog.get_by_label("Dauer in Minuten").fill("30")
    dialog.get_by_label(COLUMN).check()
    expect(dialog.get_by_text(re.compile(r"\d\d:\d\d")).first).to_be_visible()  # the preview of free times
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    expect(dialog).to_be_hidden()


def _free_day(demo: Any) -> str:
    """A day, some days ahead, on which the new type has times from the morning on: no weekend, no holiday."""
    desk = demo.desk()
    kind = next(
        one["id"]
        for one in desk.call("GET", "/api/v1/healthcare-services?limit=200")[1]["healthcareServices"]
        if one["name"] == KIND
    )
    span = page_span(3, 60)
    slots = desk.call("GET", f"/api/v1/slots?service={kind}&{span}")[1]["slots"]
    return next(one["start"][:10] for one in slots if one["start"][11:16] == "08:00")


def page_span(first: int, last: int) -> str:
    """`from=…&to=…` so many days from now."""
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC).replace(microsecond=0)
    begin, end = ((now + timedelta(days)).isoformat() for days in (first, last))
    return f"from={quote(begin)}&to={quote(end)}"


def _to_day(page: Page, day: str) -> None:
    browsing.open_page(page, "calendar")
    page.get_by_label("Datum", exact=True).first.fill(day)
    page.get_by_label("Datum", exact=True).first.blur()
    expect(
        page.get_by_role("radio", name="Tag").or_(page.get_by_role("button", name="Tag", exact=True)).first
    ).to_be_visible()


def _box(page: Page) -> Locator:
    return page.locator(".box.appointment").filter(has_text=FAMILY)


def _place(one: Locator) -> dict[str, float]:
    """Where it stands, once it stands: a day that has just been fetched is drawn anew."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = one.bounding_box()
        if found is not None:
            return dict(found)
        time.sleep(0.05)
    raise AssertionError("it never stood still")


def _book_by_mouse(page: Page) -> None:
    """A click into the free morning of the new column."""
    header = page.get_by_text(COLUMN, exact=True).first
    column = _place(header)
    eight = page.get_by_text("08:00", exact=True).first
    eight.scroll_into_view_if_needed()
    row = _place(eight)
    page.mouse.click(column["x"] + column["width"] / 2, row["y"] + row["height"] / 2 + 70)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Neuer Patient").click()
    dialog.get_by_label("Nachname").fill(FAMILY)
    dialog.get_by_label("Vorname").fill("Wilma")
    dialog.get_by_label("Geburtsdatum").fill("1971-02-03")
    dialog.get_by_role("button", name="Patient anlegen").click()
    expect(
        dialog.get_by_text(f"Wilma {FAMILY}").or_(dialog.get_by_text(f"{FAMILY}, Wilma")).first
    ).to_be_visible()
    dialog.get_by_label("Terminart").select_option(label=f"{KIND} (30 Min.)")
    dialog.get_by_role("button", name="Termin eintragen").click()
    expect(dialog).to_be_hidden()
    expect(_box(page)).to_have_count(1)


def _drag(page: Page) -> None:
    """An hour later, by mouse."""
    before = str(_box(page).get_attribute("aria-label"))
    place = _place(_box(page))
    hours = [_place(page.get_by_text(f"{h:02}:00", exact=True).first) for h in (9, 10)]
    far = hours[1]["y"] - hours[0]["y"]
    x, y = place["x"] + place["width"] / 2, place["y"] + min(10, place["height"] / 3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + far / 2, steps=4)
    page.mouse.move(x, y + far, steps=4)
    page.mouse.up()
    expect(page.get_by_text("Termin verschoben").first).to_be_visible()
    assert _box(page).get_attribute("aria-label") != before


def _tab_to(page: Page, name: str, role: str = "button", most: int = 120) -> None:
    """Press Tab until the control of this name has the focus."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(most):
        if wanted.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name}")


def _book_by_keyboard(page: Page, demo: Any) -> None:
    """The same in the list view, and the mouse is never touched."""
    expect(page.get_by_role("button", name=re.compile(f"Öffnen: .*{FAMILY}"))).to_have_count(1)
    page.keyboard.press("Home")
    page.get_by_role("main").focus()
    _tab_to(page, "Neuer Termin")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    search = dialog.get_by_role("searchbox")
    for _ in range(20):
        if search.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type(FAMILY)
    hit = dialog.get_by_role("list", name="Gefundene Patienten").get_by_role("button").first
    expect(hit).to_be_visible()
    for _ in range(10):
        if hit.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    kind = dialog.get_by_label("Terminart")
    for _ in range(10):
        if kind.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type(KIND)
    free = dialog.get_by_role("button", name=re.compile(r"^.*, 15:00 frei"))
    more = dialog.get_by_role("button", name=re.compile(r"\d+ weitere"))
    if not free.count():
        expect(more.first).to_be_visible()
        for _ in range(60):
            if more.first.evaluate("e => e === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    for _ in range(60):
        if free.first.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    _tab_to(page, "Termin eintragen")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile(f"Öffnen: .*{FAMILY}"))).to_have_count(2)


def _cancel(page: Page) -> None:
    """With a reason, and not without."""
    page.get_by_role("button", name=re.compile(f"Absagen: .*{FAMILY}")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Termin absagen?")).to_be_visible()
    dialog.get_by_role("combobox").or_(dialog.get_by_role("textbox")).first.fill("Patient hat abgesagt")
    dialog.get_by_role("button", name="Absagen").click()
    expect(page.get_by_text("Termin abgesagt").first).to_be_visible()


def test_the_walk_of_the_docs(demo: Any, sign_in: Any) -> None:
    page = sign_in("owner")
    _open_a_column(page)
    _make_a_type(page)
    day = _free_day(demo)
    _to_day(page, day)
    _book_by_mouse(page)
    _drag(page)
    picture(page, "calendar", (1440, 900))
    page.get_by_role("radio", name="Liste").or_(page.get_by_role("button", name="Liste")).first.click()
    _book_by_keyboard(page, demo)
    _cancel(page)
    browsing.open_page(page, "activity")
    expect(page.get_by_text(re.compile("abgesagt")).first).to_be_visible()
    expect(page.get_by_text("Dr. Miriam Sommer").nth(1)).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
    expect(page.get_by_text(re.compile("cancelled")).first).to_be_visible()
    desk = demo.desk()
    found = desk.call("POST", "/api/v1/appointments/search", page_body(day))[1]["appointments"]
    assert sorted(one["status"] for one in found if one.get("patientName", "").find(FAMILY) >= 0) == [
        "booked",
        "cancelled",
    ]


def page_body(day: str) -> dict[str, str]:
    """A search over one local day."""
    return {"from": f"{day}T00:00:00+01:00", "to": f"{day}T23:59:00+01:00"}
