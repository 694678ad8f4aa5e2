"""Who is this? From what is told about a person to a patient record, and from a record to the id an outsider may see.

A portal never sees a practice's patient: what it tells is kept as its own statement under an alias, and alias and
statement are all it ever reads again (SPEC 1.2, 1.12). The patient's id stays inside, for its first half tells when
the record was made.
"""

from typing import NamedTuple

import msgspec
from msgspec import UNSET

from praxisd.kernel import events
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, PatientClaim
from praxisd.model.places import Organization
from praxisd.services.directory import merge_store, person_store, rules, store
from praxisd.services.directory.matching import Candidate, Likeness, Match, match

MAX_MERGES = 50
"""Longest chain of merged records that is followed; a longer one is a fault, not a history."""
_UNTOLD = Organization(name="")


class Claimed(NamedTuple):
    """Whose record a claim led to, and the id its teller may see (the patient's own, or a portal's alias)."""

    patient: str
    shown: str


class Outcome(NamedTuple):
    """A claim's result. `found` is certain, possible or new; `created` tells whether the *shown* record is a new one."""

    patient: str
    shown: str
    found: str
    created: bool


def organization(tx: Tx) -> Organization:
    """The practice of this transaction; Problem `directory.organization_missing` (409) before it was set up."""
    found = store.organizations.get(tx, tx.organization)
    if found is None:
        raise Problem("directory.organization_missing", 409)
    return found


def claim(tx: Tx, told: PatientClaim | Patient) -> Outcome:
    """Find or make the patient someone tells about, within the open write transaction.

    A certain match is the known patient; nothing told changes it. A possible one becomes a new, unconfirmed patient and
    a decision for a person. A portal that tells the same again, word for word, gets its alias of before.
    Raises `directory.patient_incomplete`, `birth_date_invalid`, `text_invalid`, `code_invalid` (all 422).
    """
    person = rules.from_claim(told) if isinstance(told, PatientClaim) else told
    portal = tx.actor.portal
    practice = store.organizations.get(tx, tx.organization) or _UNTOLD
    today = local_date(tx.now, zone(practice.zone))
    rules.check_patient(person, today, whole=portal is not None)
    person = msgspec.structs.replace(
        person, id="", version=1, portal=portal, merged_into=None, unconfirmed=False
    )
    person_store.hold_birthday(tx, person.birth_date)
    if portal is not None:
        before = person_store.said_before(tx, portal, person)
        if before is not None:
            return Outcome(follow(tx, before[1]).id, before[0], "certain", False)
    keys = rules.contact_keys(person.telecom, practice.country)
    found = look_up(tx, person, keys)
    if found.certain is not None:
        patient, outcome = found.certain, "certain"
    else:
        patient = _create(tx, person, keys, found)
        outcome = "possible" if found.possible else "new"
    if portal is None:
        return Outcome(patient, patient, outcome, outcome != "certain")
    alias = new_id()
    person_store.add_statement(tx, alias, portal, patient, msgspec.structs.replace(person, id=alias))
    person_store.put_contacts(tx, alias, patient, keys)
    return Outcome(patient, alias, outcome, True)


def look_up(tx: Tx, person: Patient, keys: frozenset[tuple[str, str]]) -> Match:
    """Compare a person with all patients who share a day of birth, a name or a contact."""
    told = Likeness(rules.name_key(person.family), rules.given_key(person.given), person.birth_date, keys)
    return match(told, candidates(tx, told, person.id))


def candidates(tx: Tx, told: Likeness, itself: str = "") -> list[Candidate]:
    """Patients who share a day of birth, a name or a contact with somebody; `itself` is left out."""
    found = []
    for id_ in person_store.like(tx, told.family, told.given, told.birth_date, told.contacts):
        row = person_store.keys_of(tx, id_)
        if row is None or id_ == itself:
            continue
        last = follow(tx, id_)
        if last.id == itself:
            continue
        likeness = Likeness(row.family_key, row.given_key, row.birth_date, person_store.contacts_of(tx, id_))
        found.append(Candidate(last.id, likeness, last.bookable))
    return found


def _create(tx: Tx, person: Patient, keys: frozenset[tuple[str, str]], found: Match) -> str:
    """A new patient from what was told. A portal's further FHIR elements stay in its own statement."""
    made = msgspec.structs.replace(person, id=new_id(), unconfirmed=bool(found.possible))
    if person.portal is not None:
        made = msgspec.structs.replace(made, extra=UNSET)
    return add(tx, made, keys, found.possible)


def add(
    tx: Tx, patient: Patient, keys: frozenset[tuple[str, str]], doubts: tuple[tuple[str, str], ...] = ()
) -> str:
    """Store a new patient under its id, with the decisions that wait for a person; returns the id."""
    stored = store.patients.insert(tx, patient)
    person_store.put_contacts(tx, stored.id, stored.id, keys)
    events.note(tx, "patient.created", "Patient", stored.id, version=1, unconfirmed=stored.unconfirmed)
    for candidate, reason in doubts:
        row = new_id()
        merge_store.open_match(tx, row, stored.id, candidate, reason)
        events.note(tx, "patient.match_open", "Patient", stored.id, version=1, match=row, reason=reason)
    return stored.id


def follow(tx: Tx, patient: str) -> Patient:
    """The record that goes on in place of a merged one, or the record itself; 404 if there is none."""
    found = store.patients.need(tx, patient)
    for _ in range(MAX_MERGES):
        if found.merged_into is None:
            return found
        found = store.patients.need(tx, found.merged_into)
    raise Problem("directory.merge_chain", 500)


def resolve(tx: Tx, shown: str) -> str:
    """The patient behind an id as this actor knows it: a portal's alias, or a patient's id (merged ones are followed).

    Raises `directory.patient_unknown` (422) for any other id, another portal's alias included, and
    `directory.patient_inactive` (422) for the dead and the inactive, for whom nothing can be booked.
    """
    last = known(tx, shown)
    if not last.bookable:
        raise Problem("directory.patient_inactive", 422)
    return last.id


def known(tx: Tx, shown: str) -> Patient:
    """As `resolve`, the dead and the inactive too: for looking at what there is."""
    patient: str | None = shown
    if tx.actor.portal is not None:
        said = person_store.statement(tx, tx.actor.portal, shown)
        patient = None if said is None else said[1]
    if patient is None or store.patients.get(tx, patient) is None:
        raise Problem("directory.patient_unknown", 422)
    return follow(tx, patient)


def shown(tx: Tx, patient: str) -> str | None:
    """The id under which this actor knows the patient: its own, or a portal's oldest alias. None if it knows none.

    Who has the alias of the very booking at hand should show that one: two statements about one person are two to the
    portal, and this answer would join them.
    """
    if tx.actor.portal is None:
        return patient
    said = person_store.statements_of(tx, tx.actor.portal, patient)
    return said[0].id if said else None


def names(tx: Tx, patients: list[str] | tuple[str, ...]) -> dict[str, str | None]:
    """Names to display by patient id. A portal gets the name it told itself; a masked actor gets None for all."""
    if tx.actor.masked:
        return dict.fromkeys(patients)
    wanted = list(dict.fromkeys(patients))
    if tx.actor.portal is None:
        known = person_store.names_of(tx, wanted)
        return {one: known.get(one) for one in wanted}
    result: dict[str, str | None] = {}
    for one in wanted:
        said = person_store.statements_of(tx, tx.actor.portal, one)
        result[one] = said[0].display if said else None
    return result
