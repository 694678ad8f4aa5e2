"""Booking desk: what is told again of a booking. A booked time is never given up before its new one is certain."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from tests.services.desk_cast import Desk, Hands, at, desk_of, door, outbox_rows

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import mine
from praxisd.model.people import PatientClaim
from praxisd.model.portals import BookingSource, OnlineCalendar, Told
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import deciding, engine_store, requests_store, sources_reading, store
from praxisd.services.portals.store import ANSWER

TEN, FREE = "2026-11-24 10:00", "2026-11-25 11:00"
MAIL = (
    "Buchungsnummer: 1007\nNachname: Muster\nVorname: Erika\nGeburtsdatum: 01.02.1980\n"
    "Termin: 25.11.2026 10:00\nTerminart: Kontrolle\n"
)


def sent(desk: Desk) -> None:
    """The portal has heard all decisions."""
    query = sa.update(ANSWER).where(mine(ANSWER), ANSWER.c.state == "open").values(state="sent")
    desk.do(lambda tx: tx.run(query))


def accept(desk: Desk, **how: Any) -> None:
    """The desk accepts the one request, and the portal hears of it."""
    desk.do(lambda tx: deciding.accept(desk.house, tx, deciding.need(tx, desk.only().id), **how))
    desk.handle()
    sent(desk)


def occupy(desk: Desk, when: str) -> None:
    """Somebody else is booked then, in the first column."""
    wish = calendar.Wish(
        service=desk.practice.check, start=at(when), schedules=desk.practice.doctors[:1], outside_hours=True
    )
    desk.do(lambda tx: calendar.book(desk.house, tx, wish))


def stands(desk: Desk) -> tuple[str, int]:
    """(status, start) of the appointment."""
    one = desk.appointment()
    return one.status, one.start


def second_calendar(desk: Desk) -> OnlineCalendar:
    """Another calendar of the portal, kept in step with the second column."""
    link = OnlineCalendar(
        id=new_id(), portal=desk.portal.id, name="Dr. 2 online", schedule=desk.practice.doctors[1]
    )
    return desk.do(lambda tx: store.CALENDARS.insert(tx, link))  # type: ignore[no-any-return]


def post(desk: Desk, source: BookingSource, text: str) -> None:
    """A message arrives."""
    data = (
        f"From: a@b.example\nTo: p@x.example\nMessage-ID: <{new_id()}@x>\n\n{text}"
        if source.kind == "mailbox"
        else text
    )
    sources_reading.take(desk.house, desk.actor, source, data.encode())


def source_of(desk: Desk, kind: Any) -> BookingSource:
    """Somewhere messages arrive."""
    one = BookingSource(id=new_id(), name="Formular", kind=kind, active=True)
    return desk.do(lambda tx: store.SOURCES.insert(tx, one))  # type: ignore[no-any-return]


def test_a_booked_time_stays_where_the_new_one_is_taken(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    accept(desk)
    occupy(desk, FREE)
    assert desk.take(desk.booking(when=FREE)) == "new"
    assert desk.take(desk.booking(when=FREE)) == "known"
    desk.handle()
    one = desk.only()
    assert stands(desk) == ("booked", at(TEN))
    assert (one.state, one.reason, one.wished) == ("open", deciding.CHANGES, at(FREE))
    busy = desk.see(lambda tx: calendar.busy(house, tx, desk.practice.doctors[0], at(TEN), at(TEN) + 1800))
    assert busy  # its time is still taken
    with door(house) as client:
        hands = Hands(desk, client)
        assert hands.post(f"/requests/{one.id}/accept", status=409)["code"] == "calendar.slot_taken"
        assert hands.ask("PUT", f"/requests/{one.id}", {"minutes": 60}, 409)["code"] == deciding.CHANGES
        later = {"start": "2026-11-26T10:00:00+01:00"}
        assert hands.post(f"/requests/{one.id}/propose", later, 409)["code"] == deciding.CHANGES
        assert stands(desk) == ("booked", at(TEN))
        done = hands.post(f"/requests/{one.id}/refuse", {"reason": "portals.refused_time_taken"})
    assert done["state"] == "accepted" and stands(desk) == ("booked", at(TEN))
    (last,) = desk.see(lambda tx: requests_store.answers(tx, one.id))[-1:]
    assert (last.kind, last.start, last.state) == ("moved", at(TEN), "open")
    desk.handle()
    assert desk.only().state == "accepted"


def test_the_desk_moves_it_to_a_third_time(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    accept(desk)
    occupy(desk, FREE)
    desk.take(desk.booking(when=FREE))
    accept(desk, start=at("2026-11-25 14:00"))
    assert stands(desk) == ("booked", at("2026-11-25 14:00"))
    assert desk.only().state == "accepted" and desk.answers()[-1][0] == "moved"


def test_the_patient_is_content_with_the_booked_time_after_all(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    accept(desk)
    occupy(desk, FREE)
    desk.take(desk.booking(when=FREE))
    assert desk.take(desk.booking()) == "new"
    assert desk.only().state == "accepted" and stands(desk) == ("booked", at(TEN))
    assert desk.answers()[-1] == ("accepted", "open")


def test_a_move_that_fails_changes_nothing(house: House) -> None:
    """The calendar looks for room before it gives the old time up, also where its caller goes on after the Problem."""
    desk = desk_of(house)
    desk.take(desk.booking())
    accept(desk)
    occupy(desk, FREE)
    one = desk.appointment()
    wish = calendar.Wish(service=one.service, start=at(FREE), schedules=one.schedules, outside_hours=True)

    def work(tx: Any) -> None:
        with pytest.raises(Problem, match="slot_taken"):
            calendar.move(house, tx, one.id, wish)

    desk.do(work)
    with pytest.raises(Problem, match="slot_taken"):
        occupy(desk, TEN)


def test_a_proposal_at_the_same_time_is_not_accepted_by_telling_it_again(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    columns = (desk.practice.doctors[1],)
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), at(TEN), 30, columns))
    assert desk.take(desk.booking()) == "known"
    assert desk.only().state == "asked"


def test_what_the_calendar_refuses_is_not_filled_in(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(note="Bitte vormittags"))
    with door(house) as client:
        hands = Hands(desk, client)
        path = f"/requests/{desk.only().id}"
        answer = hands.ask("PUT", path, {"schedule": "nosuchcolumn"}, 422)
        assert answer["code"] == "calendar.schedule_unfit"
        assert stands(desk) == ("pending", at(TEN))
        hands.ask("PUT", path, {"schedule": desk.practice.doctors[1]})
    assert desk.appointment().schedules == (desk.practice.doctors[1],)
    assert desk.appointment().note == "Bitte vormittags"


@pytest.mark.parametrize("when", [TEN, FREE])
def test_another_calendar_of_the_portal_is_another_column(house: House, when: str) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.link = second_calendar(desk)
    assert desk.take(desk.booking(when=when)) == "new"
    assert desk.appointment().schedules == (desk.practice.doctors[1],)
    assert stands(desk) == ("pending", at(when)) and desk.take(desk.booking(when=when)) == "known"
    accept(desk)
    assert desk.take(desk.booking(when=when)) == "known" and stands(desk) == ("booked", at(when))


def test_the_person_is_who_the_calendar_says(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    claim = PatientClaim(family="Ganzandere", given="Otto", birth_date="1955-05-05", phone="0171 3920013")
    other = desk.do(lambda tx: directory.claim(tx, claim)).patient
    desk.do(lambda tx: calendar.change(house, tx, desk.appointment().id, patient=other))
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    assert desk.only().patient == other
    assert {row.patient for row in desk.see(lambda tx: tx.all(outbox_rows()))} == {other}
    third = desk.practice.patient
    desk.do(lambda tx: calendar.change(house, tx, desk.appointment().id, patient=third))
    desk.handle()
    assert desk.only().patient == third


def test_who_books_for_a_child_is_not_the_child(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    mother = str(desk.only().patient)
    claim = PatientClaim(family="Beispiel", given="Kind", birth_date="2019-05-05", phone="0171 3920012")
    child = desk.do(lambda tx: directory.claim(tx, claim)).patient
    accept(desk, patient=child)
    assert desk.see(lambda tx: directory.patient(tx, mother)).merged_into is None
    assert desk.appointment().patient == desk.only().patient == child


@pytest.mark.parametrize("what", ["Status: storniert", "Termin: 26.11.2026 11:00"])
def test_a_message_alone_changes_no_booked_appointment(house: House, what: str) -> None:
    desk = desk_of(house)
    source = source_of(desk, "mailbox")
    post(desk, source, MAIL)
    accept(desk)
    post(desk, source, f"Buchungsnummer: 1007\n{what}\n")
    desk.handle()
    one = desk.only()
    assert stands(desk) == ("booked", at("2026-11-25 10:00")) and one.state == "open"
    assert one.reason in deciding.ASKS and what in one.original
    if one.reason == deciding.CANCELS:
        with pytest.raises(Problem, match="cancels_asked"):
            accept(desk)
    desk.do(lambda tx: deciding.refuse(house, tx, deciding.need(tx, one.id), "portals.refused_other"))
    assert desk.only().state == "accepted" and stands(desk) == ("booked", at("2026-11-25 10:00"))
    post(desk, source, f"Buchungsnummer: 1007\n{what}\n")  # the same message once more
    assert desk.only().state == "accepted"


def test_a_message_without_the_person_changes_nothing_that_waits(house: House) -> None:
    desk = desk_of(house)
    source = source_of(desk, "mailbox")
    post(desk, source, MAIL)
    post(desk, source, "Buchungsnummer: 1007\nTermin: 26.11.2026 11:00\nTerminart: Kontrolle\n")
    first, second = desk.requests()
    assert (first.start, second.start) == (at("2026-11-25 10:00"), at("2026-11-26 11:00"))
    assert desk.appointment(first).status == "pending" and second.reason == "portals.number_taken"
    post(desk, source, MAIL.replace("25.11.2026", "27.11.2026"))
    assert desk.requests()[0].start == at("2026-11-27 10:00")


def test_another_person_under_a_known_number_is_another_booking(house: House) -> None:
    desk = desk_of(house)
    source = source_of(desk, "hook")
    for family, day, born in (
        ("Eins", 25, "1980-01-01"),
        ("Zwei", 26, "1981-01-01"),
        ("Zwei", 26, "1981-01-01"),
    ):
        person = {"family": family, "given": "A", "birthDate": born}
        start = f"2026-11-{day}T10:00:00+01:00"
        post(desk, source, json.dumps({"id": "7", "start": start, "service": "Kontrolle", "patient": person}))
    assert [(one.told.family, one.start) for one in desk.requests()] == [
        ("Eins", at("2026-11-25 10:00")), ("Zwei", at("2026-11-26 10:00"))
    ]  # fmt: skip
    assert desk.requests()[1].reason == "portals.number_taken"


def test_a_portal_that_uses_an_id_twice(house: House) -> None:
    desk = desk_of(house)
    desk.change_portal(at_once=True)
    desk.take(desk.booking())
    other = Told(family="Anders", given="Paul", birth_date="1970-01-01", phone="0171 3920099")
    desk.take(desk.booking(when=FREE, told=other))
    desk.take(desk.booking(when=FREE, told=other, cancelled=True))
    first, second = sorted(desk.requests(), key=lambda one: one.remote)
    assert (first.state, desk.appointment(first).start) == ("accepted", at(TEN))
    assert (second.state, second.told) == ("withdrawn", other)


def test_what_was_over_is_booked_again(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.take(desk.booking(cancelled=True))
    assert desk.take(desk.booking(when=FREE)) == "new"
    assert desk.only().state == "open" and stands(desk) == ("pending", at(FREE))
    reason = "portals.refused_other"
    desk.do(lambda tx: deciding.refuse(house, tx, deciding.need(tx, desk.only().id), reason))
    desk.handle()
    assert desk.take(desk.booking(when=FREE)) == "known" and desk.only().state == "refused"
    assert desk.take(desk.booking(when="2026-11-26 10:00")) == "new" and desk.only().state == "open"


@pytest.mark.parametrize("cancelled", [True, False])
def test_who_has_come_stays_in_the_list(house: House, cancelled: bool) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    accept(desk)
    desk.do(lambda tx: calendar.change(house, tx, desk.appointment().id, status="arrived"))
    desk.handle()
    more = {"cancelled": True} if cancelled else {"when": FREE}
    for _ in range(2):
        assert desk.take(desk.booking(**more)) == "known"
    desk.handle()
    assert stands(desk) == ("arrived", at(TEN))
    assert (desk.only().state, desk.only().reason) == ("accepted", "portals.change_late")


def test_a_portal_that_takes_no_answers_is_told_none(house: House) -> None:
    desk = desk_of(house)
    desk.change_portal(adapter="tvs116117")
    desk.take(desk.booking())
    accept(desk)
    assert desk.answers() == []
    wish = calendar.Wish(
        service=desk.practice.check, start=at("2026-11-24 14:00"), schedules=desk.practice.doctors[:1]
    )
    desk.do(lambda tx: calendar.move(house, tx, str(desk.only().appointment), wish))
    desk.handle()
    assert desk.take(desk.booking()) == "known" and stands(desk) == ("booked", at("2026-11-24 14:00"))
    assert desk.take(desk.booking(when=FREE)) == "new" and stands(desk) == ("pending", at(FREE))


def test_a_decision_that_was_given_up_is_not_told_after_a_newer_one(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    row = desk.see(lambda tx: requests_store.answers(tx, desk.only().id))[-1]
    desk.do(lambda tx: engine_store.change_answer(tx, row.id, state="failed"))
    desk.do(lambda tx: deciding.withdraw(house, tx, deciding.need(tx, desk.only().id, None, "accepted")))
    sent(desk)
    desk.do(lambda tx: engine_store.reopen_answers(tx, desk.portal.id, 0))
    assert desk.answers() == [("accepted", "superseded"), ("cancelled", "sent")]
    # also where it was given up only after the newer one had been noted
    failed = sa.update(ANSWER).where(mine(ANSWER), ANSWER.c.id == row.id).values(state="failed")
    desk.do(lambda tx: tx.run(failed))
    desk.do(lambda tx: engine_store.reopen_answers(tx, desk.portal.id, 0))
    assert desk.answers() == [("accepted", "failed"), ("cancelled", "sent")]
    assert desk.see(lambda tx: engine_store.outdone(tx, row))


def test_each_proposal_and_each_confirmation_is_told(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    for when in ("2026-11-25 15:00", "2026-11-25 16:00", "2026-11-25 15:00"):
        desk.do(
            lambda tx, when=when: deciding.propose(house, tx, deciding.need(tx, desk.only().id), at(when))
        )
    assert [kind for kind, _ in desk.messages()] == ["proposal"] * 3
    accept(desk, start=at(TEN))
    desk.take(desk.booking(when=FREE))
    accept(desk)
    desk.take(desk.booking())
    accept(desk)
    assert [kind for kind, _ in desk.messages()][3:] == ["confirmation"] * 3


@pytest.mark.parametrize(
    ("when", "end"), [("2026-11-20 10:00", None), ("2026-11-29 03:00", None), (TEN, "2026-11-25 09:00")]
)
def test_nothing_strange_is_accepted_at_once(house: House, when: str, end: str | None) -> None:
    """Over already; at night on a Sunday; 23 hours long."""
    desk = desk_of(house)
    desk.change_portal(at_once=True)
    desk.take(desk.booking(when=when, **({} if end is None else {"end": at(end)})))
    assert desk.only().state == "open" and desk.appointment().status == "pending" and desk.messages() == []


def test_an_undivided_name_is_given_to_whom_the_desk_picks(house: House) -> None:
    """„Name: Erika Muster“: the time stands, nobody is recognised, and no record is made of a guess."""
    desk = desk_of(house)
    post(
        desk,
        source_of(desk, "mailbox"),
        "Name: Erika Muster\nTermin: 25.11.2026 10:00\nTerminart: Kontrolle\n",
    )
    with door(house) as client:
        hands = Hands(desk, client)
        path = f"/requests/{desk.only().id}"
        shown = hands.get(path)
        assert shown["matching"]["found"] == "none" and shown["missing"] == ["given", "birthDate"]
        assert hands.post(f"{path}/accept", status=409)["code"] == "portals.request_nobody"
        done = hands.post(f"{path}/accept", {"patient": desk.practice.patient})
    assert done["state"] == "accepted" and done["patient"]["id"] == desk.practice.patient
    assert stands(desk) == ("booked", at("2026-11-25 10:00"))
