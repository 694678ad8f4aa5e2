"""Every issue code has a page of its own in German and in English, and no page is left of a code that is gone."""

import re
from pathlib import Path

import pytest
from house_sources import ROOT

from praxisd.kernel import issues_help
from praxisd.kernel.registry import Registry
from praxisd.testing import reference_codes, reference_severity
from praxisd.testing.houses import registry_of

DOCS = ROOT / "docs"
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


def test_what_the_source_says_of_severity_is_known(found: Registry) -> None:
    grave = {
        code: [one.value for one in words] for code, words in reference_severity.severities(found).items()
    }
    assert grave["seats.vanished"] == ["warning"] and grave["seats.setup_mode"] == ["info"]
    assert grave["store.disk_low"] == ["error", "warning"], "a variable of the check's function says it"
    assert grave["backups.medium_wrong"] == ["error", "warning", "info"], (
        "a function beside the check says it"
    )
    assert "serviceprovider.stale" not in grave, "a table elsewhere says it: the page does not guess"
    assert len(grave) > 0.7 * len(issues_help.issue_codes(found))
