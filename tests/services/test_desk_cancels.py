"""Cancellations that come as messages: never a booking, never cancelled by guess (SPEC 3.7)."""

from typing import Any

import pytest
from tests.services.desk_cast import Desk, Hands, desk_of, door
from tests.services.sources_cast import source_of

from praxisd.kernel.app import House
from praxisd.model.portals import BookingSource
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deciding, sources_reading, store

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


@pytest.mark.parametrize("number", ["Buchungsnummer: 4711\n", ""])
@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("stands", [False, True])
def test_what_it_means_asks_the_desk(
    house: House, tmp_path: Any, number: str, accepted: bool, stands: bool
) -> None:
    desk, source = stage(house, tmp_path)
    text = LINES.format(when=WHEN) + number
    take(desk, source, mail(text))
    take(desk, source, mail(LINES.format(when="26.11.2026 10:00"), number=2))
    one, other = sorted(desk.requests(), key=lambda each: each.start or 0)
    if accepted:
        desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, one.id)))
    status = desk.appointment(one).status
    data = mail(text, "Stornierung Ihrer Buchung", 3)
    assert take(desk, source, data) == (1, True) and take(desk, source, data) == (0, True)
    asks = desk.see(lambda tx: store.REQUESTS.need(tx, one.id))
    assert (asks.state, asks.reason) == ("open", "portals.cancels_asked") and "Stornierung" in asks.original
    assert desk.appointment(asks).status == status and len(desk.requests()) == 2
    if stands and accepted:
        desk.do(lambda tx: deciding.refuse(house, tx, deciding.need(tx, one.id), "portals.refused_other"))
        assert desk.appointment(one).status == "booked"
    else:
        desk.do(lambda tx: deciding.withdraw(house, tx, deciding.need(tx, one.id)))
        assert desk.appointment(one).status == "cancelled"
    assert take(desk, source, data) == (0, True) and len(desk.requests()) == 2  # heard and decided
    assert desk.see(lambda tx: store.REQUESTS.need(tx, other.id)) == other


@pytest.mark.parametrize(
    "text",
    [
        LINES.format(when="25.11.2026 10:30"),
        LINES.format(when=WHEN).replace("Erika", "Otto"),
        LINES.format(when=WHEN).replace("01.02.1980", "02.02.1980"),
        "Ich komme nicht, Erika Muster",
    ],
)
def test_what_nothing_says_for_certain_ties_to_nothing(house: House, tmp_path: Any, text: str) -> None:
    desk, source = stage(house, tmp_path)
    take(desk, source, mail(LINES.format(when=WHEN)))
    before = desk.only()
    people = desk.events("patient.")
    take(desk, source, mail(text, "Absage", 2))
    assert desk.see(lambda tx: store.REQUESTS.need(tx, before.id)) == before
    (asks,) = [each for each in desk.requests() if each.id != before.id]
    assert (asks.reason, asks.appointment, asks.patient) == ("portals.cancels_unknown", None, None)
    assert desk.events("patient.") == people


def test_another_source_is_not_meant(house: House, tmp_path: Any) -> None:
    desk, source = stage(house, tmp_path)
    take(desk, source, mail(LINES.format(when=WHEN)))
    other = source_of(desk, name="Andere", kind="folder", fields={"folder": str(tmp_path)})
    take(desk, other, mail(LINES.format(when=WHEN), "Absage", 2))
    assert sorted(str(each.reason) for each in desk.requests()) == ["None", "portals.cancels_unknown"]


def test_two_that_could_be_meant_are_left(house: House, tmp_path: Any) -> None:
    desk, source = stage(house, tmp_path)
    for number in (1, 2):
        take(desk, source, mail(LINES.format(when=WHEN) + f"Bemerkung: {number}\n", number=number))
    take(desk, source, mail(LINES.format(when=WHEN), "Absage", 3))
    assert [str(each.reason) for each in desk.requests()].count("portals.cancels_unknown") == 1
    assert "portals.cancels_asked" not in {each.reason for each in desk.requests()}


@pytest.mark.parametrize("came", ["fulfilled", "noshow"])
def test_what_has_been_is_not_withdrawn(house: House, came: str) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    one = desk.appointment()
    for status in ("arrived", "fulfilled") if came == "fulfilled" else (came,):
        desk.do(lambda tx, to=status: calendar.change(house, tx, one.id, status=to))
    desk.handle()
    before = desk.answers()
    with door(house) as client:
        refused = Hands(desk, client).post(f"/requests/{desk.only().id}/withdraw", status=409)
    assert refused["code"] == "calendar.status_change"
    desk.handle()
    assert (desk.only().state, desk.appointment().status, desk.answers()) == ("accepted", came, before)
    desk.take(desk.booking(cancelled=True))  # nor from the portal
    desk.handle()
    assert (desk.only().state != "withdrawn", desk.appointment().status, desk.answers()) == (
        True,
        came,
        before,
    )
