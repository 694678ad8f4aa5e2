"""Online bookings as patient and front desk meet them: two browsers, a portal between them, and what may go wrong."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, command

from .walking import overflow, violations

LONG_MS = 60_000
"""How long anything may take on a busy machine."""
CONTACT_S = 240
"""How long until the portal is asked again, and answers: a minute, and patience. Seconds."""
COMPARE_S = 4.0
"""How long after one comparison the next is asked for."""
PORTAL, COLUMN, CALENDAR, KIND = "Terminportal", "Dr. Sommer", "Sprechstunde Dr. Sommer", "Kontrolle"


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Expectations of this module wait longer."""
    expect.set_options(timeout=LONG_MS)
    yield
    expect.set_options(timeout=30_000)


@pytest.fixture
def patient(demo: Any, profile: Any) -> Page:
    """A patient's browser."""
    page: Page = profile().new_page()
    page.set_default_timeout(LONG_MS)
    return page


def _until(demo: Any, there: Callable[[], bool]) -> None:
    """Compare until it is there: the portal is asked once a minute, by whomever. A command is a whole program's start."""
    end = time.monotonic() + CONTACT_S
    while True:
        command("sync", folder=demo.folder)
        again = time.monotonic() + COMPARE_S
        while time.monotonic() < again:
            if there():
                return
            assert time.monotonic() < end, "it never came"
            time.sleep(0.5)


def _book(page: Page, demo: Any, given: str, family: str, born: str) -> tuple[str, datetime]:
    """Book as a patient does; returns the address of the booking's page and when it begins."""
    page.goto(demo.access["sandbox"]["portal"])
    page.get_by_role("link", name=CALENDAR).click()
    page.get_by_role("link", name=KIND).click()
    page.get_by_role("link", name="Spätere Termine").click()
    free = page.locator("section .chips a").nth(3)
    start = int(parse_qs(urlsplit(str(free.get_attribute("href"))).query)["start"][0])
    free.click()
    page.get_by_label("Vorname").fill(given)
    page.get_by_label("Nachname").fill(family)
    page.get_by_label("Geburtsdatum").fill(born)
    page.get_by_label("Telefon").fill(
        f"0171 55{born[2:4]}{born[8:]}1"
    )  # nobody else's: else it is asked who that is
    page.get_by_role("button", name="Termin anfragen").click()
    expect(page.get_by_text("angefragt", exact=True)).to_be_visible()
    return page.url, datetime.fromtimestamp(start, UTC)


def _state(page: Page, url: str) -> str:
    """What the portal's page of a booking says."""
    page.goto(url)
    return page.locator(".tag").inner_text()


def _requests(demo: Any, family: str) -> list[dict[str, Any]]:
    found = demo.desk().call("POST", "/api/v1/requests/search", {"limit": 200})[1]["requests"]
    return [one for one in found if (one["told"] or {}).get("family") == family]


def _chosen(page: Page, view: str, name: str) -> Locator:
    """The request of this person, opened in its list."""
    browsing.open_page(page, f"requests/{view}".removesuffix("/open"))
    page.locator("main li button.open").filter(has_text=name).click()
    article = page.get_by_role("article")
    expect(article.get_by_role("heading", level=2)).to_have_text(name)
    return article


def test_a_booking_is_accepted_and_another_refused(demo: Any, sign_in: Any, patient: Page) -> None:
    portal = Client(demo.access["sandbox"]["portal"])
    _until(demo, lambda: CALENDAR in [one["calendar"] for one in portal.call("GET", "/uploads")[1]])
    good, _ = _book(patient, demo, "Wanda", "Netzfrau", "1984-02-29")
    bad, _ = _book(patient, demo, "Norbert", "Zuspät", "1971-03-04")
    _until(demo, lambda: bool(_requests(demo, "Netzfrau") and _requests(demo, "Zuspät")))
    desk = sign_in("desk")
    browsing.open_page(desk, "requests")
    desk.get_by_role("button", name=re.compile(r"^Wanda Netzfrau, .*: annehmen$")).click()
    expect(desk.get_by_text("Wanda Netzfrau: angenommen")).to_be_visible()
    _chosen(desk, "open", "Norbert Zuspät").get_by_role("button", name="Ablehnen …").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_role("radio", name="Bitte rufen Sie uns an").check()
    dialog.get_by_role("button", name="Ablehnen", exact=True).click()
    expect(desk.get_by_text("Norbert Zuspät: abgelehnt")).to_be_visible()
    _until(demo, lambda: _state(patient, good) == "bestätigt" and _state(patient, bad) == "abgelehnt")
    expect(patient.get_by_text("Bitte rufen Sie in der Praxis an.")).to_be_visible()
    way = _chosen(desk, "decided", "Wanda Netzfrau").get_by_role("list", name="Weg der Buchung")
    for step in ("Angefragt", "Zeit gehalten", "Im Kalender", "Auf den Portalen belegt"):
        expect(way.get_by_role("listitem").filter(has_text=step).first).to_contain_text("erledigt")


