"""The manual's pictures: each that a page shows is there and is made by a test of the console, and none lies about unused."""

import ast
import re
from pathlib import Path

from house_sources import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BOTH = ("de", "en")


def shown(text: str) -> set[str]:
    """Names of files in the folder of pictures that a page shows."""
    return set(re.findall(r"!\[[^\]]+\]\((?:\.\./|docs/)pictures/([^)\s]+)\)", text))


def made(source: str) -> set[str]:
    """Names of files that the calls `picture(page, "name", …, langs=(…))` of a source make."""
    found = set()
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "picture":
            given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
            name = ast.literal_eval(call.args[1])
            found |= {f"{name}-{lang}.png" for lang in given.get("langs", BOTH)}
    return found


def calls() -> dict[str, set[str]]:
    """What each test of the console makes."""
    tests = sorted((ROOT / "tests" / "e2e").glob("test_*.py"))
    return {one.name: found for one in tests if (found := made(one.read_text(encoding="utf-8")))}


def test_each_picture_is_shown_and_made_and_none_lies_about() -> None:
    wanted = set().union(*(shown(one.read_text(encoding="utf-8")) for one in PAGES))
    assert len(wanted) > 20
    there = {one.name for one in (ROOT / "docs" / "pictures").iterdir()}
    assert sorted(wanted ^ there) == [], (
        "a page shows a picture that is not there, or one lies there that no page shows"
    )
    assert sorted(wanted ^ set().union(*calls().values())) == [], (
        "a picture that no test makes, or one that no page shows"
    )


def test_no_picture_is_made_by_two_tests() -> None:
    names = [one for found in calls().values() for one in found]
    assert sorted(names) == sorted(set(names))


def test_what_is_wrong_is_found() -> None:
    assert shown("![a](../pictures/a-de.png) ![](../pictures/x.png) [b](../pictures/b-de.png)") == {
        "a-de.png"
    }
    source = 'picture(page, "one")\nwith x:\n    picture(page, "two", (1, 2), langs=("de",))\nother(page, "three")\n'
    assert made(source) == {"one-de.png", "one-en.png", "two-de.png"}


def test_each_picture_is_one() -> None:
    """A PNG of a window: neither empty nor heavy (bytes)."""
    for one in Path(ROOT / "docs" / "pictures").iterdir():
        data = one.read_bytes()
        assert data.startswith(b"\x89PNG\r\n") and 10_000 < len(data) < 400_000, one.name
