"""Time at the edges: what is accepted, what is refused with which code, and clocks."""

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.clock import FrozenClock, SystemClock, format_rfc3339, local_date, parse_rfc3339, zone
from praxisd.kernel.errors import Problem

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T01:00:00.999999999+01:00", 0),
        ("1969-12-31T23:59:59.9Z", -1),
        ("2026-11-22T09:00:00+01:00", 1795334400),
        ("2026-10-25T02:30:00+02:00", 1792888200),
        ("2026-10-25T02:30:00+01:00", 1792891800),
        ("2028-02-29T12:00:00+23:59", 1835352060),
    ],
)
def test_times_that_are_understood(text: str, expected: int) -> None:
    assert parse_rfc3339(text) == expected


@pytest.mark.parametrize("text", ["2026-11-22T09:00:00", "2026-11-22T09:00:00.5"])
def test_a_time_without_an_offset_is_not_guessed(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_rfc3339(text, "start")
    assert (caught.value.code, caught.value.status) == ("clock.naive_time", 400)
    assert caught.value.params == {"field": "start"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "Erika Mustermann",
        "2026-11-22",
        "2026-11-22T09:00Z",
        "2026-11-22 09:00:00Z",
        "2026-11-22T09:00:00 01:00",
        "2026-11-22T09:00:00+0100",
        "2026-11-22T09:00:00+24:00",
        "2026-11-22T09:00:00+01:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:59:60Z",
        "2026-02-29T09:00:00Z",
        "2026-13-01T09:00:00Z",
        "2026-00-01T09:00:00Z",
        "2026-11-22T09:00:00.Z",
        "2026-11-22T09:00:00Z\n",
        " 2026-11-22T09:00:00Z",
        "2026-11-22T09:00:00Z" * 1000,
        "２026-11-22T09:00:00Z",
        "1899-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        # A bad date is bad first, with or without an offset.
        "2026-02-30T09:00:00",
    ],
)
def test_everything_else_is_one_problem_that_quotes_nothing(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_rfc3339(text, "start")
    assert (caught.value.code, caught.value.status) == ("clock.bad_time", 400)
    assert caught.value.params == {"field": "start"}
    assert caught.value.detail is None


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}[+-][0-9:]{5}"))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        assert isinstance(parse_rfc3339(text), int)
    except Problem as problem:
        assert problem.code in ("clock.bad_time", "clock.naive_time")


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC)),
    st.sampled_from(
        ["Europe/Berlin", "Europe/Zurich", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Amsterdam"]
    ),
)
def test_written_times_are_read_back(moment: datetime, name: str) -> None:
    epoch = int(moment.timestamp() // 1)
    assert parse_rfc3339(format_rfc3339(epoch, ZoneInfo(name))) == epoch


@given(st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC)))
def test_reading_agrees_with_the_standard_library(moment: datetime) -> None:
    moment = moment.astimezone(BERLIN).replace(microsecond=0)
    assert parse_rfc3339(moment.isoformat()) == datetime.fromisoformat(moment.isoformat()).timestamp()


def test_format_shows_the_offset_of_the_moment() -> None:
    assert format_rfc3339(1792888200, BERLIN) == "2026-10-25T02:30:00+02:00"
    assert format_rfc3339(1792891800, BERLIN) == "2026-10-25T02:30:00+01:00"
    assert format_rfc3339(0) == "1970-01-01T00:00:00+00:00"
    # Amsterdam kept local mean time with odd seconds until 1937.
    assert format_rfc3339(-2_000_000_000, ZoneInfo("Europe/Amsterdam")).endswith(
        ("+00:00", "+00:20", "+01:20")
    )


def test_local_date() -> None:
    assert local_date(1792879200 - 1, BERLIN) == date(2026, 10, 24)
    assert local_date(1792879200, BERLIN) == date(2026, 10, 25)


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "Europe/Zurich", "Europe/Vienna", "UTC", "America/Indiana/Knox"]
)
def test_known_zones(name: str) -> None:
    assert zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Europe", "Europe/", "Mars/Olympus", "Europe/Berlin ", "Europe/Berlin\0", "A" * 5000),
        *("../../etc/passwd", "/etc/localtime", "localtime", "posixrules", "Factory", "Zürich", "CET-1"),
        *("right/Europe/Berlin", "posix/Europe/Berlin", "europe/berlin"),
    ],
)
def test_unknown_zones(name: str) -> None:
    with pytest.raises(Problem) as caught:
        zone(name)
    assert (caught.value.code, caught.value.status) == ("clock.unknown_zone", 400)


def test_system_clock() -> None:
    clock = SystemClock()
    assert not clock.frozen
    assert abs(clock.now() - time.time()) < 2
    assert abs(clock.now_ms() - time.time() * 1000) < 2000
    assert clock.monotonic() <= clock.monotonic()


def test_frozen_clock_moves_only_when_told() -> None:
    clock = FrozenClock(1000.25)
    assert clock.frozen
    assert (clock.now(), clock.now_ms(), clock.monotonic()) == (1000, 1000250, 0.0)
    clock.advance(0.75)
    assert (clock.now(), clock.now_ms(), clock.monotonic()) == (1001, 1001000, 0.75)
    clock.set(500)
    assert (clock.now(), clock.monotonic()) == (500, 0.75)
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)
