"""What messages say of bookings: read where it is certain, left out where it is not, whatever anybody sends."""

import base64
import json
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from praxisd.model.portals import Told
from praxisd.services.portals import reading, reading_lines, reading_times

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_795_420_800
"""Monday, 23 November 2026, 09:00 in Berlin."""
TEN_THIRTY = int(datetime(2026, 12, 3, 9, 30, tzinfo=UTC).timestamp())
"""Thursday, 3 December 2026, 10:30 in Berlin."""

GERMAN = """Guten Tag,

es ist eine neue Buchung eingegangen:

Nachname: Müller-Lüdenscheidt
Vorname: Jörg
Geburtsdatum: 12.03.1980
Telefon: 030 23125-100
Handy: 0171 3920012
E-Mail: joerg@example.org
Termin: Do, 03.12.2026, 10:30 Uhr
Dauer: 45 Minuten
Terminart: Kontrolle
Behandler: Dr. Beispiel
Buchungsnummer: 4711
Bemerkung: Zahn oben links
"""
ENGLISH = """Booking number: 4711
Last name: Miller
First name: Anne
Date of birth: 12 March 1980
Mobile: +49 171 3920012
Date: December 3, 2026
Time: 10:30 am - 11:15 am
Service: Check-up
"""


def one(text: str | bytes, **more: bool) -> reading.Reading:
    """The one booking of a message."""
    data = text if isinstance(text, bytes) else text.encode()
    (found,) = reading.read(data, BERLIN, NOW, **more)
    return found


def test_german_lines() -> None:
    found = one(GERMAN)
    assert found.told == Told(
        family="Müller-Lüdenscheidt", given="Jörg", birth_date="1980-03-12", phone="0171 3920012", email="joerg@example.org"
    )  # fmt: skip
    assert (found.start, found.end) == (TEN_THIRTY, TEN_THIRTY + 2700)
    assert (found.word, found.calendar, found.note) == ("Kontrolle", "Dr. Beispiel", "Zahn oben links")
    assert (found.key, found.named, found.cancelled) == ("no:4711", True, False)
    assert found.text == GERMAN


def test_english_lines() -> None:
    found = one(ENGLISH)
    assert found.told == Told(family="Miller", given="Anne", birth_date="1980-03-12", phone="+49 171 3920012")
    assert (found.start, found.end, found.word) == (TEN_THIRTY, TEN_THIRTY + 2700, "Check-up")


def test_our_json() -> None:
    said = {
        "id": 17, "start": "2026-12-03T10:30:00+01:00", "minutes": 20, "service": "Kontrolle", "calendar": "Dr. 1",
        "patient": {"family": "Muster", "given": "Eva", "birthDate": "1980-05-17", "phone": "030 231250", "email": "e@x.de"},
        "note": "bitte\nleise", "newer": ["fields"],
    }  # fmt: skip
    found = one(json.dumps(said))
    assert found.told == Told(
        family="Muster", given="Eva", birth_date="1980-05-17", phone="030 231250", email="e@x.de"
    )
    assert (found.key, found.start, found.end) == ("id:17", TEN_THIRTY, TEN_THIRTY + 1200)
    assert (found.word, found.calendar, found.note) == ("Kontrolle", "Dr. 1", "bitte\nleise")
    wall = one(json.dumps({"start": "2026-12-03 10:30"}))
    assert wall.start == TEN_THIRTY and not wall.named
    assert one(json.dumps({"id": "17", "cancelled": True})).cancelled


def test_several_bookings_of_one_message_are_several() -> None:
    rows = [{"id": f"b{n}", "start": f"2026-12-03T1{n}:00:00+01:00"} for n in range(3)]
    found = reading.read(json.dumps({"bookings": rows}).encode(), BERLIN, NOW)
    assert [f.key for f in found] == ["id:b0", "id:b1", "id:b2"]
    bare = reading.read(json.dumps([{}, {}]).encode(), BERLIN, NOW)
    assert len({f.key for f in bare}) == 2
    assert len(reading.read(json.dumps([{}] * 51).encode(), BERLIN, NOW)) == 1


def calendar(*lines: str) -> str:
    """An iCalendar text with one event."""
    return "\r\n".join(
        ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", "")
    )


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        (("DTSTART:20261203T093000Z", "DURATION:PT30M"), TEN_THIRTY, TEN_THIRTY + 1800),
        (("DTSTART;TZID=Europe/Berlin:20261203T103000", "DTEND:20261203T100000Z"), TEN_THIRTY, TEN_THIRTY + 1800),
        (('DTSTART;TZID="W. Europe Standard Time":20261203T103000',), TEN_THIRTY, None),
        (("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20261203T103000",), TEN_THIRTY, None),
        (("DTSTART:20261203T103000",), TEN_THIRTY, None),
        (("DTSTART;VALUE=DATE:20261203",), None, None),
        (("DTSTART;TZID=Mars/Base:20261203T103000",), None, None),
        (("DTSTART:20261203T093000Z", "RRULE:FREQ=DAILY"), None, None),
        (("DTSTART:20261103T093000Z",), None, None),
        (("BEGIN:VALARM", "DTSTART:20261203T093000Z", "END:VALARM"), None, None),
    ],
)  # fmt: skip
def test_calendar_entries(lines: tuple[str, ...], start: int | None, end: int | None) -> None:
    found = one(calendar("UID:abc@portal", *lines, "SUMMARY:Neue Buchung"))
    assert (found.key, found.start, found.end, found.subject) == ("id:abc@portal", start, end, "Neue Buchung")


