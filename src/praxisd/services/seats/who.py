"""Who: the session that asks, as the door has proven it."""

from dataclasses import dataclass

from praxisd.kernel.access import Actor
from praxisd.services.seats import rules


@dataclass(frozen=True, slots=True)
class Who:
    """One proven session. `person` is who works there as the seat says: shown to colleagues, never logged, in no event.

    `seat_name` is what a browser wants to be called when it is here for the first time; the register knows all others.
    """

    organization: str
    session: str
    seat: str
    seat_name: str
    viewer: bool
    may_take: bool
    person: str
    actor: Actor

    @property
    def holder(self) -> str:
        """What its leases are held by."""
        return rules.holder_of(self.session)
