"""Quiet hours over ordinary days, midnight, and both clock changes, against a walk minute by minute."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from praxisd.services.messaging import quiet

BERLIN, ZURICH, AZORES = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Zurich"), ZoneInfo("Atlantic/Azores")
SPRING = int(datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp())
AUTUMN = int(datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp())
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp())


def quiet_at(moment: int, begin: str, end: str, zone: ZoneInfo) -> bool:
    """What the words mean: the clock on the wall shows a minute from `begin` on and before `end`."""
    shown = datetime.fromtimestamp(moment, zone).strftime("%H:%M")
    return begin <= shown < end if begin < end else not end <= shown < begin


@pytest.mark.parametrize(
    ("told", "expected", "window"),
    [
        ("2026-11-27T10:00:00", "2026-11-27T10:00:00", ("20:00", "08:00")),
        ("2026-11-27T19:59:59", "2026-11-27T19:59:59", ("20:00", "08:00")),
        ("2026-11-27T20:00:00", "2026-11-28T08:00:00", ("20:00", "08:00")),
        ("2026-11-27T23:59:59", "2026-11-28T08:00:00", ("20:00", "08:00")),
        ("2026-11-28T00:00:00", "2026-11-28T08:00:00", ("20:00", "08:00")),
        ("2026-11-28T07:59:59", "2026-11-28T08:00:00", ("20:00", "08:00")),
        ("2026-11-28T08:00:00", "2026-11-28T08:00:00", ("20:00", "08:00")),
        ("2026-11-27T11:59:00", "2026-11-27T11:59:00", ("12:00", "14:00")),
        ("2026-11-27T13:30:00", "2026-11-27T14:00:00", ("12:00", "14:00")),
        ("2026-11-27T22:00:00", "2026-11-28T00:00:00", ("20:00", "00:00")),
        ("2026-11-28T00:00:00", "2026-11-28T00:00:00", ("20:00", "00:00")),
        ("2026-11-28T03:00:00", "2026-11-28T06:00:00", ("00:00", "06:00")),
        # Nights with a change: eight o'clock is eight o'clock, eleven or thirteen hours later.
        ("2026-03-28T20:00:00", "2026-03-29T08:00:00", ("20:00", "08:00")),
        ("2026-10-24T20:00:00", "2026-10-25T08:00:00", ("20:00", "08:00")),
        # Half past two does not come: the hours end when clocks jump over it.
        ("2026-03-29T01:10:00", "2026-03-29T03:00:00", ("22:00", "02:30")),
        ("2026-03-29T01:59:59", "2026-03-29T03:00:00", ("01:30", "02:00")),
    ],
)
def test_examples(told: str, expected: str, window: tuple[str, str]) -> None:
    assert quiet.next_allowed(at(told), *window, BERLIN) == at(expected)


def test_the_hour_that_comes_twice_is_quiet_twice() -> None:
    first, second = at("2026-10-25T02:15:00"), at("2026-10-25T02:15:00", fold=1)
    assert second - first == 3600
    assert quiet.next_allowed(first, "02:00", "02:30", BERLIN) == first + 900
    assert quiet.next_allowed(second, "02:00", "02:30", BERLIN) == second + 900
    # Clocks go back to two, which is before the hours begin.
    assert quiet.next_allowed(at("2026-10-25T02:45:00"), "02:30", "08:00", BERLIN) == AUTUMN


def test_no_hours_at_all_are_the_usual_ones() -> None:
    assert quiet.next_allowed(at("2026-11-27T21:00:00"), "09:00", "09:00", BERLIN) == at(
        "2026-11-28T08:00:00"
    )
    assert not quiet.good("09:00", "09:00") and not quiet.good("09:00", "08:01")
    assert quiet.good("09:00", "08:00") and quiet.good("20:00", "08:00")


@pytest.mark.parametrize("text", ["", "8:00", "24:00", "08:60", "08:00:00", "8 Uhr", " 08:00", "٠٨:٠٠"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        quiet.minute(text)


@given(
    st.one_of(
        st.integers(SPRING - 90_000, SPRING + 90_000),
        st.integers(AUTUMN - 90_000, AUTUMN + 90_000),
        st.integers(1_700_000_000, 2_000_000_000),
    ),
    times,
    times,
    st.sampled_from([BERLIN, ZURICH, AZORES, UTC]),
)
@example(SPRING - 1, "01:59", "02:00", BERLIN)
@example(AUTUMN - 1, "02:30", "02:00", BERLIN)
def test_the_first_moment_that_is_not_quiet(moment: int, begin: str, end: str, zone: ZoneInfo) -> None:
    if begin == end:
        return
    found = quiet.next_allowed(moment, begin, end, zone)
    assert not quiet_at(found, begin, end, zone)
    assert (found == moment) is (not quiet_at(moment, begin, end, zone))
    # Every moment before it is quiet: whole minutes, the told moment, and the last second.
    walk = {moment, found - 1, *range(moment - moment % 60 + 60, found, 60)} if found > moment else set()
    assert all(quiet_at(one, begin, end, zone) for one in walk)
    # A day and an hour; two where the open time falls into the hour that is jumped over.
    assert found - moment <= 49 * 3600
