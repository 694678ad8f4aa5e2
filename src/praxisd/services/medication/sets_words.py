"""Words of full texts, written in each way in which they are typed: `Überempfindlichkeit`, `ueber…`, `uber…`. Pure."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def bare(word: str) -> str:
    """Small letters without accents: ä → a, ß → ss, é → e."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))


def spelt(word: str) -> str:
    """Small letters, umlauts written as two: ä → ae, ß → ss, é → e."""
    whole = unicodedata.normalize("NFC", word.casefold())
    return bare(whole.translate(_GERMAN))


def words(text: str) -> str:
    """All words of a text in order, a word with an umlaut in both ways. What is searched is folded by `spelt` and `bare`."""
    found = []
    for match in _WORD.finditer(text):
        one, other = spelt(match[0]), bare(match[0])
        found.append(one if one == other else f"{one} {other}")
    return " ".join(found)


def asked(text: str) -> list[list[str]]:
    """Each word of a question with the ways in which it may stand in the index."""
    found = []
    for match in _WORD.finditer(text):
        found.append(sorted({spelt(match[0]), bare(match[0])}))
    return found


EXCERPT = 240
"""Characters of an excerpt, at most."""


def excerpt(text: str, asked: list[list[str]]) -> tuple[str, list[tuple[int, int]]]:
    """The piece of a text around the first of the words, and where the words stand in that piece (from, to)."""
    places = [match.span() for match in _WORD.finditer(text) if _is_asked(match[0], asked)]
    start = max(0, places[0][0] - EXCERPT // 4) if places else 0
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    end = min(len(text), start + EXCERPT)
    if end < len(text):
        end = max((place for place in range(start + 1, end) if text[place].isspace()), default=end)
    marked = [(begin - start, stop - start) for begin, stop in places if start <= begin and stop <= end]
    return text[start:end], marked


def _is_asked(word: str, asked: list[list[str]]) -> bool:
    ways = {spelt(word), bare(word)}
    *whole, last = asked or [[]]
    return any(ways & set(one) for one in whole) or any(way.startswith(one) for way in ways for one in last)
