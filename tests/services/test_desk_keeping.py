"""Texts of decided requests go after their time; what waits, and what lies ahead, keeps them (setting portals.request_days)."""

from typing import Any

import pytest
from tests.services.desk_cast import Desk, at, desk_of
from tests.services.sources_cast import certain, source_of
from tests.services.test_desk_sources_kinds import Run

from praxisd.kernel import events
from praxisd.kernel.app import House
from praxisd.model.portals import BookingRequest, Told
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deciding, desk_job, desk_settings, sources_reading, store

DAY = 86_400


def run(desk: Desk) -> int:
    """How many are emptied now."""
    found = Run(desk)
    desk_job.run(found)  # type: ignore[arg-type]
    return int(found.counts.get("emptied", 0))


def decide(desk: Desk, one: BookingRequest, how: str) -> None:
    def work(tx: Any) -> None:
        request = deciding.need(tx, one.id)
        if how == "accept":
            deciding.accept(desk.house, tx, request)
        else:
            deciding.refuse(desk.house, tx, request, "portals.refused_other", "Rufen Sie Frau Muster an")

    desk.do(work)


def taken(desk: Desk, tmp_path: Any, *texts: str) -> None:
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path)})
    for text in texts:
        sources_reading.take(desk.house, desk.actor, source, text.encode())


def empty(one: BookingRequest) -> bool:
    return (one.told, one.original, one.subject, one.note) == (Told(), "", "", None)


@pytest.mark.parametrize("how", ["accept", "refuse"])
def test_decided_ones_are_emptied_after_their_time(house: House, tmp_path: Any, how: str) -> None:
    desk = desk_of(house)
    taken(desk, tmp_path, certain(number="1"), certain("25.11.2026 10:00 Uhr", "2"))
    first, second = desk.requests()
    decide(desk, first, how)
    house.clock.advance(364 * DAY)  # type: ignore[attr-defined]
    assert run(desk) == 0 and desk.see(lambda tx: store.REQUESTS.need(tx, first.id)).original
    house.clock.advance(DAY)  # type: ignore[attr-defined]
    assert run(desk) == 1 and run(desk) == 0
    gone = desk.see(lambda tx: store.REQUESTS.need(tx, first.id))
    assert empty(gone) and (gone.remote, gone.appointment, gone.start) == (
        first.remote,
        first.appointment,
        first.start,
    )
    assert desk.see(lambda tx: store.REQUESTS.need(tx, second.id)) == second  # it waits
    (event,) = [
        one for one in desk.see(lambda tx: events.since(tx, 0, limit=1000)) if one.type == "request.emptied"
    ]
    assert event.subject_id == first.id and "Muster" not in str(event) and "0171" not in str(event)


def test_what_was_put_away_unread_goes_after_thirty_days(house: House, tmp_path: Any) -> None:
    desk = desk_of(house)
    taken(desk, tmp_path, "Sie haben gewonnen, Vera Muster!", "Noch ein Gewinn", certain(number="3"))
    spam, waiting, booked = sorted(
        desk.requests(), key=lambda one: (one.appointment is not None, "Noch" in one.original)
    )
    decide(desk, spam, "refuse")
    decide(desk, booked, "refuse")
    house.clock.advance(30 * DAY - 1)  # type: ignore[attr-defined]
    assert run(desk) == 0
    house.clock.advance(1)  # type: ignore[attr-defined]
    assert run(desk) == 1
    emptied = {one.id for one in desk.requests() if empty(one)}
    assert emptied == {spam.id} and desk.see(lambda tx: store.REQUESTS.need(tx, waiting.id)) == waiting


def test_the_practice_says_how_long(house: House, tmp_path: Any) -> None:
    desk = desk_of(house)
    taken(desk, tmp_path, certain(number="1"))
    decide(desk, desk.only(), "refuse")
    desk.do(lambda tx: house.settings.put(tx, desk_settings.REQUEST_DAYS, 60))
    house.clock.advance(61 * DAY)  # type: ignore[attr-defined]
    assert run(desk) == 1


def test_one_whose_appointment_lies_ahead_keeps_them(house: House, tmp_path: Any) -> None:
    desk = desk_of(house)
    taken(desk, tmp_path, certain("24.11.2026 10:00 Uhr", "1"))
    decide(desk, desk.only(), "accept")
    desk.do(lambda tx: house.settings.put(tx, desk_settings.REQUEST_DAYS, 30))
    later = at("2027-02-02 10:00")

    def move(tx: Any) -> None:
        one = calendar.get(tx, str(desk.only().appointment))
        wish = calendar.Wish(
            service=one.service, start=later, end=later + 1800, schedules=one.schedules, outside_hours=True
        )
        calendar.move(house, tx, one.id, wish)

    desk.do(move)
    desk.handle()
    assert desk.only().start == later
    house.clock.advance(40 * DAY)  # type: ignore[attr-defined]
    assert run(desk) == 0
    house.clock.advance(40 * DAY)  # type: ignore[attr-defined]
    assert run(desk) == 1
