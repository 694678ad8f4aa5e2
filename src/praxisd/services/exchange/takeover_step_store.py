"""The wizard's step „Alte Daten übernehmen“: done is what came in and stayed, never what somebody booked since."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from praxisd.kernel.console import SetupStep
from praxisd.kernel.store import Tx, mine, prepared
from praxisd.services.calendar import api as calendar
from praxisd.services.exchange.takeover_store import LINK, TAKEOVER
from praxisd.services.exchange.takeover_terms import DELETING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_DONE = prepared(sa.select(TAKEOVER.c.id).where(mine(TAKEOVER), TAKEOVER.c.state == "done").limit(1))
_FORGOTTEN = prepared(
    sa.select(LINK.c.takeover)
    .where(
        mine(LINK),
        LINK.c.takeover.not_in(sa.select(TAKEOVER.c.id).where(mine(TAKEOVER), TAKEOVER.c.state != DELETING)),
    )
    .limit(1)
)


def taken_over(_house: "House", tx: Tx) -> bool:
    """True if a take-over of the practice is done and not taken back, also one whose report was deleted, or if `praxisd import`
    has brought FHIR Bundles in."""
    return tx.value(_DONE) is not None or tx.value(_FORGOTTEN) is not None or calendar.imported_before(tx)


STEPS = (SetupStep("takeover", 40, taken_over, "exchange"),)
