"""MedicationStatement on the FHIR door (R4): read, search, create, update. Never for portals or masked callers.

The door takes keys of programs only: there is no person whose look would belong into the audit.
"""

from typing import Any

import msgspec

from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, FhirAnswer, FhirPage, FhirResource, SearchParam
from praxisd.kernel.store import Tx
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_matching import matches
from praxisd.model.fhir_search import SearchQuery
from praxisd.model.fhir_search_values import Ref, Token
from praxisd.model.statement import Statement
from praxisd.services.directory import api as directory
from praxisd.services.medication import fhir_shapes, statement_store, statements
from praxisd.services.medication.fhir_shapes import Dict
from praxisd.services.medication.statement_routes import READ, WRITE, unmasked

PAGE, LARGEST_PAGE = 50, 200
_WHOSE = ("patient", "subject")


def _zone(tx: Tx) -> Any:
    return zone(directory.organization(tx).zone)


def read_statement(call: Call, id_: str) -> Dict:
    """One statement."""
    unmasked(call, READ)
    with call.read() as tx:
        return fhir_shapes.shown(statement_store.statements.need(tx, id_), _zone(tx))


def search_statements(call: Call, query: SearchQuery) -> FhirPage:
    """Statements that meet all conditions, in the order of entering; the total where the database can count.

    Who asks for a merged patient gets the list of the one that goes on.
    """
    unmasked(call, READ)
    if any(param.chain is not None for param in query.params):
        raise FhirError("fhir.search_value", "patient", "chains are not supported here")
    size = min(PAGE if query.count is None else query.count, LARGEST_PAGE)
    with call.read() as tx:
        conditions, rest = _narrow(tx, query)
        here = _zone(tx)
        total = statement_store.statements.count(tx, *conditions) if not rest.params else None
        if not size:
            return FhirPage([], total, None)
        found, following = statement_store.scan(
            tx,
            conditions,
            lambda one: (
                not rest.params or matches(fhir_shapes.shown(one, here), rest, here, base=call.base_url)
            ),
            query.cursor,
            size,
        )
        return FhirPage([fhir_shapes.shown(one, here) for one in found], total, following)


def _narrow(tx: Tx, query: SearchQuery) -> tuple[list[Any], SearchQuery]:
    """(conditions for the database, the rest of the query)."""
    conditions: list[Any] = []
    rest = []
    for param in query.params:
        plain = param.missing is None and param.modifier is None
        codes = [one.code for one in param.values if isinstance(one, Token) and one.code and not one.system]
        if plain and param.name in _WHOSE:
            asked = [one.id for one in param.values if isinstance(one, Ref) and one.type in (None, "Patient")]
            conditions.append(statement_store.of_patients([_followed(tx, id_) for id_ in asked if id_]))
        elif plain and param.name == "_id" and len(codes) == len(param.values):
            conditions.append(statement_store.among(codes))
        elif plain and param.name == "status" and len(codes) == len(param.values):
            conditions.append(statement_store.in_states(codes))
        else:
            rest.append(param)
    return conditions, msgspec.structs.replace(query, params=tuple(rest))


def _followed(tx: Tx, id_: str) -> str:
    try:
        return directory.known(tx, id_).id
    except Problem:
        return id_


def create_statement(call: Call, resource: Dict) -> FhirAnswer:
    """A new statement: 201. Its product is what names our id, or an exact package number; else it is free text."""
    unmasked(call, WRITE)
    tx = call.writing
    told = fhir_shapes.read(resource, _zone(tx), call.base_url)
    new = fhir_shapes.slim(Statement(**told._asdict()), _zone(tx))
    made = statements.enter(call.house, tx, new, call.fence)
    return FhirAnswer(201, fhir_shapes.shown(made, _zone(tx)), made.version)


def update_statement(call: Call, id_: str, resource: Dict) -> FhirAnswer:
    """What its author says of a statement now; only one that there is, and only of the same patient
    (`medication.other_patient`, 422).
    """
    unmasked(call, WRITE)
    tx = call.writing
    before = statement_store.statements.need(tx, id_)
    told = fhir_shapes.read(resource, _zone(tx), call.base_url)
    fields = told._asdict()
    if _followed(tx, fields.pop("patient")) != before.patient:
        raise Problem("medication.other_patient", 422)
    if before.source not in ("practice", "patient"):
        del fields["source"]
    if told.product is None and fhir_shapes.same_medicine(before, told):
        fields["product"] = before.product
    if fields["product"] is not None:
        del fields["atc"]  # the data set's word on it
        fields["pzn"] = told.pzn
    fields["extra"] = fhir_shapes.slim(msgspec.structs.replace(before, **fields), _zone(tx)).extra
    saved = statements.change(call.house, tx, id_, fields, call.if_match, call.fence)
    return FhirAnswer(200, fhir_shapes.shown(saved, _zone(tx)), saved.version)


_PLACE = "http://hl7.org/fhir/SearchParameter"
STATEMENT = FhirResource(
    type="MedicationStatement",
    read=read_statement,
    search=search_statements,
    read_permission=READ,
    params=(
        SearchParam("_id", "token", f"{_PLACE}/Resource-id"),
        SearchParam("patient", "reference", f"{_PLACE}/clinical-patient", ("Patient",)),
        SearchParam("subject", "reference", f"{_PLACE}/MedicationStatement-subject", ("Patient",)),
        SearchParam("status", "token", f"{_PLACE}/medications-status"),
        SearchParam("code", "token", f"{_PLACE}/clinical-code"),
        SearchParam("effective", "date", f"{_PLACE}/MedicationStatement-effective"),
        SearchParam("identifier", "token", f"{_PLACE}/clinical-identifier"),
    ),
    includes=("MedicationStatement:patient", "MedicationStatement:subject"),
    create=create_statement,
    create_permission=WRITE,
    update=update_statement,
    update_permission=WRITE,
)
