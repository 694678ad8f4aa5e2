"""The search itself: beginning → inside → similar; the same index and words always give the same answer.

Every hit says how it was found, so that "similar" is never taken for the same (SPEC 10.2). Where nothing begins as typed, what
contains it and what is similar to it stand side by side. Similar is: another spelling of the same sound, or one typing error;
two errors only where nothing else was found.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from praxisd.services.medication import finding_order as order
from praxisd.services.medication import finding_rules as rules
from praxisd.services.medication.finding_index import CODE, LAST, Index
from praxisd.services.medication.finding_order import Match
from praxisd.services.medication.finding_rules import How

INFIX_FROM = 3
"""Letters from which words are looked into."""
WITHIN_FROM = 4
"""The same for sounds."""
FEW_WORDS = 48
"""So few words are compared one by one rather than by trying letters."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Hit(NamedTuple):
    """A product by its number, and how it was found."""

    product: int
    how: How


def find(index: Index, text: str, limit: int, used: Mapping[int, int]) -> list[Hit]:
    """The first `limit` products; `used`: product → how often this practice entered it."""
    asked = rules.typed(text)
    if not asked or limit < 1:
        return []
    begins = [Match(tuple(index.beginning(one) for one in ways)) for ways in asked]
    hits = _beginning(index, asked, begins, limit, used) if all(begins) else []
    if len(hits) == limit:
        return hits
    seen, lone = {one.product for one in hits}, not hits
    inside = [_inside(index, ways, match) for ways, match in zip(asked, begins, strict=True)]
    contain: list[int] = []
    if inside != begins and all(inside):
        contain, found = _spread(index, begins, inside, limit, used, seen)
        seen |= found
    similar: list[int] = []
    for wider in _similar(index, asked, begins, inside) if lone else ():
        if all(wider):
            similar, _ = _spread(index, inside, wider, limit, used, seen)
        if similar or contain:  # two errors are forgiven only where nothing else is there
            break
    room = limit - len(hits)
    kept = contain[: max(room - len(similar), room - room // 4)]
    hits += [Hit(one, "infix") for one in kept]
    return hits + [Hit(one, "similar") for one in similar[: limit - len(hits)]]


def find_atc(index: Index, code: str, limit: int, used: Mapping[int, int]) -> list[Hit]:
    """The products whose ATC code begins so."""
    match = Match((index.beginning(CODE + code.lower()),))
    how: How = "exact" if len(code) == 7 else "prefix"
    return [Hit(one, how) for one in order.ranked(index, [match], order.of(match, index.any), limit, used)]


def _beginning(
    index: Index, asked: list[tuple[str, ...]], begins: list[Match], limit: int, used: Mapping[int, int]
) -> list[Hit]:
    """All words begin a word of the product: those whose name begins with the first word before the others."""
    found = order.products(index, begins) if len(begins) > 1 else None
    ranked, leading = order.leading(index, begins[0], found, limit, used)
    if len(ranked) < limit:
        rest = (order.of(begins[0], index.any) if found is None else found) - leading
        ranked += order.ranked(index, begins, rest, limit - len(ranked), used)
    whole = _whole(index, asked)
    return [Hit(one, "exact" if whole and _has_all(index, one, whole) else "prefix") for one in ranked]


def _inside(index: Index, ways: tuple[str, ...], begins: Match) -> Match:
    """The same, and all words that contain it."""
    parts = [one for one in ways if len(one) >= INFIX_FROM and not rules.is_number(one)]
    found = {word for one in parts for word in index.containing(one)}
    found = {one for one in found if not begins.has(one)}
    return begins._replace(singles=frozenset(found)) if found else begins


def _similar(
    index: Index, asked: list[tuple[str, ...]], begins: list[Match], inside: list[Match]
) -> Iterator[list[Match]]:
    """By sound and one error, then by two; only for words that begin nothing where there are such, else for all of them."""
    wide = [not match for match in begins]
    wide = wide if any(wide) else [True] * len(wide)
    typed = [tuple(dict.fromkeys((*ways, *map(rules.sound, ways)))) for ways in asked]
    for edits in (1, 2):
        wider = []
        for ways, match, widen in zip(typed, inside, wide, strict=True):
            sounds: set[int] = set()
            for one in ways if widen and not rules.is_number(ways[0]) else ():
                sounds.update(_alike(index, one), _once(index, one) if edits == 1 else _twice(index, one))
            words = match.singles.union(index.words_sounding(sounds))
            wider.append(match._replace(singles=words))
            if not wider[-1]:  # no product can have all the words: the others are not looked for
                break
        yield wider


def _alike(index: Index, sound: str) -> Iterable[int]:
    """Sounds that begin so, and from four letters on those that contain it."""
    if len(sound) < INFIX_FROM:
        return ()
    found = range(*index.sounding(sound))
    return {*found, *index.sounding_within(sound)} if len(sound) >= WITHIN_FROM else found


def _once(index: Index, sound: str) -> set[int]:
    """Sounds whose beginning is one edit away (optimal string alignment: swapping neighbours is one).

    Where the error stands at a letter, all before it is right. So letter by letter each other beginning is looked up, until
    the words that are right so far are few enough to be compared.
    """
    found: set[int] = set()
    sounds = index.sounds
    if rules.edits(sound) < 1:
        return found
    for at in range(len(sound)):
        right, rest = sound[:at], sound[at + 1 :]
        start, end = index.sounding(right)
        if end - start <= FEW_WORDS:
            found.update(_near(index, sound, range(start, end)))
            break
        ways = [
            right + rest,
            *(right + one + rest for one in _LETTERS),
            *(right + one + sound[at:] for one in _LETTERS),
        ]
        if rest:
            ways.append(right + rest[0] + sound[at] + rest[1:])
        for way in ways:
            first = bisect_left(sounds, way, start, end)
            if first < end and sounds[first].startswith(way):
                found.update(
                    _short(index, range(first, bisect_left(sounds, way + LAST, first, end)), len(sound))
                )
    return found


def _near(index: Index, sound: str, among: Iterable[int]) -> list[int]:
    """Those of a few sounds whose beginning is one edit away."""
    size, sounds = len(sound), index.sounds
    near = [
        one for one in among
        if any(OSA.distance(sound, sounds[one][:length], score_cutoff=1) <= 1 for length in (size, size - 1, size + 1))
    ]  # fmt: skip
    return _short(index, near, size)


def _short(index: Index, found: Iterable[int], size: int) -> list[int]:
    """Three letters with an error stand for whole words only: they would begin far too many."""
    return [one for one in found if size > 3 or len(index.sounds[one]) <= size + 1]


def _twice(index: Index, sound: str) -> list[int]:
    """Sounds two edits away, as a whole or cut to the same length; all of them are looked at."""
    if rules.edits(sound) < 2:
        return []
    found: dict[int, None] = {}
    for among in (index.sounds, [one[: len(sound)] for one in index.sounds]):
        near = process.extract(sound, among, scorer=OSA.distance, processor=None, score_cutoff=2, limit=None)
        found.update(dict.fromkeys(no for _, _, no in near))
    return list(found)


def _spread(
    index: Index, before: list[Match], wider: list[Match], limit: int, used: Mapping[int, int], seen: set[int]
) -> tuple[list[int], set[int]]:
    """The first `limit` that were not seen yet, each of the new words in turn; and all of them."""
    found = order.products(index, wider) - seen
    fresh = {word for match, old in zip(wider, before, strict=True) for word in match.singles - old.singles}
    return order.turns(index, sorted(fresh), index.any, found, limit, used) if found else [], found


def _whole(index: Index, asked: list[tuple[str, ...]]) -> list[set[int]]:
    """The words typed as whole words, or none where one of them is none."""
    found = [{no for one in ways if (no := index.word(one)) is not None} for ways in asked]
    return found if all(found) else []


def _has_all(index: Index, product: int, whole: list[set[int]]) -> bool:
    own = index.own(product)
    return all(not one.isdisjoint(own) for one in whole)
