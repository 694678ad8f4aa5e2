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
