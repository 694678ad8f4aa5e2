"""The booking desk's door for the engine: bookings that a portal gave as data."""

from typing import TYPE_CHECKING

from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.portals.portal import Booking
from praxisd.services.portals.requests import Incoming, Taken, receive

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def take_in(
    house: "House", tx: Tx, portal: OnlinePortal, calendar: OnlineCalendar | None, booking: Booking
) -> Taken:
    """Keep a booking of a portal, once, however often it is told.

    `calendar`: the one it was made in, None where we have none of that name: then a person completes it. Nothing of it is
    refused; a time that is taken becomes a conflict, and what could not be read of it is for a person to read.
    """
    kind = portal.services.get(booking.kind) if booking.kind else None
    service = kind or (calendar.service if calendar else None)
    said = Incoming(
        origin="portal",
        remote=booking.id,
        told=booking.told,
        start=booking.start,
        end=booking.end,
        service=service,
        schedule=calendar.schedule if calendar else None,
        word=booking.kind,
        note=booking.note,
        portal=portal,
        cancelled=booking.cancelled,
        original=booking.original,
        at_once=portal.at_once and not booking.original and (kind is not None or not booking.kind),
    )
    return receive(house, tx, said)
