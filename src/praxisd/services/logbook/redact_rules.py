"""The second net: what looks like a person in a line that leaves is replaced by a placeholder (`<name-1>`). Pure.

The first is that sources drop patient values (`judging`). This one knows the names, numbers and birth dates of all patients,
whatever their case or spelling, and patterns of what else tells who somebody is. It rather takes too much: harmless words
that are somebody's name go too, and the person who sends sees each of them marked.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial

from praxisd.services.logbook.rules import folded

MARK = re.compile(r"<(?:name|mail|phone|number|date|path|secret|id)-\d+>")
"""A placeholder in a line; the same thing has the same one all over a package."""
_LETTERS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]+|[A-ZÄÖÜ]+(?![a-zäöüß])")
_SPECIAL = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})
SHORTEST = 2
_JOINED = 6
_MONTHS = (
    "jan(?:uar|uary)?|feb(?:ruar|ruary)?|mär(?:z)?|mrz|mar(?:ch)?|apr(?:il)?|ma[iy]|jun[ie]?|jul[iy]?|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    "o[kc]t(?:ober)?|nov(?:ember)?|de[zc](?:ember)?"
)
_SECRETS = r"pass(?:wor[dt]|phrase)?|kennwort|token|secret|api[_-]?key|bearer|pin"
_BETWEEN = r"[ /()\\_–-]{0,3}"
"""What people and programs put between the digits of a number."""
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mail", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")),
    ("secret", re.compile(rf"(?:{_SECRETS})(?:\s*[=:]\s*|\s+(?=\S*\d))\S+", re.IGNORECASE)),
    ("secret", re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{24,}(?![\w-])")),
    ("path", re.compile(r"(?:[A-Za-z]:\\|\\\\|~/|/(?:home|Users|root|srv|media|mnt|var|tmp)/)[^\s\"'<>|]*")),
    ("number", re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?![^\W_])")),
    ("number", re.compile(r"(?<![^\W_])[A-Z] ?\d{3} ?\d{3} ?\d{3}(?![^\W_])", re.IGNORECASE)),
    ("date", re.compile(
        rf"(?<!\d)(?:\d{{1,2}}\. ?\d{{1,2}}\. ?(?:\d{{4}}|\d{{2}})|\d{{1,2}}([/-])\d{{1,2}}\1\d{{4}}"
        rf"|(?:19|20)\d{{2}}([-/.])\d{{1,2}}\2\d{{1,2}}"
        rf"|\d{{1,2}}\.? ?(?:{_MONTHS})\.? ?(?:\d{{4}}|\d{{2}}))(?!\d)", re.IGNORECASE)),
    ("phone", re.compile(rf"(?<!\d)(?<!\d[.,])(?:\+|0)\(?\d(?:(?:{_BETWEEN}|\.)\d){{5,16}}(?!\d)")),
    ("number", re.compile(rf"(?<!\d)\d(?:{_BETWEEN}\d){{6,}}")),
)  # fmt: skip


def spellings(word: str) -> set[str]:
    """How a name may stand in a log: without marks, and with umlauts written out."""
    low = unicodedata.normalize("NFC", word.casefold())
    out = "".join(_SPECIAL.get(one, one) for one in unicodedata.normalize("NFC", word.lower()))
    return {folded(one).translate(_PLAIN) for one in (low, out)}


def words_of(names: Iterable[str]) -> set[str]:
    """All words of names, in all spellings."""
    found: set[str] = set()
    for name in names:
        for word in _LETTERS.findall(name):
            found |= {one for one in spellings(word) if len(one) >= SHORTEST}
    return found


def digits(text: str) -> str:
    """The digits of a number, without what stands for the country."""
    return re.sub(r"^(?:0049|49|0)", "", re.sub(r"\D", "", text))


def numbers_of(birth_dates: Iterable[str], phones: Iterable[str]) -> set[str]:
    """Digits that mean a person: birth dates forwards and back, telephone numbers."""
    found = {one for one in map(digits, phones) if len(one) >= 5}
    for date in birth_dates:
        parts = date.split("-")
        if len(parts) == 3:
            found |= {"".join(parts), "".join(reversed(parts)), "".join((*reversed(parts[1:]), parts[0][2:]))}
    return found


class Redactor:
    """Replaces, and remembers what it called what: only within one package, and never told."""

    def __init__(self, names: set[str], numbers: set[str]) -> None:
        self._names = names
        self._numbers = numbers
        self._given: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}

    def placeholder(self, kind: str, what: str) -> str:
        """`<kind-n>`, the same for the same."""
        key = (kind, folded(what))
        if key not in self._given:
            self._count[kind] = self._count.get(kind, 0) + 1
            self._given[key] = f"<{kind}-{self._count[kind]}>"
        return self._given[key]

    def text(self, text: str) -> str:
        """A text without what tells of a person. Brackets of its own are opened, so that no placeholder is forged."""
        text = unicodedata.normalize("NFKC", text).replace("<", "(").replace(">", ")")
        text = "".join(
            one for one in text if unicodedata.category(one) != "Cf"
        )  # nothing unseen inside a name
        for kind, pattern in _PATTERNS:
            text = _outside(text, pattern, partial(self.placeholder, kind))
        return _outside(text, _LETTERS, self._word)

    def value(self, value: object) -> object:
        """A value of a field: texts as such; numbers that are a person's birth date or telephone are replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            told = digits(str(int(value))) if value == value and abs(value) < 2**60 else ""
            if told in self._numbers or str(value) in self._numbers:
                return self.placeholder("number", told)
        return value

    def _word(self, word: str) -> str:
        if self._is_name(word) or any(self._is_name(part) for part in _CAMEL.findall(word)):
            return self.placeholder("name", word)
        return word

    def _is_name(self, word: str) -> bool:
        for one in spellings(word):
            if one in self._names or (
                one.endswith("s") and len(one) > SHORTEST + 1 and one[:-1] in self._names
            ):
                return True
            if len(one) >= _JOINED and any(
                one[:cut] in self._names and one[cut:] in self._names for cut in range(2, len(one) - 1)
            ):
                return True
        return False


def _outside(text: str, pattern: re.Pattern[str], change: Callable[[str], str]) -> str:
    """Change what matches, but not within placeholders."""
    parts, at = [], 0
    for mark in MARK.finditer(text):
        parts += [pattern.sub(lambda found: change(found[0]), text[at : mark.start()]), mark[0]]
        at = mark.end()
    return "".join([*parts, pattern.sub(lambda found: change(found[0]), text[at:])])
