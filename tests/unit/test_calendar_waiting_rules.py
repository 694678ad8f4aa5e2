"""Rules of the waiting list: who could come when, what becomes free, which start comes first."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.scheduling import Appointment
from praxisd.model.waiting import WaitingEntry
from praxisd.services.calendar import waiting_rules as rules

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
times = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda t: (t[0], t[0] + t[1]))


def at(on, clock="00:00"):
    hour, minute = map(int, clock.split(":"))
    return int(datetime(on.year, on.month, on.day, hour, minute, tzinfo=BERLIN).timestamp())


@given(st.lists(times, max_size=6), st.lists(times, max_size=6))
def test_without_is_what_a_set_of_seconds_says(wanted, taken):
    left = rules.without(wanted, taken)
    seconds = {n for a, b in wanted for n in range(a, b)} - {n for a, b in taken for n in range(a, b)}
    assert {n for a, b in left for n in range(a, b)} == seconds
    assert all(a < b for a, b in left) and all(one[1] < two[0] for one, two in pairwise(left))


@given(st.lists(times.map(lambda t: (t[0] * 600, t[1] * 600)), max_size=4))
def test_pieces_are_short_and_lose_nothing(wanted):
    found = rules.pieces(rules.without(wanted, []))
    assert all(0 < b - a <= rules.PIECE_S for a, b in found)
    assert rules.without(found, []) == rules.without(wanted, [])


@given(
    gap=st.tuples(st.integers(0, 200), st.integers(1, 24)).map(lambda g: (g[0] * 300, (g[0] + g[1]) * 300)),
    length=st.sampled_from((900, 1800, 3600)),
    every=st.sampled_from((5, 15, 60)),
    buffers=st.sampled_from(((0, 0), (600, 900))),
)
def test_every_start_uses_the_gap_and_those_within_come_first(gap, length, every, buffers):
    low, high = at(date(2026, 11, 24)) + gap[0], at(date(2026, 11, 24)) + gap[1]
    found = list(rules.starts((low, high), length, every, buffers, BERLIN))
    assert len(found) == len(set(found))
    inside = [low <= one - buffers[0] and one + length + buffers[1] <= high for one in found]
    assert inside == sorted(inside, reverse=True) or (
        found[0] == low + buffers[0] and inside[1:] == sorted(inside[1:], reverse=True)
    )
    for one in found:
        assert one - buffers[0] < high and one + length + buffers[1] > low
        local = datetime.fromtimestamp(one, BERLIN)
        assert one == low + buffers[0] or (local.hour * 60 + local.minute) % every == 0


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(SPRING, "12:00"), at(SPRING, "12:00")),
        (at(SPRING, "07:59"), at(SPRING, "08:00")),
        (at(SPRING, "19:00"), at(date(2026, 3, 30), "08:00")),
        (at(date(2026, 10, 24), "23:00"), at(AUTUMN, "08:00")),
    ],
)
def test_the_next_time_at_which_somebody_may_be_asked(now, expected):
    assert rules.next_open(now, "08:00", "19:00", BERLIN) == expected
    assert rules.next_open(now, "10:00", "10:00", BERLIN) == now  # always


def test_who_could_come():
    tuesday = date(2026, 11, 24)
    now = at(date(2026, 11, 23), "09:00")

    def could(begin="09:00", end="09:30", **wish):
        entry = WaitingEntry(patient="p", service="s", **wish)
        return rules.could_come(entry, at(tuesday, begin), at(tuesday, end), now, BERLIN)

    assert could() and could(days=(2,)) and not could(days=(1, 3))
    assert could(from_="09:00", to="09:30") and not could(from_="09:05") and not could(to="09:29")
    assert could(first=tuesday, last=tuesday)
    assert not could(first=date(2026, 11, 25)) and not could(last=date(2026, 11, 23))
    assert could(notice_minutes=1440) and not could(notice_minutes=1441)
    late = WaitingEntry(patient="p", service="s", to="24:00")
    end = at(date(2026, 11, 25))
    assert rules.could_come(late, end - 1800, end, now, BERLIN)
    assert not rules.could_come(late, end - 1800, end + 60, now, BERLIN)


@pytest.mark.parametrize("wrong", [{"days": (0,)}, {"from_": "10:00", "to": "09:00"}, {"days": (1, 1)}])
def test_a_wish_that_no_time_can_meet_is_refused(wrong):
    with pytest.raises(ValueError):
        WaitingEntry(patient="p", service="s", **wrong)


def test_what_a_move_gives_up():
    old = Appointment(id="a", status="booked", start=3600, end=7200, schedules=("d", "c"), buffer_after=5)
    assert rules.given_up(old, None) == [(("d", "c"), 3600, 7500)]
    later = Appointment(id="a", status="booked", start=5400, end=9000, schedules=("d", "e"))
    assert rules.given_up(old, later) == [(("d",), 3600, 5400), (("c",), 3600, 7500)]
    gone = Appointment(id="a", status="cancelled", start=3600, end=7200, schedules=("d", "c"))
    assert rules.given_up(old, gone) == [(("d", "c"), 3600, 7500)]
    assert rules.given_up(gone, None) == []
