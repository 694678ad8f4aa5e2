"""Comparisons that a person starts: at once, whatever failed before, and the answer is waited for (SPEC 3.6)."""

import time
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.services.portals import engine
from praxisd.services.portals.cycle import Report
from praxisd.services.portals.store import PORTAL, PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PATIENCE_S = 20.0
"""So long a comparison that is under way is waited for before a person is told of it. Seconds."""
_PAUSE_S = 0.1


def by_hand(house: "House", actor: Actor, portal: str, *, full: bool = False) -> Report:
    """One cycle of a portal now. Problems: 404, `portals.inactive` (409), `portals.sync_running` (409, retry)."""
    with house.store.read(actor) as tx:
        PORTALS.need(tx, portal)
    until = time.monotonic() + PATIENCE_S
    while True:
        report = engine.run(house, actor, portal, "hand", full=full)
        if report.state not in ("busy", "lost") or time.monotonic() >= until:
            break
        time.sleep(_PAUSE_S)
    if report.state in ("busy", "lost", "stopped"):
        raise Problem("portals.sync_running", 409, retry=True, portal=report.name)
    return report


def every(house: "House", actor: Actor, *, full: bool = False) -> list[Report]:
    """One cycle of each active portal of the practice, one after another. Problem `portals.none_active` (409)."""
    with house.store.read(actor) as tx:
        active = PORTALS.all(tx, PORTAL.c.active == 1)
    if not active:
        raise Problem("portals.none_active", 409)
    return [by_hand(house, actor, one.id, full=full) for one in active]
