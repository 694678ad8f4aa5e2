"""What of the calendar goes out with a laptop: appointments of chosen patients, and the columns and types as they are."""

from collections.abc import Sequence

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine
from praxisd.model.scheduling import Appointment, HealthcareService, Schedule
from praxisd.services.calendar import store

_CHUNK = 200


def appointments_of(tx: Tx, patients: Sequence[str]) -> list[Appointment]:
    """All appointments of these patients, whatever their status, by time."""
    found: list[Appointment] = []
    one = store.APPOINTMENT
    for index in range(0, len(patients), _CHUNK):
        some = list(patients[index : index + _CHUNK])
        query = sa.select(one.c.doc).where(mine(one), one.c.patient.in_(some))
        found += [store.APPOINTMENTS.decode(row[0]) for row in tx.tuples(query)]
    return sorted(found, key=lambda x: (x.start, x.id))


def one_appointment(tx: Tx, id_: str) -> Appointment | None:
    """The appointment of this id."""
    return store.APPOINTMENTS.get(tx, id_)


def columns(tx: Tx) -> list[Schedule]:
    """All columns, in the order of their numbers."""
    return sorted(store.SCHEDULES.all(tx), key=lambda one: one.no)


def types(tx: Tx) -> list[HealthcareService]:
    """All appointment types, in the order of their numbers."""
    return sorted(store.SERVICES.all(tx), key=lambda one: one.no)
