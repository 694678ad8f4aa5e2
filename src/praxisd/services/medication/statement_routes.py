"""REST doors of a patient's list and risks. Booking portals and masked callers never come in here."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.statement import TAKEN, Risk, Statement
from praxisd.services.directory import api as directory
from praxisd.services.medication import risks, statement_shapes, statement_store, statements
from praxisd.services.medication.statement_shapes import risk_view, statement_view

READ, WRITE = "medication.statement.read", "medication.statement.write"
_UNKNOWN = (422, "directory.patient_unknown")
_LOCKED = ((423, "seats.locked"), (423, "seats.lock_lost"))
_SAVE = ((404, "http.not_found"), (412, "resource.stale"), *_LOCKED)
_TEXTS = ((422, "medication.text_invalid"), (422, "medication.unnamed"), (422, "medication.day_invalid"))
_DATA = ((409, "medication.no_data"), (409, "medication.data_expired"))
_LINE = (
    *_TEXTS,
    *_DATA,
    (422, "medication.days_reversed"),
    (422, "medication.product_unknown"),
    (422, "medication.pzn_mismatch"),
    (422, "medication.pzn_invalid"),
)
_RISK = (*_TEXTS, *_DATA, (422, "medication.condition_unknown"))


def unmasked(call: Call, permission: str) -> None:
    """Refuse (403) who may not see patients: what somebody takes says who is ill."""
    if call.actor.masked:
        raise Problem("access.forbidden", 403, permission=permission)


def looked(call: Call, patients: Sequence[str]) -> None:
    """Note who looked at whose list (audit), after the reading transaction has ended."""
    with call.read() as tx:
        facts = directory.contacts(tx, list(patients))
    directory.saw(call.house, call.actor, facts.values())


def given(change: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that were given."""
    return {
        name: getattr(change, name) for name in change.__struct_fields__ if getattr(change, name) is not UNSET
    }


def list_statements(call: Call) -> statement_shapes.Statements:
    """What a patient takes; with `ended`, also what is over and what was a mistake."""
    unmasked(call, READ)
    with call.read() as tx:
        patient = directory.known(tx, call.body.patient).id
        found = statement_store.statements_of(tx, patient)
    looked(call, [patient])
    shown = [one for one in found if call.body.ended or one.status in TAKEN]
    return statement_shapes.Statements(
        patient=patient,
        statements=[statement_view(one) for one in shown],
        ended=len(found) - len(shown),
    )


def read_statement(call: Call) -> Answer:
    """One line."""
    unmasked(call, READ)
    with call.read() as tx:
        one = statement_store.statements.need(tx, call.path["id"])
    looked(call, [one.patient])
    return Answer(statement_view(one), version=one.version)


def create_statement(call: Call) -> Answer:
    """A new line of a patient's list."""
    unmasked(call, WRITE)
    told = Statement(**msgspec.structs.asdict(call.body))
    made = statements.enter(call.house, call.writing, told, call.fence)
    return Answer(statement_view(made), 201, version=made.version)


def change_statement(call: Call) -> Answer:
    """Change the given fields: end it (`status`, `until`), another dosage, the product of a free text."""
    unmasked(call, WRITE)
    saved = statements.change(
        call.house, call.writing, call.path["id"], given(call.body), call.if_match, call.fence
    )
    return Answer(statement_view(saved), version=saved.version)


def withdraw_statement(call: Call) -> Answer:
    """Entered by mistake: the line stays readable in that state, and is no longer checked."""
    unmasked(call, WRITE)
    saved = statements.withdraw(call.writing, call.path["id"], call.if_match, call.fence)
    return Answer(statement_view(saved), version=saved.version)


def list_risks(call: Call) -> statement_shapes.Risks:
    """A patient's conditions, allergies and states; with `ended`, also those that are over."""
    unmasked(call, READ)
    with call.read() as tx:
        patient = directory.known(tx, call.body.patient).id
        found = statement_store.risks_of(tx, patient)
    looked(call, [patient])
    shown = [one for one in found if call.body.ended or one.active]
    return statement_shapes.Risks(
        patient=patient, risks=[risk_view(one) for one in shown], ended=len(found) - len(shown)
    )


def read_risk(call: Call) -> Answer:
    """One risk."""
    unmasked(call, READ)
    with call.read() as tx:
        one = statement_store.risks.need(tx, call.path["id"])
    looked(call, [one.patient])
    return Answer(risk_view(one), version=one.version)


def create_risk(call: Call) -> Answer:
    """A new risk of a patient."""
    unmasked(call, WRITE)
    told = Risk(**msgspec.structs.asdict(call.body))
    made = risks.enter(call.house, call.writing, told, call.fence)
    return Answer(risk_view(made), 201, version=made.version)


def change_risk(call: Call) -> Answer:
    """Change the given fields; `active` false: it is over."""
    unmasked(call, WRITE)
    saved = risks.change(
        call.house, call.writing, call.path["id"], given(call.body), call.if_match, call.fence
    )
    return Answer(risk_view(saved), version=saved.version)


def delete_risk(call: Call) -> Answer:
    """Remove a risk that was entered by mistake; one that is over is changed instead."""
    unmasked(call, WRITE)
    risks.remove(call.writing, call.path["id"], call.if_match, call.fence)
    return Answer(None, 204)


_TAGS = ("medication",)
ROUTES = (
    Route(
        "POST", "/medication/statements/search", "statements.search", list_statements, READ,
        answer=statement_shapes.Statements, body=statement_shapes.ListSearch, problems=(_UNKNOWN,),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/medication/statements/{id}", "statements.read", read_statement, READ,
        answer=statement_shapes.StatementView, problems=((404, "http.not_found"),), tags=_TAGS,
    ),
    Route(
        "POST", "/medication/statements", "statements.create", create_statement, WRITE,
        answer=statement_shapes.StatementView, body=statement_shapes.StatementIn, status=201,
        problems=(_UNKNOWN, *_LOCKED, *_LINE), tags=_TAGS,
    ),
    Route(
        "PATCH", "/medication/statements/{id}", "statements.change", change_statement, WRITE,
        answer=statement_shapes.StatementView, body=statement_shapes.StatementChange,
        problems=(*_SAVE, *_LINE, (422, "medication.text_of_product")), tags=_TAGS,
    ),
    Route(
        "DELETE", "/medication/statements/{id}", "statements.withdraw", withdraw_statement, WRITE,
        answer=statement_shapes.StatementView, problems=_SAVE, tags=_TAGS,
    ),
    Route(
        "POST", "/medication/risks/search", "risks.search", list_risks, READ,
        answer=statement_shapes.Risks, body=statement_shapes.ListSearch, problems=(_UNKNOWN,),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/medication/risks/{id}", "risks.read", read_risk, READ,
        answer=statement_shapes.RiskView, problems=((404, "http.not_found"),), tags=_TAGS,
    ),
    Route(
        "POST", "/medication/risks", "risks.create", create_risk, WRITE,
        answer=statement_shapes.RiskView, body=statement_shapes.RiskIn, status=201,
        problems=(_UNKNOWN, *_LOCKED, *_RISK), tags=_TAGS,
    ),
    Route(
        "PATCH", "/medication/risks/{id}", "risks.change", change_risk, WRITE,
        answer=statement_shapes.RiskView, body=statement_shapes.RiskChange, problems=(*_SAVE, *_RISK), tags=_TAGS,
    ),
    Route(
        "DELETE", "/medication/risks/{id}", "risks.delete", delete_risk, WRITE,
        status=204, problems=_SAVE, tags=_TAGS,
    ),
)  # fmt: skip
