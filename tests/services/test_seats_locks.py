"""Locks at the desk, on both engines: one holder, who it is, waiting, switching, taking over, going."""

import msgspec
import pytest

from praxisd.kernel import events, leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.seats import messages
from praxisd.services.seats.desk import desk_of
from praxisd.testing.practice import Practice, small_practice

from .seats_cast import Session, program, session_at, tab

ONE, TWO = "Patient/eins", "Patient/zwei"


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def anna(house: House, practice: Practice) -> Session:
    made = session_at(house, program(house, practice, "Anmeldung"), "Anna")
    made.here()
    return made


@pytest.fixture
def bert(house: House, practice: Practice) -> Session:
    made = session_at(house, program(house, practice, "Zimmer 2", may_take=True), "Bert")
    made.here()
    return made


def noted(house: House, practice: Practice, type_: str) -> list[events.Event]:
    with house.store.read(system("test", practice.organization)) as tx:
        return events.since(tx, 0, types=(type_,))


def sweep(house: House) -> None:
    desk_of(house).sweep()


def test_another_seat_is_told_who_holds_it(anna: Session, bert: Session, clock: FrozenClock) -> None:
    fence = anna.lock(ONE)
    clock.advance(5)
    problem = bert.refused(messages.Lock(id=1, record=ONE))
    assert (problem.code, problem.status, problem.retry) == ("seats.locked", 423, True)
    holder = problem.params["holder"]
    assert isinstance(holder, messages.Holder)
    assert (holder.seat_name, holder.person, holder.since) == (
        "Anmeldung",
        "Anna",
        "2026-11-23T08:00:00+00:00",
    )
    assert (problem.params["own"], problem.params["until"]) == (False, "2026-11-23T08:00:30+00:00")
    assert anna.lock(ONE) == fence  # asked again: the same lock


def test_given_back_it_is_free_at_once_and_the_fence_grows(anna: Session, bert: Session) -> None:
    first = anna.lock(ONE)
    anna.release(ONE, first)
    anna.release(ONE, first)  # again is as good as once
    second = bert.lock(ONE)
    assert second == first + 1
    for fence in (first, second):
        problem = anna.refused(messages.Release(id=1, record=ONE, fence=fence))
        assert (problem.code, problem.status) == ("seats.lock_lost", 423)
    assert bert.lock(ONE) == second


def test_switching_frees_the_one_before_and_is_refused_as_a_whole(anna: Session, bert: Session) -> None:
    one, two = anna.lock(ONE), bert.lock(TWO)
    problem = anna.refused(messages.Switch(id=1, from_=ONE, fence=one, record=TWO))
    assert problem.code == "seats.locked"
    assert anna.lock(ONE) == one
    bert.release(TWO, two)
    found = anna.ask(messages.Switch(id=1, from_=ONE, fence=one, record=TWO))
    assert isinstance(found, messages.Locked)
    assert found.lock.fence == two + 1
    assert bert.lock(ONE) == one + 1
    lost = anna.refused(messages.Switch(id=1, from_=ONE, fence=one, record="Patient/drei"))
    assert lost.code == "seats.lock_lost"
    same = anna.ask(messages.Switch(id=1, from_=TWO, fence=two + 1, record=TWO))
    assert isinstance(same, messages.Locked)
    assert same.lock.fence == two + 1


def test_who_waits_is_granted_in_order(
    house: House, practice: Practice, anna: Session, bert: Session
) -> None:
    cleo = session_at(house, program(house, practice, "Zimmer 3"), "Cleo")
    cleo.here()
    fence = anna.lock(ONE)
    assert (bert.wait(ONE), cleo.wait(ONE), bert.wait(ONE)) == (1, 2, 1)
    anna.release(ONE, fence)
    (granted,) = bert.told
    assert (granted["type"], granted["record"], granted["fence"]) == ("granted", ONE, fence + 1)
    assert cleo.told == []
    assert cleo.refused(messages.Lock(id=1, record=ONE)).code == "seats.locked"
    cleo.ask(messages.Unwait(id=1, record=ONE))
    bert.bye()
    assert cleo.told == []
    assert anna.lock(ONE) == fence + 2


