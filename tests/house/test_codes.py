"""Every issue code has a page of its own in German and in English, and no page is left of a code that is gone."""

import re
from pathlib import Path

import pytest
import severity_source
from house_sources import ROOT

from praxisd.kernel import issues_help
from praxisd.kernel.registry import Registry
from praxisd.testing import reference_codes
from praxisd.testing.houses import registry_of

DOCS = ROOT / "docs"
ONE_PLACE = ("exchange.laptop_here", "exchange.laptop_over")
"""Two codes that one place says, each with a severity of its own."""
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def found() -> Registry:
    return registry_of(None)


@pytest.fixture(scope="module")
def pages(found: Registry) -> dict[str, str]:
    return reference_codes.pages(found)


def test_the_pages_are_there_and_up_to_date(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        file = DOCS / name
        assert file.is_file() and file.read_text(encoding="utf-8") == text, f"docs/{name}: run `make docs`"


def test_no_page_is_an_orphan(pages: dict[str, str]) -> None:
    there = {str(one.relative_to(DOCS)) for lang in ("de", "en") for one in (DOCS / lang / "codes").iterdir()}
    assert there == set(pages)


def test_every_code_of_every_check_has_its_page(found: Registry, pages: dict[str, str]) -> None:
    codes = {code for check in found.checks for code in check.codes}
    assert len(codes) > 200
    for lang in ("de", "en"):
        index = pages[f"{lang}/codes/index.md"]
        assert [code for code in codes if f"({code}.md)" not in index] == []
        assert [code for code in codes if f"`{code}`" not in pages[f"{lang}/codes/{code}.md"]] == []


def test_links_of_the_pages_lead_somewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        folder = Path(name).parent
        for link in _LINK.findall(text):
            assert "://" not in link, f"{name}: a link leads outside"
            assert (DOCS / folder / link).resolve().is_file(), f"{name}: {link}"


def test_every_code_declares_how_grave_it_is_as_the_source_says(found: Registry) -> None:
    source = severity_source.said(found)
    assert len(source) > 100
    for code in issues_help.issue_codes(found):
        kinds, whys = issues_help.gravities(found, code)
        assert kinds, f"{code}: its check does not say how grave it is (`grave=`)"
        assert (len(kinds) > 1) == bool(whys), f"{code}: {kinds} without a word of what that depends on"
        there = source.get(code, set(kinds))
        good = set(kinds) <= there if code in ONE_PLACE else set(kinds) == there
        assert good, f"{code}: declared {kinds}, the source says {there}"


def test_pages_say_how_grave_it_is_and_on_what_that_depends(found: Registry, pages: dict[str, str]) -> None:
    for lang, name in (("de", "Schwere"), ("en", "Severity")):
        for code in issues_help.issue_codes(found):
            assert f"- **{name}**: " in pages[f"{lang}/codes/{code}.md"], code
    assert "**Schwere**: Fehler\n" in pages["de/codes/serviceprovider.stale.md"]
    late = pages["de/codes/backups.medium_wrong.md"]
    assert "**Schwere**: Warnung oder Fehler, je nachdem, ob die Zeit der nächsten Sicherung" in late
    assert "Warning or error, depending on whether" in pages["en/codes/store.disk_low.md"]
    assert "Hinweis oder Warnung, je nachdem, ob" in pages["de/codes/portals.requests_waiting.md"]
