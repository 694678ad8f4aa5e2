"""REST doors of patients: create, find, read, change, decide about duplicates, merge. A room of `routes`.

No name and no date of birth ever stands in an address: finding is a POST.
"""

from typing import Any

from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, PatientClaim, mask_patient
from praxisd.services.directory import (
    claims,
    finding,
    merge_store,
    merging,
    records,
    rules,
    seen,
    shapes,
    store,
)

_SAVE = ((404, "http.not_found"), (412, "resource.stale"), (423, "seats.locked"), (423, "seats.lock_lost"))
_BAD = (
    (422, "directory.patient_incomplete"),
    (422, "directory.birth_date_invalid"),
    (422, "directory.text_invalid"),
    (422, "directory.code_invalid"),
)
_MERGE = ((409, "directory.merge_impossible"), (409, "directory.merge_blocked"))


def _seen(tx: Tx, patient: Patient) -> shapes.PatientView:
    """The record for someone of the practice, masked where the actor may not see who it is."""
    return shapes.view(mask_patient(patient) if tx.actor.masked else patient)


def create_patient(call: Call) -> Answer:
    """Tell who a patient is. 201 with a new record, 200 with the one that is certainly meant.

    A known patient is not changed by what is told. A portal gets a record of its own that holds what it said.
    """
    tx = call.writing
    outcome = claims.claim(tx, call.body)
    shown = finding.read(tx, outcome.shown)
    status = 201 if outcome.created else 200
    return Answer(shapes.view(shown, outside=call.actor.portal is not None), status, version=shown.version)


def search_patients(call: Call) -> shapes.Patients:
    """Find patients. A portal finds among what it said itself."""
    asked: shapes.PatientSearch = call.body
    with call.read() as tx:
        found, cursor = finding.search(
            tx,
            family=asked.family,
            given=asked.given,
            text=asked.text,
            birth_date=asked.birth_date,
            phone=asked.phone,
            email=asked.email,
            after=asked.cursor,
            limit=asked.limit,
        )
    outside = call.actor.portal is not None
    return shapes.Patients(patients=[shapes.view(one, outside=outside) for one in found], next=cursor)


def read_patient(call: Call) -> Answer:
    """One patient; a merged record stays readable and names the one that goes on."""
    with call.read() as tx:
        found = finding.read(tx, call.path["id"])
    seen.note(call.house, call.actor, found.id, found.version)
    return Answer(shapes.view(found, outside=call.actor.portal is not None), version=found.version)


def change_patient(call: Call) -> Answer:
    """Change the given fields."""
    tx = call.writing
    fields: dict[str, Any] = shapes.given_fields(call.body)
    short = {name: fields.pop(name) for name in ("phone", "email") if name in fields}
    if short:
        telecom = fields.get("telecom", store.patients.need(tx, call.path["id"]).telecom)
        for system, value in short.items():
            telecom = rules.with_contact(telecom, system, value)
        fields["telecom"] = telecom
    saved = records.change_patient(tx, call.path["id"], fields, call.if_match, call.fence)
    return Answer(_seen(tx, saved), version=saved.version)


def list_matches(call: Call) -> shapes.Matches:
    """Open decisions, oldest first, with both records side by side."""
    with call.read() as tx:
        rows, cursor = merge_store.open_matches(tx, call.query.cursor, call.query.limit)
        found = [
            shapes.MatchView(
                id=row.id,
                reason=row.reason,
                created_at=shapes.moment(row.created_at),
                patient=_seen(tx, claims.follow(tx, row.patient)),
                candidate=_seen(tx, claims.follow(tx, row.candidate)),
            )
            for row in rows
        ]
    return shapes.Matches(matches=found, next=cursor)


def decide_match(call: Call) -> Answer:
    """Decide: one person or two. Answers the patient that goes on."""
    refs = call.house.registry.patient_refs
    patient = merging.decide(call.writing, refs, call.path["id"], call.body.outcome)
    return Answer(_seen(call.writing, patient), version=patient.version)


def merge_patients(call: Call) -> Answer:
    """Let this patient go on in place of another record; If-Match is this patient's version."""
    tx, id_ = call.writing, call.path["id"]
    merge = merging.merge(
        tx, call.house.registry.patient_refs, id_, call.body.drop, call.if_match, call.fence
    )
    kept = store.patients.need(tx, id_)
    return Answer(shapes.Merged(id=merge, patient=_seen(tx, kept)), 201, version=kept.version)


def undo_merge(call: Call) -> Answer:
    """Take a merge back; answers the revived record."""
    tx = call.writing
    _, revived = merging.undo(tx, call.house.registry.patient_refs, call.path["id"])
    patient = store.patients.need(tx, revived)
    return Answer(_seen(tx, patient), version=patient.version)


_TAGS = ("patients",)
PATIENT_ROUTES = (
    Route(
        "POST", "/patients", "patients.create", create_patient, "directory.patient.create",
        answer=shapes.PatientView, body=PatientClaim, status=201, problems=_BAD, tags=_TAGS,
    ),
    Route(
        "POST", "/patients/search", "patients.search", search_patients, "directory.patient.read",
        answer=shapes.Patients, body=shapes.PatientSearch, problems=((403, "directory.search_masked"),),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/patients/matches", "matches.list", list_matches, "directory.patient.merge",
        answer=shapes.Matches, query=shapes.ListQuery, tags=_TAGS,
    ),
    Route(
        "POST", "/patients/matches/{id}", "matches.decide", decide_match, "directory.patient.merge",
        answer=shapes.PatientView, body=shapes.Decision, tags=_TAGS,
        problems=((404, "http.not_found"), (409, "directory.match_decided"), (423, "seats.locked"), *_MERGE),
    ),
    Route(
        "GET", "/patients/{id}", "patients.read", read_patient, "directory.patient.read",
        answer=shapes.PatientView, problems=((404, "http.not_found"),), tags=_TAGS,
    ),
    Route(
        "PATCH", "/patients/{id}", "patients.change", change_patient, "directory.patient.write",
        answer=shapes.PatientView, body=shapes.PatientChange,
        problems=(*_SAVE, *_BAD, (409, "directory.patient_merged"), (409, "directory.organization_missing")), tags=_TAGS,
    ),
    Route(
        "POST", "/patients/{id}/merge", "patients.merge", merge_patients, "directory.patient.merge",
        answer=shapes.Merged, body=shapes.MergeIn, status=201, problems=(*_SAVE, *_MERGE), tags=_TAGS,
    ),
    Route(
        "POST", "/patients/merges/{id}/undo", "merges.undo", undo_merge, "directory.patient.merge",
        answer=shapes.PatientView, tags=_TAGS,
        problems=((404, "http.not_found"), (409, "directory.merge_undo_blocked"), (423, "seats.locked")),
    ),
)  # fmt: skip