def test_who_waits_no_longer_hears_of_a_lock_that_was_granted_meanwhile(anna: Session, bert: Session) -> None:
    fence = anna.lock(ONE)
    bert.wait(ONE)
    anna.release(ONE, fence)
    answer = bert.ask(messages.Unwait(id=1, record=ONE))
    assert isinstance(answer, messages.Locked) and answer.lock.fence == fence + 1
    bert.release(ONE, answer.lock.fence)
    assert type(bert.ask(messages.Unwait(id=1, record=ONE))) is messages.Answer
    assert anna.lock(ONE) == fence + 2


def test_who_waits_and_lost_its_line_is_passed_over_until_it_is_back(
    house: House, practice: Practice, anna: Session, bert: Session
) -> None:
    cleo = session_at(house, program(house, practice, "Zimmer 3"))
    cleo.here()
    fence = anna.lock(ONE)
    bert.wait(ONE)
    cleo.wait(ONE)
    bert.cut()
    anna.release(ONE, fence)
    assert [one["type"] for one in cleo.told] == ["granted"]
    cleo.release(ONE, fence + 1)
    bert.here()
    (granted,) = bert.told
    assert (granted["type"], granted["fence"]) == ("granted", fence + 2)


def test_a_crash_frees_after_the_interval_and_notes_it_once(
    house: House, practice: Practice, anna: Session, bert: Session, clock: FrozenClock
) -> None:
    fence = anna.lock(ONE)
    bert.wait(ONE)
    anna.cut()
    clock.advance(20)
    bert.beat()
    sweep(house)
    assert bert.told == []
    clock.advance(10)
    sweep(house)
    sweep(house)
    assert [(one["type"], one["fence"]) for one in bert.told] == [("granted", fence + 1)]
    (noted_once,) = noted(house, practice, "lock.expired")
    assert (noted_once.subject, noted_once.codes["seat"]) == (ONE, anna.who.seat)
    back = anna.here(holds={ONE: fence})
    (lost,) = back.lost
    assert (lost.record, lost.why, lost.since) == (ONE, "expired", "2026-11-23T08:00:30+00:00")
    assert lost.by is not None
    assert (lost.by.seat_name, lost.by.person) == ("Zimmer 2", "Bert")
    assert back.locks == ()


def test_back_within_the_interval_the_lock_is_kept(
    house: House, anna: Session, bert: Session, clock: FrozenClock
) -> None:
    fence = anna.lock(ONE)
    clock.advance(29)
    anna.cut()
    back = anna.here(holds={ONE: fence})
    assert ([(one.record, one.fence) for one in back.locks], back.lost) == ([(ONE, fence)], ())
    clock.advance(29)
    sweep(house)
    assert bert.refused(messages.Lock(id=1, record=ONE)).code == "seats.locked"


def test_a_lapsed_lock_that_nobody_freed_is_still_its_holders(anna: Session, clock: FrozenClock) -> None:
    fence = anna.lock(ONE)
    clock.advance(31)  # no sweep in between
    assert anna.here(holds={ONE: fence}).lost == ()
    clock.advance(31)
    assert anna.lock(ONE) == fence


def test_a_lapsed_lock_goes_to_who_waited_and_not_to_who_asks_now(
    house: House, practice: Practice, anna: Session, bert: Session, clock: FrozenClock
) -> None:
    cleo = session_at(house, program(house, practice, "Zimmer 3"))
    cleo.here()
    fence = anna.lock(ONE)
    bert.wait(ONE)
    clock.advance(20)
    bert.beat()
    clock.advance(10)
    assert cleo.refused(messages.Lock(id=1, record=ONE)).code == "seats.locked"
    assert [(one["type"], one["fence"]) for one in bert.told] == [("granted", fence + 1)]
    assert [one["why"] for one in anna.told] == ["expired"]
    assert len(noted(house, practice, "lock.expired")) == 1


