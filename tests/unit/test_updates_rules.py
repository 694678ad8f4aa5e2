"""Which version is newer, which fits, how old data are: by examples and by properties."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.updates.rules import age_days, fits, newer, rank
from praxisd_guard.trust_offers import newness

IN_ORDER = (
    "1.4.0.dev1", "1.4.0.dev2", "1.4.0a1", "1.4b2", "1.4rc1", "1.4rc2", "1.4", "1.4.post1", "1.4.1", "1.9", "1.10",
    "2.0", "2026-11-02", "2026-11-15", "2026-12-01",
)  # fmt: skip
NUMBERS = st.lists(st.integers(0, 40), min_size=1, max_size=5)


def text(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


def test_versions_stand_in_the_order_people_mean() -> None:
    assert all(newer(later, earlier) for earlier, later in pairwise(IN_ORDER))
    assert rank("1.4") == rank("1.4.0") == rank("1.4.0+local")


@given(NUMBERS, NUMBERS)
def test_plain_versions_are_ordered_as_their_numbers(one: list[int], other: list[int]) -> None:
    length = max(len(one), len(other))
    padded = [each + [0] * (length - len(each)) for each in (one, other)]
    assert newer(text(one), text(other)) == (padded[0] > padded[1])


@given(NUMBERS)
def test_a_candidate_is_older_than_its_release_and_newer_than_the_one_before(numbers: list[int]) -> None:
    release = text(numbers)
    assert newer(release, f"{release}rc1")
    assert newer(f"{text([*numbers, 1])}rc1", release)
    assert not newer(release, release)


@given(NUMBERS, NUMBERS)
def test_what_the_publisher_lists_first_is_what_the_practice_takes_for_newer(
    one: list[int], other: list[int]
) -> None:
    if len(one) == len(other):
        assert newer(text(one), text(other)) == (newness(text(one)) > newness(text(other)))


def test_anything_is_newer_than_nothing() -> None:
    assert newer("0", None)


@pytest.mark.parametrize(
    ("requires", "version", "expected"),
    [
        ("", "0.1", True), (">=0.1", "0.1", True), (">=0.1", "0.0.9", False), (">= 1.4", "1.4rc1", False), ("==1", "1", False),
        ("<2", "1", False),
    ],
)  # fmt: skip
def test_what_a_version_asks_of_praxisd(requires: str, version: str, expected: bool) -> None:
    assert fits(requires, version) is expected


def test_the_age_of_data() -> None:
    today = date(2026, 11, 27)
    assert (
        age_days("2026-11-01", today),
        age_days("2026-12-24", today),
        age_days("2026-11-27T10:00", today),
    ) == (26, 0, 0)
    assert age_days("", today) is None and age_days("bald", today) is None
