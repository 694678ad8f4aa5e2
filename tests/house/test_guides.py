"""Guides show what runs: every block of code in them is a piece of an example, the same pieces in German and English."""

import re
from pathlib import Path

import pytest
from house_sources import ROOT

DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
SUFFIX = {"python": ".py", "sh": ".sh", "javascript": ".mjs", "toml": ".toml"}
GUIDES = {
    "en/booking.md": EXAMPLES / "api",
    "de/buchen.md": EXAMPLES / "api",
    "en/plugins.md": EXAMPLES / "plugin",
    "de/plugins.md": EXAMPLES / "plugin",
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, code) of every fenced block."""
    return [(found[1], found[2]) for found in _BLOCK.finditer(text)]


def shown(text: str, folder: Path) -> list[Path]:
    """The files a guide's blocks are pieces of; AssertionError for a block that stands in none."""
    found = []
    for language, code in blocks(text):
        files = [
            one
            for one in sorted(folder.rglob(f"*{SUFFIX[language]}"))
            if code in one.read_text(encoding="utf-8")
        ]
        assert files, f"no {SUFFIX[language]} file below {folder.name} holds:\n{code}"
        found.append(files[0])
    return found


@pytest.mark.parametrize("name", GUIDES)
def test_every_block_is_a_piece_of_an_example(name: str) -> None:
    assert len(shown((DOCS / name).read_text(encoding="utf-8"), GUIDES[name])) > 5


@pytest.mark.parametrize(
    ("german", "english"), [("de/buchen.md", "en/booking.md"), ("de/plugins.md", "en/plugins.md")]
)
def test_both_languages_show_the_same(german: str, english: str) -> None:
    pair = [blocks((DOCS / one).read_text(encoding="utf-8")) for one in (german, english)]
    assert [code for _, code in pair[0]] == [code for _, code in pair[1]]


def test_the_api_guide_shows_every_program() -> None:
    files = {
        one.relative_to(EXAMPLES)
        for one in shown((DOCS / "en/booking.md").read_text(encoding="utf-8"), EXAMPLES / "api")
    }
    there = {one.relative_to(EXAMPLES) for one in (EXAMPLES / "api").glob("*/*.*")}
    assert files == {one for one in there if "__pycache__" not in one.parts}


def test_a_block_that_runs_nowhere_is_found() -> None:
    with pytest.raises(AssertionError, match="holds"):
        shown("```python\nprint('nowhere')\n```\n", EXAMPLES / "api")
