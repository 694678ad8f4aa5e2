"""How many parts an SMS takes: GSM-7 or UCS-2, 160/153 septets or 70/67 units. Pure.

Sources: 3GPP TS 23.038 § 6.2.1 (the default alphabet, and the extension table whose characters cost an escape as well)
and TS 23.040 § 9.2.3.24.1 (the header of parts of a longer message takes six octets). National language tables are not
used: not every gateway knows them. What takes two septets or two units is never split between parts, nor is a character
that is made of several (an emoji with its modifiers, a letter with accents).
"""

import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""One septet each. The escape itself is no character that anybody could write."""
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two septets each: escape and one more."""
ONE_PART = {"GSM-7": 160, "UCS-2": 70}
MORE_PARTS = {"GSM-7": 153, "UCS-2": 67}
"""Septets, or UTF-16 code units, in a message of one part, and in each of several."""
REPLACEMENTS = {
    "„": '"', "“": '"', "”": '"', "‟": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "‹": "'", "›": "'",
    "´": "'", "`": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "·": "-", "×": "x",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\t": " ", "\u00ad": "", "\u200b": "", "\ufeff": "",
    "œ": "oe", "Œ": "OE", "ẞ": "SS", "ł": "l", "Ł": "L", "ı": "i", "½": "1/2", "¼": "1/4",
}  # fmt: skip
"""Characters for which GSM-7 has something that reads the same. Only offered: a person decides."""
_JOINER = "\u200d"
_MODIFIERS = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_TAGS = range(0xE0020, 0xE0080)

Encoding = Literal["GSM-7", "UCS-2"]


class Measure(NamedTuple):
    """`units` are septets (GSM-7) or UTF-16 code units (UCS-2); `left` fit into the last part; no text has 0 parts.

    `foreign` are the characters that force UCS-2, each once, in the order of the text.
    """

    encoding: Encoding
    units: int
    parts: int
    left: int
    foreign: tuple[str, ...] = ()


def measure(text: str) -> Measure:
    """What the text takes as an SMS."""
    if BASIC.issuperset(text):
        return _packed("GSM-7", len(text), None)
    foreign = tuple(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENDED))
    if foreign:
        sizes = [size for one in clusters(text) for size in _sizes(one)]
        return _packed("UCS-2", sum(sizes), sizes)._replace(foreign=foreign)
    sizes = [2 if char in EXTENDED else 1 for char in text]
    return _packed("GSM-7", sum(sizes), sizes)


def _sizes(cluster: str) -> list[int]:
    """UTF-16 code units of what stays together; a monster of accents that no part could hold is taken apart."""
    sizes = [2 if ord(char) > 0xFFFF else 1 for char in cluster]
    return [sum(sizes)] if sum(sizes) <= MORE_PARTS["UCS-2"] else sizes


def _packed(encoding: Encoding, units: int, sizes: list[int] | None) -> Measure:
    """Parts, and room left in the last. `sizes` of what must not be split; None: each takes one unit."""
    if units <= ONE_PART[encoding]:
        return Measure(encoding, units, 1 if units else 0, ONE_PART[encoding] - units)
    room = MORE_PARTS[encoding]
    if sizes is None:
        parts = -(-units // room)
        return Measure(encoding, units, parts, parts * room - units)
    parts, left = 1, room
    for size in sizes:
        if size > left:
            parts, left = parts + 1, room
        left -= size
    return Measure(encoding, units, parts, left)


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that a reader takes for one character: accents, emoji sequences and flags stay together.

    A small part of Unicode's UAX 29: what occurs in messages. Other scripts come out letter by letter.
    """
    piece, flag = "", False
    for char in text:
        code = ord(char)
        joined = piece.endswith(_JOINER) or char == _JOINER or code in _MODIFIERS or code in _TAGS
        second = code in _FLAG_LETTERS and flag
        if piece and (joined or second or unicodedata.category(char) in ("Mn", "Me", "Mc")):
            piece, flag = piece + char, False
            continue
        if piece:
            yield piece
        piece, flag = char, code in _FLAG_LETTERS
    if piece:
        yield piece


def suggestion(text: str) -> str | None:
    """The text as it could be written in GSM-7, or None if nothing would be won or something would be lost.

    „Typographic“ characters become plain ones, letters with accents that GSM-7 lacks lose them (`ê` → `e`).
    """
    if not measure(text).foreign:
        return None
    plain = "".join(_plain(char) for char in unicodedata.normalize("NFC", text))
    return None if measure(plain).foreign else plain


def _plain(char: str) -> str:
    if char in BASIC or char in EXTENDED:
        return char
    if char in REPLACEMENTS:
        return REPLACEMENTS[char]
    bare = unicodedata.normalize("NFD", char)[0]
    return bare if bare.isalpha() and bare in BASIC else char
