"""What of a portal cannot be read: it keeps nothing else, and a person hears of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.model.portals import Told
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import engine_checks, store
from praxisd.services.portals.portal import Blocker
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, booking, in_memory, stage_of

HOUR = 3_600


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


def test_a_busy_time_that_cannot_be_read_keeps_no_other_and_is_an_issue(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    good = Blocker("x1", START + DAY, START + DAY + HOUR)

    def found() -> list[tuple[str, Any]]:
        issues = engine_checks.columns(stage.house)
        return [(one.subject, one.params["count"]) for one in issues if one.code == engine_checks.UNREAD]

    def kept() -> list[tuple[int, int]]:
        here = stage.read(lambda tx: calendar.busy(stage.house, tx, link.schedule, START, START + 2 * DAY))
        return [(one.start, one.end) for one in here]

    stage.world.blocked["Sprechstunde"] = [Blocker("x0", 0, 0, True), good, Blocker("x2", 0, 0, True)]
    for _ in range(2):
        stage.cycle(portal)
        stage.wait(portal.interval)
        assert kept() == [(good.start, good.end)]
        assert found() == [(f"OnlineCalendar/{link.id}", 2)]
    later = Blocker("x2", START + DAY + HOUR, START + DAY + 2 * HOUR)
    stage.world.blocked["Sprechstunde"] = [Blocker("x1", 0, 0, True), later]
    stage.cycle(portal)
    assert kept() == [(good.start, good.end), (later.start, later.end)], "what was known of it stays"
    assert found() == []
    stage.wait(portal.interval)
    stage.world.blocked.clear()
    stage.cycle(portal)
    assert kept() == []


def test_a_booking_that_cannot_be_read_waits_for_a_person(stage: Stage) -> None:
    portal = stage.portal(services={"Kontrolle": stage.practice.check}, at_once=True)
    stage.link(portal)
    text = '{"id":"b1","start":"morgen"}'
    stage.world.bookings = [
        booking(1, START, kind="Kontrolle", original=text),
        booking(
            2,
            START + DAY,
            kind="Kontrolle",
            told=Told(family="Zeisig", given="Otto", birth_date="1950-01-01"),
        ),
        booking(
            3,
            START + 2 * DAY,
            kind="Kontrolle",
            original="{}",
            end=None,
            told=Told(family="Amsel", given="Ida", birth_date="2001-04-05"),
        ),
    ]
    stage.world.bookings[0] = replace(stage.world.bookings[0], start=None, end=None)
    stage.cycle(portal)
    assert stage.contact(portal).mark == "3" and stage.contact(portal).code is None
    by = {one.remote: one for one in stage.read(store.REQUESTS.all)}
    assert (by["b1"].state, by["b1"].appointment, by["b1"].original) == ("open", None, text)
    assert by["b2"].state == "accepted" and by["b2"].original == ""
    assert by["b3"].state == "open" and by["b3"].appointment, (
        "its time is blocked, but nothing in doubt is booked"
    )
    stage.world.bookings.append(booking(1, START + 3 * DAY, kind="Kontrolle"))
    stage.wait(portal.interval)
    stage.cycle(portal)
    (now,) = [one for one in stage.read(store.REQUESTS.all) if one.remote == "b1"]
    assert (now.state, now.start) == ("open", START + 3 * DAY) and now.appointment
