"""REST doors of treatments (SPEC 1.3: written by the PVS, the desk and imports). Booking portals never come in here."""

from datetime import date
from typing import Any

from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.people import Treatment
from praxisd.services.directory import (
    claims,
    finding,
    shapes,
    store,
    treatment_shapes,
    treatment_store,
    treatments,
)
from praxisd.services.directory.treatment_store import Mark

READ, WRITE = "directory.treatment.read", "directory.treatment.write"
_NO_PRACTICE = (409, "directory.organization_missing")
_UNKNOWN = (422, "directory.patient_unknown")
_MASKED = (403, "directory.search_masked")
_SAVE = ((404, "http.not_found"), (412, "resource.stale"), (423, "seats.locked"), (423, "seats.lock_lost"))
_BAD = (
    _UNKNOWN,
    (422, "directory.mandator_unknown"),
    (422, "directory.treatment_date"),
    (422, "directory.treatment_reversed"),
    (422, "directory.text_invalid"),
    _NO_PRACTICE,
)


def list_treatments(call: Call) -> treatment_shapes.Treatments:
    """Treatments of one patient or of all, the one opened last first."""
    return _found(call, call.query)


def search_treatments(call: Call) -> treatment_shapes.Treatments:
    """The same, asked in the body: an address would stand in logs."""
    return _found(call, call.body)


def _found(call: Call, asked: treatment_shapes.TreatmentQuery) -> treatment_shapes.Treatments:
    with call.read() as tx:
        conditions: list[Any] = []
        if asked.patient is not None:
            # Who asks for one patient's knows whose they are, masked or not.
            finding.refuse_masked(tx, True)
            conditions.append(treatment_store.of_patients([claims.known(tx, asked.patient).id]))
        after = Mark.read(asked.cursor)
        found, following = treatment_store.newest(tx, conditions, after, asked.limit)
        names, today = _words(tx)
        shown = [treatment_shapes.view(one, names, today, masked=tx.actor.masked) for one in found]
    return treatment_shapes.Treatments(treatments=shown, next=following)


def _words(tx: Tx) -> tuple[dict[str, str], date]:
    """(names of mandators by id, the date in the practice)."""
    return {one.id: one.name for one in store.mandators.all(tx)}, treatments.today(tx)


def _answer(tx: Tx, one: Treatment, status: int = 200) -> Answer:
    names, today = _words(tx)
    shown = treatment_shapes.view(one, names, today, masked=tx.actor.masked)
    return Answer(shown, status, version=one.version)


def read_treatment(call: Call) -> Answer:
    """One treatment."""
    with call.read() as tx:
        return _answer(tx, store.treatments.need(tx, call.path["id"]))


def create_treatment(call: Call) -> Answer:
    """A new treatment: from now on its mandator pays for messages to the patient."""
    tx, told = call.writing, call.body
    made = treatments.enter(
        tx,
        Treatment(
            patient=told.patient,
            mandator=told.mandator or treatments.default_mandator(tx),
            opened=told.opened or treatments.today(tx),
            closed=told.closed,
            note=told.note,
        ),
    )
    return _answer(tx, made, 201)


def change_treatment(call: Call) -> Answer:
    """Change the given fields."""
    fields = shapes.given_fields(call.body)
    saved = treatments.change(call.writing, call.path["id"], fields, call.if_match, call.fence)
    return _answer(call.writing, saved)


def delete_treatment(call: Call) -> Answer:
    """Remove a treatment that was entered by mistake; one that is over is closed instead."""
    treatments.delete(call.writing, call.path["id"], call.if_match, call.fence)
    return Answer(None, 204)


_TAGS = ("treatments",)
TREATMENT_ROUTES = (
    Route(
        "GET", "/treatments", "treatments.list", list_treatments, READ,
        answer=treatment_shapes.Treatments, query=treatment_shapes.TreatmentQuery,
        problems=(_NO_PRACTICE, _UNKNOWN, _MASKED), tags=_TAGS,
    ),
    Route(
        "POST", "/treatments", "treatments.create", create_treatment, WRITE,
        answer=treatment_shapes.TreatmentView, body=treatment_shapes.TreatmentIn, status=201,
        problems=(*_BAD, (422, "directory.mandator_missing")), tags=_TAGS,
    ),
    Route(
        "POST", "/treatments/search", "treatments.search", search_treatments, READ,
        answer=treatment_shapes.Treatments, body=treatment_shapes.TreatmentSearch,
        problems=(_NO_PRACTICE, _UNKNOWN, _MASKED), transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/treatments/{id}", "treatments.read", read_treatment, READ,
        answer=treatment_shapes.TreatmentView, problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "PATCH", "/treatments/{id}", "treatments.change", change_treatment, WRITE,
        answer=treatment_shapes.TreatmentView, body=treatment_shapes.TreatmentChange,
        problems=(*_SAVE, *_BAD), tags=_TAGS,
    ),
    Route(
        "DELETE", "/treatments/{id}", "treatments.delete", delete_treatment, WRITE,
        status=204, problems=_SAVE, tags=_TAGS,
    ),
)  # fmt: skip