def test_the_calendars_are_in_step(sign_in: Any) -> None:
    page = sign_in("owner")
    browsing.open_page(page, "online")
    rows = page.get_by_role("region", name=f"Kalender von {PORTAL}").get_by_role("row")
    for name in (CALENDAR, "Sprechstunde Dr. Winter", "Prophylaxe"):
        expect(rows.filter(has=page.get_by_role("rowheader", name=name))).to_contain_text("auf dem Stand")
    page.get_by_role("button", name=f"{PORTAL} jetzt abgleichen").click()
    expect(page.get_by_text(f"{PORTAL}: abgeglichen")).to_be_visible()
    page.get_by_role("button", name=f"{PORTAL}: Verbindung prüfen").click()
    expect(page.get_by_text("Verbindung steht")).to_be_visible()
    page.get_by_role("button", name=f"{CALENDAR}: Protokoll").click()
    expect(page.get_by_role("dialog").get_by_role("row").filter(has_text="angekommen").first).to_be_visible()


def _column_and_kind(desk: Client) -> tuple[str, str]:
    columns = desk.call("GET", "/api/v1/schedules?limit=200")[1]["schedules"]
    kinds = desk.call("GET", "/api/v1/healthcare-services?limit=200")[1]["healthcareServices"]
    return (
        next(one["id"] for one in columns if one["name"] == COLUMN),
        next(one["id"] for one in kinds if one["name"] == KIND),
    )


def _appointment(demo: Any, start: str, family: str) -> dict[str, Any]:
    column, kind = _column_and_kind(demo.desk())
    who = {"family": family, "given": "Lotte", "birthDate": "1966-06-06"}
    body = {"service": kind, "start": start, "schedules": [column], "patient": who}
    status, made = demo.desk().call("POST", "/api/v1/appointments", body)
    assert status == 201, made
    return dict(made)


def test_a_double_booking_is_settled_by_a_click(demo: Any, sign_in: Any, patient: Page) -> None:
    """While the portal does not answer the desk gives away what a patient has booked there."""
    portal = Client(demo.access["sandbox"]["portal"])
    assert portal.call("POST", "/faults", {"always": "error"})[0] == 200
    url, start = _book(patient, demo, "Doris", "Doppelt", "1990-09-09")
    _appointment(demo, start.isoformat(), "Ortsfest")
    assert portal.call("POST", "/faults", {"always": None})[0] == 200
    _until(demo, lambda: any(one["conflict"] for one in _requests(demo, "Doppelt")))
    desk = sign_in("desk")
    browsing.open_page(desk, "conflicts")
    conflict = desk.get_by_role("article").filter(has_text="Doppelt")
    expect(conflict.get_by_role("group", name="Online gebucht")).to_contain_text("Doris Doppelt")
    expect(conflict.get_by_role("group", name="Hier eingetragen")).to_contain_text("Lotte Ortsfest")
    conflict.get_by_role("button", name="Online-Buchung absagen").click()
    desk.get_by_role("dialog").get_by_role("button", name="Online-Buchung absagen").click()
    expect(conflict).to_have_count(0)
    _until(demo, lambda: _state(patient, url) in ("abgelehnt", "von der Praxis abgesagt"))
    browsing.open_page(desk, "conflicts/settled")
    row = (
        desk.get_by_role("region", name="Erledigt")
        .get_by_role("row")
        .filter(has_text="Online-Termin abgesagt")
    )
    expect(row).to_contain_text(PORTAL)


