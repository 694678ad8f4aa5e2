"""A message that calls a booking off is never read as one; a confirmation that says how to cancel still is."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from praxisd.services.portals import reading

BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 11, 23, 8, 0, tzinfo=UTC).timestamp())
LINES = "Nachname: Muster\nVorname: Erika\nGeburtsdatum: 01.02.1980\nTermin: 25.11.2026 10:00\nTerminart: Kontrolle\n"
ICS = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTART:20261125T090000Z\r\nDTEND:20261125T093000Z\r\n"
    "SUMMARY:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def one(text: str, subject: str | None = None) -> reading.Reading:
    """The one booking of a text, or of a mail with this subject."""
    head = "" if subject is None else f"Message-ID: <1@x>\nSubject: {subject}\nMIME-Version: 1.0\n\n"
    (found,) = reading.read(f"{head}{text}".encode(), BERLIN, NOW, mail=subject is not None)
    return found


@pytest.mark.parametrize("status", ["storniert", "Storniert", "abgesagt", "cancelled", "storno"])
def test_a_status_is_certain(status: str) -> None:
    found = one(f"{LINES}Status: {status}\n")
    assert (found.cancelled, found.perhaps) == (True, False)


@pytest.mark.parametrize(
    "subject",
    ["Stornierung: Termin von Erika Muster", "Terminabsage", "Absage", "AW: Termin storniert", "Your appointment was cancelled"],
)  # fmt: skip
def test_a_subject_that_calls_off(subject: str) -> None:
    found = one(LINES, subject)
    assert found.cancelled and found.perhaps
    assert not one(LINES, "Neue Buchung").cancelled


@pytest.mark.parametrize(
    "top",
    [
        "Folgender Termin wurde storniert:", "Stornierung", "Guten Tag,\n\nhiermit sage ich den Termin ab.",
        "Hallo, ich muss leider absagen", "Betreff: Storno", "Status: vom Patienten storniert",
        "I have to cancel this appointment.",
    ],
)  # fmt: skip
def test_first_words_that_call_off(top: str) -> None:
    assert one(f"{top}\n\n{LINES}").perhaps and one(f"{top}\n\n{LINES}", "Nachricht").cancelled


@pytest.mark.parametrize(
    "said",
    [
        "Neue Buchung (kostenlos stornierbar)", "Ihr Termin – Stornierung bis 24 Stunden vorher möglich",
        "Termin gebucht, nicht storniert", "Booked; free cancellation", "Cancellation policy", "Zusage",
    ],
)  # fmt: skip
def test_what_may_be_cancelled_is_booked(said: str) -> None:
    assert not one(LINES, said).cancelled and not one(f"{said}\n\n{LINES}").cancelled
    assert not one(
        f"{LINES}\nSie möchten den Termin stornieren? Absage unter 030 123.", "Neue Buchung"
    ).cancelled


def test_data_says_it_in_its_own_field() -> None:
    assert one(json.dumps({"start": "2026-11-25T10:00", "status": "cancelled"})).cancelled
    assert not one(json.dumps({"start": "2026-11-25T10:00", "note": "muss vielleicht absagen"})).cancelled
    assert one(ICS.format("Abgesagt: Termin")).perhaps and not one(ICS.format("Termin")).cancelled


def test_an_answer_to_a_mail_is_known_as_one() -> None:
    assert [one(LINES, said).answers for said in ("Re: Ihr Termin", "AW: Termin", "WG: Neue Buchung")] == [
        True
    ] * 3
    assert not one(LINES, "Reservierung").answers and not one(LINES).answers


def test_a_word_is_no_number() -> None:
    assert not one(f"{LINES}Referenz: Website\n").named and one(f"{LINES}Referenz: A-17\n").named