def test_a_calendar_entry_says_who_in_its_description() -> None:
    text = calendar(
        "UID:1", "DTSTART:20261203T093000Z", "DESCRIPTION:Name: Muster\\, Eva\\nGeb.: 17.05.1980\\nTel",
        " efon: 030 231250", "STATUS:CANCELLED",
    )  # fmt: skip
    found = one(text)
    assert found.told == Told(family="Muster", given="Eva", birth_date="1980-05-17", phone="030 231250")
    assert found.cancelled


def mail(
    body: str, *, kind: str = "text/plain; charset=utf-8", subject: str = "Neue Buchung", extra: str = ""
) -> bytes:
    """A mail with one part."""
    head = f"Received: from x\r\nMessage-ID: <1@x>\r\nDate: Thu, 26 Nov 2026 10:11:00 +0100\r\nSubject: {subject}\r\n"
    return f"{head}{extra}MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}".encode()


def test_a_mail_and_the_same_mail_by_another_way() -> None:
    text = GERMAN.replace("Buchungsnummer: 4711\n", "")
    first, second = one(mail(text), mail=True), one(mail(text, extra="X-Spam: no\r\nReceived: by y\r\n"))
    assert first.start == TEN_THIRTY and first.subject == "Neue Buchung" and first.key == second.key
    assert not first.named and one(mail(text + "anders"), mail=True).key != first.key


def test_a_page_as_a_mail() -> None:
    rows = "".join(
        f"<tr><td>{a}</td>\n<td>{b}</td></tr>" for a, b in (line.split(": ") for line in ENGLISH.splitlines())
    )
    page = f"<html><head><style>td: x</style></head><body><p>Hi &amp; hello</p><table>{rows}</table><!-- Time: 12:00 --></body>"
    found = one(mail(page, kind="text/html"), mail=True)
    assert (found.start, found.told.family, found.named) == (TEN_THIRTY, "Miller", True)
    assert "<" not in found.text and "Hi & hello" in found.text


def test_a_mail_with_the_booking_attached() -> None:
    ics = base64.b64encode(calendar("UID:z", "DTSTART:20261203T093000Z").encode()).decode()
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSiehe Anhang.\r\n--b\r\nContent-Type: application/octet-stream\r\n"
        f'Content-Disposition: attachment; filename="b.ics"\r\nContent-Transfer-Encoding: base64\r\n\r\n{ics}\r\n--b--\r\n'
    )
    found = one(mail(body, kind='multipart/mixed; boundary="b"'), mail=True)
    assert (found.key, found.start, found.text) == ("id:z", TEN_THIRTY, "Siehe Anhang.")


@pytest.mark.parametrize(
    "text",
    [
        "Ich möchte meinen Termin am 3.12.2026 um 10:30 Uhr absagen.",
        "Datum: 03.12.2026",
        "Uhrzeit: 10:30",
        "Termin: 03.12.2026 10:30\nDatum: 04.12.2026\nUhrzeit: 10:30",
        "Termin: Mo, 03.12.2026, 10:30 Uhr",  # a Thursday
        "Termin: 03/12/2026 10:30",
        "Termin: 31.02.2027 10:30",
        "Termin: 28.03.2027 02:30",  # the clocks skip it
        "Termin: 25.10.2026 02:30",
        "Termin: 03.12.1926 10:30",
        "Termin: 03.12.2126 10:30",
        "Termin: 23.11.2026 08:59",  # a minute ago
        "Von: portal@x\nDatum: 03.12.2026\nUhrzeit: 10:30\nBetreff: Buchung",
        "Termin: 03.12.2026 25:30",
        "Uhrzeit: 10:30\nUhrzeit: 11:30\nDatum: 03.12.2026",
    ],
)
def test_what_is_not_certain_is_no_time(text: str) -> None:
    assert one(text).start is None and one(text).text == text


def test_names_are_divided_only_where_the_message_does() -> None:
    def told(text: str) -> tuple[str, str]:
        found = one(text).told
        return found.family, found.given

    assert told("Name: Muster, Eva") == ("Muster", "Eva")
    assert told("Name: Eva Muster") == ("Eva Muster", "")
    assert told("Name: Eva Muster\nVorname: Eva") == ("Muster", "Eva")
    assert told("Name: Muster\nVorname: Eva") == ("Muster", "Eva")
    assert told("Name, Vorname: Muster, Eva") == ("", "") or told("Name, Vorname: Muster, Eva") == (
        "Muster",
        "Eva",
    )
    assert told("Nachname: O’Brien-d'Arc\nVorname: José") == ("O’Brien-d'Arc", "José")
    for bad in ("=HYPERLINK(1)", "@SUM(A1)", "+49", "<script>", "http://x"):
        assert told(f"Nachname: {bad}") == ("", "")


