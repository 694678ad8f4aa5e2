"""Open questions about a new record, for services that show them beside what raised them (the booking desk)."""

from typing import NamedTuple

from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, PatientClaim
from praxisd.services.directory import claims, merge_store, merging, person_store, rules
from praxisd.services.directory.comparing import Compared, compare
from praxisd.services.directory.merging import Refs


class Doubt(NamedTuple):
    """Somebody known who may be the person of a new record. `id` names the decision; `outcome` None: nobody decided."""

    id: str
    candidate: Patient
    reason: str
    outcome: str | None


def doubts(tx: Tx, patient: str) -> list[Doubt]:
    """All questions about a record, decided ones too, the oldest first. Never for a portal's eyes."""
    return [
        Doubt(row.id, claims.follow(tx, row.candidate), row.reason, row.outcome)
        for row in merge_store.matches_of(tx, patient)
    ]


def side_by_side(tx: Tx, told: PatientClaim, known: Patient) -> Compared:
    """What was told against what is known, see `comparing.compare`."""
    return compare(rules.from_claim(told), known, claims.organization(tx).country)


def settle(tx: Tx, refs: Refs, doubt: str, same: bool) -> Patient:
    """A person's decision; see `merging.decide`. Returns the patient that goes on."""
    return merging.decide(tx, refs, doubt, "same" if same else "different")


def said(tx: Tx, portal: str, alias: str) -> Patient | None:
    """What a portal itself told under one of its aliases. Never for another portal's eyes."""
    found = person_store.statement(tx, portal, alias)
    return None if found is None else found[0]
