"""What a typed word stands for, which products have all of them, and in which order they are shown.

Order: names that begin with the first word, then what this practice uses, then (where it matters) names before substances and
makers, then the dental list, then the alphabet. Where several words of the set are meant perhaps, each has its turn, so that
twenty products of one name do not hide the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from praxisd.services.medication.finding_index import Index, Span

FEW_WORDS = 200
"""In so many words each has its turn; a question that broad as one letter is answered by the alphabet."""
FREQUENT = 2_000
"""From so many products on it is remembered which have a word, for the next question."""
Posts = tuple[Sequence[int], Sequence[int]]
"""Starts and products, by words (see Index)."""


class Match(NamedTuple):
    """The words a typed word stands for: runs of them, and single ones."""

    spans: tuple[Span, ...]
    singles: frozenset[int] = frozenset()

    def has(self, word: int) -> bool:
        """Is it one of them?"""
        for start, end in self.spans:
            if start <= word < end:
                return True
        return word in self.singles

    def words(self) -> Iterable[int]:
        """All of them, each once."""
        yield from dict.fromkeys(word for span in self.spans for word in range(*span))
        yield from self.singles

    @property
    def many(self) -> int:
        """So many words."""
        return len(self.singles) + sum(end - start for start, end in self.spans)

    def __bool__(self) -> bool:
        return bool(self.singles) or any(start < end for start, end in self.spans)


def of(match: Match, posts: Posts) -> set[int]:
    """The products of all words of a match."""
    found: set[int] = set()
    starts, products = posts
    for start, end in match.spans:
        found.update(products[starts[start] : starts[end]])
    for one in match.singles:
        found.update(products[starts[one] : starts[one + 1]])
    return found


def size(index: Index, match: Match) -> int:
    """At most so many products have a word of it."""
    starts = index.starts
    runs = sum(starts[end] - starts[start] for start, end in match.spans)
    return runs + sum(starts[one + 1] - starts[one] for one in match.singles)


def products(index: Index, matches: Sequence[Match]) -> set[int]:
    """The products that have a word of each match: the rarest first, the others are asked about what is left."""
    first, *others = sorted(matches, key=lambda one: size(index, one))
    found = of(first, index.any)
    for match in others:
        if not found:
            break
        many = size(index, match)
        if many > 50 * len(found):
            found = {one for one in found if any(map(match.has, index.own(one)))}
        elif many > FREQUENT:
            masks = [index.mask(span) for span in match.spans if span.start < span.end]
            single = of(match._replace(spans=()), index.any)
            mask, *more = masks or [bytearray(index.size)]
            found = {one for one in found if mask[one] or one in single or any(each[one] for each in more)}
        else:
            found &= of(match, index.any)
    return found


def ranked(
    index: Index, matches: Sequence[Match], found: set[int], limit: int, used: Mapping[int, int]
) -> list[int]:
    """The first `limit`: used here, the rarest word in the name itself, on the dental list, by name."""
    first = sorted((one for one in used if one in found), key=lambda one: (-used[one], one))[:limit]
    left = found.difference(first)
    if len(first) < limit:
        named = left & of(min(matches, key=lambda one: size(index, one)), index.named)
        first += by_name(index, named, limit - len(first))
        left -= named
    if len(first) < limit:
        first += by_name(index, left, limit - len(first))
    return first


def by_name(index: Index, found: set[int], limit: int) -> list[int]:
    """On the dental list, then the others."""
    dental = nsmallest(limit, found & index.dental)
    return dental + nsmallest(limit - len(dental), found.difference(dental))


def leading(
    index: Index, head: Match, found: set[int] | None, limit: int, used: Mapping[int, int]
) -> tuple[list[int], set[int]]:
    """The first `limit` whose name begins with the first typed word, each word in turn, and all of them.

    `found`: the products that have the other words too; None: there are none.
    """
    every = of(head, index.first)
    if found is not None:
        every &= found
    if len(every) > limit and head.many <= FEW_WORDS:
        chosen = turns(index, head.words(), index.first, every, limit, used)
    else:
        chosen = [*sorted((one for one in used if one in every), key=lambda one: (-used[one], one))[:limit]]
        chosen += by_name(index, every.difference(chosen), limit - len(chosen))
    return sorted(chosen, key=lambda one: (-used.get(one, 0), one not in index.dental, one)), every


def turns(
    index: Index, words: Iterable[int], posts: Posts, found: set[int], limit: int, used: Mapping[int, int]
) -> list[int]:
    """Used here first; then the first product of each word before the second of any, words of the dental list before others."""
    chosen = dict.fromkeys(
        sorted((one for one in used if one in found), key=lambda one: (-used[one], one))[:limit]
    )
    starts, all_ = posts
    dental = index.dental
    groups: list[tuple[bool, int, list[int]]] = []
    for word in words:
        some = found.intersection(all_[starts[word] : starts[word + 1]])
        if some:
            first = by_name(index, some, limit)
            groups.append((first[0] not in dental, len(index.words[word]), first))
    groups.sort(key=lambda one: one[:2])
    turn = 0
    while len(chosen) < limit and groups:
        groups = [one for one in groups if len(one[2]) > turn]
        for _, _, first in groups:
            chosen.setdefault(first[turn])
            if len(chosen) == limit:
                break
        turn += 1
    return list(chosen)[:limit]