def _free_start(demo: Any) -> str:
    """A free time some days ahead."""
    column, kind = _column_and_kind(demo.desk())
    first = (datetime.now(UTC) + timedelta(days=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    last = (datetime.now(UTC) + timedelta(days=26)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"/api/v1/slots?service={kind}&schedule={column}&from={first}&to={last}&limit=1"
    return str(demo.desk().call("GET", path)[1]["slots"][0]["start"])


def test_a_freed_time_goes_to_who_waits(demo: Any, sign_in: Any) -> None:
    page = sign_in("desk")
    browsing.open_page(page, "waiting")
    page.get_by_role("button", name="Auf die Warteliste setzen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Neuer Patient").click()
    dialog.get_by_label("Nachname").fill("Geduldig")
    dialog.get_by_label("Vorname").fill("Gesine")
    dialog.get_by_label("Geburtsdatum").fill("1959-05-05")
    dialog.get_by_role("button", name="Patient anlegen").click()
    dialog.get_by_label("Terminart").select_option(label=KIND)
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Es warten: 1")).to_be_visible()

    made = _appointment(demo, _free_start(demo), "Verhindert")
    answer = demo.desk().call("POST", f"/api/v1/appointments/{made['id']}/cancel", {"reason": "am Telefon"})
    assert answer[0] == 200, answer
    offer = page.get_by_role("button", name="Gesine Geduldig: anbieten")
    freed = page.get_by_role("article").filter(has=offer).filter(has_text="Würde passen")
    freed.get_by_role("button", name="Gesine Geduldig: anbieten").click()
    page.get_by_role("button", name="Gesine Geduldig: sagt zu").click()
    expect(page.get_by_text("Gesine Geduldig: gebucht")).to_be_visible()
    expect(page.get_by_text("Niemand wartet")).to_be_visible()


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """A program that takes every call: its address and the bodies it got."""
    bodies: list[Any] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/praxisd", bodies
    server.shutdown()
    server.server_close()


def test_a_program_is_told(demo: Any, sign_in: Any, receiver: tuple[str, list[Any]]) -> None:
    assert command("settings", "set", "portals.webhook_networks", "127.0.0.0/8", folder=demo.folder).code == 0
    page = sign_in("owner")
    browsing.open_page(page, "webhooks")
    page.get_by_role("button", name="Programm anlegen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Wartezimmer")
    dialog.get_by_label("Adresse").fill(receiver[0])
    dialog.get_by_label("Alles").check()
    dialog.get_by_role("button", name="Speichern", exact=True).click()
    shown = page.get_by_role("dialog", name="Geheimnis von Wartezimmer")
    secret = shown.locator("code").inner_text()
    assert len(secret) > 20
    shown.get_by_role("button", name="Ist notiert").click()
    page.reload()
    page.get_by_role("button", name="Wartezimmer prüfen").click()
    expect(page.get_by_text("angekommen", exact=True)).to_be_visible()
    assert receiver[1] and secret not in page.content()
    page.get_by_role("button", name="Wartezimmer: Protokoll").click()
    expect(page.get_by_role("dialog").get_by_role("row").filter(has_text="angekommen").first).to_be_visible()


def test_the_pages_in_english(sign_in: Any, axe: str) -> None:
    """After the story, on a tablet held upright and in the dark."""
    page = sign_in("owner", lang="en", theme="dark", width=820, height=1180)
    found: list[str] = []
    for name, title in {
        "online": "Online calendars", "requests": "Online bookings", "requests/decided": "Online bookings",
        "conflicts/settled": "Conflicts", "waiting/past": "Waiting list", "webhooks": "Notifications",
    }.items():  # fmt: skip
        browsing.open_page(page, name)
        expect(page.locator("[data-page-title]")).to_have_text(title)
        found += [f"{name}: {one}" for one in (*violations(page, axe), *overflow(page))]
        found += [f"{name}: no text" for _ in range("console." in page.evaluate("document.body.innerText"))]
    assert found == []
