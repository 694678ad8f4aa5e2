"""In which charset a file of xDT is written. Declarations are heard, and checked against the names themselves.

The words with bytes beyond ASCII are collected (from names and addresses doubly), and each charset is asked what it would
make of them: letters where letters belong, a capital only at the beginning or among capitals, ß only after a vowel. What
is declared is believed unless another charset makes clearly better words. `7 bit` (DIN 66003) is looked for in names only.
"""

import codecs
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple, Protocol

CHUNK = 1 << 20
WORDS = 20_000
"""Different words that are looked at."""
CANDIDATES = ("utf-8", "cp1252", "cp437", "cp850", "iso8859-15")
_DIN = str.maketrans("@[\\]{|}~", "§ÄÖÜäöüß")
_NAID = str.maketrans("§ÄÖÜäöüß", "@[\\]{|}~")
_WORD = re.compile(rb"[A-Za-z\x80-\xff][A-Za-z\x80-\xff'.-]*")
_NAMES = frozenset((b"3100", b"3101", b"3102", b"3104", b"3106", b"3107", b"3113", b"3120"))
_LINE = re.compile(rb"(?:^|[\r\n])\d{3}(\d{4})([^\r\n]*)")
_SEVEN = re.compile(rb"(?:^|[\s-])[A-Za-z]*(?:[A-Za-z][{|}~]|[\[\\\]][a-zA-Z])[A-Za-z{|}~\[\\\]]*")
_DECLARED = {
    "1": "din66003", "2": "cp437", "3": "cp1252", "4": "iso8859-15", "5": "utf-8", "7bit": "din66003",
    "ibm": "cp437", "cp437": "cp437", "cp850": "cp850", "ansi": "cp1252", "cp1252": "cp1252", "iso88591": "cp1252",
    "iso885915": "iso8859-15", "utf8": "utf-8", "utf-8": "utf-8",
}  # fmt: skip
_BY_NAME = {
    "din66003": "din66003", "latin-1": "cp1252", "latin1": "cp1252", "latin-9": "iso8859-15", "windows-1252": "cp1252",
}  # fmt: skip
_VOWELS = frozenset("aeiouyäöüAEIOUYÄÖÜ")
_UMLAUTS = frozenset("äöüÄÖÜß")
_ACCENTS = frozenset("áàâãéèêëíìîïóòôõúùûçñåøæýÿšžœÁÀÂÃÉÈÊËÍÌÎÏÓÒÔÕÚÙÛÇÑÅØÆÝŸŠŽŒ")
CLEARLY = 2.0
"""So much better another charset has to be than the one that is declared."""


MIXED = 0.1
"""A file of UTF-8 may have so many words that are none: it was put together of several."""


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, most: int = -1, /) -> bytes: ...


class Belief(NamedTuple):
    """What a file is read as. `why`: `bom`, `told`, `declared`, `words` (they say so), `ascii` (nothing to tell)."""

    charset: str
    why: str
    declared: str = ""
    words: int = 0
    sure: bool = True

    @property
    def lied(self) -> bool:
        """True if something else was declared than is so."""
        return bool(self.declared) and self.why == "words" and self.declared != self.charset


def decode(data: bytes, charset: str) -> str:
    """Bytes as text; what the charset has no character for becomes U+FFFD."""
    if charset == "din66003":
        return data.decode("ascii", "replace").translate(_DIN)
    return data.decode(charset, "replace")


def encode(text: str, charset: str) -> bytes:
    """Text as bytes; UnicodeEncodeError for what the charset cannot say."""
    if charset == "din66003":
        for at, character in enumerate(text):
            if character in "@[\\]{|}~":
                raise UnicodeEncodeError(charset, text, at, at + 1, "means a German letter there")
        return text.translate(_NAID).encode("ascii")
    return text.encode(charset)


def known(word: str) -> str:
    """Our name for a charset, by whatever word; `cp1252` for what nobody knows."""
    plain = word.casefold().replace(" ", "").replace("_", "-")
    return _DECLARED.get(plain) or _DECLARED.get(plain.replace("-", "")) or _BY_NAME.get(plain, "cp1252")


def find(stream: Readable, told: str | None = None) -> Belief:
    """Read a stream to its end and say what it is written in; `told`: a person decided."""
    if told:
        return Belief(known(told), "told")
    words: Counter[bytes] = Counter()
    names: Counter[bytes] = Counter()
    declared: Counter[str] = Counter()
    high = bom = False
    rest, first = b"", True
    while chunk := stream.read(CHUNK):
        if first and chunk.startswith(codecs.BOM_UTF8):
            bom = True
        first = False
        buffer = rest + chunk
        cut = max(buffer.rfind(b"\n"), buffer.rfind(b"\r"))
        cut = len(buffer) if cut < 0 or len(buffer) - cut > 65_536 else cut
        piece, rest = buffer[:cut], buffer[cut:]
        high = _collect(piece, words, names, declared) or high
    high = _collect(rest, words, names, declared) or high
    said = declared.most_common(1)[0][0] if declared else ""
    if bom:
        return Belief("utf-8", "bom" if said in ("", "utf-8") else "words", said, len(words))
    return judge(words, names, said, high=high)


