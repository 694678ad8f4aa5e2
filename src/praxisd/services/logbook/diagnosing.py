"""The switch „Diagnose": for some hours patient values are kept in the book, seen by those who may, sent to nobody.

It ends by itself after a day at most; what was kept meanwhile goes with the next `logbook.purge` after its end.
"""

from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.services.logbook import store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MOST_HOURS = 24


def until(tx: Tx) -> int | None:
    """Its end in epoch seconds while it is on, else None."""
    row: Any = store.diagnose(tx)
    return int(row.until) if row is not None and row.until > tx.now else None


def is_on(house: "House", organization: str) -> bool:
    """True while patient values are kept."""
    if not organization:
        return False
    with house.store.read(system("logbook", organization)) as tx:
        return until(tx) is not None


def switch(tx: Tx, hours: int) -> int | None:
    """On for so many hours from now, or off with 0; its end."""
    before = until(tx)
    end = tx.now + min(hours, MOST_HOURS) * 3600
    store.put_diagnose(tx, end, tx.actor.label)
    if hours:
        events.note(tx, "diagnose.switched_on", "Diagnose", "logbook", hours=hours)
        return end
    if before is not None:
        events.note(tx, "diagnose.switched_off", "Diagnose", "logbook")
    return None


def organizations(house: "House") -> list[str]:
    """Practices whose switch is on."""
    with house.store.read(system("logbook")) as tx:
        known = list(house.shared.get("organizations", lambda _tx: [])(tx))
    return [one for one in known if is_on(house, one)]
