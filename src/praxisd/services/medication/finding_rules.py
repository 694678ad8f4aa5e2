"""How names and typed words are made comparable: two foldings, words, sounds, codes. Pure.

Names are folded twice, since "ä" is typed as "ae" and as "a" (notes E1). A word's *sound* is what stays when spellings that
German and Latin mix up are taken together: y/i, z/c/k, ph/f, th/t, ae/e, doubled letters. Digits are never changed and never
guessed: 50 mg is not a typing error for 500 mg.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple

How = Literal["exact", "prefix", "infix", "similar"]
"""How a product was found: by whole words, by beginnings, by what words contain, by another word that is near."""
MOST_WORDS = 12
"""So many typed words are looked at."""
SHORT = 5
"""Letters up to which one edit is forgiven, beyond it two."""
_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i", "µ": "u",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "μ": "u", "ω": "omega",
})  # fmt: skip
_WIDE = {**_LETTERS, **str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})}
_PIECE = re.compile(r"[a-z]+|[0-9]+(?:[.,][0-9]+)?")
_RUN = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+|\d+(?:[.,]\d+)?")
_GLUED = re.compile(r"[a-z]+(?:[-/'’+][a-z]+)+")
_SOUNDS = (
    ("sch", "s"), ("ph", "f"), ("th", "t"), ("rh", "r"), ("ch", "c"), ("ck", "c"), ("qu", "cv"), ("tz", "c"),
    ("ae", "e"), ("oe", "o"), ("ue", "u"), ("ie", "i"),
    ("k", "c"), ("z", "c"), ("q", "c"), ("y", "i"), ("j", "i"), ("w", "v"), ("cs", "x"),
)  # fmt: skip
_DOUBLED = re.compile(r"([a-z])\1+")
_ATC = re.compile(r"[A-Za-z][0-9]{2}(?:[A-Za-z](?:[A-Za-z](?:[0-9]{1,2})?)?)?")
_AIM = re.compile(r"^\](?:[A-Za-z][0-9A-Za-z])")
_GS1 = re.compile(r"^\(?01\)?([0-9]{14})")
_PPN = re.compile(r"9N11([0-9]{8})[0-9]{2}")
_PZN = re.compile(r"^-?(?:PZN)?\s*[-:#]?\s*([0-9]{6,8})$", re.IGNORECASE)


class Word(NamedTuple):
    """A word of a name and where it stands there (code points, `end` exclusive)."""

    text: str
    start: int
    end: int


class Code(NamedTuple):
    """A typed or scanned number: `kind` is pzn (8 digits), gtin (14 digits) or atc (capitals; a beginning).

    `begun`: the digits of a PZN that was not typed to its end, perhaps; what was scanned or typed in full is that or nothing.
    """

    kind: str
    value: str
    begun: str = ""


def fold(text: str, umlaut: bool = True) -> str:
    """Small letters without accents; `umlaut`: ä becomes ae, else a. ß becomes ss, Greek letters their names."""
    if text.isascii():
        return text.lower()
    made = unicodedata.normalize("NFC", text).casefold().translate(_WIDE if umlaut else _LETTERS)
    if made.isascii():
        return made
    plain = unicodedata.normalize("NFKD", made)
    return "".join(one for one in plain if not unicodedata.combining(one)).translate(_LETTERS)


def foldings(text: str) -> tuple[str, ...]:
    """Both foldings, or one where they are the same."""
    first, second = fold(text), fold(text, umlaut=False)
    return (first,) if first == second else (first, second)


def pieces(folded: str) -> list[str]:
    """The words of a folded text: letters and numbers apart ("500mg" is two), 0,5 as 0.5."""
    return [one.replace(",", ".") for one in _PIECE.findall(folded)]


def words_of(name: str) -> dict[str, None]:
    """All words a name is found by, in order: in both foldings, and joined where a hyphen or the like parts them."""
    return dict.fromkeys(word for chunk in name.split() for word in _words_of(chunk))


def first_of(name: str) -> tuple[str, ...]:
    """The words a name may be said to begin with: its first in each folding, joined and not."""
    for chunk in name.split():
        found = _words_of(chunk)
        lead = {split[0] for folded in foldings(chunk) if (split := pieces(folded))}
        if found:
            return tuple(one for one in found if any(one.startswith(first) for first in lead))
    return ()


@lru_cache(maxsize=16_384)
def _words_of(chunk: str) -> tuple[str, ...]:
    """The words of what stands between two spaces; the same few thousand make up all names."""
    found: dict[str, None] = {}
    for folded in foldings(chunk):
        for one in pieces(folded):
            found.setdefault(one)
        for glued in _GLUED.findall(folded):
            found.setdefault("".join(pieces(glued)))
    return tuple(found)


def typed(text: str) -> list[tuple[str, ...]]:
    """The words typed, each with its ways to be spelt."""
    both = [pieces(fold(text)), pieces(fold(text, umlaut=False))]
    if len(both[0]) != len(both[1]):
        both.pop()
    return [tuple(dict.fromkeys(ways)) for ways in zip(*both, strict=True)][:MOST_WORDS]


def is_number(word: str) -> bool:
    """A strength, a size: never guessed."""
    return word[:1].isdigit()


def sound(word: str) -> str:
    """What stays of a folded word when spellings of the same sound are taken together; numbers stay as they are."""
    if is_number(word):
        return word
    for spelt, taken in _SOUNDS:
        if spelt in word:
            word = word.replace(spelt, taken)
    return _DOUBLED.sub(r"\1", word)


def edits(sounding: str) -> int:
    """So many typing errors are forgiven in a word of this sound: none below three letters and in numbers."""
    if is_number(sounding) or len(sounding) < 3:
        return 0
    return 1 if len(sounding) <= SHORT else 2


def spans(name: str) -> list[Word]:
    """The words of a name as it is written, with their places: what can be marked."""
    return [Word(one.group(), one.start(), one.end()) for one in _RUN.finditer(name)]


def code(text: str) -> Code | None:
    """What a typed or scanned text names by number, or None: PZN with or without zeros, `PZN-…`, the codes on packages
    (Code 39 `-12345678`, GS1 `01…`, IFA `9N…`, with or without the `]d2` in front), GTIN, ATC.

    A German GTIN 04150… holds its PZN (IFA: NTIN). Check digits are not looked at: what is not there is not found.
    """
    word = _AIM.sub("", text.strip()) if text.strip().startswith("]") else text.strip()
    if found := _PPN.search(word):
        return Code("pzn", found.group(1))
    if found := _PZN.match(word):
        digits = found.group(1)
        return Code("pzn", digits.zfill(8), digits if len(digits) < 8 else "")
    if found := _GS1.match(word):
        return _gtin(found.group(1))
    bare = word.replace(" ", "")
    if bare.isascii() and bare.isdigit() and 12 <= len(bare) <= 14:
        return _gtin(bare.zfill(14))
    if _ATC.fullmatch(word):
        return Code("atc", word.upper())
    return None


def _gtin(digits: str) -> Code:
    return Code("pzn", digits[5:13]) if digits.startswith("04150") else Code("gtin", digits)
