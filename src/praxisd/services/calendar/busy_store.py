"""Statements behind the busy times of one column."""

import sqlalchemy as sa

from praxisd.kernel.store import mine, prepared
from praxisd.services.calendar import store

_B, _A = store.BUSY.c, store.ABSENCE.c
ROWS = prepared(
    sa.select(_B.start, _B.end, _B.owner, _B.expires_at)
    .where(store.WINDOW, _B.schedule == sa.bindparam("schedule"))
    .order_by(_B.start)
)
"""Occupations of a column that touch [since, until)."""
AWAY = prepared(
    sa.select(_A.doc).where(
        mine(store.ABSENCE),
        sa.or_(_A.schedule.is_(None), _A.schedule == sa.bindparam("schedule")),
        _A.first <= sa.bindparam("final"),
        _A.last >= sa.bindparam("initial"),
    )
)
"""Absences of a column or the practice that may touch the local dates `initial` to `final`."""
