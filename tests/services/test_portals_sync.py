"""The cycle of a portal: what goes out and when, what is left alone, and what happens when the portal does not work."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from praxisd.kernel import events
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import engine_store, links
from praxisd.services.portals.portal import (
    CALENDAR_UNKNOWN,
    FAILING,
    KEY_REFUSED,
    TIMEOUT,
    TLS_FAILED,
    UNKNOWN_HOST,
)
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, booking, in_memory, stage_of

HOUR = 3_600


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


def noted(stage: Stage, type_: str) -> list[dict[str, object]]:
    found = stage.read(lambda tx: events.since(tx, 0, types=(type_,)))
    return [one.codes for one in found]


def test_the_first_cycle_uploads_what_is_busy_and_only_that(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + HOUR)
    stage.book(START + 3 * HOUR, column=1)
    report = stage.cycle(portal)
    assert [(one.name, one.uploaded, one.code) for one in report.results] == [("Sprechstunde", 1, None)]
    assert (
        stage.world.taken
        == {"Sprechstunde": ((START + HOUR, START + HOUR + 1_800),)}
        == {"Sprechstunde": stage.busy(link)}
    )
    row = stage.state(link)
    assert (row.uploaded, row.dirty_at, row.force, row.failures) == (1, None, 0, 0)
    assert noted(stage, "sync.uploaded") == [{"calendar": link.id, "count": 1}]


def test_an_unchanged_calendar_is_not_uploaded_again(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + HOUR)
    stage.cycle(portal)
    before = stage.world.said().count("upload")
    for _ in range(5):
        stage.wait(portal.interval)
        assert stage.cycle(portal).state == "done"
    assert stage.world.said().count("upload") == before == 1
    assert stage.state(link).good_at == START + 5 * portal.interval
    assert len(noted(stage, "sync.uploaded")) == 1


def test_an_unchanged_cycle_writes_twice_and_says_nothing(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.link(portal, "Prophylaxe", 1)
    stage.world.bookings = [booking(1, START + DAY)]
    stage.cycle(portal)
    stage.handle()
    stage.wait(portal.interval)
    stage.cycle(portal)
    stage.handle()
    stage.wait(portal.interval)
    before, head = stage.house.store.generation, stage.read(events.head)
    stage.cycle(portal)
    assert stage.house.store.generation - before == 2  # the lease taken, and given back with what was seen
    assert stage.read(events.head) == head


def test_a_period_that_moves_on_with_every_second_is_uploaded_once_a_day(stage: Stage) -> None:
    stage.world.slides = True
    portal = stage.portal()
    stage.link(portal)
    stage.book(START + 60)
    stage.cycle(portal)
    for _ in range(30):  # into the appointment and beyond its end
        stage.wait(120)
        stage.cycle(portal)
    assert stage.world.said().count("upload") == 1
    stage.wait(DAY)
    stage.cycle(portal)
    stage.wait(120)
    stage.cycle(portal)
    assert stage.world.said().count("upload") == 2


def test_never_closer_than_the_interval_and_a_change_as_early_as_allowed(stage: Stage) -> None:
    portal = stage.portal(interval=120)
    stage.link(portal)
    stage.cycle(portal)
    uploads = [START]
    for number in range(40):
        stage.wait(10)
        if number % 2:
            stage.book(START + DAY + number * HOUR // 2, minutes=15)
            stage.handle()
        if stage.cycle(portal).results:
            uploads.append(stage.house.clock.now())
    gaps = [b - a for a, b in pairwise(uploads)]
    assert gaps and min(gaps) == 60
    assert stage.world.times("upload") == uploads


def test_without_early_a_change_waits_for_the_interval(stage: Stage) -> None:
    portal = stage.portal(interval=120, early=False)
    stage.link(portal)
    stage.cycle(portal)
    stage.wait(90)
    stage.book(START + HOUR)
    stage.handle()
    assert stage.cycle(portal).state == "early"
    stage.wait(30)
    assert [one.uploaded for one in stage.cycle(portal).results] == [1]


def test_a_change_that_concerns_another_column_asks_the_portal_for_nothing(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.cycle(portal)
    calls = len(stage.world.calls)
    stage.wait(70)
    stage.book(START + HOUR, column=1)
    stage.handle()
    assert stage.state(link).dirty_at is not None
    stage.wait(2)  # others that come with it are waited for
    assert stage.cycle(portal).state == "quiet"
    assert len(stage.world.calls) == calls
    assert stage.state(link).dirty_at is None
    assert stage.contact(portal).due_at == START + portal.interval


def test_cancelled_moved_and_lengthened_ones_follow(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    first, second = stage.book(START + HOUR), stage.book(START + 3 * HOUR)
    stage.cycle(portal)
    stage.run(lambda tx: calendar.cancel(stage.house, tx, first, "Absage", None))
    longer = calendar.Wish(
        service=stage.practice.check, start=START + 3 * HOUR, end=START + 5 * HOUR,
        schedules=stage.practice.doctors[:1], outside_hours=True,
    )  # fmt: skip
    stage.run(lambda tx: calendar.move(stage.house, tx, second, longer, None))
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.world.taken["Sprechstunde"] == ((START + 3 * HOUR, START + 5 * HOUR),) == stage.busy(link)


def test_a_reservation_over_columns_and_days_blocks_all(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.link(portal, "Prophylaxe", 1)
    period = (START + HOUR, START + DAY + 2 * HOUR)
    stage.run(
        lambda tx: calendar.add_reservation(
            stage.house, tx, title="Umbau", schedules=stage.practice.doctors, start=period[0], end=period[1]
        )
    )
    stage.cycle(portal)
    assert stage.world.taken == {"Sprechstunde": (period,), "Prophylaxe": (period,)}


def test_an_event_during_the_upload_is_not_forgotten(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)

    def meanwhile(_calendar: str) -> None:
        stage.world.during = None
        stage.book(START + 5 * HOUR)

    stage.world.during = meanwhile
    stage.cycle(portal)
    assert stage.world.taken["Sprechstunde"] == ()
    assert stage.state(link).dirty_at == START
    stage.handle()
    stage.wait(60)
    stage.cycle(portal)
    assert stage.world.taken["Sprechstunde"] == stage.busy(link) != ()
    assert stage.state(link).dirty_at is None


def test_a_handler_that_lags_marks_nothing_that_is_out_already(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + HOUR)
    stage.cycle(portal)
    stage.handle()
    assert stage.state(link).dirty_at is None
    assert stage.contact(portal).due_at == START + portal.interval


@pytest.mark.parametrize("code", [KEY_REFUSED, UNKNOWN_HOST, TLS_FAILED, TIMEOUT])
def test_a_portal_that_does_not_work_is_left_alone_longer_and_longer(stage: Stage, code: str) -> None:
    retry = code in (UNKNOWN_HOST, TIMEOUT)
    portal = stage.portal(interval=120)
    link = stage.link(portal)
    other = stage.link(portal, "Prophylaxe", 1)
    stage.world.fails["*"] = Problem(code, 502, retry=retry)
    waits = []
    for _ in range(7):
        report = stage.cycle(portal)
        assert (report.state, report.code) == ("failed", code)
        row = stage.contact(portal)
        waits.append(row.due_at - row.contacted_at)
        stage.wait(waits[-1])
    assert waits == ([240, 480, 960, 1_920, 3_600, 3_600, 3_600] if retry else [3_600] * 7)
    assert len(stage.world.calls) == 7  # the second calendar is not tried
    assert [stage.state(one).code for one in (link, other)] == [code, code]
    assert noted(stage, "sync.failed") == [{"code": code}]
    stage.world.fails.clear()
    assert [one.uploaded for one in stage.cycle(portal).results] == [0, 0]
    assert {one["code"] for one in noted(stage, "sync.recovered")} == {code}
    assert (stage.contact(portal).failures, stage.state(other).code) == (0, None)


def test_one_calendar_that_fails_does_not_keep_the_others(stage: Stage) -> None:
    portal = stage.portal()
    good, bad = stage.link(portal), stage.link(portal, "Prophylaxe", 1)
    stage.world.names = ("Sprechstunde",)
    report = stage.cycle(portal)
    assert [(one.name, one.uploaded, one.code) for one in report.results] == [
        ("Sprechstunde", 0, None),
        ("Prophylaxe", None, CALENDAR_UNKNOWN),
    ]
    assert (stage.state(good).failures, stage.state(bad).failures) == (0, 1)
    asked = len(stage.world.calls)
    stage.wait(portal.interval)
    stage.cycle(portal)  # a permanent failure: not asked about for an hour
    assert [call.calendar for call in stage.world.calls[asked:] if call.what == "period"] == ["Sprechstunde"]
    stage.world.names = ("Sprechstunde", "Prophylaxe")
    report = stage.cycle(portal, "hand")
    assert [one.code for one in report.results] == [None, None]


def test_a_failed_upload_is_made_again_even_if_nothing_changes(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + HOUR)
    stage.cycle(portal)
    stage.run(lambda tx: links.resync(tx, link.id))
    stage.world.fails["upload"] = Problem(FAILING, 502, retry=True)
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert (stage.state(link).force, stage.state(link).digest) == (1, None)
    stage.world.fails.clear()
    stage.world.taken.clear()
    stage.wait(2 * portal.interval)
    stage.cycle(portal)
    assert stage.world.taken["Sprechstunde"] == stage.busy(link)


def test_an_adapter_that_breaks_its_promise_is_a_failure_like_others(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.fails["upload"] = RuntimeError("boom")  # type: ignore[assignment]
    report = stage.cycle(portal)
    assert [one.code for one in report.results] == ["portals.crashed"]
    stage.world.fails.clear()
    stage.wait(2 * portal.interval)
    assert stage.cycle(portal).results[0].uploaded == 0


def test_everything_is_compared_anew_once_a_night(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.cycle(portal)
    fulls = []
    for _ in range(2 * 48):
        stage.wait(1_800)
        count = stage.world.said().count("upload")
        stage.cycle(portal)
        if stage.world.said().count("upload") > count:
            fulls.append(stage.house.clock.now())
    berlin = [(at - START) / 3_600 + 9 for at in fulls]
    assert [at % 24 for at in berlin] == [1.0, 3.5, 1.0, 3.5]  # midnight UTC: another period; then the night
    assert stage.world.marks.count(None) == 3


def test_by_hand_everything_goes_out_at_once(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.book(START + HOUR)
    stage.cycle(portal)
    assert stage.cycle(portal).state == "early"
    report = stage.cycle(portal, "hand")
    assert [one.uploaded for one in report.results] == [1]
    assert stage.contact(portal).due_at == START + portal.interval


def test_an_inactive_portal_is_not_spoken_to(stage: Stage) -> None:
    portal = stage.portal(active=False)
    stage.link(portal)
    assert stage.cycle(portal).state == "gone"
    with pytest.raises(Problem) as refused:
        stage.cycle(portal, "hand")
    assert refused.value.code == "portals.inactive"
    assert stage.world.calls == []
    assert stage.read(lambda tx: engine_store.due(tx, START + DAY)) == []
