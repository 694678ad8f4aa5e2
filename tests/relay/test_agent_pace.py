"""When the agent tries again: bounded, spread, slow where a person must act (relay.md § 5)."""

import random

from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.pace import ASKED_S, LIVED_S, LONGEST_S, SLOWEST_S, Pace

anything = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def courses(draw: st.DrawFn) -> list[tuple[str, float, float]]:
    """What may happen to a link, in any order, with any numbers a hub may send."""
    what = st.sampled_from(["failed", "lost", "refused", "drained", "up"])
    return draw(st.lists(st.tuples(what, anything, anything), min_size=1, max_size=60))


@given(courses(), st.integers(0, 2**32))
def test_every_wait_is_bounded_whatever_happened_and_whatever_the_hub_says(
    course: list[tuple[str, float, float]], seed: int
) -> None:
    pace = Pace(random.Random(seed).uniform)
    for what, one, other in course:
        if what == "failed":
            assert 0 <= pace.failed() <= LONGEST_S
        elif what == "lost":
            assert 0 <= pace.lost(one, other) <= LONGEST_S
        elif what == "refused":
            assert 0.5 <= pace.refused(one) <= 1.5 * ASKED_S
            assert 30 <= pace.refused(None, 30) <= 1.5 * SLOWEST_S
        elif what == "drained":
            assert 0 <= pace.drained(one, other) <= 2 * SLOWEST_S
        else:
            pace.up()


@given(st.integers(1, 40))
def test_the_ceiling_doubles_to_a_minute_and_the_wait_is_anything_below(times: int) -> None:
    seen: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        seen.append((low, high))
        return high

    pace = Pace(uniform)
    for _ in range(times):
        pace.failed()
    assert seen == [(0.0, min(60.0, 2.0**n)) for n in range(times)]


def test_a_link_that_lived_comes_back_within_the_hubs_spread_and_forgets_failures() -> None:
    pace = Pace(lambda _low, high: high)
    for _ in range(9):
        pace.failed()
    assert pace.lost(LIVED_S, 5.0) == 5.0
    assert pace.failed() == 1.0


def test_links_that_die_young_are_tried_less_and_less_often() -> None:
    """A hub that admits and drops at once must not be stormed."""
    pace = Pace(lambda _low, high: high)
    waits = []
    for _ in range(8):
        pace.up()
        waits.append(pace.lost(0.2, 5.0))
    assert waits == [5.0, 5.0, 5.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_refusals_are_asked_again_slowly_until_a_link_stands() -> None:
    pace = Pace(lambda low, _high: low)
    assert [pace.refused(None) for _ in range(6)] == [60, 120, 240, 480, 600, 600]
    pace.up()
    assert pace.refused(None) == 60
    assert pace.refused(7.0) == 7.0


def test_many_agents_spread_over_the_window() -> None:
    """Ten thousand that lose one hub: no second of the window sees much more than its share."""
    rng = random.Random(4711)
    seconds = [0] * 10
    for _ in range(10_000):
        seconds[int(Pace(rng.uniform).lost(3600, 10.0))] += 1
    assert max(seconds) < 1_200
