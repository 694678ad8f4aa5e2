"""Token buckets: the numbers of the rate limits, and that they stay small."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.accounts.buckets import Buckets


def test_a_burst_then_the_rate() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 2.0, 3, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("a", 2.0, 3, 0.0) == pytest.approx(0.5)
    assert buckets.take("a", 2.0, 3, 0.4) == pytest.approx(0.1)
    assert buckets.take("a", 2.0, 3, 0.5) == 0.0
    assert buckets.take("b", 2.0, 3, 0.5) == 0.0, "another name has its own bucket"


def test_waiting_refills_up_to_the_burst_only() -> None:
    buckets = Buckets()
    buckets.take("a", 1.0, 2, 0.0)
    assert [buckets.take("a", 1.0, 2, 1e6) == 0.0 for _ in range(3)] == [True, True, False]


def test_a_token_given_back_counts() -> None:
    buckets = Buckets()
    buckets.take("a", 1.0, 1, 0.0)
    buckets.give("a")
    assert buckets.take("a", 1.0, 1, 0.0) == 0.0
    buckets.give("unknown")
    assert len(buckets) == 1


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.sampled_from([0.5, 1.0, 10.0]),
    st.integers(1, 8),
)
def test_never_more_than_burst_and_rate_allow(pauses: list[float], per_s: float, burst: int) -> None:
    buckets, now, passed = Buckets(), 0.0, 0
    for pause in pauses:
        now += pause
        wait = buckets.take("a", per_s, burst, now)
        if wait == 0.0:
            passed += 1
        else:
            assert 0 < wait <= 1 / per_s
    assert passed <= burst + now * per_s + 1e-6


def test_refilled_and_old_names_are_forgotten() -> None:
    buckets = Buckets(most=10)
    for n in range(10):
        buckets.take(f"early{n}", 1.0, 2, 0.0)
    buckets.take("late", 1.0, 2, 100.0)
    assert len(buckets) == 1
    for n in range(50):
        buckets.take(f"same{n}", 1.0, 2, 100.0)
    assert len(buckets) == 10
    assert buckets.take("same49", 1.0, 2, 100.0) == 0.0
    assert buckets.take("same49", 1.0, 2, 100.0) > 0, "the latest are the ones remembered"


def test_threads_cannot_take_the_same_token() -> None:
    buckets, taken = Buckets(), []
    gate = threading.Barrier(8)

    def run() -> None:
        gate.wait()
        for _ in range(50):
            if buckets.take("a", 0.001, 100, 0.0) == 0.0:
                taken.append(1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(taken) == 100


def test_what_was_taken_elsewhere_counts_and_at_most_a_burst_is_owed() -> None:
    here, there = Buckets(), Buckets()
    there.share()
    assert [there.take("a", 1.0, 3, 0.0) for _ in range(3)] == [0.0] * 3
    there.give("a")
    assert there.spent() == {"a": (2, 1.0, 3)} and there.spent() == {}
    here.spend("a", 2, 1.0, 3, 0.0)
    assert [here.take("a", 1.0, 3, 0.0) == 0.0 for _ in range(2)] == [True, False]
    here.spend("a", 1_000, 1.0, 3, 0.0)
    assert here.take("a", 1.0, 3, 0.0) == pytest.approx(4.0), "a burst is owed, no more"
    assert here.take("a", 1.0, 3, 4.0) == 0.0
    assert here.spent() == {}, "who shares nothing keeps no account"
