"""The page of data exchange: a table looked at, taken over and taken back; patients out on a laptop, conflicts decided."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from praxisd.testing import browser as browsing
from praxisd.testing.programs import Client, command, running

from .pictures import picture
from .walking import overflow, violations

PASSWORD = "Der Hund bellt im Hof"
TABLE = """Patientennummer;Nachname;Vorname;Geburtsdatum;Telefon;PLZ;Ort;Krankheit
0017;Übermaß;Jörg;03.04.1971;030 1234567;10115;Berlin;x
0018;Groß;Änne;12.11.1965;030 7654321;10117;Berlin;
1,23E+07;Kaputt;Karl;01.02.1950;;10119;Berlin;
"""


def _button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def _count(demo: Any, name: str) -> int:
    return len(demo.desk().call("POST", "/api/v1/patients/search", {"text": name})[1]["patients"])


def test_a_table_is_looked_at_taken_over_and_taken_back(
    demo: Any, sign_in: Any, axe: str, tmp_path: Path
) -> None:
    file = tmp_path / "alt.csv"
    file.write_bytes(TABLE.encode("cp1252"))
    page: Page = sign_in("owner", width=1024, height=768)
    browsing.open_page(page, "exchange")
    page.locator("main input[type=file]").set_input_files(str(file))
    columns = page.get_by_role("region", name="Was in den Spalten steht")
    expect(columns).to_contain_text("Übermaß")  # in the right encoding, found out
    expect(page.get_by_label("Spalte Geburtsdatum wird zu")).to_have_value("birthDate")
    assert violations(page, axe) == [] and overflow(page) == []
    page.get_by_role("button", name=re.compile("Lesen und zeigen")).click()
    report = page.get_by_role("region", name="Bericht", exact=True)
    expect(report).to_contain_text("Krankheit")
    expect(report.get_by_role("button", name="Nummer fraglich")).to_contain_text("1")
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "takeover")
    assert _count(demo, "Übermaß") == 0  # nothing is written yet
    _button(page, "Übernehmen").click()
    _button(page.get_by_role("dialog"), "Übernehmen").click()
    expect(
        page.get_by_text("lässt sich").or_(page.get_by_text("Die Datei bleibt noch")).first
    ).to_be_visible()
    assert _count(demo, "Übermaß") == 1
    page.reload()
    _button(page, "Zurücknehmen").click()
    _button(page.get_by_role("dialog"), "Zurücknehmen").click()
    expect(page.get_by_text("Die Einträge stehen wieder da wie zuvor.")).to_be_visible()
    assert _count(demo, "Übermaß") == 0
    _button(page, "Zur Übersicht").click()
    expect(page.get_by_role("region", name="Alle Übernahmen").last).to_contain_text("zurückgenommen")


def _lent(page: Page, tmp_path: Path) -> tuple[Path, str]:
    """Helga Ackermann goes out: the file, and the passphrase proposed for it."""
    browsing.open_page(page, "exchange/laptop")
    _button(page, "Mitnehmen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill("Ackermann")
    dialog.get_by_role("list", name="Gefundene Patienten").get_by_role("button").first.click()
    dialog.get_by_label("Wofür").fill("Hausbesuche")
    _button(dialog, "Vorschlagen").click()
    field = dialog.get_by_label("Kennwort der Datei", exact=True)
    expect(field).to_have_value(re.compile(".{12,}"))
    dialog.get_by_label("Ich habe mir das Kennwort notiert").check()
    passphrase = field.input_value()
    with page.expect_download() as saving:
        _button(dialog, "Datei speichern").click()
    file = tmp_path / "out.age"
    saving.value.save_as(file)
    expect(page.get_by_role("region", name="Was unterwegs ist oder war").last).to_contain_text("unterwegs")
    return file, passphrase


def _changed(client: Client, headers: dict[str, str], patient: str, family: str) -> None:
    status, answer = client.call("PATCH", f"/api/v1/patients/{patient}", {"family": family}, headers)
    assert status == 200, answer


def _on_the_laptop(file: Path, passphrase: str, tmp_path: Path) -> tuple[Path, str]:
    """The name is changed there; the packed file, and the patient's id."""
    laptop, packed = tmp_path / "laptop", tmp_path / "back.age"
    opened = command(
        "laptop",
        "open",
        str(file),
        "--user",
        "eva",
        "--stdin",
        folder=laptop,
        stdin=f"{passphrase}\n{PASSWORD}\n",
    )
    assert opened.code == 0, opened.err
    with running(laptop) as away:
        client = away.client()
        body = json.dumps({"login": "eva", "password": PASSWORD}).encode()
        status, sent, data = client.raw("POST", "/api/v1/session", body)
        assert status == 201, data
        headers = {
            "Cookie": str(sent["Set-Cookie"]).partition(";")[0],
            "X-Praxisd-Csrf": json.loads(data)["csrf"],
        }
        patient = client.call("POST", "/api/v1/patients/search", {}, headers)[1]["patients"][0]["id"]
        _changed(client, headers, patient, "Ackermann-Unterwegs")
        assert command("laptop", "pack", "--to", str(packed), folder=laptop).code == 0
    return packed, patient


