"""The directory's door for other services. Functions that write take the open write transaction."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import Mandator, Patient, PatientClaim, Practitioner, Treatment
from praxisd.model.places import Location, Organization
from praxisd.services.directory import (
    claims,
    finding,
    person_store,
    records,
    rules,
    store,
    treatment_store,
    treatments,
)
from praxisd.services.directory.claims import Claimed, Outcome, known, organization, resolve, shown
from praxisd.services.directory.comparing import Compared
from praxisd.services.directory.contacts import ContactFacts, Reach, contacts, everyone, living
from praxisd.services.directory.correcting import correct
from praxisd.services.directory.doubts import Doubt, doubts, said, settle, side_by_side
from praxisd.services.directory.fhir_shapes import patient_from_fhir, patient_to_fhir
from praxisd.services.directory.imports import (
    WARNINGS,
    Imported,
    import_location,
    import_organization,
    import_patient,
    import_practitioner,
    put_location,
    put_patient,
    put_practitioner,
)
from praxisd.services.directory.lending import (
    amend_patient,
    amend_treatment,
    bring_patient,
    bring_treatment,
    one_patient,
    one_treatment,
    remove_treatment,
    treatments_of,
)
from praxisd.services.directory.merging import merge, undo
from praxisd.services.directory.seen import saw
from praxisd.services.directory.taking import Back, Sight, Taker, Took, Verdict, take_back
from praxisd.services.directory.taking_fields import LEADS, same_one
from praxisd.services.directory.treatment_fhir import Brought, import_treatment

__all__ = [
    "LEADS",
    "WARNINGS",
    "Back",
    "Brought",
    "Claimed",
    "Compared",
    "ContactFacts",
    "Doubt",
    "Imported",
    "Outcome",
    "Reach",
    "Sight",
    "Taker",
    "Took",
    "Verdict",
    "all_patients",
    "all_treatments",
    "amend_patient",
    "amend_treatment",
    "birthdays",
    "bring_patient",
    "bring_treatment",
    "claim",
    "contacts",
    "correct",
    "count_patients",
    "create_location",
    "create_mandator",
    "create_organization",
    "create_practitioner",
    "doubts",
    "everyone",
    "find",
    "has_patients",
    "has_treatment",
    "import_location",
    "import_organization",
    "import_patient",
    "import_practitioner",
    "import_treatment",
    "known",
    "last_mandators",
    "living",
    "locations",
    "mandator_fits",
    "mandators",
    "merge",
    "name",
    "need_location",
    "need_practitioner",
    "one_patient",
    "one_treatment",
    "open_treatment",
    "organization",
    "organization_ids",
    "patient",
    "patient_from_fhir",
    "patient_to_fhir",
    "practitioners",
    "put_location",
    "put_patient",
    "put_practitioner",
    "recognise",
    "released",
    "remove_treatment",
    "resolve",
    "said",
    "same_one",
    "saw",
    "settle",
    "shown",
    "side_by_side",
    "take_back",
    "take_back_treatment",
    "take_treatment",
    "told",
    "treatments_of",
    "undo",
    "words",
]


def organization_ids(tx: Tx) -> list[str]:
    """Ids of all practices of the installation, sorted."""
    return store.tenants(tx)


def create_organization(tx: Tx, practice: Organization) -> Organization:
    """Set up the practice of this transaction: its id is `tx.organization`, whatever the record says.

    For a new practice open the transaction as `system(name, new_id())`. Raises `directory.organization_exists` (409).
    """
    if tx.organization == INSTALLATION or store.organizations.id_taken(tx, tx.organization):
        raise Problem("directory.organization_exists", 409)
    tx.after(tx.store.doubt)  # from the second practice on some of what the first might do is shared
    return records.create(tx, store.organizations, msgspec.structs.replace(practice, id=tx.organization))


def create_mandator(tx: Tx, mandator: Mandator) -> Mandator:
    """Store a new mandator under its own id, or a new one if it has none."""
    return records.create(tx, store.mandators, mandator)


def create_practitioner(tx: Tx, practitioner: Practitioner) -> Practitioner:
    """Store a new practitioner under its own id, or a new one if it has none."""
    return records.create(tx, store.practitioners, practitioner)


def create_location(tx: Tx, location: Location) -> Location:
    """Store a new place under its own id, or a new one if it has none."""
    return records.create(tx, store.locations, location)


def mandators(tx: Tx) -> list[Mandator]:
    """All mandators in id order."""
    return store.mandators.all(tx)


def practitioners(tx: Tx) -> list[Practitioner]:
    """The practitioners this actor may see, in id order: for portals the released, active ones."""
    return store.practitioners.all(tx, *_seen(tx, store.PRACTITIONER))


def locations(tx: Tx) -> list[Location]:
    """The places this actor may see, in id order: for portals the released, active ones."""
    return store.locations.all(tx, *_seen(tx, store.LOCATION))


def _seen(tx: Tx, table: Any) -> list[Any]:
    return [store.visible(table)] if tx.actor.portal is not None else []


def released(tx: Tx) -> tuple[list[Practitioner], list[Location]]:
    """Released practitioners and places with what a booking portal reads of them; the actor has to be one."""
    people = [records.bare(records.outward(tx, one)) for one in practitioners(tx)]
    return people, [records.bare(records.outward(tx, one)) for one in locations(tx)]


def need_practitioner(tx: Tx, id_: str) -> Practitioner:
    """The practitioner, or Problem `directory.practitioner_unknown` (422): for ids inside a request's body."""
    found = store.practitioners.get(tx, id_)
    if found is None or (tx.actor.portal is not None and not (found.released and found.active)):
        raise Problem("directory.practitioner_unknown", 422)
    return found


