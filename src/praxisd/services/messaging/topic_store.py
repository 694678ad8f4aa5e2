"""What stands about thousands of topics and patients at once: one compiled statement for any number of them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.model.communication import BOOKING
from praxisd.services.messaging.outbox_store import OUTBOX

_O = OUTBOX.c
AT_ONCE = 500
"""Topics or patients in one statement."""


def _one_of(column: Any, dialect: str) -> Any:
    """The condition that a column's value is one of those bound as `some`."""
    some: Any = sa.bindparam("some")
    if dialect != "sqlite":
        return column == sa.func.any(some)
    return column.in_(sa.select(sa.func.json_each(some).table_valued("value").c.value))


def _pieces(tx: Tx, values: Iterable[str]) -> Iterator[Any]:
    """The values, each once, in the form in which `_one_of` takes them."""
    known = list(dict.fromkeys(values))
    for start in range(0, len(known), AT_ONCE):
        some = known[start : start + AT_ONCE]
        yield msgspec.json.encode(some).decode() if tx.store.engine.name == "sqlite" else some


_ABOUT = prepared(
    lambda dialect: sa.select(
        _O.topic, _O.holds, _O.id, _O.state, _O.stamp, _O.channel, _O.letter, _O.reason, _O.patient
    ).where(mine(OUTBOX), _one_of(_O.topic, dialect))
)
_WHEN = sa.func.coalesce(_O.sending_at, _O.next_at)
_WRITTEN = prepared(
    lambda dialect: (
        sa.select(_O.patient, sa.func.count())
        .where(
            mine(OUTBOX),
            _one_of(_O.patient, dialect),
            _O.kind.not_in(list(BOOKING)),
            _O.state.in_(("prepared", "sending", "unsure", "accepted", "delivered")),
            sa.bindparam("begin") <= _WHEN,
            sa.bindparam("until") > _WHEN,
        )
        .group_by(_O.patient)
    )
)


def about(tx: Tx, topics: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """(topic, holds, id, state, stamp, channel, letter, reason, patient) of all messages there ever were about these topics."""
    for some in _pieces(tx, topics):
        yield from tx.tuples(_ABOUT, some=some)


def written(tx: Tx, patients: Iterable[str], begin: int, until: int) -> dict[str, int]:
    """Messages of each patient that went out, or will, in [begin, until), answers aside; without any: left out."""
    found: dict[str, int] = {}
    for some in _pieces(tx, patients):
        found.update(tx.tuples(_WRITTEN, some=some, begin=begin, until=until))  # type: ignore[arg-type]
    return found
