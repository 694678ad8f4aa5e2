"""The index of a data set's products: words, where they stand, how they sound. Built once per edition, then only read.

All of it is flat: lists of numbers, cut out of one block of bytes that is written to a file and read back at once. Products
are numbered in the order of their names, so the lowest numbers of a set are its first names. Words are numbered in the order
of the alphabet, so all words that begin alike lie side by side, and so do the products that have them.
"""

import json
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple, Self

from praxisd.services.medication import finding_rules as rules

FORMAT = 1
"""Grows when the same products would give other bytes."""
MAGIC = b"praxisd finding\n"
CODE = "@"
"""Before an ATC code among the words, so that no name is taken for one."""
MASKS = 32
"""So many frequent words are remembered with their products, a byte each."""
LAST = "\U0010ffff"
"""After all letters: what begins with a word comes before the word with it."""
_NUMBERS = (
    "starts", "posts", "name_starts", "names", "first_starts", "firsts", "own_starts", "owns", "sound_starts", "sound_words",
    "by_id",
)  # fmt: skip
_TEXTS = ("ids", "words", "sounds")


class Source(NamedTuple):
    """A product as it goes in: `names` its name first, then other names of itself; `others` substances, maker, form."""

    id: str
    names: Sequence[str]
    others: Sequence[str] = ()
    atc: str | None = None
    dental: bool = False


class Span(NamedTuple):
    """Words by number, `end` exclusive."""

    start: int
    end: int


class Broken(Exception):
    """The bytes are no index of this format, or not of this edition."""


