"""Clearing the activity list: what happened up to a mark is not shown there any more (SPEC 4.7).

Nothing is deleted: a mark per practice and area says up to which event number the list begins later. Evidence, feeds,
runs and messages know nothing of it, and what one record or one run did is found as before.
"""

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from praxisd.kernel import events, sentences
from praxisd.kernel.errors import not_found
from praxisd.kernel.events import CURSOR
from praxisd.kernel.store import Tx, mine, prepared

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry

_PREFIX = "cleared:"
_ALL = ""
_MARKS = prepared(
    sa.select(CURSOR.c.name, CURSOR.c.seq, CURSOR.c.updated_at).where(
        mine(CURSOR), CURSOR.c.name.like(f"{_PREFIX}%")
    )
)


class Mark(msgspec.Struct, frozen=True):
    """Up to which event number an area is hidden, and since when (epoch seconds)."""

    seq: int = 0
    at: int | None = None


def marks(tx: Tx, registry: "Registry") -> dict[str, Mark]:
    """The mark of each area of the transaction's organization that was ever cleared."""
    stored = {row.name.removeprefix(_PREFIX): Mark(row.seq, row.updated_at) for row in tx.all(_MARKS)}
    whole = stored.pop(_ALL, None)
    if whole is None:
        return stored
    areas = {sentences.area_of(registry, one) for one in registry.events}
    return {one: max(whole, stored.get(one, whole), key=lambda mark: mark.seq) for one in areas}


def hidden(tx: Tx, registry: "Registry") -> dict[str, int]:
    """By event type the number up to which the activity list does not show it."""
    by_area = marks(tx, registry)
    found = {}
    for one in registry.events:
        mark = by_area.get(sentences.area_of(registry, one))
        if mark is not None:
            found[one] = mark.seq
    return found


def clear(tx: Tx, registry: "Registry", area: str = _ALL) -> None:
    """Hide what happened so far in an area, or in all. It is noted as evidence. Problem `http.not_found` (404) for an
    area that does not exist.
    """
    if area and not sentences.types_of(registry, area):
        raise not_found("Area")
    upto = events.head(tx)
    events.set_cursor(tx, f"{_PREFIX}{area}", upto)
    events.note(tx, "activity.cleared", "Activity", area or "all", area=area, upto=upto)
