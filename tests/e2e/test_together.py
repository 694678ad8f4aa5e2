"""Two people at once: what one changes the other sees; both at once: one wins, the other is told; a restart loses nothing."""

import json
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, running

FAMILY = "Zweisam"


@pytest.fixture
def appointment(demo: Any) -> dict[str, Any]:
    """A fresh appointment at 10:00 on a free day of its own."""
    desk = demo.desk()
    kind = next(
        one
        for one in desk.call("GET", "/api/v1/healthcare-services")[1]["healthcareServices"]
        if one["name"] == "Behandlung"
    )
    now = datetime.now(UTC).replace(microsecond=0)
    span = f"from={quote((now + timedelta(9)).isoformat())}&to={quote((now + timedelta(26)).isoformat())}"
    slots = desk.call("GET", f"/api/v1/slots?service={kind['id']}&{span}&limit=200")[1]["slots"]
    free = {(one["start"], tuple(one["schedules"])) for one in slots}
    slot = next(
        one
        for one in slots
        if one["start"][11:16] == "08:00"
        and all((one["start"].replace("T08", f"T{h:02}"), tuple(one["schedules"])) in free for h in (9, 10))
    )
    status, made = desk.call(
        "POST",
        "/api/v1/appointments",
        {
            "service": kind["id"],
            "start": slot["start"],
            "schedules": slot["schedules"],
            "patient": {"family": FAMILY, "given": "Paula", "birthDate": "1975-05-06"},
        },
    )
    assert status == 201
    return dict(made)


def _show(page: Page, day: str) -> None:
    browsing.open_page(page, "calendar")
    page.get_by_label("Datum", exact=True).first.fill(day)
    page.get_by_label("Datum", exact=True).first.blur()
    page.locator(".box.appointment").filter(has_text=FAMILY).first.wait_for()


def _box(page: Page) -> Any:
    return page.locator(".box.appointment").filter(has_text=FAMILY).first


def test_what_one_moves_the_other_sees(demo: Any, sign_in: Any, appointment: dict[str, Any]) -> None:
    one, other = sign_in("owner"), sign_in("desk")
    for page in (one, other):
        _show(page, appointment["start"][:10])
        expect(_box(page)).to_have_attribute("aria-label", re.compile("08:00"))
    later = appointment["start"].replace("T08", "T09")
    status, _ = demo.desk().call("PATCH", f"/api/v1/appointments/{appointment['id']}", {"start": later})
    assert status == 200
    for page in (one, other):
        expect(_box(page)).to_have_attribute("aria-label", re.compile("09:00"))


def test_both_move_it_one_wins_the_other_sees_both_states(
    demo: Any, sign_in: Any, appointment: dict[str, Any]
) -> None:
    page = sign_in("desk")
    _show(page, appointment["start"][:10])
    # The other is quicker, and this browser has not heard of it yet.
    page.route("**/api/v1/live*", lambda route: route.abort())
    page.route("**/api/v1/calendar/view", lambda route: route.abort())
    later = appointment["start"].replace("T08", "T10")
    assert demo.desk().call("PATCH", f"/api/v1/appointments/{appointment['id']}", {"start": later})[0] == 200
    # The day opens where the clock stands, which is somewhere else at each hour: up to its beginning.
    page.mouse.move(700, 500)
    page.mouse.wheel(0, -5_000)
    page.wait_for_function(
        "box => box.getBoundingClientRect().top > 200", arg=_box(page).element_handle(), timeout=30_000
    )
    place = _box(page).bounding_box()
    hours = [page.get_by_text(f"{h:02}:00", exact=True).first.bounding_box() for h in (9, 10)]
    assert place and hours[0] and hours[1]
    x, y = place["x"] + place["width"] / 2, place["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 20, steps=3)
    page.mouse.move(x, y + hours[1]["y"] - hours[0]["y"], steps=3)
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("09:00").first).to_be_visible()
    expect(dialog.get_by_text("10:00").first).to_be_visible()
    page.unroute("**/api/v1/calendar/view")
    page.unroute("**/api/v1/live*")
    dialog.get_by_role("button", name=re.compile("Anderen Stand|Anderer Stand")).click()
    expect(dialog).to_be_hidden()
    expect(_box(page)).to_have_attribute("aria-label", re.compile("10:00"))
    now = demo.desk().call("GET", f"/api/v1/appointments/{appointment['id']}")[1]
    assert now["start"] == later


