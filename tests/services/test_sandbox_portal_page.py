"""The page of `praxisd sandbox portal`, what hostile input does to it, its drop folder, and a kill -9."""

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from praxisd.sandbox.portal_booking import booking_of
from praxisd.testing.programs import PROGRAM, environment

from .portal_sandbox_cast import NAME, PATIENT, Portal

BOOK = f"/c/{quote(NAME, safe='')}/book?service=Sprechstunde&start=1796112000"
"""1 December 2026, 9:00."""
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    one = Portal(tmp_path)
    yield one
    one.close()


def whole(text: str) -> str:
    """The words of a page."""
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.S))


def test_a_patient_books_on_the_page(portal: Portal) -> None:
    status, text = portal.page("/")
    assert status == 200 and "Bei wem möchten Sie einen Termin?" in text
    (link,) = re.findall(r'href="(/c/[^"]+)"', text)
    _, text = portal.page(unescape(link))
    assert "Montag, 30. November 2026" in text and "Spätere Termine" in text
    links = [unescape(one) for one in re.findall(r'href="(/c/[^"]+/book[^"]+)"', text)]
    assert BOOK in links
    _, text = portal.page(BOOK)
    assert "Dienstag, 1. Dezember 2026, 09:00–09:15 Uhr" in text and "Termin anfragen" in text
    once = re.search(r'name="once" value="([^"]+)"', text)
    assert once is not None
    answers = [portal.form(BOOK, **PATIENT, once=once[1]) for _ in range(2)]
    assert [one[0] for one in answers] == [303, 303]
    path = answers[0][1]["location"]
    assert answers[1][1]["location"] == path, "a form sent twice books once"
    assert len(portal.ask("GET", "/bookings")[1]) == 1
    assert "Ihre Anfrage ist bei der Praxis." in portal.page(path)[1]
    _, text = portal.page(f"/c/{quote(NAME, safe='')}")
    assert BOOK not in unescape(text)
    assert portal.form(BOOK, **PATIENT)[0] == 409
    assert portal.page(BOOK)[0] == 409


def test_two_forms_at_once_one_wins(portal: Portal) -> None:
    begin, found = threading.Barrier(8), []

    def send(n: int) -> None:
        begin.wait()
        found.append(portal.form(BOOK, **PATIENT, once=f"form-{n}")[0])

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [303] + [409] * 7


def test_the_page_follows_what_the_practice_says(portal: Portal) -> None:
    _, made = portal.book()
    path = f"/b/{made['id']}"
    later = {"kind": "proposed", "start": "2026-12-02T10:00:00+01:00"}
    portal.api("POST", f"/bookings/{made['id']}/answer", later)
    text = portal.page(path)[1]
    assert "Vorschlag der Praxis" in text and "Mittwoch, 2. Dezember 2026, 10:00 Uhr" in text
    assert portal.form(f"{path}/yes")[1]["location"] == path
    assert "Ihr Termin ist bestätigt." in portal.page(path)[1]
    portal.api("POST", f"/bookings/{made['id']}/answer", {"kind": "moved", "start": "2026-12-03T10:00:00+01:00"})  # fmt: skip
    assert "Donnerstag, 3. Dezember 2026, 10:00–10:15 Uhr" in portal.page(path)[1]
    portal.api("POST", f"/bookings/{made['id']}/answer", {"kind": "cancelled", "reason": "portals.refused_call_us"})  # fmt: skip
    text = portal.page(path)[1]
    assert (
        "Die Praxis musste diesen Termin leider absagen." in text
        and "Bitte rufen Sie in der Praxis an." in text
    )
    # What comes too late changes nothing.
    assert portal.form(f"{path}/cancel")[0] == 303
    assert "Die Praxis musste diesen Termin leider absagen." in portal.page(path)[1]


def test_the_patient_cancels_on_the_page(portal: Portal) -> None:
    _, made = portal.book()
    assert "Termin absagen …" in portal.page(f"/b/{made['id']}")[1]
    portal.form(f"/b/{made['id']}/cancel")
    assert "Sie haben diesen Termin abgesagt." in portal.page(f"/b/{made['id']}")[1]
    assert portal.page("/b/gibt-es-nicht")[0] == portal.form("/b/gibt-es-nicht/cancel")[0] == 404