class Index:
    """The index of one edition. Any number of threads may read it.

    `starts`/`posts`: word → its products; `name_…` the same where a name has it, `first_…` where the name begins with it.
    `own_…`: product → its words. `sound_…`: sound → its words; each word is a sound of itself too. `dental`: products
    a dentist is told something about. `by_id`: products in the order of their ids.
    """

    __slots__ = (
        *_TEXTS,
        *_NUMBERS,
        "any",
        "dental",
        "edition",
        "first",
        "named",
        "_masks",
        "size",
        "sound_lines",
        "sound_text",
        "word_lines",
        "word_text",
    )

    starts: Sequence[int]
    posts: Sequence[int]
    first_starts: Sequence[int]
    firsts: Sequence[int]
    name_starts: Sequence[int]
    names: Sequence[int]
    own_starts: Sequence[int]
    owns: Sequence[int]
    sound_starts: Sequence[int]
    sound_words: Sequence[int]
    by_id: Sequence[int]
    ids: list[str]
    words: list[str]
    sounds: list[str]

    def __init__(
        self, edition: str, texts: dict[str, list[str]], numbers: dict[str, Sequence[int]], dental: bytes
    ) -> None:
        self.edition, self.dental = edition, frozenset(no for no, one in enumerate(dental) if one)
        for name in _TEXTS:
            setattr(self, name, texts[name])
        for name in _NUMBERS:
            setattr(self, name, numbers[name])
        self.size = len(self.ids)
        self.any, self.named = (self.starts, self.posts), (self.name_starts, self.names)
        self.first = (self.first_starts, self.firsts)
        self._masks: dict[Span, bytearray] = {}
        self.word_text, self.word_lines = _joined(self.words)
        self.sound_text, self.sound_lines = _joined(self.sounds)

    @classmethod
    def read(cls, data: bytes, edition: str) -> Self:
        """From the bytes of `written`. `Broken` unless they are whole and of this edition."""
        try:
            if not data.startswith(MAGIC):
                raise Broken("magic")
            end = data.index(b"\n", len(MAGIC))
            head = json.loads(data[len(MAGIC) : end])
            if (head["format"], head["order"], head["edition"]) != (FORMAT, sys.byteorder, edition):
                raise Broken("edition")
            parts, at, view = {}, end + 1, memoryview(data)
            for name, length in head["parts"]:
                parts[name] = view[at : at + length]
                at += length
            if at != len(data):
                raise Broken("length")
            texts = {one: _lines(bytes(parts[one])) for one in _TEXTS}
            numbers: dict[str, Sequence[int]] = {one: _numbers(parts[one]) for one in _NUMBERS}
            return cls(edition, texts, numbers, bytes(parts["dental"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(type(error).__name__) from None

    def written(self) -> bytes:
        """As bytes for `read` on the same kind of machine."""
        parts = [(one, "\n".join(getattr(self, one)).encode()) for one in _TEXTS]
        parts += [(one, bytes(memoryview(getattr(self, one)))) for one in _NUMBERS]
        parts.append(("dental", bytes(no in self.dental for no in range(self.size))))
        lengths = [(name, len(data)) for name, data in parts]
        head = {"format": FORMAT, "order": sys.byteorder, "edition": self.edition, "parts": lengths}
        return b"".join((MAGIC, json.dumps(head).encode(), b"\n", *(data for _, data in parts)))

    def word(self, word: str) -> int | None:
        """The number of a word."""
        no = bisect_left(self.words, word)
        return no if no < len(self.words) and self.words[no] == word else None

    def beginning(self, word: str) -> Span:
        """The words that begin so."""
        return _beginning(self.words, word)

    def containing(self, part: str) -> list[int]:
        """The words that have it anywhere."""
        return _containing(self.word_text, self.word_lines, part)

    def sounding(self, sound: str) -> Span:
        """The sounds that begin so."""
        return _beginning(self.sounds, sound)

    def sounding_within(self, sound: str) -> list[int]:
        """The sounds that have it anywhere."""
        return _containing(self.sound_text, self.sound_lines, sound)

    def words_sounding(self, sounds: Iterable[int]) -> list[int]:
        """The words of sounds."""
        starts, words = self.sound_starts, self.sound_words
        return [word for one in sounds for word in words[starts[one] : starts[one + 1]]]

    def number(self, id_: str) -> int | None:
        """The number of a product."""
        place = bisect_left(self.by_id, id_, key=self.ids.__getitem__)
        return self.by_id[place] if place < self.size and self.ids[self.by_id[place]] == id_ else None

    def mask(self, words: Span) -> bytearray:
        """A byte per product: has it one of these words? Remembered for the words asked for last."""
        found = self._masks.get(words)
        if found is None:
            found = bytearray(self.size)
            for one in self.posts[self.starts[words.start] : self.starts[words.end]]:
                found[one] = 1
            if len(self._masks) >= MASKS:
                self._masks.pop(next(iter(self._masks)), None)
            self._masks[words] = found
        return found

    def own(self, product: int) -> Sequence[int]:
        """The words of a product."""
        return self.owns[self.own_starts[product] : self.own_starts[product + 1]]


def _joined(lines: list[str]) -> tuple[str, list[int]]:
    """All lines as one text, each after a line break, and where each begins."""
    text = "\n" + "\n".join(lines) + "\n"
    return text, list(accumulate((len(one) + 1 for one in lines), initial=1))[:-1]


def _beginning(lines: list[str], word: str) -> Span:
    return Span(bisect_left(lines, word), bisect_left(lines, word + LAST))


def _containing(text: str, lines: list[int], part: str) -> list[int]:
    found: list[int] = []
    at = text.find(part)
    while at >= 0:
        line = bisect_right(lines, at) - 1
        found.append(line)
        if line + 1 >= len(lines):
            break
        at = text.find(part, lines[line + 1])
    return found


def _lines(data: bytes) -> list[str]:
    return data.decode().split("\n") if data else []


def _numbers(part: memoryview) -> Sequence[int]:
    return array("I", part.tobytes())


def build(edition: str, products: Iterable[Source]) -> Index:
    """The index of an edition. About 30 µs a name: children do it for large ones."""
    known = lru_cache(maxsize=65_536)(_words)
    rows = sorted(((rules.fold(one.names[0]), one.id, one) for one in products), key=lambda row: row[:2])
    owns: list[tuple[list[str], int]] = []
    firsts: list[tuple[str, ...]] = []
    vocabulary: set[str] = set()
    for _, _, one in rows:
        words = dict.fromkeys(word for name in one.names for word in rules.words_of(name))
        named = len(words)
        for other in one.others:
            words.update(dict.fromkeys(known(other)))
        if one.atc:
            words[CODE + one.atc.lower()] = None
        vocabulary.update(words)
        owns.append((list(words), named))
        firsts.append(rules.first_of(one.names[0]))
    ordered = sorted(vocabulary)
    place = {word: no for no, word in enumerate(ordered)}
    starts, posts = _turned(([place[word] for word in words] for words, _ in owns), len(ordered))
    name_starts, names = _turned(
        ([place[word] for word in words[:named]] for words, named in owns), len(ordered)
    )
    first_starts, firsts_ = _turned(([place[word] for word in words] for words in firsts), len(ordered))
    by_sound: dict[str, list[int]] = {}
    for no, word in enumerate(ordered):
        if not word.startswith(CODE) and not rules.is_number(word):
            for way in dict.fromkeys((rules.sound(word), word)):
                by_sound.setdefault(way, []).append(no)
    sounds = sorted(by_sound)
    numbers: dict[str, Sequence[int]] = {
        "starts": starts,
        "posts": posts,
        "name_starts": name_starts,
        "names": names,
        "first_starts": first_starts,
        "firsts": firsts_,
        "own_starts": _starts(len(words) for words, _ in owns),
        "owns": array("I", (place[word] for words, _ in owns for word in words)),
        "sound_starts": _starts(len(by_sound[one]) for one in sounds),
        "sound_words": array("I", (no for one in sounds for no in by_sound[one])),
    }
    numbers["by_id"] = array("I", sorted(range(len(rows)), key=lambda no: rows[no][1]))
    if any("\n" in id_ for _, id_, _ in rows):
        raise Broken("id")
    texts = {"ids": [id_ for _, id_, _ in rows], "words": ordered, "sounds": sounds}
    return Index(edition, texts, numbers, bytes(one.dental for _, _, one in rows))


def _words(text: str) -> tuple[str, ...]:
    return tuple(rules.words_of(text))


def _starts(lengths: Iterable[int]) -> "array[int]":
    return array("I", accumulate(lengths, initial=0))


def _turned(rows: Iterable[Sequence[int]], words: int) -> "tuple[array[int], array[int]]":
    """From the words of each product to the products of each word, lowest first."""
    lists: list[list[int]] = [[] for _ in range(words)]
    for product, row in enumerate(rows):
        for word in dict.fromkeys(row):
            lists[word].append(product)
    return _starts(map(len, lists)), array("I", (one for products in lists for one in products))