@pytest.fixture
def own_demo(filled: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "demo"
    shutil.copytree(filled, folder)
    yield folder


def test_a_restart_of_the_server_loses_nothing_that_was_typed(own_demo: Path, profile: Any) -> None:
    access = json.loads((own_demo / "access.json").read_text())
    page = profile().new_page()
    with running(own_demo, verb="demo") as server:
        url, port = server.url, int(server.url.rpartition(":")[2])
        browsing.sign_in(page, url, access["console"]["user"], access["console"]["password"])
        browsing.open_page(page, "services")
        page.get_by_role("button", name="Neue Terminart").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("Vor dem Neustart getippt")
        dialog.get_by_label("Dauer in Minuten").fill("25")
        dialog.get_by_label("Notfallspalte").check()
        server.terminate(signal.SIGTERM)
    expect(page.get_by_text("Verbindung unterbrochen")).to_be_visible()
    dialog.get_by_role("button", name="Speichern", exact=True).click()  # nobody is there to take it
    with running(own_demo, verb="demo", port=port) as server:
        assert server.url == url
        key = json.loads((own_demo / "access.json").read_text())["desk_key"]
        if dialog.get_by_text("Der Server antwortet nicht").count():
            expect(dialog.get_by_label("Name", exact=True)).to_have_value("Vor dem Neustart getippt")
        save = dialog.get_by_role("button", name="Speichern", exact=True)
        with suppress(PlaywrightTimeout):  # it may have gone through by itself, at any moment
            save.click(timeout=5_000)
        expect(dialog).to_be_hidden()
        expect(page.get_by_text("Verbindung unterbrochen")).to_be_hidden()
        found = Client(url, key).call("GET", "/api/v1/healthcare-services?limit=200")[1]["healthcareServices"]
        assert [one["duration"] for one in found if one["name"] == "Vor dem Neustart getippt"] == [25]
        page.get_by_text("Vor dem Neustart getippt").first.wait_for()


def test_a_session_that_ended_is_taken_up_over_the_page(demo: Any, sign_in: Any) -> None:
    page = sign_in("owner")
    browsing.open_page(page, "services")
    page.get_by_role("button", name="Neue Terminart").click()
    form = page.get_by_role("dialog").first
    form.get_by_label("Name", exact=True).fill("Noch da")
    form.get_by_label("Dauer in Minuten").fill("20")
    form.get_by_label("Notfallspalte").check()
    page.context.clear_cookies()
    form.get_by_role("button", name="Speichern", exact=True).click()
    again = page.get_by_role("dialog").filter(has=page.locator("input[type=password]"))
    again.locator("input[type=password]").fill(demo.person("owner")[1])
    again.get_by_role("button", name="Anmelden").click()
    expect(again).to_be_hidden()
    expect(form).to_be_hidden()
    found = demo.desk().call("GET", "/api/v1/healthcare-services?limit=200")[1]["healthcareServices"]
    assert [one["name"] for one in found].count("Noch da") == 1


def _new_type(page: Page, name: str) -> Any:
    browsing.open_page(page, "services")
    page.get_by_role("button", name="Neue Terminart").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("Dauer in Minuten").fill("20")
    form.get_by_label("Notfallspalte").check()
    return form


def _called(demo: Any, name: str) -> int:
    found = demo.desk().call("GET", "/api/v1/healthcare-services?limit=200")[1]["healthcareServices"]
    return [one["name"] for one in found].count(name)


def test_signing_in_anew_in_another_tab_leaves_this_one_working(demo: Any, sign_in: Any) -> None:
    page = sign_in("owner")
    form = _new_type(page, "Zwei Reiter")
    login, password = demo.person("owner")
    status = page.evaluate(
        """async ([login, password]) => (await fetch('/api/v1/session', {method: 'POST',
             headers: {'Content-Type': 'application/json'}, body: JSON.stringify({login, password})})).status""",
        [login, password],
    )
    assert status == 201  # the cookie is the new session's now, what this page knows is the old one's
    form.get_by_role("button", name="Speichern", exact=True).click()
    expect(form).to_be_hidden()
    assert _called(demo, "Zwei Reiter") == 1


def test_a_write_whose_answer_was_lost_is_not_done_twice_by_a_second_click(demo: Any, sign_in: Any) -> None:
    page = sign_in("owner")
    form = _new_type(page, "Antwort verloren")

    def lose(route: Any) -> None:
        route.fetch()  # the server does it
        route.abort()

    page.route(
        "**/api/v1/healthcare-services", lambda r: lose(r) if r.request.method == "POST" else r.continue_()
    )
    form.get_by_role("button", name="Speichern", exact=True).click()
    # the page asks four times, with pauses of 4.6 s together, before it says so
    expect(form.get_by_text("Der Server antwortet nicht")).to_be_visible(timeout=30_000)
    assert _called(demo, "Antwort verloren") == 1
    page.unroute("**/api/v1/healthcare-services")
    form.get_by_role("button", name="Speichern", exact=True).click()
    expect(form).to_be_hidden()
    assert _called(demo, "Antwort verloren") == 1


def test_nobody_reads_the_page_of_a_session_that_ended(
    demo: Any, sign_in: Any, appointment: dict[str, Any]
) -> None:
    page = sign_in("desk")
    _show(page, appointment["start"][:10])
    page.context.clear_cookies()
    page.get_by_role("button", name="Einen Tag weiter").click()
    page.locator("input[type=password]").wait_for()
    expect(page.get_by_role("heading", name="Kalender")).to_be_hidden()
