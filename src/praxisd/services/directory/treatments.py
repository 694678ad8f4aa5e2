"""Treatments („Behandlungen“): entering, changing and deleting them (SPEC 0: set by API, import or desk).

The mandator of a patient's last treatment pays for messages to that patient (SPEC 5.2). Events name fields, never
values.
"""

from datetime import date
from typing import Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields
from praxisd.kernel.store import Tx
from praxisd.model.people import Treatment
from praxisd.services.directory import claims, rules, store, treatment_store
from praxisd.services.directory.fhir_shapes import without_narrative

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Years in which a treatment can be opened or closed; another one is a slip."""


def today(tx: Tx) -> date:
    """The date in the practice."""
    return local_date(tx.now, zone(claims.organization(tx).zone))


def default_mandator(tx: Tx) -> str:
    """Id of the mandator that counts where nobody names one; Problem `directory.mandator_missing` (422)."""
    found = store.standard_mandators(tx)
    if not found:
        raise Problem("directory.mandator_missing", 422)
    return found[0].id


def check(tx: Tx, one: Treatment) -> None:
    """Refuse (422) an unknown mandator, days out of order or of another century, and endless texts."""
    rules.check_texts(one)
    if store.mandators.get(tx, one.mandator) is None:
        raise Problem("directory.mandator_unknown", 422)
    days = [one.opened] if one.closed is None else [one.opened, one.closed]
    if any(not FIRST_YEAR <= day.year <= LAST_YEAR for day in days):
        raise Problem("directory.treatment_date", 422, first=FIRST_YEAR, last=LAST_YEAR)
    if one.closed is not None and one.closed < one.opened:
        raise Problem("directory.treatment_reversed", 422)


def enter(tx: Tx, one: Treatment) -> Treatment:
    """Store a new treatment under its own id, or a new one if it brings none.

    A merged patient is followed to the record that goes on; an unknown one is `directory.patient_unknown` (422).
    """
    patient = claims.known(tx, one.patient).id
    entered = new_id()
    one = msgspec.structs.replace(one, id=one.id or entered, patient=patient, entered=entered)
    check(tx, one)
    made = store.treatments.insert(tx, one)
    events.note(tx, "treatment.opened", "Treatment", made.id, version=1)
    return made


def change(
    tx: Tx, id_: str, fields: dict[str, Any], expected: int | None = None, fence: int | None = None
) -> Treatment:
    """Change the given fields. Nothing given changes nothing, not even the version."""
    before = store.treatments.need(tx, id_)
    if "patient" in fields:
        fields["patient"] = claims.known(tx, fields["patient"]).id
    after = msgspec.structs.replace(before, **fields)
    changed = changed_fields(before, after)
    if not changed:
        if expected not in (None, before.version):
            raise Problem("resource.stale", 412, kind="Treatment")
        return before
    check(tx, after)
    if "extra" not in fields:
        after = without_narrative(after)
    saved = store.treatments.save(tx, after, expected, fence)
    events.note(tx, "treatment.changed", "Treatment", id_, version=saved.version, fields=changed)
    return saved


def delete(tx: Tx, id_: str, expected: int | None = None, fence: int | None = None) -> None:
    """Remove a treatment that was entered by mistake."""
    before = store.treatments.need(tx, id_)
    store.treatments.delete(tx, id_, before.version if expected is None else expected, fence)
    events.note(tx, "treatment.deleted", "Treatment", id_, version=before.version)


def same(tx: Tx, one: Treatment) -> Treatment | None:
    """The treatment of this patient, mandator and day of opening that is there already, or None."""
    conditions = (
        treatment_store.of_patients([one.patient]),
        treatment_store.of_mandators([one.mandator]),
        *treatment_store.opened_on(one.opened),
    )
    found = store.treatments.page(tx, *conditions, limit=1)[0]
    return found[0] if found else None


def mandator_named(tx: Tx, text: str | None) -> str:
    """Id of the mandator of this name or licence number; None: the default one. Never guessed: Problem
    `directory.mandator_unknown` (422) for any other text, and for one that fits two."""
    if text is None:
        return default_mandator(tx)
    key = text.strip().casefold()
    known = store.mandators.all(tx)
    found = [
        one.id for one in known if key in (one.id, one.name.casefold(), (one.licence_number or "").casefold())
    ]
    if not key or len(found) != 1:
        raise Problem("directory.mandator_unknown", 422)
    return found[0]


def take_back(tx: Tx, id_: str, version: int) -> bool:
    """Remove a treatment that a take-over brought, if nobody has changed it since; True once it is not there."""
    before = store.treatments.get(tx, id_)
    if before is None:
        return True
    if before.version != version:
        return False
    delete(tx, id_)
    return True
