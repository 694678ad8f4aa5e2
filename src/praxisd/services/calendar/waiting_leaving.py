"""Who waits no more without saying so: died, out of use, or booked for it by other hands."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Appointment
from praxisd.model.waiting import EntryState, WaitingEntry
from praxisd.services.calendar import fitting, freeing, store, waiting, waiting_rules, waiting_store
from praxisd.services.calendar.view import views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_LIFE = {"active", "deceased", "deceased_undated"}


def patient_changed(house: "House", tx: Tx, event: Event) -> None:
    """Nothing is kept for the dead or for records out of use. What a merged record waited for goes on with the other."""
    if event.type == "patient.merged" or _LIFE & set(event.fields):
        _leave(house, tx, event.subject_id, "left", lambda one: not fitting.bookable(tx, one))


def booked(house: "House", tx: Tx, event: Event) -> None:
    """Who was given by hand what they wait for, or an earlier time than the one they would give up, waits no more."""
    one = store.APPOINTMENTS.get(tx, event.subject_id)
    if one is not None and one.patient is not None and one.status == "booked" and one.start > tx.now:
        _leave(house, tx, one.patient, "booked", lambda entry: _answers(house, tx, entry, one))


def _answers(house: "House", tx: Tx, entry: WaitingEntry, one: Appointment) -> bool:
    """Whether this appointment is what they wait for: type, columns and times; not one that is given up, nor so far ahead
    that it is no help to wait for it.
    """
    if entry.service != one.service or entry.replaces == one.id or entry.created >= one.created:
        return False
    if entry.schedules and not set(entry.schedules) & set(one.schedules):
        return False
    if not fitting.earlier(tx, entry, one.start) or one.start > tx.now + freeing.AHEAD_DAYS * 86_400:
        return False
    zone = views(house).calendar(tx).almanac.zone
    return waiting_rules.could_come(entry, one.start, one.end, one.start - entry.notice_minutes * 60, zone)


def _leave(
    house: "House", tx: Tx, patient: str, state: EntryState, leaves: Callable[[WaitingEntry], bool]
) -> None:
    for one in waiting_store.of_patient(tx, patient):
        if leaves(one):
            try:
                waiting.leave(house, tx, one.id, state=state)
            except Problem:
                continue  # they accept at this very moment: nothing was written, and they have what they waited for
