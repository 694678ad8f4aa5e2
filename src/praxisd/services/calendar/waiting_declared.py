"""What the waiting list adds to the declaration of the calendar."""

from praxisd.kernel.service import EventType, Permission

READ, WRITE = "calendar.waiting.read", "calendar.waiting.write"
EVENTS = (
    *(EventType(f"waiting.{what}") for what in ("entered", "changed", "left")),
    *(EventType(f"offer.{what}") for what in ("made", "accepted", "declined", "lapsed", "gone")),
)
PERMISSIONS = (Permission(READ, ("owner", "desk", "pvs")), Permission(WRITE, ("owner", "desk", "pvs")))
