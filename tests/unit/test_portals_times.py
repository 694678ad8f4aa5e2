"""Times as portals write them: read so that periods rather grow, written so that what is busy is covered."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.services.portals.portal import ANSWER_UNREADABLE, Period
from praxisd.services.portals.portals.talking_times import (
    AHEAD_S,
    BEHIND_S,
    day_start,
    moment,
    period_of,
    written,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)
NOW = parse_rfc3339("2026-10-20T10:00:00+02:00")


def at(text: str) -> int:
    return parse_rfc3339(text)


@pytest.mark.parametrize(
    ("told", "end", "meant"),
    [
        ("2026-11-27T09:00:00+01:00", False, "2026-11-27T08:00:00Z"),
        ("2026-11-27T09:00:00.5Z", False, "2026-11-27T09:00:00Z"),
        (" 2026-11-27T09:00 ", False, "2026-11-27T08:00:00Z"),
        ("2026-07-27 09:00:30", False, "2026-07-27T07:00:30Z"),
        ("2026-11-27", False, "2026-11-26T23:00:00Z"),
        ("2026-11-27", True, "2026-11-27T23:00:00Z"),
        # The hour that comes twice: a period begins with the first and ends with the second.
        ("2026-10-25T02:30", False, "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30", True, "2026-10-25T01:30:00Z"),
        # The hour that there is not.
        ("2027-03-28T02:30", False, "2027-03-28T00:30:00Z"),
        ("2027-03-28T02:30", True, "2027-03-28T01:30:00Z"),
        ("2026-10-25", True, "2026-10-25T23:00:00Z"),
    ],
)
def test_times_that_are_read(told: str, end: bool, meant: str) -> None:
    assert moment(told, BERLIN, end=end) == at(meant)


def test_a_number_is_epoch_seconds() -> None:
    assert moment(1_795_734_000, BERLIN) == 1_795_734_000


@pytest.mark.parametrize(
    "told",
    [None, "", "heute", "27.11.2026", "2026-02-30", "2026-11-27T25:00", "2026-11-27T24:00", True, -1, 10**12, 1.5, [], {},
     "2026-11-27T09:00:00+01", "1600-01-01", "9999-12-31", "٢٠٢٦-11-27", "2026-11-27T09:00:00+01:00[Europe/Berlin]"],
)  # fmt: skip
def test_what_is_no_time_is_named(told: object) -> None:
    with pytest.raises(Problem) as caught:
        moment(told, BERLIN)
    assert caught.value.code == ANSWER_UNREADABLE


def test_a_period_is_cut_to_what_is_of_interest() -> None:
    assert period_of("2026-10-20", "2026-10-20", BERLIN, NOW) == Period(
        at("2026-10-20T00:00:00+02:00"), at("2026-10-21T00:00:00+02:00")
    )
    assert period_of("1970-01-01", "2199-12-31", BERLIN, NOW) == Period(NOW - BEHIND_S, NOW + AHEAD_S)
    far = period_of("2100-01-01", "2100-12-31", BERLIN, NOW)
    assert far.start == far.end
    for start, end in (
        ("2026-10-21", "2026-10-20"),
        ("2026-10-20T10:00", "2026-10-20T10:00"),
        (None, "2026-10-20"),
    ):
        with pytest.raises(Problem):
            period_of(start, end, BERLIN, NOW)


def test_a_day_begins_at_local_midnight() -> None:
    assert day_start(at("2026-10-25T23:30:00+01:00"), BERLIN) == at("2026-10-25T00:00:00+02:00")
    assert day_start(at("2026-10-25T00:00:00+02:00"), BERLIN) == at("2026-10-25T00:00:00+02:00")


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (
            "2026-11-27T09:00:00+01:00",
            "2026-11-27T09:30:00+01:00",
            ("2026-11-27T09:00:00", "2026-11-27T09:30:00"),
        ),
        # From the first 2:30 to the second: all that the clock shows twice.
        (
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:00+01:00",
            ("2026-10-25T02:00:00", "2026-10-25T03:00:00"),
        ),
        (
            "2026-10-25T02:15:00+02:00",
            "2026-10-25T02:45:00+02:00",
            ("2026-10-25T02:15:00", "2026-10-25T02:45:00"),
        ),
        (
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T03:00:00+02:00",
            ("2026-10-25T02:00:00", "2026-10-25T03:00:00"),
        ),
        (
            "2027-03-28T01:30:00+01:00",
            "2027-03-28T03:30:00+02:00",
            ("2027-03-28T01:30:00", "2027-03-28T03:30:00"),
        ),
        (
            "2026-10-25T00:00:00+02:00",
            "2026-10-26T00:00:00+01:00",
            ("2026-10-25T00:00:00", "2026-10-26T00:00:00"),
        ),
    ],
)
def test_wall_times_that_are_written(start: str, end: str, shown: tuple[str, str]) -> None:
    assert written(at(start), at(end), BERLIN, wall=True) == shown
    assert [at(one) for one in written(at(start), at(end), BERLIN, wall=False)] == [at(start), at(end)]


@given(
    st.sampled_from(ZONES),
    st.integers(at("2020-01-01T00:00:00Z") // 300, at("2035-01-01T00:00:00Z") // 300),
    st.integers(1, 12 * 24 * 10),
)
def test_a_wall_clock_never_shows_a_busy_time_as_free(name: str, start: int, length: int) -> None:
    zone = ZoneInfo(name)
    first, last = written(start * 300, (start + length) * 300, zone, wall=True)
    walls = [
        datetime.fromtimestamp(one * 300, zone).replace(tzinfo=None).isoformat()
        for one in range(start, start + length)
    ]
    assert all(first <= wall < last for wall in walls)
    # and where no clock is changed, nothing more
    if (
        len({datetime.fromtimestamp(one * 300, zone).utcoffset() for one in range(start, start + length + 1)})
        == 1
    ):
        assert first == walls[0]
        assert last == datetime.fromtimestamp((start + length) * 300, zone).replace(tzinfo=None).isoformat()


@given(st.integers(0, 4_000_000_000), st.sampled_from(ZONES))
def test_what_is_written_with_offset_is_read_again(epoch: int, name: str) -> None:
    zone = ZoneInfo(name)
    assert moment(format_rfc3339(epoch, zone), ZoneInfo("UTC")) == epoch
    assert moment(datetime.fromtimestamp(epoch, UTC).isoformat(), zone) == epoch