def test_out_on_a_laptop_and_conflicts_side_by_side(
    demo: Any, sign_in: Any, axe: str, tmp_path: Path
) -> None:
    page: Page = sign_in("owner", width=1024, height=768)
    file, passphrase = _lent(page, tmp_path)
    assert violations(page, axe) == [] and overflow(page) == []
    packed, patient = _on_the_laptop(file, passphrase, tmp_path)
    _changed(demo.desk(), {}, patient, "Ackermann-Daheim")
    for again in (False, True):
        _button(page, "Zurückbringen").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("input[type=file]").set_input_files(str(packed))
        _button(dialog, "Zurückbringen").click()
        said = "Diese Datei war schon da" if again else "Zurückgebracht. Zu entscheiden: 1"
        expect(dialog).to_contain_text(said)
        dialog.get_by_role("button", name="Schließen").last.click()
    conflict = page.get_by_role("article", name=re.compile("Nachname"))
    expect(conflict.get_by_role("group", name="Hier")).to_contain_text("Ackermann-Daheim")
    expect(conflict.get_by_role("group", name="Auf dem Laptop")).to_contain_text("Ackermann-Unterwegs")
    assert violations(page, axe) == [] and overflow(page) == []
    picture(page, "laptop")
    _button(conflict, "Vom Laptop nehmen").click()
    expect(conflict).to_be_hidden()
    assert demo.desk().call("GET", f"/api/v1/patients/{patient}")[1]["family"] == "Ackermann-Unterwegs"
    page.get_by_role("button", name="Sperren: Hausbesuche").click()
    page.get_by_role("dialog").get_by_role("button", name="Sperren").click()
    expect(page.get_by_role("region", name="Was unterwegs ist oder war").last).to_contain_text("gesperrt")


def test_a_patient_is_given_out_and_devices_in_english_on_a_tablet(
    sign_in: Any, axe: str, tmp_path: Path
) -> None:
    page: Page = sign_in("owner", lang="en", width=820, height=1180)
    for tab in ("takeover", "export", "devices", "laptop"):
        browsing.open_page(page, f"exchange/{tab}")
        page.wait_for_timeout(400)
        assert violations(page, axe) == [] and overflow(page) == []
    browsing.open_page(page, "exchange/devices")
    _button(page, "Add a device").click()
    dialog = page.get_by_role("dialog")
    _button(dialog, "Save").click()
    expect(dialog.get_by_text("Please fill in.")).to_be_visible()
    dialog.get_by_label("Name", exact=True).fill("Lungenfunktion")
    dialog.get_by_label("Folder praxisd reads from").fill(str(tmp_path))
    dialog.get_by_label("GDT id of the device").fill("SPIRO1")
    _button(dialog, "Save").click()
    expect(page.get_by_role("region", name="Devices").last).to_contain_text("Lungenfunktion")
    browsing.open_page(page, "patients")
    page.get_by_role("searchbox", name="Search").fill("Ba")
    page.locator("main table button.open").first.click()
    page.get_by_role("tab", name="Device results").click()
    expect(page.get_by_text("No device results")).to_be_visible()
    assert violations(page, axe) == [] and overflow(page) == []
    _button(page, "Disclosure (GDPR)").click()
    with page.expect_download() as saving:
        _button(page.get_by_role("dialog"), "Make the disclosure").click()
    assert saving.value.path().read_bytes()[:2] == b"PK"
