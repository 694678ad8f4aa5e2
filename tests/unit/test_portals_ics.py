"""Files of online calendars: ours say nothing but times, others' stay as they are and are understood as RFC 5545 means it."""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from icalendar import Calendar

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.services.portals.portal import ANSWER_UNREADABLE, Period
from praxisd.services.portals.portals.webdav_ics_files import OURS, Content, content, keys, written
from praxisd.services.portals.portals.webdav_ics_reading import blockers
from praxisd.services.portals.portals.webdav_ics_rules import Effort

BERLIN = ZoneInfo("Europe/Berlin")
START = parse_rfc3339("2026-10-01T00:00:00+02:00")
PERIOD = Period(START, parse_rfc3339("2027-04-01T00:00:00+02:00"))
TIMES = [(START + n * 7_200, START + n * 7_200 + 900) for n in range(4)]
ZONE = """BEGIN:VTIMEZONE
TZID:Praxiszeit
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19970330T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE"""


def event(*lines: str, uid: str = "fremd-1") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def taken(*components: str, period: Period = PERIOD) -> list[tuple[str, str]]:
    """Local times, readable."""
    return [
        tuple(f"{datetime.fromtimestamp(at, BERLIN):%m-%d %H:%M}" for at in (one.start, one.end))  # type: ignore[misc]
        for one in blockers([crlf(one) for one in components], BERLIN, period)
    ]


def test_our_file_is_valid_and_says_nothing_but_times() -> None:
    body = written(keys(PERIOD, TIMES), Content())
    assert body.endswith(b"END:VCALENDAR\r\n") and b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    calendar: Any = Calendar.from_ical(body)
    assert {"VERSION", "PRODID"} == set(calendar)
    events = calendar.walk("VEVENT")
    assert [(int(one.start.timestamp()), int(one.end.timestamp())) for one in events] == TIMES
    for one in events:
        assert set(one) == {"UID", "DTSTAMP", "DTSTART", "DTEND", "CLASS", "TRANSP"}
        assert re.fullmatch(r"[0-9a-f]{32}@busy\.praxisd", one["UID"])
        assert one.errors == []
    assert len({one["UID"] for one in events}) == len(TIMES)


def test_the_same_times_are_the_same_bytes_and_the_same_ids() -> None:
    one, other = (written(keys(PERIOD, times), Content()) for times in (TIMES, TIMES[:2]))
    assert one == written(keys(PERIOD, TIMES), Content())
    assert set(re.findall(rb"UID:(.*)", other)) < set(re.findall(rb"UID:(.*)", one))


def test_an_empty_calendar_is_valid() -> None:
    body = written(keys(PERIOD, []), Content())
    calendar: Any = Calendar.from_ical(body)
    (only,) = calendar.subcomponents
    assert only.name == "VFREEBUSY" and "FREEBUSY" not in only and only["UID"].endswith(OURS)
    assert content(body) == Content(frozenset(keys(PERIOD, [])))
    assert blockers([], BERLIN, PERIOD) == ()


def test_what_was_written_is_known_again() -> None:
    assert content(written(keys(PERIOD, TIMES), Content())).ours == keys(PERIOD, TIMES).keys()
    changed = written(keys(PERIOD, TIMES), Content()).replace(b"DTEND:2026", b"DTEND:2027", 1)
    assert content(changed).ours != keys(PERIOD, TIMES).keys()


def test_what_others_put_there_stays_byte_by_byte() -> None:
    foreign = event(
        "SUMMARY:Fortbildung\\, Köln – bitte nicht",
        "DESCRIPTION:eine sehr lange Zeile die gefaltet ist und hier weitergeht und",
        " weiter\\nund weiter",
        "DTSTART;TZID=Praxiszeit:20261102T090000",
        "DTEND;TZID=Praxiszeit:20261102T120000",
        "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT15M\nEND:VALARM",
    )
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Fremd//EN\nMETHOD:PUBLISH\nX-WR-CALNAME:Sperr\n zeiten\n"
    body = f"{head}{ZONE}\n{foreign}\nEND:VCALENDAR\n".encode()
    found = content(b"\xef\xbb\xbf" + body)
    assert not found.plain and found.ours == frozenset()
    again = written(keys(PERIOD, TIMES), found).decode()
    for part in (ZONE, foreign, "X-WR-CALNAME:Sperr\n zeiten"):
        assert part.replace("\n", "\r\n") in again
    assert "METHOD" not in again and again.count("PRODID") == 1
    twice = content(again.encode())
    assert (
        twice.others == found.others and twice.said == found.said and twice.ours == keys(PERIOD, TIMES).keys()
    )
    assert taken(*twice.others) == [("11-02 09:00", "11-02 12:00")]


