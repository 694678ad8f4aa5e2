"""FHIR instants and dates: strict reading, exact writing, ranges of partial dates."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.fhir import FhirError, format_instant, parse_date, parse_instant
from praxisd.model.fhir_times import date_range, is_date_time, is_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-22T09:00:00+01:00", 1795334400),
        ("2024-02-29T00:00:00-14:00", 1709215200),
        ("2026-11-22T08:00:00.123456789Z", 1795334400),
    ],
)
def test_parse_instant(text: str, epoch: int) -> None:
    assert parse_instant(text) == epoch


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:00:00",
        "2026-11-22T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22T09:00Z",
        "2026-11-22 09:00:00Z",
        "2026-11-22T09:00:00+15:00",
        "2026-11-22T09:00:00+0100",
        "2026-11-22T09:00:00Z ",
        "2026-11-22",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-11-22T09:00:00Z",
        "",
    ],
)
def test_parse_instant_refuses(text: str) -> None:
    with pytest.raises(FhirError) as caught:
        parse_instant(text, "Slot.start")
    assert (caught.value.code, caught.value.path) == ("fhir.invalid", "Slot.start")


def test_naive_time_is_explained() -> None:
    with pytest.raises(FhirError, match="offset"):
        parse_instant("2026-11-22T09:00:00")


def test_format_instant() -> None:
    assert format_instant(1795334400, BERLIN) == "2026-11-22T09:00:00+01:00"
    assert format_instant(1795334400, UTC) == "2026-11-22T08:00:00+00:00"
    # Local mean time of 1880 is +00:53:28, which FHIR cannot write.
    assert format_instant(-2840140800, BERLIN) == "1880-01-01T00:00:00+00:00"


@given(st.integers(min_value=-(10**9), max_value=4 * 10**9))
def test_instants_round_trip(epoch: int) -> None:
    assert parse_instant(format_instant(epoch, BERLIN)) == epoch


def test_parse_date() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    for wrong in ("2024-02", "2023-02-29", "20240229", "2024-02-29T00:00:00Z", ""):
        with pytest.raises(FhirError):
            parse_date(wrong)


def epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp())  # type: ignore[arg-type,misc]


def test_date_range_of_partial_dates() -> None:
    assert date_range("2026", BERLIN) == (epoch(2026, 1, 1), epoch(2027, 1, 1))
    assert date_range("2026-12", BERLIN) == (epoch(2026, 12, 1), epoch(2027, 1, 1))
    assert date_range("2026-11", BERLIN) == (epoch(2026, 11, 1), epoch(2026, 12, 1))
    spring, autumn = date_range("2026-03-29", BERLIN), date_range("2026-10-25", BERLIN)
    assert (spring[1] - spring[0], autumn[1] - autumn[0]) == (23 * 3600, 25 * 3600)
    assert date_range("1970-01-01T00:00:05Z", BERLIN) == (5, 6)
    for wrong in ("26", "2026-00", "2026-13", "2026-02-30", "9999", "0000", "2026-11-22T09:00:00", "x"):
        with pytest.raises(FhirError):
            date_range(wrong, BERLIN)


def test_kinds() -> None:
    assert all(map(is_date_time, ("2026", "2026-11", "2026-11-22", "2026-11-22T09:00:00Z")))
    assert not any(map(is_date_time, ("0000", "2026-1", "2026-11-31", "2026-11-22T09:00:00", "T")))
    assert is_time("23:59:59.5") and not is_time("24:00:00") and not is_time("09:00")