def test_each_language_by_browser_and_by_switch(portal: Portal) -> None:
    assert (
        'lang="en"' in portal.page("/", "en-GB")[1]
        and "Whom would you like to see?" in portal.page("/", "en")[1]
    )
    assert "Bei wem" in portal.page("/", "fr")[1]
    status, headers, _ = portal.raw("GET", "/?lang=en", Accept_Language="de")
    assert status == 200 and headers["set-cookie"].startswith("praxisd-sandbox-lang=en;")
    _, _, text = portal.raw("GET", "/", Accept_Language="de", Cookie=headers["set-cookie"].partition(";")[0])
    assert "Whom would you like to see?" in text.decode()
    for lang in ("de", "en"):
        for fields in ({"kind": "refused", "reason": "portals.refused_other"}, {"kind": "accepted"}):
            _, made = portal.book("2026-12-01T11:00:00+01:00")
            portal.api("POST", f"/bookings/{made['id']}/answer", fields)
            assert "portal_" not in whole(portal.page(f"/b/{made['id']}", lang)[1])
            portal.ask("POST", f"/bookings/{made['id']}/cancel")
        assert "portal_" not in whole(portal.page(f"/c/{quote(NAME, safe='')}", lang)[1])


def test_nothing_a_patient_writes_is_taken_for_html(portal: Portal) -> None:
    portal.ask("POST", "/calendars", {"name": HOSTILE, "services": [{"name": HOSTILE[:80], "minutes": 15}]})
    status, made = portal.book(calendar=HOSTILE, patient={**PATIENT, "family": HOSTILE}, note=HOSTILE)
    assert status == 201
    path = f"/c/{quote(HOSTILE, safe='')}"
    pages = [portal.page(one)[1] for one in ("/", path, f"/b/{made['id']}", f"{path}?from={quote(HOSTILE)}")]
    _, _, again = portal.form(
        BOOK, **{**PATIENT, "given": HOSTILE, "email": HOSTILE, "note": HOSTILE, "once": HOSTILE}
    )
    portal.api("POST", f"/bookings/{made['id']}/answer", {"kind": "refused", "reason": HOSTILE})
    pages += [again.decode(), portal.page(f"/b/{made['id']}")[1], portal.page(f"/b/{quote(HOSTILE)}")[1]]
    for text in pages:
        assert "<script" not in text and "<img" not in text
    assert escape(HOSTILE) in pages[0] and escape(HOSTILE) in pages[4]
    _, headers, _ = portal.raw("GET", "/")
    assert (
        "default-src 'none'" in headers["content-security-policy"]
        and "script" not in headers["content-security-policy"]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("family", ""), ("family", "x" * 81), ("given", "Eri\x00ka"), ("given", "\u202eakirE"), ("birthDate", "2026-12-01"),
        ("birthDate", "31.12.1980"), ("birthDate", "0001-01-01"), ("birthDate", ""), ("phone", "12"), ("phone", "rufmichan"),
        ("phone", "0171 1234567\r\nBcc: x"), ("email", "erika"), ("email", "a@b@c.de"), ("email", "a b@c.de"),
        ("note", "x" * 501), ("note", "\x07"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_meant_comes_back_with_the_reason(
    portal: Portal, name: str, value: str
) -> None:
    status, _, body = portal.form(BOOK, **{**PATIENT, name: value})
    text = body.decode()
    assert status == 422 and f"portal_check_{name}" not in text and 'role="alert"' in text
    assert escape(PATIENT["family" if name != "family" else "given"]) in text, (
        "what was written is still there"
    )
    assert portal.ask("GET", "/bookings")[1] == []


def test_strange_calls_are_refused_and_nothing_breaks(portal: Portal) -> None:
    assert portal.raw("POST", "/bookings", b"x" * 2_000_001)[0] == 413
    for body in (b"", b"{", b"[]", b"[" * 100_000, b'{"calendar": NaN}', b"\xff\xfe", b'"x"', b"null"):
        assert portal.raw("POST", "/bookings", body)[0] in (400, 422)
        assert portal.raw("POST", "/drflex/upload", body, X_API_Key=portal.wishes.key)[0] in (400, 404, 422)
    busy = [[], [1], [{"start": 1, "end": 2}], [{"start": "x", "end": "y"}], "x", None, {}, [{"start": "2026-12-01T08:00:00"}],
            [{"start": "2026-12-01T08:00:00", "end": "2026-12-01T09:00:00"}],
            [{"start": "2026-12-01T09:00:00+01:00", "end": "2026-12-01T08:00:00+01:00"}],
            [{"start": "9999-12-31T23:59:59+00:00", "end": "9999-12-31T23:59:59+00:00"}],
            [{"start": "2026-12-01T08:00:00+99:00", "end": "2026-12-01T09:00:00+01:00"}],
            [{"start": "2028-12-01T08:00:00+01:00", "end": "2028-12-01T09:00:00+01:00"}]]  # fmt: skip
    found = [portal.upload(busy=one)[0] for one in busy]
    assert found == [200] + [422] * (len(busy) - 1)
    assert portal.upload(start="2027-01-29T00:00:00+01:00")[0] == 422
    for calendar in ({}, {"name": ""}, {"name": "x" * 81}, {"name": "x", "hours": {"8": []}},
                     {"name": "x", "hours": {"1": [["10:00", "09:00"]]}}, {"name": "x", "hours": {"1": [["25:00", "26:00"]]}},
                     {"name": "x", "hours": {"1": [["9", 10]]}}, {"name": "x", "hours": {"1": 5}}, {"name": "x", "hours": []},
                     {"name": "x", "step": 0}, {"name": "x", "step": True}, {"name": "x", "days": 10**9},
                     {"name": "x", "services": []}, {"name": "x", "services": [1]}, {"name": "x", "what": 1}):  # fmt: skip
        assert portal.ask("POST", "/calendars", calendar)[0] == 422
    for query in ("date=x", "date=0001-01-01", "date=9999-12-31", "service=x"):
        assert portal.ask("GET", f"/free?calendar={quote(NAME)}&{query}")[0] in (200, 422)
    for since in ("x", "-1", "1e3", "9" * 40, "%C2%B2"):
        assert portal.api("GET", f"/bookings?since={since}")[0] == 422
    for path in ("/c/weg", f"{BOOK[:-10]}x", f"{BOOK}9999999", "/c/%00/book?start=1", "/c/%ff"):
        assert portal.page(path)[0] in (404, 409)
    assert portal.page(f"/c/{quote(NAME, safe='')}?from=9999-99-99&service=")[0] == 200
    status, body = portal.ask("POST", "/bookings", {}, Origin="https://evil.example")
    assert (status, body) == (403, {"code": "forbidden"})
    assert portal.book()[0] == 201


ICS = """BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{}END:VCALENDAR\r\n"""
EVENT = "BEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:20261101T000000Z\r\n{}END:VEVENT\r\n"


def ics(*events: str) -> bytes:
    return ICS.format("".join(EVENT.format(n, one) for n, one in enumerate(events))).encode()


def test_the_drop_folder_takes_a_file_per_calendar(portal: Portal) -> None:
    file = f"{quote(NAME)}.ics"
    body = ics(
        "DTSTART:20261201T070000Z\r\nDTEND:20261201T090000Z\r\n",
        "DTSTART;TZID=Europe/Berlin:20261201T140000\r\nDURATION:PT1H\r\n",
        "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nTRANSP:TRANSPARENT\r\n",
        "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nSTATUS:CANCELLED\r\n",
        "DTSTART;VALUE=DATE:20261202\r\n",
    )
    assert portal.dav("GET", file)[0] == 404
    status, headers, _ = portal.dav("PUT", file, body, If_None_Match="*")
    first = headers["etag"]
    assert status == 201
    assert portal.dav("GET", file)[2] == body and portal.dav("HEAD", file)[1]["etag"] == first
    assert portal.dav("GET", file, If_None_Match=first)[0] == 304
    assert (
        portal.free()[:2] == ["10:00", "10:15"] and "14:00" not in portal.free() and "15:00" in portal.free()
    )
    assert portal.free("2026-12-02") == []
    assert portal.dav("PUT", file, ics(), If_None_Match="*")[0] == 412
    assert portal.dav("PUT", file, ics(), If_Match='"anders"')[0] == 412
    status, headers, _ = portal.dav("PUT", file, ics(), If_Match=first)
    assert status == 204 and headers["etag"] != first and portal.free()[0] == "08:00"
    portal.again()
    assert portal.dav("HEAD", file)[1]["etag"] == headers["etag"]
    status, _, listed = portal.dav("PROPFIND", "", Depth="1")
    assert status == 207 and escape(headers["etag"]) in listed.decode() and f"/dav/{file}" in listed.decode()
    assert portal.dav("DELETE", file)[0] == 204 and portal.dav("DELETE", file)[0] == 404
    assert portal.dav("PUT", "weg.ics", ics())[0] == 404


def test_the_drop_folder_tells_what_is_taken_there_without_names(portal: Portal) -> None:
    span = {"start": "2026-12-01T15:00:00+01:00", "end": "2026-12-01T16:00:00+01:00"}
    portal.ask("POST", "/blockers", {"calendar": NAME, **span})
    portal.book()
    status, headers, body = portal.dav("GET", f"{quote(NAME)}.blockers.ics")
    assert status == 200 and body.count(b"BEGIN:VEVENT") == 2
    assert b"DTSTART:20261201T080000Z" in body and b"DTSTART:20261201T140000Z" in body
    assert not any(one.encode() in body for one in PATIENT.values())
    assert portal.dav("GET", f"{quote(NAME)}.blockers.ics", If_None_Match=headers["etag"])[0] == 304
    assert portal.dav("PUT", f"{quote(NAME)}.blockers.ics", ics())[0] in (403, 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"BEGIN:VCALENDAR\r\n", 422), (b"\xff", 400), (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", 422),
        (ics("DTSTART:20261201T070000Z\r\n"), 422), (ics("DTSTART:gestern\r\nDTEND:heute\r\n"), 422),
        (ics("DTSTART:20261201T070000Z\r\nDTEND:20261201T070000Z\r\n"), 422),
        (ics("DTSTART:20261201T070000Z\r\nDTEND:20261201T080000Z\r\nRRULE:FREQ=DAILY\r\n"), 422),
        (ics("DTEND:20261201T070000Z\r\n"), 422),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_changes_nothing(portal: Portal, body: bytes, status: int) -> None:
    file = f"{quote(NAME)}.ics"
    portal.dav("PUT", file, ics("DTSTART:20261201T070000Z\r\nDTEND:20261201T080000Z\r\n"))
    assert portal.dav("PUT", file, body)[0] == status
    assert portal.free()[0] == "09:00" and portal.ask("GET", "/status")[1]["uploads"] == 1


def test_a_kill_loses_no_booking_that_was_answered(tmp_path: Path) -> None:
    line = [*PROGRAM, "sandbox", "portal", "--data", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        portal = Portal.at(url)
        _, (calendar,) = portal.ask("GET", "/calendars")
        _, found = portal.ask("GET", f"/free?calendar={quote(calendar['name'])}")
        status, made = portal.book(found["free"][0], calendar=calendar["name"])
        assert status == 201
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
    file = tmp_path / "sandbox" / "portal.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("ab") as torn:
        torn.write(b'{"kind": "booking", "boo')
    again = Portal(tmp_path)
    try:
        (kept,) = again.ask("GET", "/bookings")[1]
        assert kept == made
        assert booking_of(again.running.board.bookings()[0].kept()) == again.running.board.bookings()[0]
    finally:
        again.close()


def test_behind_the_counter_one_sees_what_is_taken_and_makes_faults(portal: Portal) -> None:
    portal.upload(("10:00", "11:00"))
    portal.book("2026-12-01T15:00:00+01:00", patient={**PATIENT, "family": HOSTILE})
    assert (
        portal.form(
            "/look/blockers", **{"calendar": NAME, "date": "2026-12-01", "from": "12:00", "to": "12:30"}
        )[0]
        == 303
    )
    status, text = portal.page("/look")
    assert status == 200 and "<script" not in text and "portal_" not in whole(text)
    assert "Belegte Zeiten: 1, hochgeladen 30.11. 07:00:00 (api)" in text
    for kind, span in (("", "10:00–11:00"), ("here", "12:00–12:30"), ("booked", "15:00–15:15")):
        assert f'<span class="span {kind}">{span}</span>' in text
    (id_,) = re.findall(r"/look/blockers/([^/]+)/gone", text)
    portal.form(f"/look/blockers/{id_}/gone")
    assert "12:00–12:30" not in portal.page("/look", "en")[1]
    assert portal.form("/look/faults", once="error")[0] == 303 and portal.api("GET", "/calendars")[0] == 500
    assert portal.form("/look/faults", always="error")[0] == 303 and portal.api("GET", "/calendars")[0] == 500
    assert portal.form("/look/faults", off="1")[0] == 303 and portal.api("GET", "/calendars")[0] == 200
    assert portal.form("/look/faults", once="eaten")[0] == 422
    assert portal.form("/look/blockers", calendar=NAME, date="gestern")[0] == 422
