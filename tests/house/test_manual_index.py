"""The manual begins at an index: every page of a language is linked from it, and the two indexes are of one shape."""

import re

import pytest
from house_sources import ROOT

DOCS = ROOT / "docs"


def linked(lang: str) -> list[str]:
    text = (DOCS / lang / "index.md").read_text(encoding="utf-8")
    return [one.partition("#")[0] for one in re.findall(r"\]\(([^)\s]+)\)", text)]


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_page_is_found_from_the_index(lang: str) -> None:
    pages = {one.name for one in (DOCS / lang).glob("*.md")} - {"index.md"}
    pages |= {"codes/index.md"} | {f"../{one.name}" for one in DOCS.glob("*.md")}
    pages |= {f"../reference/{one.name}" for one in (DOCS / "reference").glob("*.md")} - {
        "../reference/history.md"
    }
    assert pages - set(linked(lang)) == set()


def test_both_indexes_lead_to_as_many_pages() -> None:
    assert len(linked("de")) == len(linked("en"))
