"""What conflicts add to the declaration of the calendar."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Handler, Permission
from praxisd.services.calendar import conflict_routes, settling
from praxisd.services.calendar.conflict_routes import READ, WRITE
from praxisd.services.calendar.conflicts import CODES

EVENTS = (EventType("conflict.found", alert=True), EventType("conflict.settled"))
PERMISSIONS = (Permission(READ, ("owner", "desk", "partner")), Permission(WRITE, ("owner", "desk")))
PROBLEMS = CODES
HANDLERS = (
    Handler(
        "calendar.conflicts",
        (
            *(
                f"appointment.{what}"
                for what in ("booked", "requested", "confirmed", "moved", "changed", "cancelled")
            ),
            *(
                "reservation.created",
                "reservation.changed",
                "reservation.deleted",
                "absence.deleted",
                "slot.released",
            ),
        ),
        settling.something_changed,
    ),
)
ROUTES = conflict_routes.ROUTES
LISTINGS = (conflict_routes.CONFLICTS,)
PAGES = (ConsolePage("conflicts", READ, "day", 32, "triangle-alert"),)
