"""Paper that is copied by hand: lines to type stay lines, a key keeps its groups, and neither is torn from what explains it."""

import io
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from praxisd.kernel.paper import LONGEST, Paper

WIDE = "foreach ($p in $all) { $b = [IO.File]::ReadAllBytes($p.FullName); $to.Write($b, 0, $b.Length) }"


def sheet() -> Paper:
    return Paper("Blatt", "de", organization="Praxis", printed=datetime(2026, 11, 27, 12, tzinfo=UTC))


def pages(paper: Paper) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(paper.pdf())).pages]


def test_a_line_to_type_never_wraps() -> None:
    (text,) = pages(sheet().typed([f"PS> {WIDE}", "$ ls"], "Tippen Sie:"))
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("Tippen Sie:")
    assert lines[at + 1 : at + 3] == [f"PS> {WIDE}", "$ ls"]
    sheet().typed(["x" * LONGEST])
    with pytest.raises(ValueError, match="does not fit"):
        sheet().typed(["x" * (LONGEST + 1)])


def test_a_key_in_rows_with_its_code() -> None:
    (text,) = pages(sheet().key(["abcd efgh", "2345 6789"], "abcdefgh23456789"))
    assert {"abcd efgh", "2345 6789"} <= {line.strip() for line in text.splitlines()}
    assert sheet().key(["abcd"], "abcd").pdf() == sheet().key(["abcd"], "abcd").pdf()
    assert sheet().key(["abcd"], "abcd").pdf() != sheet().key(["abcd"], "abce").pdf()


@pytest.mark.parametrize("filled", range(28, 46, 2))
def test_what_to_do_stays_with_what_to_type(filled: int) -> None:
    paper = sheet()
    for number in range(filled):
        paper.text(f"Zeile {number}")
    found = pages(paper.typed(["$ one", "$ two"], "Jetzt tippen:"))
    (page,) = [text for text in found if "Jetzt tippen:" in text]
    assert "$ one" in page and "$ two" in page
