"""A clock that was ahead and has been put right: what was noted by it lies in the future, and must not stop the comparison."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.services.portals.store import ANSWER, CYCLE, STATE

SLACK_S = 60
"""So far apart clocks may be. Seconds."""
FARTHEST_S = 86_400 + 3_600
"""No contact is planned farther ahead: the longest interval, and the longest wait after a failure. Seconds."""
_C, _S, _A = CYCLE.c, STATE.c, ANSWER.c
_CONTACT = prepared(
    sa.update(CYCLE)
    .where(mine(CYCLE), _C.portal == sa.bindparam("whose"))
    .values(
        contacted_at=None, due_at=sa.bindparam("moment"), fetched_at=None, good_at=None, reconciled_on=None
    )
)
_STATES = prepared(
    sa.update(STATE)
    .where(mine(STATE), _S.portal == sa.bindparam("whose"))
    .values(
        {
            name: sa.case((_S[name] > sa.bindparam("limit"), None), else_=_S[name])
            for name in ("good_at", "tried_at", "uploaded_at")
        }
    )
)
_ANSWERS = prepared(
    sa.update(ANSWER)
    .where(
        mine(ANSWER),
        _A.portal == sa.bindparam("whose"),
        _A.state == "open",
        _A.next_at > sa.bindparam("limit"),
    )
    .values(next_at=sa.bindparam("moment"))
)


def is_ahead(row: Any, now: int) -> bool:
    """True if what is noted of the contact with a portal (a row of CYCLE) cannot have happened yet."""
    contacted = row.contacted_at is not None and row.contacted_at > now + SLACK_S
    return bool(contacted or row.due_at > now + FARTHEST_S)


def ahead(now: Any) -> Any:
    """The same as a condition on CYCLE."""
    return sa.or_(_C.contacted_at > now + SLACK_S, _C.due_at > now + FARTHEST_S)


def put_right(tx: Tx, portal: str, now: int) -> None:
    """Forget when this portal was spoken to: everything is compared anew, at once."""
    tx.run(_CONTACT, whose=portal, moment=now)
    tx.run(_STATES, whose=portal, limit=now + SLACK_S)
    tx.run(_ANSWERS, whose=portal, limit=now + SLACK_S, moment=now)
