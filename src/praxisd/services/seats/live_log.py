"""What seats log goes to the logbook, in a clerk's thread: it is kept before it is answered."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.services.seats.messages import Answer, Log
from praxisd.services.seats.who import Who

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def take(house: "House", who: Who, request: Log, done: Callable[[Answer | Problem], None]) -> None:
    """Keep the entries, and say up to which number they are kept."""
    done(Problem("seats.no_logbook", 503, retry=True))
