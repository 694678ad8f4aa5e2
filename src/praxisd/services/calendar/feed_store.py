"""Statements on secret calendar links."""

import sqlalchemy as sa

from praxisd.kernel.store import insert, mine, prepared
from praxisd.services.calendar.store import FEED

_F = FEED.c
BY_DIGEST = prepared(sa.select(FEED).where(_F.digest == sa.bindparam("digest"), _F.revoked_at.is_(None)))
BY_DIGEST.across = True
ADD = insert(FEED)
REVOKE = prepared(
    sa.update(FEED)
    .where(mine(FEED), _F.id == sa.bindparam("id"), _F.revoked_at.is_(None))
    .values(revoked_at=sa.bindparam("moment"))
)
ALL = prepared(sa.select(FEED).where(mine(FEED)).order_by(_F.created_at, _F.id))
