"""A clock that once ran ahead: the mark against a clock set back then stands in the future, and refuses every look.

That the clock is right now is for a person to say. There are two marks: the server's, and the guard's own.
"""

from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.updates import guarding, places
from praxisd_guard.clockmark import ClockMark
from praxisd_guard.places import Places

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def trust_now(house: "House", actor: Actor) -> tuple[str, str | None]:
    """Forget marks that lie after the present time; that time, and the latest of the marks, None if there was none.

    Both RFC 3339. Event `update.clock_trusted`. OSError where a mark cannot be taken away.
    """
    now = int(house.clock.now())
    found = [mark for mark in _marks(house) if (mark.highest() or 0) > now]
    seen = max((int(mark.highest() or 0) for mark in found), default=None)

    def note(tx: "Tx") -> tuple[str, str | None]:
        zone = zone_of(zone_name(house, tx))
        said = format_rfc3339(now, zone), None if seen is None else format_rfc3339(seen, zone)
        if seen is not None:
            events.note(tx, "update.clock_trusted", "Clock", "updates", seen=said[1])
        return said

    said = house.store.run(actor, note)
    for mark in found:
        mark.forget()
    return said


def _marks(house: "House") -> list[ClockMark]:
    guard = guarding.guard(house)
    own = ClockMark(places.folder(house))
    return [own] if guard is None else [own, ClockMark(Places(guard.home).trust)]
