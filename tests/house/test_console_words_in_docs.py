"""What the guides call by the console's words is what the console says: *Online calendars* → *Add portal*."""

import re
import tomllib
from functools import cache
from typing import Any

import pytest
from house_sources import ROOT

STRESS = {
    "de": {
        "ihrer",
        "allen",
        "sicheren Modus",
        "Datenschutz",
        "Keine Antwort",
        "Niemand bedient",
        "Wieder live",
    },
    "en": {"its", "expand", "Nobody served", "Live again", "Data protection"},
}
"""Words in italics that are no words of the console."""
EXAMPLES = {"Kühlschrank", "Refrigerator", "§ 390"}
"""A page of the plug-in that is shown, and one whose title is longer."""


def words_in(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [one for value in tree.values() for one in words_in(value)]
    return [tree] if isinstance(tree, str) else []


@cache
def said(lang: str) -> tuple[str, ...]:
    """All texts of a language, small, with … for what is filled in; and what gateways and chapters of the report are called."""
    files = [one for one in (ROOT / "src").rglob("texts/*.toml") if re.search(rf"(^|\.){lang}$", one.stem)]
    files += (ROOT / "src/praxisd/services/messaging/gateways").glob("*.toml")
    bench = re.findall(r"^#+ (.+)$", (ROOT / "bench/REPORT.md").read_text(encoding="utf-8"), re.MULTILINE)
    texts = [text for one in files for text in words_in(tomllib.loads(one.read_text(encoding="utf-8")))]
    return tuple({re.sub(r"\{[^}]*\}", "…", one.casefold()) for one in (*texts, *bench)})


def meant(text: str) -> list[str]:
    """What stands in italics, each step of a way for itself."""
    for away in (r"^```.*?^```", r"`[^`\n]*`", r"^ {4,}.*?$", r"\*\*[^*]*\*\*"):
        text = re.sub(away, "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"(?<![\w*])\*([^*\n]+(?:\n *[^*\n]+)?)\*(?![\w*])", text)
    return [part.rstrip(" ….") for one in found for part in re.split(r"\s*[→>]\s*", " ".join(one.split()))]


def is_said(word: str, lang: str) -> bool:
    """True for a whole text of the console, or its beginning up to the end of a word."""
    begins = re.compile(re.escape(word.casefold()) + r"(\W|$)")
    return any(begins.match(one) for one in said(lang))


def lost(text: str, lang: str) -> list[str]:
    return [one for one in meant(text) if one not in STRESS[lang] | EXAMPLES and not is_said(one, lang)]


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_word_of_the_console_is_one(lang: str) -> None:
    pages = sorted((ROOT / "docs" / lang).glob("*.md"))
    found = {one.name: lost(one.read_text(encoding="utf-8"), lang) for one in pages}
    assert {page: words for page, words in found.items() if words} == {}


def test_a_word_that_nobody_says_is_found() -> None:
    assert lost("*Online-Kalender* → *Portal hinzufügen*, **fett**, `*a*`", "de") == ["Portal hinzufügen"]
    assert meant("*Plätze → Betrieb → Wartung ankündigen …* und *Nur\nlesen*") == [
        "Plätze", "Betrieb", "Wartung ankündigen", "Nur lesen",
    ]  # fmt: skip
