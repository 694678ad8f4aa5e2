"""Bookings come in: once each, their time blocked, their person found or asked about, nothing ever lost."""

import threading
from dataclasses import replace

import pytest
from tests.services.desk_cast import ERIKA, Desk, at, desk_of

from praxisd.kernel.app import House
from praxisd.model.portals import Told
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deciding, desk_checks, engine_store, requests_store, store
from praxisd.testing.houses import Houses


def test_a_booking_is_pending_and_blocks_its_time(house: House) -> None:
    desk = desk_of(house)
    assert desk.take(desk.booking()) == "new"
    one, made = desk.only(), desk.appointment()
    assert (one.state, one.origin, one.found, one.told) == ("open", "portal", "new", ERIKA)
    assert (made.status, made.start, made.end) == ("pending", at("2026-11-24 10:00"), at("2026-11-24 10:30"))
    assert made.schedules == desk.practice.doctors[:1] and made.portal == "Termine online"
    busy = desk.see(
        lambda tx: calendar.busy(
            house, tx, desk.link.schedule, at("2026-11-24 00:00"), at("2026-11-25 00:00")
        )
    )
    assert [(one.start, one.end) for one in busy] == [(made.start, made.end)]
    assert desk.answers() == [] and desk.messages() == []
    assert desk.events() == ["request.received"]


def test_the_same_booking_is_one_however_often_it_is_told(house: House) -> None:
    desk = desk_of(house)
    words = [desk.take(desk.booking()) for _ in range(3)]
    desk.handle()
    assert words == ["new", "known", "known"]
    assert desk.only().version == 2 and desk.events() == ["request.received"]


