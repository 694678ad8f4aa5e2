"""Queries of what was told about one appointment, and of what waits to be told at once."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.model.communication import BOOKING
from praxisd.services.messaging.outbox_store import OUTBOX

_O = OUTBOX.c
_ABOUT = prepared(
    sa.select(OUTBOX).where(mine(OUTBOX), _O.appointment == sa.bindparam("one")).order_by(_O.id).limit(200)
)
_WAITS = prepared(
    sa.select(sa.func.count())
    .select_from(OUTBOX)
    .where(
        mine(OUTBOX), _O.state == "prepared", _O.next_at <= sa.bindparam("moment"), _O.kind.in_(list(BOOKING))
    )
)


def about(tx: Tx, appointment: str) -> list[Any]:
    """All messages about an appointment, the oldest first; at most 200."""
    return tx.all(_ABOUT, one=appointment)


def waiting(tx: Tx) -> int:
    """How many answers to patients could go out now."""
    return int(tx.value(_WAITS, moment=tx.now))
