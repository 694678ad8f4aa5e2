"""Cancellations that come as messages: never a booking, never cancelled by guess (SPEC 3.7)."""

from typing import Any

import pytest
from tests.services.desk_cast import Desk, desk_of
from tests.services.test_desk_sources import source_of

from praxisd.kernel.app import House
from praxisd.model.portals import BookingSource
from praxisd.services.portals import sources_reading

LINES = "Nachname: Muster\nVorname: Erika\nGeburtsdatum: 01.02.1980\nTermin: {when}\nTerminart: Kontrolle\nKalender: Dr. 1\n"
WHEN = "25.11.2026 10:00"


def mail(text: str, subject: str = "Neue Buchung", number: int = 1) -> bytes:
    head = f"From: portal@example.org\nMessage-ID: <{number}@x>\nSubject: {subject}\nMIME-Version: 1.0\n\n"
    return f"{head}{text}".encode()


def stage(house: House, tmp_path: Any, **more: Any) -> tuple[Desk, BookingSource]:
    """A desk and its source, whose portal accepts at once if asked to."""
    desk = desk_of(house)
    if more.pop("at_once", False):
        desk.change_portal(at_once=True)
        more |= {"portal": desk.portal.id, "schedule": desk.practice.doctors[0]}
    return desk, source_of(desk, kind="folder", fields={"folder": str(tmp_path)}, **more)


def take(desk: Desk, source: BookingSource, data: bytes) -> tuple[int, bool]:
    return sources_reading.take(desk.house, desk.actor, source, data)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Absage", "Status: storniert\n"),
        ("Stornierung: Termin von Erika Muster", ""),
        ("Nachricht vom Portal", "Buchungsnummer: 4711\nStatus: vom Patienten storniert\n"),
    ],
)
def test_a_cancellation_of_what_nobody_knows_books_nothing(
    house: House, tmp_path: Any, subject: str, text: str, at_once: bool
) -> None:
    desk, source = stage(house, tmp_path, at_once=at_once)
    data = mail(LINES.format(when=WHEN) + text, subject)
    assert take(desk, source, data) == (1, True)
    one = desk.only()
    assert (one.state, one.reason, one.start, one.appointment) == (
        "open",
        "portals.cancels_unknown",
        None,
        None,
    )
    assert "25.11.2026" in one.original and one.subject == subject and desk.messages() == []
    assert take(desk, source, data) == (0, True) and len(desk.requests()) == 1


def test_a_cancellation_without_a_text_is_kept_too(house: House, tmp_path: Any) -> None:
    desk, source = stage(house, tmp_path)
    take(desk, source, mail("", "Stornierung Termin 25.11."))
    assert desk.only().original == "Stornierung Termin 25.11."


def test_what_answers_another_mail_is_not_booked_without_a_person(house: House, tmp_path: Any) -> None:
    desk, source = stage(house, tmp_path, at_once=True)
    take(desk, source, mail(LINES.format(when=WHEN), "AW: Ihr Termin"))
    assert desk.only().state == "open" and desk.appointment().status == "pending"
    take(desk, source, mail(LINES.format(when="26.11.2026 10:00"), number=2))
    assert sorted(one.state for one in desk.requests()) == ["accepted", "open"]


def test_words_never_cancel_a_booking_by_themselves(house: House, tmp_path: Any) -> None:
    desk, source = stage(house, tmp_path)
    text = LINES.format(when=WHEN) + "Buchungsnummer: 4711\n"
    take(desk, source, mail(text))
    take(desk, source, mail(text, "Stornierung Ihrer Buchung", 2))
    first = desk.requests()[0]
    assert first.state == "open" and desk.appointment(first).status == "pending"
