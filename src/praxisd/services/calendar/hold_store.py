"""Statements on held slots."""

import sqlalchemy as sa

from praxisd.kernel.store import insert, mine, prepared
from praxisd.services.calendar.store import HOLD

_H = HOLD.c
ADD = insert(HOLD)
GET = prepared(sa.select(HOLD).where(mine(HOLD), _H.id == sa.bindparam("id")))
DROP = prepared(sa.delete(HOLD).where(mine(HOLD), _H.id == sa.bindparam("id")))
COUNT = prepared(
    sa.select(sa.func.count())
    .select_from(HOLD)
    .where(mine(HOLD), _H.holder == sa.bindparam("holder"), _H.expires_at > sa.bindparam("moment"))
)
LAPSED = prepared(
    sa.select(_H.id, _H.schedules).where(mine(HOLD), _H.expires_at <= sa.bindparam("moment")).limit(200)
)