def need_location(tx: Tx, id_: str) -> Location:
    """The place, or Problem `directory.location_unknown` (422): for ids inside a request's body."""
    found = store.locations.get(tx, id_)
    if found is None or (tx.actor.portal is not None and not (found.released and found.active)):
        raise Problem("directory.location_unknown", 422)
    return found


def claim(tx: Tx, told: PatientClaim | Patient) -> Claimed:
    """Whose record it is: (patient id, id this actor may see). See `claims.claim` for matching and refusals."""
    outcome = claims.claim(tx, told)
    return Claimed(outcome.patient, outcome.shown)


def recognise(tx: Tx, told: PatientClaim | Patient) -> Outcome:
    """As `claim`, with how the person was found: certain, possible (a decision waits) or new."""
    return claims.claim(tx, told)


def patient(tx: Tx, id_: str) -> Patient:
    """A patient by its own id, for services that work inside (reminders, export); 404. Never for a portal's eyes."""
    return store.patients.need(tx, id_)


def open_treatment(tx: Tx, treatment: Treatment) -> Treatment:
    """Store a new treatment under its own id, or a new one if it brings none; see `treatments.enter` for refusals."""
    return treatments.enter(tx, treatment)


def take_treatment(tx: Tx, treatment: Treatment, mandator: str | None) -> tuple[Treatment, bool]:
    """The treatment of a take-over, and whether it is a new one; `mandator` is a name or licence number. See `treatments`."""
    named = msgspec.structs.replace(treatment, mandator=treatments.mandator_named(tx, mandator))
    before = treatments.same(tx, named)
    return (before, False) if before is not None else (treatments.enter(tx, named), True)


def mandator_fits(tx: Tx, text: str | None) -> bool:
    """True if a name or licence number means one mandator (None: the default one)."""
    try:
        treatments.mandator_named(tx, text)
    except Problem:
        return False
    return True


def has_treatment(tx: Tx, patient: str, mandator: str | None, opened: date) -> bool:
    """True if the patient's treatment by this mandator, opened on this day, is there already."""
    named = treatments.mandator_named(tx, mandator)
    return treatments.same(tx, Treatment(patient=patient, mandator=named, opened=opened)) is not None


def take_back_treatment(tx: Tx, id_: str, version: int) -> bool:
    """Remove a treatment that a take-over brought; False where somebody has changed it since."""
    return treatments.take_back(tx, id_, version)


def all_patients(tx: Tx, after: str | None, limit: int) -> tuple[list[Patient], str | None]:
    """Patients who go on themselves, in id order after `after`, and the cursor of the next page: for exports."""
    return person_store.scan(tx, store.PATIENT, [person_store.unmerged()], None, after, limit)


def count_patients(tx: Tx) -> int:
    """How many patients go on themselves."""
    return person_store.count(tx, store.PATIENT, [person_store.unmerged()])


def all_treatments(tx: Tx, after: str | None, limit: int) -> tuple[list[Treatment], str | None]:
    """Treatments in id order after `after`, and the cursor of the next page: for exports."""
    return store.treatments.page(tx, after=after, limit=limit)


def last_mandators(tx: Tx, patients: Sequence[str], day: date) -> dict[str, str]:
    """Patient id → id of the mandator of the treatment opened last on or before `day` (SPEC 5.2).

    Of two opened on one day the one entered last counts; patients without any are left out. Any number of patients.
    """
    return treatment_store.last_mandators(tx, patients, day)


def birthdays(tx: Tx, month_days: Sequence[str]) -> list[str]:
    """Ids of patients born on one of these days (`MM-DD`), in id order; merged ones left out, the dead are among them."""
    return person_store.birthdays(tx, month_days)


def has_patients(tx: Tx) -> bool:
    """True once the practice knows any patient."""
    return bool(store.patients.page(tx, limit=1)[0])


def told(tx: Tx, alias: str) -> str | None:
    """The name a portal itself gave under this alias; None for what is no alias of its own."""
    said = None if tx.actor.portal is None else person_store.statement(tx, tx.actor.portal, alias)
    return None if said is None else said[0].display


def name(tx: Tx, patients: Sequence[str]) -> dict[str, str | None]:
    """Names to display by patient id; None for masked actors and for what a portal did not tell itself."""
    return claims.names(tx, list(patients))


def find(tx: Tx, text: str, limit: int = 200) -> list[str]:
    """Ids of patients whose names, day of birth or number the text gives; Problem directory.search_masked (403)."""
    return finding.find(tx, text, limit)


def words(text: str) -> list[str]:
    """The words of a text in the form in which names are compared."""
    return rules.name_tokens(text)
