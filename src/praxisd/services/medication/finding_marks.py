"""Which letters of a name are to be marked as found. Pure."""

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from praxisd.services.medication import finding_rules as rules
from praxisd.services.medication.finding_rules import How


def marks(name: str, typed: Sequence[tuple[str, ...]], how: How) -> list[tuple[int, int]]:
    """Where `typed` (see `rules.typed`) is in `name`: places (code points, end exclusive), in order, none over another.

    A similar word is marked as a whole.
    """
    found: set[tuple[int, int]] = set()
    words = rules.spans(name)
    for ways in typed:
        found |= _of(words, ways, how)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _of(words: Sequence[rules.Word], ways: tuple[str, ...], how: How) -> set[tuple[int, int]]:
    """The places of one typed word: where words begin with it, else where they contain it, else what is similar."""
    begins: set[tuple[int, int]] = set()
    inside: set[tuple[int, int]] = set()
    for word in words:
        for umlaut in (True,) if word.text.isascii() else (True, False):
            folded = rules.fold(word.text, umlaut).replace(",", ".")
            for way in ways:
                at = folded.find(way)
                if at >= 0:
                    place = word.start + _letters(word.text, at, umlaut, up=False)
                    end = word.start + _letters(word.text, at + len(way), umlaut, up=True)
                    (inside if at else begins).add((place, end))
    if begins or inside or how != "similar":
        return begins or inside
    return {(word.start, word.end) for word in words if any(_alike(way, word.text) for way in ways)}


def _letters(word: str, folded: int, umlaut: bool, *, up: bool) -> int:
    """How many letters of a word make so many folded ones; half a letter counts as a whole or as none."""
    if word.isascii():
        return min(folded, len(word))
    done = 0
    for count, letter in enumerate(word):
        if done >= folded:
            return count
        done += len(rules.fold(letter, umlaut))
        if done > folded and not up:
            return count
    return len(word)


def _alike(way: str, word: str) -> bool:
    if rules.is_number(way):
        return False
    one = rules.sound(way)
    for folded in rules.foldings(word):
        other = rules.sound(folded)
        lengths = range(len(one) - 2, len(one) + 3)
        if len(one) >= 3 and (
            one in other or any(OSA.distance(one, other[:length]) <= rules.edits(one) for length in lengths)
        ):
            return True
    return False
