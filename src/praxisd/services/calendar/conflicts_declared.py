"""What conflicts add to the declaration of the calendar."""

from praxisd.kernel.service import EventType, Permission
from praxisd.services.calendar.conflicts import CODES

READ, WRITE = "calendar.conflict.read", "calendar.conflict.write"
EVENTS = (EventType("conflict.found", alert=True), EventType("conflict.settled"))
PERMISSIONS = (Permission(READ, ("owner", "desk", "partner")), Permission(WRITE, ("owner", "desk")))
PROBLEMS = CODES
