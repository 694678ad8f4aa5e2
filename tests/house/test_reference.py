"""docs/reference is what the declarations say; a change of one without the other fails here."""

from pathlib import Path

from praxisd.testing import reference

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_is_up_to_date():
    for name, text in reference.pages().items():
        written = (FOLDER / name).read_text(encoding="utf-8")
        assert written == text, f"docs/reference/{name} is out of date: run `make docs`"


def test_every_code_has_a_heading():
    text = reference.pages()["codes.md"]
    assert "## `calendar.slot_taken`" in text and "HTTP 409" in text