@pytest.mark.parametrize(
    "body",
    [b"", b"<!doctype html><p>Wartung", b'{"ok":true}', b"BEGIN:VCALENDAR\r\n", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
     b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VCALENDAR",
     b"\xff\xfe\x00", b"hallo\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"],
)  # fmt: skip
def test_what_is_no_calendar_is_named(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        content(body)
    assert caught.value.code == ANSWER_UNREADABLE


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        (("DTSTART:20261102T080000Z", "DTEND:20261102T090000Z"), [("11-02 09:00", "11-02 10:00")]),
        (("DTSTART:20261102T080000", "DURATION:PT45M"), [("11-02 08:00", "11-02 08:45")]),
        (("DTSTART;TZID=America/New_York:20261102T080000", "DURATION:PT1H"), [("11-02 14:00", "11-02 15:00")]),
        (("DTSTART;TZID=Praxiszeit:20261102T080000", "DURATION:PT1H"), [("11-02 08:00", "11-02 09:00")]),
        (("DTSTART;TZID=W. Europe Standard Time:20261102T080000", "DURATION:PT1H"), [("11-02 08:00", "11-02 09:00")]),
        (("DTSTART;VALUE=DATE:20261025",), [("10-25 00:00", "10-26 00:00")]),
        (("DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261027"), [("10-24 00:00", "10-27 00:00")]),
        (("DTSTART;VALUE=DATE:20261024", "DURATION:P2D"), [("10-24 00:00", "10-26 00:00")]),
        # A day is a day, also when the clock changes in it.
        (("DTSTART:20261024T120000", "DURATION:P1D"), [("10-24 12:00", "10-25 12:00")]),
        (("DTSTART:20261102T080000Z",), []),
        (("DTSTART:20261102T080000Z", "DTEND:20261102T070000Z"), []),
        (("DTSTART:20261102T080000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"), []),
        (("DTSTART:20261102T080000Z", "DURATION:PT1H", "STATUS:CANCELLED"), []),
        (("DTSTART:20261102T080000Z", "DURATION:PT1H", "STATUS:TENTATIVE"), [("11-02 09:00", "11-02 10:00")]),
        (("DTSTART:20200102T080000Z", "DURATION:PT1H"), []),
        # Before the period, and into it.
        (("DTSTART:20260930T200000Z", "DURATION:PT10H"), [("09-30 22:00", "10-01 08:00")]),
        (
            ("DTSTART:20261023T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261024T090000"),
            [("10-23 09:00", "10-23 10:00"), ("10-25 09:00", "10-25 10:00"), ("10-26 09:00", "10-26 10:00")],
        ),
        (
            ("DTSTART;VALUE=DATE:20261023", "RRULE:FREQ=DAILY;UNTIL=20261026", "EXDATE;VALUE=DATE:20261024"),
            [("10-23 00:00", "10-24 00:00"), ("10-25 00:00", "10-26 00:00"), ("10-26 00:00", "10-27 00:00")],
        ),
        (
            ("DTSTART;TZID=Europe/Berlin:20191004T180000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;BYDAY=FR;UNTIL=20261016T160000Z"),
            [("10-02 18:00", "10-02 20:00"), ("10-09 18:00", "10-09 20:00"), ("10-16 18:00", "10-16 20:00")],
        ),
        (
            ("DTSTART:20261001T090000", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2"),
            [("10-01 09:00", "10-01 10:00"), ("10-30 09:00", "10-30 10:00"), ("11-27 09:00", "11-27 10:00")],
        ),
        (
            ("DTSTART:20261101T090000", "DURATION:PT1H", "RRULE:FREQ=HOURLY;INTERVAL=3;COUNT=2"),
            [("11-01 09:00", "11-01 10:00"), ("11-01 12:00", "11-01 13:00")],
        ),
        (
            ("DTSTART:20261101T090000", "DURATION:PT1H", "RDATE:20261103T090000,20261104T090000"),
            [("11-01 09:00", "11-01 10:00"), ("11-03 09:00", "11-03 10:00"), ("11-04 09:00", "11-04 10:00")],
        ),
        (
            ("DTSTART:20261101T090000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20261103T090000Z/PT30M"),
            [("11-01 10:00", "11-01 11:00"), ("11-03 10:00", "11-03 10:30")],
        ),
        (
            ("DTSTART:19000101T120000", "DURATION:PT1H", "RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24"),
            [("12-24 12:00", "12-24 13:00")],
        ),
    ],
)  # fmt: skip
def test_entries_of_others(lines: tuple[str, ...], times: list[tuple[str, str]]) -> None:
    assert taken(ZONE, event(*lines)) == times


