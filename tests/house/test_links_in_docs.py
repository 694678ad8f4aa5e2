"""Every link of the documentation leads somewhere: the file is there, and so is the heading."""

import re
from pathlib import Path

import pytest
from house_sources import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(one for one in (ROOT / "docs").rglob("*.md") if one.parent.name != "codes"),
    *sorted((ROOT / "bench").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]


def anchors(text: str) -> set[str]:
    """What a heading is called in an address, as code forges make it: small letters, words joined by -, no marks."""
    found = re.findall(
        r"^#+ (.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).lower()) for one in found)
    return {one.replace(" ", "-") for one in plain}


def lost(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:|/", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    assert lost(page) == []


def test_a_lost_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# Was tun, wenn …\n[b](#was-tun-wenn-) [c](#nothing) [d](d.md) [e](a.md) [f](https://example.org)\n"
    )
    assert lost(page) == ["#nothing", "d.md"]