def test_another_time_of_an_open_one_moves_it(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    assert desk.take(desk.booking(when="2026-11-25 11:00")) == "new"
    desk.handle()
    one, made = desk.only(), desk.appointment()
    assert (one.start, one.state, made.start) == (at("2026-11-25 11:00"), "open", at("2026-11-25 11:00"))
    assert desk.take(desk.booking(when="2026-11-25 11:00")) == "known"


def test_one_cancelled_there_is_free_here_and_nobody_need_be_told(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    assert desk.take(desk.booking(cancelled=True)) == "cancelled"
    assert desk.take(desk.booking(cancelled=True)) == "known"
    desk.handle()
    assert (desk.only().state, desk.appointment().status) == ("withdrawn", "cancelled")
    assert desk.answers() == [] and desk.messages() == []
    assert desk.take(desk.booking("never seen", cancelled=True)) == "known"
    assert len(desk.requests()) == 1


def test_a_taken_time_becomes_a_conflict_and_no_refusal(house: House) -> None:
    desk = desk_of(house)
    start = at("2026-11-24 10:00")
    wish = calendar.Wish(service=desk.practice.check, start=start, schedules=desk.practice.doctors[:1])
    desk.do(lambda tx: calendar.book(house, tx, wish))
    assert desk.take(desk.booking()) == "new"
    assert (desk.only().state, desk.appointment().status) == ("open", "proposed")
    (found,) = desk.see(calendar.open_conflicts)
    assert found.appointment == desk.only().appointment


def test_at_once_books_what_is_beyond_doubt(house: House) -> None:
    desk = desk_of(house)
    desk.change_portal(at_once=True)
    desk.take(desk.booking())
    desk.take(desk.booking("taken"))
    desk.take(desk.booking("unknown type", "2026-11-24 11:00", kind="Bleaching"))
    desk.take(desk.booking("nobody", "2026-11-24 12:00", told=Told(family="Nur Nachname")))
    states = {one.remote: one.state for one in desk.requests()}
    assert states == {"b1": "accepted", "taken": "open", "unknown type": "open", "nobody": "open"}
    first = next(one for one in desk.requests() if one.remote == "b1")
    assert desk.appointment(first).status == "booked"
    assert desk.answers(first) == [("accepted", "open")]
    assert [kind for kind, _ in desk.messages()] == ["confirmation"]
    desk.handle()
    assert [kind for kind, _ in desk.messages()] == ["confirmation"]


def test_too_little_about_the_person_still_blocks_the_time(house: House) -> None:
    desk = desk_of(house)
    for number, told in enumerate((Told(), Told(family="A", given="B", birth_date="2999-01-01"))):
        assert desk.take(desk.booking(f"b{number}", f"2026-11-24 1{number}:00", told=told)) == "new"
    assert [(one.patient, desk.appointment(one).status) for one in desk.requests()] == [(None, "pending")] * 2


def test_a_calendar_nobody_knows_is_kept_for_a_person(house: House) -> None:
    desk = desk_of(house)
    assert desk.take(desk.booking(kind="", calendar="fremd"), link=False) == "new"
    one = desk.only()
    assert (one.state, one.appointment, one.start) == ("open", None, at("2026-11-24 10:00"))


def test_who_may_be_known_waits_for_a_decision(house: House) -> None:
    desk = desk_of(house)
    near = Told(family="Muster", given="Erika", birth_date="1970-01-02", phone="+49 40 999999")
    desk.take(desk.booking(told=near))
    assert desk.only().found == "possible" and desk.only().patient != desk.practice.patient
    sure = Told(family="Muster", given="Erika", birth_date="1970-01-02", phone="030 231250")
    desk.take(desk.booking("b2", "2026-11-24 11:00", told=sure))
    assert [one.found for one in desk.requests()] == ["possible", "certain"]
    assert desk.requests()[1].patient == desk.practice.patient


@pytest.mark.parametrize("bad", ["\0", "\ud800", "x" * 5000])
def test_what_a_database_refuses_is_kept_without_it(house: House, bad: str) -> None:
    desk = desk_of(house)
    told = Told(family=f"Null{bad}", given=f"A{bad}", birth_date="1980-01-01", phone=bad, email=bad)
    strange = desk.booking(f"b{bad}", told=told, note=f"x{bad}", kind=f"k{bad}")
    assert [desk.take(strange) for _ in range(2)] == ["new", "known"]
    one = desk.only()
    assert one.told.family.startswith("Null") and one.word.startswith("k") and len(one.remote) < 100
    assert desk.take(replace(strange, cancelled=True)) == "cancelled"


def test_two_nodes_take_a_booking_once(postgres_houses: Houses) -> None:
    first = postgres_houses.open()
    desk = desk_of(first)
    second = postgres_houses.twin(first)
    ready = threading.Barrier(2)
    said: dict[int, list[str]] = {0: [], 1: []}

    def node(number: int, house: House) -> None:
        for turn in range(8):
            ready.wait(30)
            start = f"2026-11-2{4 + turn % 2} {10 + turn}:00"
            said[number].append(desk.take(desk.booking(f"r{turn}", start), house))

    threads = [threading.Thread(target=node, args=(n, h)) for n, h in enumerate((first, second))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert [sorted(pair) for pair in zip(said[0], said[1], strict=True)] == [["known", "new"]] * 8
    assert len(desk.requests()) == 8
    assert desk.see(lambda tx: store.REQUESTS.count(tx)) == 8
    assert len({desk.appointment(one).id for one in desk.requests()}) == 8


def test_a_crash_before_the_commit_leaves_nothing_half(house: House) -> None:
    desk = desk_of(house)

    class Crash(Exception):
        pass

    def work(tx: object) -> None:
        from praxisd.services.portals import desk_take

        desk_take.take_in(house, tx, desk.portal, desk.link, desk.booking())  # type: ignore[arg-type]
        raise Crash

    with pytest.raises(Crash):
        desk.do(work)
    assert desk.requests() == [] and desk.events("appointment.") == []
    assert desk.take(desk.booking()) == "new"


def test_a_portal_with_another_name_is_still_the_same(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.take(desk.booking("b2", "2026-11-24 12:00"))
    desk.change_portal(name="Neuer Name")
    assert desk.take(desk.booking("b2", "2026-11-25 12:00")) == "new"
    assert desk.take(desk.booking(cancelled=True)) == "cancelled"
    first, second = sorted(desk.requests(), key=lambda one: one.remote)
    assert (first.state, desk.appointment(first).status) == ("withdrawn", "cancelled")
    assert desk.appointment(second).start == at("2026-11-25 12:00")


def _accepted_and_moved(desk: Desk, state: str) -> None:
    """Accepted, told; then moved by the desk from 10:00 to 14:00, with the portal's answer in this state."""
    house = desk.house
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    wish = calendar.Wish(
        service=desk.practice.check, start=at("2026-11-24 14:00"), schedules=desk.practice.doctors[:1]
    )
    desk.do(lambda tx: calendar.move(house, tx, str(desk.only().appointment), wish))
    desk.handle()
    row = desk.see(lambda tx: requests_store.answers(tx, desk.only().id))[-1]
    assert (row.kind, row.start) == ("moved", at("2026-11-24 14:00"))
    desk.do(lambda tx: engine_store.change_answer(tx, row.id, state=state))


@pytest.mark.parametrize("state", ["open", "failed"])
def test_a_portal_that_has_not_heard_of_our_move_does_not_undo_it(house: House, state: str) -> None:
    desk = desk_of(house)
    _accepted_and_moved(desk, state)
    assert desk.take(desk.booking()) == "known"
    assert (desk.appointment().status, desk.appointment().start) == ("booked", at("2026-11-24 14:00"))


def test_a_patient_who_moves_an_accepted_one_asks_anew(house: House) -> None:
    desk = desk_of(house)
    _accepted_and_moved(desk, "sent")
    assert desk.take(desk.booking(when="2026-11-24 14:00")) == "known"
    assert desk.take(desk.booking()) == "new"
    desk.handle()
    assert (desk.only().state, desk.appointment().status) == ("open", "pending")
    assert desk.only().start == desk.appointment().start == at("2026-11-24 10:00")


def test_what_waits_too_long_is_an_issue(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    assert list(desk_checks.desk(house)) == []
    for hours, severity in ((25, "info"), (24, "warning")):
        house.clock.advance(hours * 3600)  # type: ignore[attr-defined]
        (found,) = desk_checks.desk(house)
        assert (found.code, found.severity.value, found.params) == (
            "portals.requests_waiting", severity, {"count": 1, "hours": 24},
        )  # fmt: skip