def test_a_single_turn_that_was_moved_or_cancelled() -> None:
    series = event("DTSTART:20261102T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")
    moved = event("RECURRENCE-ID:20261103T090000", "DTSTART:20261103T150000", "DURATION:PT2H")
    gone = event(
        "RECURRENCE-ID:20261104T090000", "DTSTART:20261104T090000", "DURATION:PT1H", "STATUS:CANCELLED"
    )
    other = event("DTSTART:20261103T090000", "DURATION:PT5M", uid="fremd-2")
    assert taken(series, moved, gone, other) == [
        ("11-02 09:00", "11-02 10:00"),
        ("11-03 09:00", "11-03 09:05"),
        ("11-03 15:00", "11-03 17:00"),
        ("11-05 09:00", "11-05 10:00"),
    ]


def test_published_busy_times() -> None:
    busy = (
        "BEGIN:VFREEBUSY\nUID:f1\nDTSTAMP:20260101T000000Z\nFREEBUSY:20261102T080000Z/PT1H,20261103T080000Z/20261103T083000Z\n"
        "FREEBUSY;FBTYPE=FREE:20261104T080000Z/PT1H\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261105T080000Z/PT1H\nEND:VFREEBUSY"
    )
    assert taken(busy) == [
        ("11-02 09:00", "11-02 10:00"),
        ("11-03 09:00", "11-03 09:30"),
        ("11-05 09:00", "11-05 10:00"),
    ]


def test_ids_are_stable_and_tell_nothing() -> None:
    mine = [event("DTSTART:20261102T080000Z", "DURATION:PT1H", "SUMMARY:Frau Muster", uid="muster-erika")]
    (one,) = blockers(mine, BERLIN, PERIOD)
    assert one == blockers(mine, BERLIN, Period(PERIOD.start + 86_400, PERIOD.end))[0]
    assert re.fullmatch(r"[0-9a-f]{32}", one.id)


GOOD = event("DTSTART:20261105T080000Z", "DURATION:PT1H", uid="gut")
HOSTILE_ZONE = ZONE.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "{rule}")


def understood(*components: str) -> tuple[list[tuple[int, int]], int]:
    """Times that are known, and how many entries could not be read."""
    found = blockers([crlf(one) for one in components], BERLIN, PERIOD)
    return [(one.start, one.end) for one in found if not one.unread], sum(one.unread for one in found)


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:gestern", "DURATION:PT1H"),
        ("DTEND:20261102T080000Z",),
        ("DTSTART:20261102T080000Z", "DURATION:PT1H", "RRULE:FREQ=NIE"),
        ("DTSTART:19700101T080000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"),
        ("DTSTART:20261102T080000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"),
        ("DTSTART:20261102T080000Z", "DURATION:PT1S", "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"),
        ("DTSTART:20261102T080000Z", "DURATION:PT1S", "RRULE:FREQ=DAILY;BYYEARDAY=366;BYMONTH=1;COUNT=3"),
        ("DTSTART:20261102T080000Z", "DURATION:PT1S", "RRULE:FREQ=MONTHLY;BYDAY=6MO"),
        ("DTSTART:20261102T080000Z", "DURATION:PT1S", f"RRULE:FREQ=DAILY;BYMONTHDAY=1{',1' * 2_000}"),
    ],
)
def test_an_entry_that_cannot_be_understood_keeps_no_other(lines: tuple[str, ...]) -> None:
    known, unread = understood(GOOD, event(*lines))
    assert known[-1][1] - known[-1][0] == 3_600 and unread == 1
    assert understood(event(*lines), GOOD) == (known, unread), "whatever comes first"


