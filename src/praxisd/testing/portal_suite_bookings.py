"""What every adapter of a portal with bookings must keep: they come in once each for ever, and our answers arrive.

A test module inherits `BookingSuite` beside `PortalSuite`; its stage can do what `BookingStage` says.
"""

from collections.abc import Sequence
from typing import Protocol

import pytest

from praxisd.model.portals import Told
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Booking, Reply
from praxisd.testing.portal_suite import FAULTS, Stage, soon, told

PERSON = Told(
    family="Groß-Ötvös", given='Änne "Ännchen"', birth_date="1984-02-29", phone="+49 171 3920011", email="a.gross@example.org"
)  # fmt: skip
NOTE = "Zeile eins\nZeile zwei; Komma, & <b>"


class BookingStage(Stage, Protocol):
    """A portal at which patients book."""

    def free(self, calendar: str) -> Sequence[tuple[int, int]]:
        """Times that a patient may choose, in order; more than 250."""
        ...

    def book(self, calendar: str, start: int, person: Told, note: str = "") -> str:
        """A patient books; the booking's id."""
        ...

    def cancel(self, booking: str) -> None:
        """The patient cancels there."""
        ...

    def decide(self, booking: str, accepted: bool) -> None:
        """The patient says yes or no to a proposed time."""
        ...

    def shown(self, booking: str) -> tuple[str, int, int, str]:
        """(kind of our last answer or "", start, end, reason) as the portal has them; proposed times as proposed."""
        ...


