"""Looking into the book: what a filter asks for, and entries as people see them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.store import Tx
from praxisd.services.logbook import rules
from praxisd.services.logbook.book import book_of, unavailable
from praxisd.services.logbook.entries import Kind, Level
from praxisd.services.logbook.shapes import EntryOut, Filter
from praxisd.services.logbook.shelf import Line, TooWide, Unavailable, Wanted

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House

PATIENCE_S = 8.0
"""So long a search may take. Seconds."""
CHUNK = 1_000
"""Entries read at once where many are wanted."""
DIAGNOSE = "logbook.diagnose.switch"
NAMES = "logbook.names"
"""`house.shared[NAMES]`: functions `(tx, sources) -> {source: name}` by which other services name their sources."""


def wanted(organization: str, body: Filter) -> Wanted:
    """The filter as the engines read it. Problems: `clock.…` (400), `logbook.too_many_words` (422)."""
    return Wanted(
        organization=organization,
        first=_ms(body.from_, "from"),
        last=_ms(body.to, "to"),
        levels=rules.numbers(body.levels),
        sources=tuple(body.sources),
        codes=tuple(body.codes),
        words=tuple(map(tuple, rules.asked(body.words))),
    )


def _ms(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    second = parse_rfc3339(text, field)
    found = rules.moment(text)
    return second * 1000 if found is None else found


def find(house: "House", asked: Wanted) -> list[Line]:
    """The entries. Problems: `logbook.search_too_wide` (422), `logbook.unavailable` (503)."""
    try:
        return book_of(house).shelf.find(asked, PATIENCE_S)
    except TooWide:
        raise Problem("logbook.search_too_wide", 422) from None
    except Unavailable:
        raise unavailable() from None


def last_no(house: "House") -> int:
    """Where a tail begins. Problem `logbook.unavailable` (503)."""
    try:
        return book_of(house).shelf.last_no()
    except Unavailable:
        raise unavailable() from None


def many(house: "House", asked: Wanted, most: int) -> Iterator[Line]:
    """Up to `most` entries of a filter, newest first (with `after`: in order of arrival), read in pieces."""
    done = 0
    while done < most:
        size = min(CHUNK, most - done)
        found = find(house, replace(asked, limit=size))
        yield from found
        done += len(found)
        if len(found) < size:
            return
        last = found[-1]
        asked = replace(asked, before=last.id) if asked.after is None else replace(asked, after=last.no)


def names(house: "House", tx: Tx, sources: Iterable[str], lang: str) -> dict[str, str]:
    """What people call the sources: those of other services, keys by their names, the server."""
    asked = set(sources)
    found = actor_names(house, tx, {one for one in asked if ":" in one}, lang) if asked else {}
    tellers: list[Callable[[Tx, set[str]], dict[str, str]]] = house.shared.get(NAMES, [])
    for tell in tellers:
        found |= tell(tx, asked)
    server = house.texts.get("logbook.word.server", lang)
    for one in asked:
        if one == rules.SERVER:
            found[one] = server
        elif one.startswith(f"{rules.SERVER}-"):
            found[one] = f"{server} {one.partition('-')[2]}"
    return {one: found.get(one) or one for one in asked}


def sees_patients(actor: "Actor") -> bool:
    """Patient values are for who may switch „Diagnose", and never for a masked guest."""
    return actor.may(DIAGNOSE) and not actor.masked


def shown(line: Line, named: dict[str, str], *, patients: bool) -> EntryOut:
    """An entry for people."""
    level: Level = rules.NAMES[line.level]  # type: ignore[assignment]
    kind: Kind = line.kind  # type: ignore[assignment]
    return EntryOut(
        id=str(line.id),
        at=rules.shown(line.at),
        received_at=rules.shown(line.got),
        source=line.source,
        source_name=named.get(line.source, line.source),
        seq=line.seq,
        level=level,
        kind=kind,
        code=line.code,
        fields=values(line.fields),
        pseudonyms=values(line.pseudo),
        patient=values(line.private) if patients and line.private else None,
        text=line.text,
    )


def values(text: str) -> dict[str, Any]:
    """A JSON object as it was kept."""
    return msgspec.json.decode(text, type=dict[str, Any]) if text else {}
