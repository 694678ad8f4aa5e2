"""Statements on what was found at ports. Rows belong to the installation; what a row listens on is never kept."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.services.diagnosis.port_rules import Result
from praxisd.services.diagnosis.store import PORT

KEEP_S = 90 * 86_400
"""What is older is forgotten. Seconds."""
_P = PORT.c
_ALL = prepared(sa.select(_P.doc, _P.at).where(mine(PORT)).order_by(_P.row, _P.direction, _P.target))
_PUT = upsert(PORT, ("organization", "row", "direction", "target"))
_OLD = prepared(sa.delete(PORT).where(mine(PORT), _P.at < sa.bindparam("before")))
_COUNT_OF = prepared(
    sa.select(sa.func.count()).select_from(PORT).where(mine(PORT), _P.direction == sa.bindparam("direction"))
)


class _Kept(msgspec.Struct, frozen=True):
    row: str
    direction: str
    host: str
    port: int
    state: str
    why: str = ""


def results(tx: Tx) -> list[Result]:
    """All that was found, by row; what no version of praxisd can read any more is left out."""
    found = []
    for doc, at in tx.tuples(_ALL, organization=INSTALLATION):
        try:
            one = msgspec.json.decode(doc, type=_Kept)
        except msgspec.MsgspecError:
            continue
        found.append(
            Result(
                row=one.row,
                direction=one.direction,
                host=one.host,
                port=one.port,
                state=one.state,
                why=one.why,
                at=at,
            )
        )
    return found


def keep(tx: Tx, found: Iterable[Result]) -> None:
    """Keep what was found now, each in place of what was found there before. Only results with a place are kept."""
    for one in found:
        if one.port is None or not one.host:
            continue
        doc = _Kept(one.row, one.direction, one.host, one.port, one.state, one.why)
        tx.run(
            _PUT,
            row=one.row,
            direction=one.direction,
            target=f"{one.host}:{one.port}",
            doc=msgspec.json.encode(doc).decode(),
            at=tx.now,
            organization=INSTALLATION,
        )
    tx.run(_OLD, before=tx.now - KEEP_S, organization=INSTALLATION)


def count(tx: Tx, direction: str) -> int:
    """How many results of a direction are kept."""
    return int(tx.value(_COUNT_OF, direction=direction, organization=INSTALLATION) or 0)
