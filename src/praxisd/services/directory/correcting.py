"""A record that one booking made, and whose person was told wrong: told right, it may be somebody known, or needs other data."""

from collections.abc import Collection

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.services.directory import claims, merge_store, merging, person_store, records, rules, store
from praxisd.services.directory.claims import Outcome
from praxisd.services.directory.merging import Refs


def correct(tx: Tx, refs: Refs, patient: str, told: PatientClaim, own: Collection[str]) -> Outcome:
    """Whose record it is now; a person of the practice tells. `own`: ids of the booking that made the record.

    Somebody certainly known: the record goes into that one, and nothing wrong is taken over (`merging.merge`). Else its
    data are put right, and the open questions are asked anew. A record that anything else names stays as it is; then
    the person is looked up as for a new booking. Raises as `claims.claim`.
    """
    person = msgspec.structs.replace(rules.from_claim(told), id=patient)
    practice = claims.organization(tx)
    rules.check_patient(person, local_date(tx.now, zone(practice.zone)), whole=True)
    if _named(tx, refs, patient, own):
        return claims.claim(tx, told)
    person_store.hold_birthday(tx, person.birth_date)
    found = claims.look_up(tx, person, rules.contact_keys(person.telecom, practice.country))
    if found.certain is not None:
        merging.merge(tx, refs, found.certain, patient, mistaken=True)
        return Outcome(found.certain, found.certain, "certain", False)
    decided = set()
    for row in merge_store.matches_of(tx, patient):
        if row.outcome == "different":
            decided.add(claims.follow(tx, row.candidate).id)
        elif row.outcome is None:
            merge_store.decide(tx, row.id, "obsolete")
    doubts = [(candidate, reason) for candidate, reason in found.possible if candidate not in decided]
    fields = {"family": person.family, "given": person.given, "birth_date": person.birth_date}
    telecom = {"telecom": person.telecom} if person.telecom else {}
    saved = records.change_patient(tx, patient, {**fields, **telecom, "unconfirmed": bool(doubts)}, None)
    for candidate, reason in doubts:
        row_id = new_id()
        merge_store.open_match(tx, row_id, patient, candidate, reason)
        events.note(
            tx, "patient.match_open", "Patient", patient, version=saved.version, match=row_id, reason=reason
        )
    return Outcome(patient, patient, "possible" if doubts else "new", False)


def _named(tx: Tx, refs: Refs, patient: str, own: Collection[str]) -> bool:
    """True if anything but this booking, and what was told with it, names the record."""
    for table, column in refs:
        rows = merge_store.naming(tx, table, column, patient)
        if table == "directory_contact" or (table, column) == ("directory_match", "patient"):
            continue
        if table == "directory_portal_patient":
            if len(rows) > 1:
                return True
        elif set(rows) - set(own):
            return True
    return store.patients.need(tx, patient).merged_into is not None
