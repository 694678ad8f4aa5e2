"""How a table is written: encoding, delimiter, whether it has headings, in which order its dates are. Pure.

What cannot be known is not guessed: dates such as 01/02/03 are named as ambiguous, and a person says how they are meant.
"""

import codecs
import csv
import io
import re
from typing import Literal, NamedTuple

from praxisd.model.exchange import Kind
from praxisd.services.exchange.formats import csv_words

DELIMITERS = (";", ",", "\t", "|")
ENCODINGS = ("utf-8", "cp1252", "cp850", "mac_roman", "utf-16")
"""Encodings people may choose."""
Order = Literal["dmy", "mdy", "ymd"]
_PARTS = re.compile(r"\s*([0-9]{1,4})([./ -])([0-9]{1,2})\2([0-9]{1,4})(?:[ T].*)?\s*")
_WORD = re.compile(r"[^\W\d_]{2,}")
_UMLAUTS = frozenset("äöüÄÖÜßéèáàóçêëï")
_EIGHT = re.compile(r"[0-9]{8}")


def encoding(head: bytes) -> tuple[str, float]:
    """(encoding, how sure). A byte order mark is certain, valid UTF-8 beyond ASCII nearly; else the one that makes German
    letters of the most bytes inside of words."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", 1.0
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 1.0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8", 0.9 if any(byte > 127 for byte in head) else 1.0
    scored = sorted(
        ((_letters(head, one), -n, one) for n, one in enumerate(("cp1252", "cp850", "mac_roman")))
    )
    best, second = scored[-1], scored[-2]
    return best[2], 0.9 if best[0] > second[0] else 0.4


def _letters(head: bytes, name: str) -> int:
    """German letters minus other odd characters inside and beside of words."""
    text = head.decode(name, "replace")
    odd = [c for c in text if ord(c) > 127]
    return sum(1 if c in _UMLAUTS else -1 for c in odd)


def text_of(head: bytes, name: str) -> str:
    """The beginning of a file as text, without a character that was cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if name == "utf-8" else name)("replace")
    return decoder.decode(head)


def delimiter(text: str) -> tuple[str, float]:
    """(delimiter, how sure): the one by which most lines have the same number of columns."""
    best = (",", 0.0)
    for one in DELIMITERS:
        rows = table(text, one, 60)
        widths = [len(row) for row in rows]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=widths.count)
        score = widths.count(usual) / len(widths) if usual > 1 else 0.0
        score -= 0.1 / usual if usual else 0.0  # of two that fit, the one with more columns
        if score > best[1]:
            best = (one, score)
    return best


def table(text: str, mark: str, most: int) -> list[list[str]]:
    """The first rows, without blank lines; a last one that may be cut off is left out where others are there."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) >= most:
                return rows
    except csv.Error:
        return rows
    return rows[:-1] if len(rows) > 2 and not text.endswith(("\n", "\r")) else rows


def has_header(row: list[str], what: Kind) -> bool:
    """True if the first row names columns: words that are known, and no dates or long numbers."""
    known = sum(csv_words.guess(cell, what) is not None for cell in row)
    data = sum(bool(_PARTS.fullmatch(cell) or re.fullmatch(r"\+?[0-9 /-]{5,}", cell.strip())) for cell in row)
    return known > 0 and data == 0


class Dates(NamedTuple):
    """How the dates of a column are written. `order` None: it is ambiguous, and somebody has to say; `mixed`: two ways."""

    order: Order | None
    ambiguous: bool
    mixed: bool = False
    example: str = ""


def dates(values: list[str]) -> Dates | None:
    """The order of a column's dates, None where it has none. Points mean day, month, year (DIN 5008); ISO dates and eight
    digits speak for themselves. With slashes and dashes a part above 12 decides; without any it is ambiguous."""
    seen: set[Order] = set()
    open_ = ""
    for value in values:
        found = _PARTS.fullmatch(value)
        if found is None:
            if _EIGHT.fullmatch(value.strip()):
                seen.add("ymd" if value.strip()[:2] in ("18", "19", "20") else "dmy")
            continue
        first, mark, middle, last = found.groups()
        if len(first) == 4:
            seen.add("ymd")
        elif mark == "." or (int(first) > 12 >= int(middle) and len(last) == 4):
            seen.add("dmy")
        elif int(middle) > 12 >= int(first) and len(last) == 4:
            seen.add("mdy")
        elif len(last) == 4 and int(first) == int(middle):
            continue  # 03/03/1980 reads the same both ways
        elif not open_:
            open_ = value.strip()
    decided = seen - {"ymd"}
    if not seen and not open_:
        return None
    if len(decided) > 1:
        return Dates(None, True, True, open_)
    if open_ and not decided:
        return Dates(None, True, False, open_)
    return Dates(next(iter(decided or seen)), False)
