"""What patients are asked, and what becomes of their yes or no: another time that was proposed, a free one that was offered.

An offer is the calendar's: it is taken or declined at once. A proposal is decided above messaging: whoever made it hears
of the answer by its event (`communication.confirmed`, `communication.replied`, code `reply`).
"""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.store import Tx
from praxisd.model.communication import Kind
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import standing, telling, wording
from praxisd.services.messaging.standing import OFFER

if TYPE_CHECKING:
    from praxisd.kernel.app import House

QUESTIONS: tuple[Kind, ...] = ("proposal", "offer")


def take(house: "House", tx: Tx, message: Any, yes: bool, *, stands: bool) -> str:
    """What came of a yes or no to a question: `accepted`, `declined`, or `late` for a yes to what no longer stands."""
    if not stands and _taken(tx, message):  # said again, or changed their mind: the desk asks
        return "accepted" if yes else "cancel_asked"
    if message.kind == "proposal":
        return ("accepted" if yes else "declined") if stands else "late" if yes else "declined"
    offer = message.topic.removeprefix(OFFER)
    if not yes:
        if stands:
            calendar.decline_offer(house, tx, offer)
        return "declined"
    if stands:
        try:
            calendar.accept_offer(house, tx, offer)
        except Problem:
            stands = False
    if stands:
        return "accepted"
    _too_late(house, tx, message, offer)
    return "late"


def _taken(tx: Tx, message: Any) -> bool:
    """True if the patient has the appointment that was proposed or offered."""
    if message.kind == "offer":
        found = calendar.offer(tx, message.topic.removeprefix(OFFER))
        return found is not None and found.state == "accepted"
    booked = standing.appointment_of(tx, message)
    return booked is not None and booked.status == "booked" and booked.start == message.stamp


def _too_late(house: "House", tx: Tx, message: Any, offer: str) -> None:
    """Somebody else was first: the patient who said yes must not come for nothing."""
    words = wording.TIME_TAKEN[telling.language_for(tx, message.patient)]
    telling.tell(
        house, tx, "refusal", message.patient, topic=f"offer_gone/{offer}", stamp=message.stamp, reason=words
    )


def offered(house: "House", tx: Tx, event: Event) -> None:
    """A free time was offered to somebody who waits: write to them."""
    found = calendar.offer(tx, event.subject_id)
    if found is None or found.state != "open" or found.start <= tx.now:
        return
    link = telling.public_link(house, tx, calendar.offer_path(house, tx, event.subject_id))
    telling.tell(
        house, tx, "offer", found.patient, topic=f"{OFFER}{event.subject_id}", stamp=found.start, link=link,
        until=found.until,
    )  # fmt: skip


def taken(house: "House", tx: Tx, event: Event) -> None:
    """Who waited has the time now, whichever way the yes came: it is confirmed in writing."""
    found = calendar.offer(tx, event.subject_id)
    if found is None or found.state != "accepted" or found.appointment is None or found.start <= tx.now:
        return
    telling.tell(
        house, tx, "confirmation", found.patient, appointment=found.appointment,
        topic=f"offer_taken/{event.subject_id}", stamp=found.start,
    )  # fmt: skip