def test_taking_over_needs_the_right_and_is_noted(
    house: House, practice: Practice, anna: Session, bert: Session
) -> None:
    fence = anna.lock(ONE)
    assert bert.take(ONE) == fence + 1
    (lost,) = anna.told
    assert (lost["type"], lost["why"], lost["by"]["person"]) == ("lost", "taken", "Bert")
    problem = anna.refused(messages.Take(id=1, record=ONE, reason="urgent"))
    assert (problem.code, problem.status) == ("access.forbidden", 403)
    (event,) = noted(house, practice, "lock.taken_over")
    assert (event.actor, event.codes["reason"]) == (f"seat:{bert.who.seat}", "absent")
    assert (event.codes["seat"], event.codes["before"]) == (bert.who.seat, anna.who.seat)
    assert "Bert" not in str(event)
    (told,) = anna.here(holds={ONE: fence}).lost
    assert told.why == "taken"
    person = tab(house, practice, "a" * 32, "seats.lock.hold", "seats.lock.take")
    person.here()
    assert person.take(ONE) == fence + 2
    assert person.take(TWO) == 1  # nobody holds it: a lock like any other
    assert len(noted(house, practice, "lock.taken_over")) == 2


def test_two_tabs_of_one_browser_exclude_each_other_and_know_it(house: House, practice: Practice) -> None:
    first, second = tab(house, practice), tab(house, practice)
    assert first.here().seat.name == "Empfang"
    second.here()
    first.lock(ONE)
    problem = second.refused(messages.Lock(id=1, record=ONE))
    assert (problem.code, problem.params["own"]) == ("seats.locked", True)


def test_viewers_lock_nothing_and_are_seen(house: House, practice: Practice, anna: Session) -> None:
    viewer = session_at(house, program(house, practice, "Monitor", viewer=True), "Vera")
    assert viewer.here().seat.viewer
    for request in (
        messages.Lock(id=1, record=ONE),
        messages.Take(id=1, record=ONE, reason="other"),
        messages.Switch(id=1, from_=TWO, fence=1, record=ONE),
    ):
        problem = viewer.refused(request)
        assert (problem.code, problem.status) == ("seats.viewer", 403)
    anna.lock(ONE)
    viewer.ask(messages.Look(id=1, record=ONE))
    (presence,) = anna.told
    assert [one["person"] for one in presence["here"]] == ["Vera"]
    assert presence["holder"]["person"] == "Anna"
    viewer.ask(messages.Look(id=1, record=None))
    assert [one["here"] for one in anna.told] == [[]]  # who holds it hears that nobody looks any more


def test_presence_follows_looking_locking_and_leaving(anna: Session, bert: Session) -> None:
    anna.ask(messages.Look(id=1, record=ONE))
    bert.ask(messages.Look(id=1, record=ONE))
    assert [len(one["here"]) for one in anna.told] == [2]
    fence = bert.lock(ONE)
    assert [one["holder"]["person"] for one in anna.told] == ["Bert"]
    found = anna.ask(messages.WhoIs(id=1, records=(ONE, TWO)))
    assert isinstance(found, messages.WhoIsThere)
    assert [one.person for one in found.records[ONE].here] == ["Anna", "Bert"]
    assert found.records[TWO].here == ()
    bert.release(ONE, fence)
    assert ["holder" in one for one in anna.told] == [False]
    bert.bye()
    assert [[one["person"] for one in told["here"]] for told in anna.told] == [["Anna"]]


