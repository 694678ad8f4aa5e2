"""What the calendar does when something happens elsewhere."""

from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.events import Event
from praxisd.services.calendar import store
from praxisd.services.calendar.view import touch

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def organization_changed(house: "House", tx: "Tx", _event: Event) -> None:
    """Time zone or region may be another: every kept answer and bitmap is out of date. Idempotent."""
    touch(house, tx)


def patient_moved(_house: "House", tx: "Tx", event: Event) -> None:
    """After a merge, or its undoing, appointments carry another patient: say so in the practice's change feed.

    Not in those of portals: they keep their aliases and learn nothing of it. Told twice, it does no harm.
    """
    revived = event.codes.get("revived")
    wanted = [event.subject_id, *([revived] if isinstance(revived, str) else [])]
    for one in store.APPOINTMENTS.all(tx, store.APPOINTMENT.c.patient.in_(wanted)):
        events.note(
            tx,
            "appointment.changed",
            "Appointment",
            one.id,
            version=one.version,
            fields=("patient",),
            status=one.status,
        )
