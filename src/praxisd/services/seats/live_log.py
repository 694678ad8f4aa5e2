"""What seats log goes to the logbook, whose own thread writes it: it is on disk before it is answered."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.services.logbook import api as logbook
from praxisd.services.seats.messages import Answer, Log, Logged
from praxisd.services.seats.who import Who

if TYPE_CHECKING:
    from praxisd.kernel.app import House

WRITE = "logbook.entry.write"


def take(house: "House", who: Who, request: Log, done: Callable[[Answer | Problem], None]) -> None:
    """Have the entries kept; `done` hears up to which number they are. In a clerk's thread: reading them takes a while.

    Problems: `access.forbidden` (403), `logbook.bad_entry` (400), `logbook.seq_reused` (409), `logbook.unavailable` (503).
    """

    def kept(outcome: int | Problem) -> None:
        done(outcome if isinstance(outcome, Problem) else Logged(id=request.id, upto=outcome))

    try:
        who.actor.require(WRITE)
        logbook.put(house, who.organization, who.seat, request.entries, kept)
    except Problem as problem:
        done(problem)
    except Exception as error:
        house.log.error("loop_failed", where="seats-logs", error=error)
        done(Problem("logbook.unavailable", 503, retry=True))