def judge(words: Counter[bytes], names: Counter[bytes], declared: str, *, high: bool) -> Belief:
    """What the words say, and how sure that is. `names`: those that look like 7 bit, from names and places."""
    if not high:
        if names and _seven(names):
            return Belief("din66003", "declared" if declared == "din66003" else "words", declared, len(names))
        plain = declared if declared and declared != "din66003" else "cp1252"
        return Belief(plain, "ascii", declared)
    scores = {charset: score(words, charset) for charset in CANDIDATES}
    wrong = sum(1 for word in words if not _utf8(word))
    if wrong > len(words) * MIXED:
        scores["utf-8"] = min(scores.values()) - 1.0
    best = max(scores, key=lambda charset: (scores[charset], -CANDIDATES.index(charset)))
    if declared in scores:
        if scores[best] - scores[declared] < CLEARLY:
            return Belief(declared, "declared", declared, len(words))
        return Belief(best, "words", declared, len(words))
    # cp437 is what the standard names; cp850 is believed where it explains more.
    if best == "cp850" and scores["cp437"] == scores["cp850"]:
        best = "cp437"
    others = [
        value for charset, value in scores.items() if charset != best and not _same(words, charset, best)
    ]
    return Belief(
        best, "words", declared, len(words), sure=scores[best] - max(others, default=-9e9) >= CLEARLY
    )


def score(words: Counter[bytes], charset: str) -> float:
    """How good the words are in a charset: more is better."""
    return sum(_word(word, charset) * min(times, 4) for word, times in words.items())


def better(data: bytes, believed: str) -> str | None:
    """Another charset for one line that clearly does not stand in the one of its file, or None."""
    found = Counter(word for word in _WORD.findall(data) if not word.isascii())
    here = score(found, believed) if believed != "din66003" else -9.0
    if here >= 0:
        return None
    scores = {charset: score(found, charset) for charset in CANDIDATES}
    best = max(scores, key=lambda charset: (scores[charset], -CANDIDATES.index(charset)))
    return best if scores[best] > 0 else None


def _same(words: Counter[bytes], one: str, other: str) -> bool:
    return all(decode(word, one) == decode(word, other) for word in words)


def _collect(piece: bytes, words: Counter[bytes], names: Counter[bytes], declared: Counter[str]) -> bool:
    """Gather what a piece of a file tells; True if there is a byte beyond ASCII in it."""
    high = not piece.isascii()
    for line in _LINE.finditer(piece):
        field, content = line[1], line[2]
        if field in (b"9106", b"9206"):
            said = _DECLARED.get(content.strip().decode("ascii", "replace").casefold().replace(" ", ""))
            if said:
                declared[said] += 1
        elif (field in _NAMES or "din66003" in declared) and len(names) < WORDS:
            names.update(found.strip() for found in _SEVEN.findall(content))
        if high and len(words) < WORDS and not content.isascii():
            weight = 2 if field in _NAMES else 1
            for word in _WORD.findall(content):
                if not word.isascii():
                    words[word[:40]] += weight
    if high and not words:  # no lines at all, or none where it counts
        words.update(word[:40] for word in _WORD.findall(piece)[:WORDS] if not word.isascii())
    return high


def _seven(names: Counter[bytes]) -> bool:
    return sum(1 if _reads(word.decode("ascii").translate(_DIN)) else -1 for word in names) > 0


def _reads(word: str) -> bool:
    """Capitals only in front or throughout."""
    letters = [c for c in word if c.isalpha()]
    return word == word.upper() or all(c.islower() or c == "ß" for c in letters[1:])


@lru_cache(maxsize=8192)
def _word(word: bytes, charset: str) -> float:
    if charset == "utf-8":
        if not _utf8(word):
            return -4.0
        text = word.decode()
        return 4.0 if all(c.isascii() or c.isalpha() or c in "’'–" for c in text) else 1.0
    text = decode(word, charset)
    total = 0.0
    for at, character in enumerate(text):
        if not character.isascii():
            total += _letter(character, text[at - 1 : at], text[at + 1 : at + 2])
    return max(-4.0, min(4.0, total))  # one word of another charset does not outweigh many


def _utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _letter(character: str, before: str, after: str) -> float:
    """How well a character stands between its neighbours."""
    if not character.isalpha() or character not in _UMLAUTS | _ACCENTS:
        return -3.0 if before.isalpha() or after.isalpha() else -1.0
    if character == "ß":
        return 3.0 if before in _VOWELS and before else -3.0
    good = 3.0 if character in _UMLAUTS else 1.0
    if character.isupper():
        if before.islower() or (before.isupper() and after.islower() and before.isalpha()):
            return -2.0
    elif (before.isupper() and (after.isupper() or not after)) or (not before and after.isupper()):
        return -2.0
    elif good == 1.0 and before in _VOWELS and before:
        return 0.3
    return good
