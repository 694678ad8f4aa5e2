"""What every adapter of a booking portal must keep (promises 1–6 of `portals/portal.py`), whatever lies behind it.

A test module makes a `Stage` (the account, and the portal behind it that does as it is told) and inherits the suites:

class TestDrFlex(PortalSuite):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]: ...

`BookingSuite` (`portal_suite_bookings.py`) is for those that take bookings.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Busy
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Period, Portal

DAY = 86_400
Span = tuple[int, int]
FAULTS: Mapping[str, tuple[str, bool]] = {
    "unauthorized": (codes.KEY_REFUSED, False),
    "error": (codes.FAILING, True),
    "half_closed": (codes.ANSWER_LOST, True),
    "drop": (codes.ANSWER_LOST, True),
    "lose": (codes.ANSWER_LOST, True),
    "bad_json": (codes.ANSWER_UNREADABLE, True),
    "too_often": (codes.TOO_OFTEN, True),
    "calendar_unknown": (codes.CALENDAR_UNKNOWN, False),
}
"""What a portal does to one request, and what an adapter must say: code, and whether trying again makes sense."""
NIGHTS = (
    ("Europe/Berlin", "2026-10-25"),
    ("Europe/Berlin", "2027-03-28"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2027-04-04"),
    ("Asia/Kathmandu", "2026-10-25"),
)
"""Zones and local dates: clocks go back and forth, by half an hour, and never (with an offset of 5:45)."""


class Kept:
    """A Memory that holds what JSON can hold."""

    def __init__(self) -> None:
        self.text: dict[str, str] = {}

    def get(self, key: str) -> Any:
        """A JSON value, or None."""
        return json.loads(self.text.get(key, "null"))

    def put(self, key: str, value: Any) -> None:
        """Remember; None forgets."""
        self.text[key] = json.dumps(value)


class Stage(Protocol):
    """An account at a portal, and that portal.

    `calendars`: names of at least six of its calendars, some of them difficult. `secrets`: what must never be told.
    """

    clock: FrozenClock
    url: str
    calendars: Sequence[str]
    secrets: Sequence[str]

    @property
    def portal(self) -> Portal:
        """The adapter with the right account and a memory that lasts."""
        ...

    def open(self, *, url: str = "", zone: str = "Europe/Berlin", key: str = "") -> Portal:
        """Another adapter with a memory of its own: the portal elsewhere, the practice elsewhere, another key."""
        ...

    def wanted(self, calendar: str) -> Period:
        """The period that the portal wants to know about."""
        ...

    def taken(self, calendar: str) -> list[Span]:
        """What the portal shows as taken by the practice, merged (`pairs`)."""
        ...

    def fault(self, name: str) -> None:
        """This happens to the next request; a name of FAULTS, `slow`, or "": all goes well."""
        ...

    def block(self, calendar: str, start: int, end: int) -> None:
        """Busy time is entered at the portal; only asked where it can be."""
        ...

    def requests(self) -> list[tuple[str, str, bytes]]:
        """(method, address, body) of each request that reached the portal so far."""
        ...


def spans(*times: Span) -> list[Busy]:
    """Busy times."""
    return [Busy(start=start, end=end) for start, end in times]


def pairs(busy: Sequence[Busy]) -> list[Span]:
    """As `Stage.taken` tells them: what overlaps or touches is one."""
    found: list[Span] = []
    for start, end in sorted((one.start, one.end) for one in busy):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def soon(stage: Stage) -> float:
    """The end of a permission that lasts."""
    return stage.clock.now() + 45.0


def told(work: Callable[[], object]) -> Problem:
    """The Problem that this raises; nothing else may be raised."""
    with pytest.raises(Problem) as caught:
        work()
    assert caught.value.code in codes.CODES
    return caught.value


def _shapes(period: Period) -> dict[str, list[Busy]]:
    """Busy times of a week as a practice has them."""
    begin = period.start + DAY
    quarter = 900
    return {
        "nothing": [],
        "one": spans((begin + 9 * 3_600, begin + 9 * 3_600 + quarter)),
        "whole days": spans((begin, begin + DAY), (begin + 2 * DAY, begin + 5 * DAY)),
        "over midnight": spans((begin - 3_600, begin + 3_600)),
        "touching": spans(*((begin + n * quarter, begin + (n + 1) * quarter) for n in range(8))),
        "overlapping": spans(
            (begin, begin + 7_200), (begin + 3_600, begin + 10_800), (begin, begin + quarter)
        ),
        "five minutes": spans((begin + 300, begin + 600)),
        "the whole period": spans((period.start, period.end)),
        "edges": spans((period.start, period.start + 300), (period.end - 300, period.end)),
    }


SHAPES = tuple(_shapes(Period(0, 30 * DAY)))


class PortalSuite:
    """The promises, one test each."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Each adapter brings its own."""
        raise LookupError("no stage")

    def test_names_are_the_portals_own(self, stage: Stage) -> None:
        names = stage.portal.names()
        assert (names is not None) == stage.portal.abilities.names
        if names is not None:
            assert sorted(names) == sorted(stage.calendars)

    def test_the_period_is_what_the_portal_wants(self, stage: Stage) -> None:
        assert len(stage.calendars) >= 6
        for calendar in stage.calendars:
            assert stage.portal.period(calendar) == stage.wanted(calendar)

    def test_a_name_it_does_not_have_is_named(self, stage: Stage) -> None:
        problem = told(lambda: stage.portal.period("Gibt es nicht/Sprechstunde"))
        assert (problem.code, problem.retry) == (codes.CALENDAR_UNKNOWN, False)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_an_upload_makes_exactly_these_times_taken(self, stage: Stage, shape: str) -> None:
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        old = spans((period.start + 3_600, period.start + 7_200), (period.end - 7_200, period.end - 3_600))
        assert stage.portal.upload(calendar, period, old, soon(stage)) == 2
        assert stage.taken(calendar) == pairs(old)
        busy = _shapes(period)[shape]
        for _ in range(2):
            assert stage.portal.upload(calendar, period, busy, soon(stage)) == len(busy)
            assert stage.taken(calendar) == pairs(busy)

    def test_calendars_do_not_mix(self, stage: Stage) -> None:
        wanted: dict[str, list[Busy]] = {}
        for number, calendar in enumerate(stage.calendars):
            period = stage.portal.period(calendar)
            start = period.start + number * 3_600
            wanted[calendar] = spans((start, start + 1_800))
            assert stage.portal.upload(calendar, period, wanted[calendar], soon(stage)) == 1
        for calendar, busy in wanted.items():
            assert stage.taken(calendar) == pairs(busy), calendar

    @pytest.mark.parametrize(("zone", "day"), NIGHTS)
    def test_nights_in_which_the_clock_changes(self, stage: Stage, zone: str, day: str) -> None:
        midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
        begin, end = (int((midnight + timedelta(days=n)).timestamp()) for n in (0, 1))
        stage.clock.set(begin - 3 * DAY)
        portal, calendar = stage.open(zone=zone), stage.calendars[0]
        period = Period(begin - DAY, end + DAY)
        for busy in (spans(*((at, at + 900) for at in range(begin, end, 1_800))), spans((begin, end))):
            assert portal.upload(calendar, period, busy, soon(stage)) == len(busy)
            assert stage.taken(calendar) == pairs(busy)

    def test_a_very_long_period_with_very_many_times(self, stage: Stage) -> None:
        calendar = stage.calendars[0]
        start = stage.wanted(calendar).start
        period = Period(start, start + 3 * 366 * DAY)
        busy = spans(*((start + n * 18_000, start + n * 18_000 + 1_500) for n in range(5_000)))
        assert stage.portal.upload(calendar, period, busy, soon(stage)) == 5_000
        assert stage.taken(calendar) == pairs(busy)
        assert stage.portal.upload(calendar, period, [], soon(stage)) == 0
        assert stage.taken(calendar) == []

    def test_nothing_is_written_after_its_time(self, stage: Stage) -> None:
        calendar = stage.calendars[0]
        period, before = stage.portal.period(calendar), soon(stage)
        count = len(stage.requests())
        stage.clock.advance(46)
        problem = told(lambda: stage.portal.upload(calendar, period, _shapes(period)["one"], before))
        assert problem.retry
        assert len(stage.requests()) == count and stage.taken(calendar) == []

    @pytest.mark.parametrize("fault", FAULTS)
    def test_what_goes_wrong_while_asking_is_told_apart(self, stage: Stage, fault: str) -> None:
        calendar = stage.calendars[0]
        stage.fault(fault)
        problem = told(lambda: stage.portal.period(calendar))
        assert (problem.code, problem.retry) == FAULTS[fault]
        assert stage.portal.period(calendar) == stage.wanted(calendar)

    @pytest.mark.parametrize("fault", FAULTS)
    def test_what_goes_wrong_while_uploading_is_told_apart_and_healed(self, stage: Stage, fault: str) -> None:
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        busy = _shapes(period)["touching"]
        stage.fault(fault)
        problem = told(lambda: stage.portal.upload(calendar, period, busy, soon(stage)))
        assert (problem.code, problem.retry) == FAULTS[fault]
        later = busy[2:]
        assert stage.portal.upload(calendar, period, later, soon(stage)) == len(later)
        assert stage.taken(calendar) == pairs(later)

    def test_how_long_to_wait_is_told(self, stage: Stage) -> None:
        stage.fault("too_often")
        problem = told(lambda: stage.portal.period(stage.calendars[0]))
        assert problem.headers == {"Retry-After": "60"}

    def test_a_slow_portal(self, stage: Stage) -> None:
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        stage.fault("slow")
        asked = told(lambda: stage.portal.period(calendar))
        assert (asked.code, asked.retry) == (codes.TIMEOUT, True)
        stage.fault("")
        stage.portal.period(calendar)
        stage.fault("slow")
        written = told(lambda: stage.portal.upload(calendar, period, [], soon(stage)))
        assert (written.code, written.retry) == (codes.ANSWER_LOST, True)

    @pytest.mark.parametrize(
        ("url", "code", "retry"),
        [
            ("https://no-such-name.invalid", codes.UNKNOWN_HOST, True),
            ("http://127.0.0.1:9", codes.UNREACHABLE, True),
            ("tls", codes.TLS_FAILED, False),
            ("path", codes.ADDRESS_WRONG, False),
        ],
    )
    def test_a_wrong_address_is_told_apart(self, stage: Stage, url: str, code: str, retry: bool) -> None:
        where = {"tls": stage.url.replace("http:", "https:"), "path": f"{stage.url}/anderswo"}.get(url, url)
        problem = told(stage.open(url=where).names)
        assert (problem.code, problem.retry) == (code, retry)

    def test_a_wrong_key_is_refused(self, stage: Stage) -> None:
        portal = stage.open(key="falsch")
        for work in (portal.names, lambda: portal.period(stage.calendars[0])):
            problem = told(work)
            assert (problem.code, problem.retry) == (codes.KEY_REFUSED, False)

    def test_nothing_but_times_goes_out(self, stage: Stage) -> None:
        """Two uploads of other times differ in nothing but times (and what is made of them)."""
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        seen = []
        for shift in (0, 1_500):
            start = period.start + 9 * 3_600 + shift
            busy = spans((start, start + 900), (start + 3_600, start + 5_400))
            count = len(stage.requests())
            stage.portal.upload(calendar, period, busy, soon(stage))
            bodies = [body for _, _, body in stage.requests()[count:]]
            seen.append([re.sub(rb"[0-9]", b"0", re.sub(rb"[0-9a-f]{32}", b"#", body)) for body in bodies])
        assert any(seen[0]) and seen[0][-1] == seen[1][-1]

    def test_it_asks_no_more_than_it_is_called(self, stage: Stage) -> None:
        count = len(stage.requests())
        portal = stage.open()
        assert portal.abilities == stage.portal.abilities
        assert len(stage.requests()) == count

    def test_what_is_remembered_can_be_lost(self, stage: Stage) -> None:
        calendar = stage.calendars[0]
        period = stage.portal.period(calendar)
        shapes = _shapes(period)
        stage.portal.upload(calendar, period, shapes["touching"], soon(stage))
        other = stage.open()
        assert other.upload(calendar, period, shapes["edges"], soon(stage)) == 2
        assert stage.portal.upload(calendar, period, shapes["one"], soon(stage)) == 1
        assert stage.taken(calendar) == pairs(shapes["one"])

    def test_many_at_once(self, stage: Stage) -> None:
        wrong: list[BaseException] = []

        def work(calendar: str) -> None:
            try:
                portal = stage.open()
                for number in range(5):
                    start = stage.wanted(calendar).start + number * 3_600
                    portal.upload(calendar, portal.period(calendar), spans((start, start + 600)), soon(stage))
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(calendar,)) for calendar in stage.calendars]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        for calendar in stage.calendars:
            start = stage.wanted(calendar).start + 4 * 3_600
            assert stage.taken(calendar) == [(start, start + 600)]

    def test_blockers_entered_there_come_back(self, stage: Stage) -> None:
        calendar, other = stage.calendars[:2]
        period = stage.portal.period(calendar)
        assert stage.portal.blockers(calendar, period) == ()
        if not stage.portal.abilities.blockers:
            return
        at = period.start + 2 * DAY
        times = [(at, at + 3_600), (at + DAY, at + DAY + 900)]
        for start, end in times:
            stage.block(calendar, start, end)
        first = stage.portal.blockers(calendar, period)
        assert sorted((one.start, one.end) for one in first) == times
        assert len({one.id for one in first}) == 2
        stage.portal.upload(calendar, period, spans((at, at + 600)), soon(stage))
        assert stage.portal.blockers(calendar, period) == first, "the same ones, whatever we upload"
        assert stage.open().blockers(calendar, period) == first, "and whatever is remembered"
        assert stage.portal.blockers(other, period) == ()

    def test_nothing_secret_is_told(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        calendar = stage.calendars[0]
        shown: list[str] = []
        for portal in (stage.open(key="falsch"), stage.open(url="http://127.0.0.1:9"), stage.portal):
            for fault in FAULTS:
                if portal is stage.portal:
                    stage.fault(fault)
                try:
                    shown.append(repr(portal.period(calendar)))
                except Problem as problem:
                    shown += [
                        repr(problem),
                        repr(problem.params),
                        repr(problem.detail),
                        repr(problem.__cause__),
                    ]
        told_all = "\n".join(shown) + caplog.text
        for word in (*stage.secrets, stage.url, calendar):
            assert word not in told_all


__all__ = ("DAY", "FAULTS", "Kept", "PortalSuite", "Stage", "pairs", "soon", "spans", "told")
