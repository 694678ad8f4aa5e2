"""Notices of the data set to seats („zusätzliche Infos", SPEC 10.1): which are valid, and which of them were read here.

A notice is of everybody and names no patient. What was read is kept per seat, key or person, by the label of the actor.
"""

from datetime import date
from typing import TYPE_CHECKING

from praxisd.kernel.store import Tx
from praxisd.services.medication import sets_reading, statement_store
from praxisd.services.medication.sets_reading import NOTICES, Opened
from praxisd.services.medication.statement_shapes import Notices, NoticeView

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_COLUMNS = "id, valid_from, valid_until, level, {0}, {1}, product, substance, url, source"
_VALID = "valid_from <= ? AND (valid_until IS NULL OR valid_until >= ?)"


def listed(house: "House", tx: Tx, reader: str, lang: str, since: str | None, limit: int) -> Notices:
    """Notices valid today, the newest first; with `since` also those whose last day is `since` or later.

    No notices at all where no such element is here: that is no error, a practice may do without.
    """
    opened = sets_reading.find(house, NOTICES)
    if opened is None:
        return Notices(notices=[], unread=0, version=None, sample=False)
    day = sets_reading.today(house, tx)
    seen = statement_store.notices_seen(tx, reader)
    until = day.isoformat() if since is None else min(since, day.isoformat())
    words = ("title_en", "body_en") if lang == "en" else ("title_de", "body_de")
    rows = opened.rows(
        f"SELECT {_COLUMNS.format(*words)} FROM notice WHERE {_VALID}"  # noqa: S608
        " ORDER BY valid_from DESC, id LIMIT ?",
        (day.isoformat(), until, limit),
    )
    names = ("id", "valid_from", "valid_until", "level", "title", "body", "product", "substance", "url", "source")  # fmt: skip
    shown = [NoticeView(**dict(zip(names, row, strict=True)), seen=row[0] in seen) for row in rows]
    return Notices(
        notices=shown, unread=len(valid(opened, day) - seen), version=opened.version, sample=opened.sample
    )


def valid(opened: Opened, day: date) -> set[str]:
    """Ids of the notices that are valid on this day."""
    text = day.isoformat()
    return {str(row[0]) for row in opened.rows(f"SELECT id FROM notice WHERE {_VALID}", (text, text))}  # noqa: S608


def see(house: "House", tx: Tx, reader: str, ids: tuple[str, ...]) -> int:
    """Note that the reader has seen them; how many valid ones are unread still. Ids that are none are left out."""
    opened = sets_reading.find(house, NOTICES)
    if opened is None:
        return 0
    marks = ", ".join("?" * len(ids))
    there = opened.rows(f"SELECT id FROM notice WHERE id IN ({marks})", ids) if ids else []  # noqa: S608
    statement_store.see_notices(tx, reader, [str(row[0]) for row in there])
    return len(valid(opened, sets_reading.today(house, tx)) - statement_store.notices_seen(tx, reader))