def test_of_a_crowd_the_first_are_named_and_the_others_counted(
    house: House, practice: Practice, anna: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MOST_SHOWN", 3)
    seat = program(house, practice, "Zimmer 3")
    anna.here(at=ONE)
    crowd = [session_at(house, seat, f"Nummer {number}") for number in range(4)]
    for one in crowd:
        one.here(at=ONE)
    told = anna.told
    assert [(len(one["here"]), one.get("more", 0)) for one in told] == [(2, 0), (3, 0), (3, 1), (3, 2)]
    crowd[0].ask(messages.Look(id=1, record=TWO))
    found = anna.ask(messages.WhoIs(id=1, records=(ONE, TWO)))
    assert isinstance(found, messages.WhoIsThere)
    assert [(len(one.here), one.more) for one in found.records.values()] == [(3, 1), (0, 1)]
    longest = messages.Holder(
        seat="s" * 64, seat_name="n" * 80, session="0" * 32, person="p" * 80, since="t" * 25
    )
    monkeypatch.undo()
    whole = messages.Presence(
        record="Patient/" + "r" * 64, here=(longest,) * messages.MOST_SHOWN, holder=longest, more=9
    )
    assert len(msgspec.json.encode(whole)) < messages.LONGEST


def test_the_holder_is_asked_and_answers(anna: Session, bert: Session) -> None:
    assert bert.refused(messages.Ask(id=1, record=ONE)).code == "seats.not_held"
    anna.lock(ONE)
    bert.ask(messages.Ask(id=1, record=ONE))
    (asked,) = anna.told
    assert (asked["type"], asked["by"]["person"]) == ("asked", "Bert")
    anna.ask(messages.Reply(id=1, record=ONE, session=asked["by"]["session"], answer="soon"))
    (replied,) = bert.told
    assert (replied["type"], replied["answer"], replied["by"]["person"]) == ("replied", "soon", "Anna")
    foreign = bert.refused(messages.Reply(id=1, record=ONE, session=anna.who.session, answer="no"))
    assert foreign.code == "seats.lock_lost"
    anna.cut()
    assert bert.refused(messages.Ask(id=1, record=ONE)).code == "seats.holder_away"


def test_only_what_can_be_locked_is_locked(anna: Session) -> None:
    for record in ("Unsinn/1", "Appointment/1"):  # the calendar's records are never locked
        problem = anna.refused(messages.Lock(id=1, record=record))
        assert (problem.code, problem.status) == ("seats.unknown_kind", 422)
    assert anna.refused(messages.Look(id=1, record="Unsinn/1")).code == "seats.unknown_kind"
    for kind in ("Practitioner", "Location", "Treatment", "Mandator"):
        assert anna.lock(f"{kind}/1") == 1


def test_a_session_belongs_to_one_seat(
    house: House, practice: Practice, anna: Session, bert: Session
) -> None:
    stolen = Session(house, bert.who.__class__(**{**_fields(bert), "session": anna.who.session}))
    with pytest.raises(Problem) as refused:
        stolen.here()
    assert refused.value.code == "seats.session_taken"


def test_a_session_that_fell_silent_must_begin_anew(house: House, anna: Session, clock: FrozenClock) -> None:
    anna.lock(ONE)
    clock.advance(20)
    sweep(house)
    clock.advance(10)
    sweep(house)
    assert [one["why"] for one in anna.told] == ["expired"]
    assert anna.refused(messages.Beat(id=1)).code == "seats.session_gone"
    anna.here()
    anna.beat()


def test_what_a_lease_says_names_no_person(house: House, practice: Practice, anna: Session) -> None:
    anna.lock(ONE)
    with house.store.read(system("test", practice.organization)) as tx:
        lease = leases.current(tx, f"record:{ONE}")
    assert lease is not None
    assert lease.holder == f"seat:{anna.who.session}"
    assert "Anna" not in lease.detail


def _fields(one: Session) -> dict[str, object]:
    who = one.who
    return {name: getattr(who, name) for name in who.__slots__}