def test_free_text_says_what_it_calls_by_its_name() -> None:
    found = one("Guten Tag, ich bin Eva Muster, geb. am 17.05.1980, und brauche einen Termin. Tel 030 231250")
    assert found.told == Told(birth_date="1980-05-17") and found.start is None
    assert one("geb. 17.05.1980, mein Kind geb. 01.02.2015").told.birth_date == ""


@given(st.binary(max_size=3000), st.booleans())
@example(b"\xff\xfe\0\0", False)
@example(b"", True)
@example(b"[" * 2000, False)
@example(b'{"start": 1e999, "id": {"a": 1}, "patient": 3}', False)
def test_reads_anything(data: bytes, is_mail: bool) -> None:
    for found in reading.read(data, BERLIN, NOW, mail=is_mail):
        assert found.key and len(found.text) <= reading.ORIGINAL_MOST
        assert found.start is None or NOW < found.start < NOW + reading.AHEAD_S
        assert "\0" not in found.text and isinstance(found.text.encode(), bytes)


@given(st.text(max_size=600))
def test_reads_any_text(text: str) -> None:
    (found, *_) = reading.read(text.encode("utf-8", "surrogatepass"), BERLIN, NOW)
    assert len(found.text.encode()) <= 4 * reading.ORIGINAL_MOST


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 1_500_000,
        b"<!--" * 300_000,
        b"<td>" * 300_000,
        b"Name:" * 200_000,
        b"BEGIN:VEVENT\n" * 80_000,
        b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\nEND:VEVENT\n" * 40_000,
        b"A: b\r\n" * 150_000,
        b"geb. am " * 120_000,
        b"\xf0\x9f\x98\x80" * 250_000,
        b'{"a":' * 200_000,
        mail("<style>" * 100_000, kind="text/html"),
        mail("&amp;" * 200_000, kind="text/html"),
        mail("x", kind="multipart/mixed; boundary=" + "b" * 900),
    ],
)
def test_hostile_ones_are_read_in_bounded_time(data: bytes) -> None:
    began = time.process_time()
    for kind in (True, False):
        assert reading.read(data, BERLIN, NOW, mail=kind)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "x-unheard-of", "idna", "\0"]
)
def test_charsets_true_or_not(charset: str) -> None:
    head = f"Message-ID: <1@x>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode()
    for body in (GERMAN.encode(), GERMAN.encode("cp1252")):
        found = one(head + body, mail=True)
        if charset != "utf-16":
            assert found.told.family == "Müller-Lüdenscheidt" and found.start == TEN_THIRTY


_DAYS = st.dates(date(2026, 11, 24), date(2029, 10, 1))
_MINUTES = st.integers(0, 24 * 60 - 1)


@given(_DAYS, _MINUTES, st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%-d.%-m.%y", "%B %-d, %Y", "%-d %b %Y"]))
def test_every_written_time_is_the_time_that_was_meant(day: date, minute: int, form: str) -> None:
    meant = reading_times.instant(day, minute, BERLIN)
    written = f"Datum: {day.strftime(form)}\nUhrzeit: {minute // 60:02}:{minute % 60:02} Uhr\n"
    found = one(written)
    assert found.start == meant
    moment = reading_times.moment(f"{day.strftime(form)} {minute // 60:02}:{minute % 60:02}")
    assert moment == (day, minute, None)


_LETTERS = st.characters(categories=("Lu", "Ll"), max_codepoint=0x24F)
_NAMES = st.text(_LETTERS, min_size=1, max_size=20)


@given(_NAMES, _NAMES, st.dates(date(1900, 1, 1), date(2026, 1, 1)))
def test_what_was_written_is_what_is_read(family: str, given_: str, born: date) -> None:
    found = one(f"Nachname: {family}\nVorname: {given_}\nGeburtsdatum: {born:%d.%m.%Y}\n")
    assert found.told == Told(family=family, given=given_, birth_date=born.isoformat())


@given(
    st.lists(
        st.sampled_from(["03.12.2026 10:30", "04.12.2026 10:30", "03.12.2026 11:00"]), min_size=1, max_size=4
    )
)
def test_two_times_are_none(times: list[str]) -> None:
    found = one("\n".join(f"Termin: {each}" for each in times))
    assert (found.start is not None) == (len(set(times)) == 1)


def test_labels_are_read_in_many_forms() -> None:
    for text in (
        "- Nachname : Muster",
        "* Nachname = Muster",
        "Nachname:\nMuster",
        "NACHNAME:\tMuster",
        "• Nachname: Muster",
    ):
        assert reading_lines.labelled(text).get("family") == "Muster", text
    assert "family" not in reading_lines.labelled("> Nachname: Muster")
