"""Plots: lines across at round values, marks that stay apart, words for who cannot see them, nothing that is markup."""

import io
import itertools
from datetime import date, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from praxisd.kernel import plot
from praxisd.kernel.paper import Paper
from praxisd.kernel.plot import Plot, Series, Stroke, Word

DAY = date(2026, 11, 2)
NAME = "{http://www.w3.org/2000/svg}"


def week(name: str, *values: float) -> Series:
    return Series(name, tuple((DAY + timedelta(days=n), value) for n, value in enumerate(values)))


@given(st.floats(min_value=1e-6, max_value=1e15))
def test_lines_across_are_few_round_and_reach_over_the_highest(highest: float) -> None:
    found = plot.steps(highest)
    assert found[0] == 0 and found[-1] >= highest * 0.999999 and 2 <= len(found) <= 7
    widths = {round((b - a) / found[1], 6) for a, b in itertools.pairwise(found)}
    assert widths == {1.0}


def test_nothing_measured_still_has_axes() -> None:
    assert plot.steps(0) == (0.0, 1.0)
    shown = plot.parts(Plot("Größe", "GB", ()), "de")
    assert any(isinstance(one, Stroke) for one in shown) and Word(4, 12, "GB") in shown


def test_higher_values_stand_higher_and_all_is_on_the_sheet() -> None:
    shown = plot.parts(Plot("Größe", "GB", (week("Abend", 1, 5, 3), week("Nacht", 2, 2, 2))), "de")
    lines = [one for one in shown if isinstance(one, Stroke) and one.colour]
    assert [one.dash for one in lines[:2]] == [(), (6, 3)] and len({one.colour for one in lines}) == 2
    (_, low), (_, high), (_, mid) = lines[0].points
    assert high < mid < low
    for one in shown:
        for x, y in one.points if isinstance(one, Stroke) else ((one.x, one.y),):
            assert 0 <= x <= plot.WIDTH and 0 <= y <= plot.HEIGHT


def test_numbers_as_people_read_them() -> None:
    assert [plot.number(v, "de") for v in (0.0, 0.25, 12.5, 1200.0)] == ["0", "0,25", "12,5", "1200"]
    assert plot.number(12.5, "en") == "12.5"
    assert (plot.short_day(DAY, "de"), plot.short_day(DAY, "en")) == ("02.11.", "11-02")


def test_the_picture_is_sound_and_said_in_words() -> None:
    text = plot.svg(Plot("Größe <b>", "GB", (week('Abend & "Nacht"', 1, 2.5),)), "de")
    root = ElementTree.fromstring(text)
    assert root.find(f"{NAME}title").text == "Größe <b>"  # type: ignore[union-attr]
    assert root.find(f"{NAME}desc").text == 'Abend & "Nacht": 02.11. 1 GB – 03.11. 2,5 GB'  # type: ignore[union-attr]
    assert "style=" not in text and "<b>" not in text


@pytest.mark.parametrize("count", [1, 60])
def test_on_paper_with_a_frame_for_a_stamp(count: int) -> None:
    printed = datetime(2026, 11, 27, 18, tzinfo=ZoneInfo("Europe/Berlin"))
    sheet = Paper("Verlauf", "de", organization="Praxis", printed=printed)
    series = tuple(week(name, *range(1, count + 1)) for name in ("Abend", "Nacht", "Kopie", "Übergabe"))
    sheet.heading("Größe").plot(Plot("Größe", "GB", series)).stamp("Praxisstempel")
    text = PdfReader(io.BytesIO(sheet.pdf())).pages[0].extract_text()
    assert all(word in text for word in ("Abend", "Übergabe", "GB", "02.11.", "Praxisstempel"))
    assert sheet.pdf() == sheet.pdf()