class BookingSuite:
    """The promises, one test each."""

    def test_what_the_patient_said_comes_as_it_was_said(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        start, end = stage.free(calendar)[0]
        id_ = stage.book(calendar, start, PERSON, NOTE)
        found = stage.portal.fetch(None)
        assert found.unknown == ()
        (booking,) = found.bookings
        assert booking == Booking(id_, calendar, start, end, PERSON, booking.kind, NOTE)
        assert booking.kind

    def test_each_comes_until_its_mark_is_kept(self, stage: BookingStage) -> None:
        calendar, other = stage.calendars[:2]
        ids = [stage.book(one, stage.free(one)[0][0], PERSON) for one in (calendar, other)]
        first = stage.portal.fetch(None)
        assert [one.id for one in first.bookings] == ids
        assert {one.calendar for one in first.bookings} == {calendar, other}
        assert stage.portal.fetch(None).bookings == first.bookings
        assert stage.open().fetch(None).bookings == first.bookings
        assert stage.portal.fetch(first.mark).bookings == ()
        third = stage.book(calendar, stage.free(calendar)[5][0], PERSON)
        for _ in range(2):
            second = stage.portal.fetch(first.mark)
            assert [one.id for one in second.bookings] == [third]
        assert stage.portal.fetch(second.mark).bookings == ()

    def test_a_cancellation_comes_with_the_same_id(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        mark = stage.portal.fetch(None).mark
        stage.cancel(id_)
        found = stage.portal.fetch(mark)
        assert [(one.id, one.cancelled) for one in found.bookings] == [(id_, True)]

    def test_very_many_come_in_pages(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        ids = [stage.book(calendar, start, PERSON) for start, _ in stage.free(calendar)[:250]]
        found = stage.portal.fetch(None)
        assert [one.id for one in found.bookings] == ids
        assert stage.portal.fetch(found.mark).bookings == ()

    @pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"calendar_unknown"}))
    def test_a_fault_loses_none(self, stage: BookingStage, fault: str) -> None:
        calendar = stage.calendars[0]
        mark = stage.portal.fetch(None).mark
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        stage.fault(fault)
        problem = told(lambda: stage.portal.fetch(mark))
        assert (problem.code, problem.retry) == FAULTS[fault]
        assert [one.id for one in stage.portal.fetch(mark).bookings] == [id_]

    def test_answers_arrive_and_twice_is_once(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        times = stage.free(calendar)
        (start, end), (later, later_end) = times[0], times[12]
        ids = [stage.book(calendar, times[2 * n][0], PERSON) for n in range(5)]
        reason = "portals.refused_time_taken"
        replies = [
            Reply(ids[0], "accepted", start, end + 900),
            Reply(ids[1], "refused", reason=reason),
            Reply(ids[2], "proposed", later, later_end),
            Reply(ids[3], "moved", later + 86_400, later_end + 86_400),
            Reply(ids[4], "cancelled", reason=reason),
        ]
        for reply in replies:
            for _ in range(2):
                stage.portal.answer(reply, soon(stage))
            kind, first, last, why = stage.shown(reply.booking)
            assert kind == reply.kind
            if reply.start is not None:
                assert (first, last) == (reply.start, reply.end)
            if reply.reason:
                assert why == reply.reason

    def test_what_we_ended_never_comes_back_as_new(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        times = stage.free(calendar)
        ids = [stage.book(calendar, times[2 * n][0], PERSON) for n in range(3)]
        stage.portal.answer(Reply(ids[0], "refused", reason="portals.refused_other"), soon(stage))
        stage.portal.answer(Reply(ids[1], "cancelled"), soon(stage))
        alive = [one.id for one in stage.portal.fetch(None).bookings if not one.cancelled]
        assert alive == [ids[2]]

    def test_yes_to_a_proposal_brings_the_new_time_and_no_cancels(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        times = stage.free(calendar)
        ids = [stage.book(calendar, times[2 * n][0], PERSON) for n in range(2)]
        mark = stage.portal.fetch(None).mark
        for id_, (start, end) in zip(ids, (times[20], times[24]), strict=True):
            stage.portal.answer(Reply(id_, "proposed", start, end), soon(stage))
        stage.decide(ids[0], True)
        stage.decide(ids[1], False)
        yes, no = stage.portal.fetch(mark).bookings
        assert (yes.id, yes.start, yes.end, yes.cancelled) == (ids[0], *times[20], False)
        assert (no.id, no.cancelled) == (ids[1], True)

    @pytest.mark.parametrize("kind", ["accepted", "refused", "cancelled"])
    @pytest.mark.parametrize("id_", ["b404", "../calendars", "a/b?c#d", "Ä%2F"])
    def test_a_booking_that_it_does_not_know(self, stage: BookingStage, kind: str, id_: str) -> None:
        problem = told(lambda: stage.portal.answer(Reply(id_, kind), soon(stage)))  # type: ignore[arg-type]
        assert (problem.code, problem.retry) == (codes.BOOKING_GONE, False)

    def test_a_booking_that_was_cancelled_there_meanwhile(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        stage.cancel(id_)
        problem = told(lambda: stage.portal.answer(Reply(id_, "accepted"), soon(stage)))
        assert (problem.code, problem.retry) == (codes.BOOKING_GONE, False)

    @pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"calendar_unknown"}))
    def test_an_answer_that_met_a_fault_is_told_again(self, stage: BookingStage, fault: str) -> None:
        calendar = stage.calendars[0]
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        stage.fault(fault)
        problem = told(lambda: stage.portal.answer(Reply(id_, "accepted"), soon(stage)))
        assert (problem.code, problem.retry) == FAULTS[fault]
        stage.portal.answer(Reply(id_, "accepted"), soon(stage))
        assert stage.shown(id_)[0] == "accepted"

    def test_a_nonsense_refusal_does_not_give_an_answer_up(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        stage.fault("calendar_unknown")
        assert told(lambda: stage.portal.answer(Reply(id_, "accepted"), soon(stage))).retry

    def test_no_answer_leaves_after_its_time(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        id_ = stage.book(calendar, stage.free(calendar)[0][0], PERSON)
        before, count = soon(stage), len(stage.requests())
        stage.clock.advance(46)
        assert told(lambda: stage.portal.answer(Reply(id_, "accepted"), before)).retry
        assert len(stage.requests()) == count and stage.shown(id_)[0] == ""

    def test_the_hours_in_which_it_offers_times(self, stage: BookingStage) -> None:
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        hours = stage.portal.hours(calendar, period)
        assert (hours is not None) == stage.portal.abilities.hours
        if hours is not None:
            for start, end in stage.free(calendar):
                assert any(one.start <= start and end <= one.end for one in hours)


__all__ = ("BookingStage", "BookingSuite")
