"""The forecast of free space: a steady loss is foretold, a single large file and a drive that breathes are not."""

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.diagnosis.machine_forecast_rules import WITHIN_DAYS, Forecast, forecast

START = date(2026, 10, 20)


def days(*free: int | None) -> dict[date, int]:
    return {START + timedelta(days=n): one for n, one in enumerate(free) if one is not None}


def test_a_steady_loss_is_foretold() -> None:
    assert forecast(days(*range(30_000, 19_000, -1_000))) == Forecast(20, 1_000)


def test_too_little_is_known() -> None:
    assert forecast({}) is None
    assert forecast(days(10_000, 9_000, 8_000, 7_000, 6_000, 5_000, 4_000)) is None  # six days apart
    assert forecast(days(10_000, None, None, None, None, None, None, 100)) is None  # two samples
    assert forecast(days(10_000, 9_000, None, 7_000, None, 5_000, None, 3_000)) is not None


def test_a_large_file_is_no_trend() -> None:
    assert forecast(days(*[50_000] * 6, *[20_000] * 5)) is None
    assert forecast(days(*[50_000] * 9, 1_000)) is None


def test_a_drive_that_is_emptied_each_week_is_not_running_full() -> None:
    week = [50_000, 48_000, 46_000, 44_000, 42_000, 40_000, 38_000]
    found = forecast(days(*week, *week, *week, *week))
    assert found is None or found.days > WITHIN_DAYS


def test_what_grows_once_a_week_is_foretold() -> None:
    found = forecast(days(*[40_000] * 7, *[32_000] * 7, *[24_000] * 7, *[16_000] * 7))
    assert found is not None and found.days <= WITHIN_DAYS


def test_what_was_long_ago_does_not_count() -> None:
    old = {START - timedelta(days=100 + n): 100_000 - n * 5_000 for n in range(10)}
    assert forecast(old | days(*[40_000] * 10)) is None


def test_noise_does_not_hide_the_trend() -> None:
    noise = random.Random(3)
    found = forecast(days(*[60_000 - n * 2_000 + noise.randint(-800, 800) for n in range(20)]))
    assert found is not None and abs(found.daily_mb - 2_000) < 200 and abs(found.days - 11) <= 1


@given(st.dictionaries(st.integers(0, 60), st.integers(0, 10**9), max_size=40))
def test_it_never_fails_and_never_says_nonsense(samples: dict[int, int]) -> None:
    found = forecast({START + timedelta(days=n): free for n, free in samples.items()})
    assert found is None or (found.days >= 0 and found.daily_mb >= 1)
