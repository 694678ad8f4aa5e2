"""What the waiting list adds to the declaration of the calendar."""

from collections.abc import Callable
from typing import Any

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import EventType, Handler, JobType, Permission, Setting
from praxisd.model.scheduling import clock_minutes
from praxisd.services.calendar import (
    freeing,
    offer_page,
    offers,
    rounds,
    waiting_job,
    waiting_leaving,
    waiting_routes,
)
from praxisd.services.calendar.waiting_routes import READ, WRITE


def _clock(key: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        """Problem `settings.invalid` (422) for what is no time of day."""
        try:
            clock_minutes(value)
        except ValueError:
            raise Problem(
                "settings.invalid", 422, key=key, reason="HH:MM", low="00:00", high="24:00"
            ) from None

    return check


SETTINGS = (
    Setting(freeing.OFFERS, bool, False),
    Setting(offers.MINUTES, int, 30, low=5, high=1440, unit="minutes"),
    Setting(rounds.FROM, str, "08:00", low=5, high=5, check=_clock(rounds.FROM)),
    Setting(rounds.TO, str, "19:00", low=5, high=5, check=_clock(rounds.TO)),
)
EVENTS = (
    *(EventType(f"waiting.{what}") for what in ("entered", "changed", "left")),
    *(EventType(f"offer.{what}") for what in ("made", "accepted", "declined", "lapsed", "gone")),
)
PERMISSIONS = (Permission(READ, ("owner", "desk", "pvs")), Permission(WRITE, ("owner", "desk", "pvs")))
HANDLERS = (
    Handler(
        "calendar.waiting",
        (
            *("appointment.cancelled", "appointment.moved", "appointment.changed", "appointment.confirmed"),
            *(
                "reservation.changed",
                "reservation.deleted",
                "absence.deleted",
                "offer.declined",
                "offer.accepted",
            ),
        ),
        waiting_job.something_freed,
    ),
    Handler(
        "calendar.waiting_people", ("patient.changed", "patient.merged"), waiting_leaving.patient_changed
    ),
    Handler(
        "calendar.waiting_booked",
        ("appointment.booked", "appointment.confirmed"),
        waiting_leaving.booked,
    ),
)
JOBS = (
    JobType(
        waiting_job.NAME,
        waiting_job.run,
        Daily(within=Repeat(minutes=5, start="00:00", end="23:55")),
        enabled=True,
        missed="none",
    ),
)
ROUTES = (*waiting_routes.ROUTES, *offer_page.ROUTES)
LISTINGS = (waiting_routes.WAITING,)
PAGES = (ConsolePage("waiting", READ, "day", 34, "hourglass"),)