@pytest.mark.parametrize(
    "broken",
    [
        "BEGIN:VFREEBUSY\nUID:f1\nFREEBUSY:bald/später\nEND:VFREEBUSY",
        event("DTSTART:20261102T080000Z", "DURATION:PT1H", "kein Wort"),
    ],
)
def test_a_component_that_is_no_icalendar_keeps_no_other(broken: str) -> None:
    known, unread = understood(
        ZONE, broken, event("DTSTART;TZID=Praxiszeit:20261105T090000", "DURATION:PT1H")
    )
    assert known[-1] == understood(GOOD)[0][0] and unread + len(known) == 2


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]
)
def test_a_clock_that_never_ends_keeps_only_those_who_need_it(rule: str) -> None:
    zone = HOSTILE_ZONE.format(rule=rule)
    mine = event("DTSTART;TZID=Praxiszeit:20261102T080000", "DURATION:PT1H")
    assert understood(zone, mine, GOOD) == (understood(GOOD)[0], 1)


def test_the_effort_for_a_file_is_bounded() -> None:
    """Counted, not measured: as many hostile events as one likes cost no more than one."""
    hostile = [
        event(
            "DTSTART:20261102T080000Z",
            "DURATION:PT1S",
            "RRULE:FREQ=HOURLY;BYMONTHDAY=31;BYMONTH=2,4",
            uid=f"h{n}",
        )
        for n in range(200)
    ]
    effort = Effort(1_000)
    found = blockers([crlf(one) for one in (*hostile, GOOD)], BERLIN, PERIOD, effort)
    assert sum(one.unread for one in found) == 200 and effort.left < 0
    assert [(one.start, one.end) for one in found if not one.unread][-1] == understood(GOOD)[0][0]


def test_events_of_decades_cost_no_more_than_new_ones() -> None:
    old = [
        event("DTSTART:19700105T080000Z", "DURATION:PT5M", f"RRULE:FREQ={rule}", uid=rule)
        for rule in ("DAILY", "WEEKLY;INTERVAL=2", "HOURLY;INTERVAL=12", "MINUTELY;INTERVAL=1440")
    ]
    effort = Effort(200_000)
    found = blockers([crlf(one) for one in old], BERLIN, PERIOD, effort)
    assert not any(one.unread for one in found) and effort.left > 0
    assert len(found) == 182 + 13 + 364 + 182


RULES = (
    "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU",
    "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=2TU,4TU", "FREQ=YEARLY;BYMONTH=11;BYDAY=3SU",
    "FREQ=DAILY;COUNT=20", "FREQ=WEEKLY;UNTIL=20261224T230000Z",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=DAILY;BYHOUR=9,14;COUNT=30",
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_repeating_events_as_another_program_understands_them(rule: str) -> None:
    dice = random.Random(rule)
    for _ in range(8):
        first = datetime(2026, 8, 1, tzinfo=BERLIN) + timedelta(
            days=dice.randrange(90), minutes=15 * dice.randrange(96)
        )
        first = first.replace(tzinfo=BERLIN)
        minutes = dice.choice([15, 60, 600, 1_500])
        text = event(
            f"DTSTART;TZID=Europe/Berlin:{first:%Y%m%dT%H%M%S}",
            f"DTEND;TZID=Europe/Berlin:{first + timedelta(minutes=minutes):%Y%m%dT%H%M%S}",
            f"RRULE:{rule}",
        )
        whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{text}\nEND:VCALENDAR\n"
        since, until = (datetime.fromtimestamp(at, UTC) for at in (PERIOD.start, PERIOD.end))
        found = recurring_ical_events.of(Calendar.from_ical(whole)).between(since, until)
        starts = sorted(
            int(one.start.timestamp()) for one in found if int(one.end.timestamp()) > PERIOD.start
        )
        mine = [one.start for one in blockers([text.replace("\n", "\r\n")], BERLIN, PERIOD)]
        assert mine == starts, text
