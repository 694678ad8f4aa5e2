"""Does it still stand what a message speaks of? Asked before it goes out, and when a patient answers it."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar

if TYPE_CHECKING:
    from praxisd.model.scheduling import Appointment

GONE, MOVED = "messaging.appointment_gone", "messaging.appointment_moved"
OTHERWISE = "messaging.decided_otherwise"
OFFER = "offer/"
"""How the topics of offers begin; the offer's id follows."""
_OPEN = ("pending", "proposed")


def why_not(tx: Tx, row: Any) -> str | None:
    """None if what the message says is still so, else the code why not."""
    return _LOOKS[row.kind](tx, row)


def _reminder(tx: Tx, row: Any) -> str | None:
    """Why the appointment is no reason to write to this patient any more."""
    if row.appointment is None:
        return None
    found = appointment_of(tx, row)
    if found is None or found.status != "booked" or found.start <= tx.now:
        return GONE
    return MOVED if found.start != row.stamp else None


def _refusal(tx: Tx, row: Any) -> str | None:
    found = appointment_of(tx, row)
    return None if found is None or found.status in ("cancelled", "noshow", *_OPEN) else OTHERWISE


def _proposal(tx: Tx, row: Any) -> str | None:
    if row.useless_after <= tx.now:
        return OTHERWISE
    if row.appointment is None:
        return None
    found = appointment_of(tx, row)
    return None if found is not None and found.status in _OPEN else OTHERWISE


def _offer(tx: Tx, row: Any) -> str | None:
    found = calendar.offer(tx, row.topic.removeprefix(OFFER))
    return None if found is not None and found.state == "open" and tx.now < found.start else OTHERWISE


def appointment_of(tx: Tx, row: Any) -> "Appointment | None":
    """The appointment a message speaks of, if it is still this patient's."""
    if row.appointment is None:
        return None
    try:
        found = calendar.get(tx, row.appointment)
    except Problem:
        return None
    return found if found.patient == row.patient else None


_LOOKS = {
    "reminder": _reminder,
    "birthday": lambda tx, row: None,
    "confirmation": _reminder,
    "refusal": _refusal,
    "proposal": _proposal,
    "offer": _offer,
}
