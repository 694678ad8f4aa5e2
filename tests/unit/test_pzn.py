"""PZN: check digits, lost zeros, the ways in which people and scanners write them."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model import pzn


def _right(written: str) -> bool:
    number = pzn.read(written)
    return number is not None and pzn.valid(number)


@pytest.mark.foreign_data
def test_numbers_of_published_prescriptions(foreign_data: Path) -> None:
    """gematik's examples: 353 of 356 numbers are right, and those that are not are the ones marked so. One is of
    seven digits, as they were given out until 2013.
    """
    file = foreign_data / "pzn_from_gematik_erezept_examples.tsv"
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text, delimiter="\t"))
    right = [row for row in rows if _right(row["pzn"])]
    assert (len(right), len(rows) - len(right)) == (353, 3)
    assert all(_right(row["pzn"]) == (row["check_digit_ok"] == "1") for row in rows)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PZN-00067808", "00067808"),
        ("PZN 0006 7808", "00067808"),
        ("pzn:67808", "00067808"),
        ("67808", "00067808"),
        ("-0067808", None),
        ("  00232236 ", "00232236"),
        ("123456789", None),
        ("", None),
        ("PZN", None),
        ("12x45678", None),
        ("٠٠٠٦٧٨٠٨", None),
    ],
)
def test_what_was_meant(written: str, meant: str | None) -> None:
    assert pzn.read(written) == meant


@given(st.integers(0, 9_999_999))
def test_every_number_is_completed_by_one_digit_or_none(number: int) -> None:
    seven = f"{number:07}"
    made = pzn.complete(seven)
    right = [digit for digit in "0123456789" if pzn.valid(seven + digit)]
    assert right == ([] if made is None else [made[-1]])


@given(st.integers(0, 9_999_999), st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: int, place: int, by: int) -> None:
    made = pzn.complete(f"{number:07}")
    if made is not None:
        wrong = made[:place] + str((int(made[place]) + by) % 10) + made[place + 1 :]
        assert not pzn.valid(wrong)


def test_only_seven_digits_have_a_check_digit() -> None:
    for text in ("", "123456", "12345678", "12345a7", "１２３４５６７"):
        with pytest.raises(ValueError, match="seven digits"):
            pzn.check_digit(text)
    assert not pzn.valid("1234567") and not pzn.valid("００００００１７")
