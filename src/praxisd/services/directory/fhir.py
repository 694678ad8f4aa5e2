"""The directory on the FHIR door: Patient, Practitioner, Location, Organization.

Patients are first narrowed by the database (date of birth, beginnings of names) and then compared exactly as FHIR says;
the other kinds are few and compared in memory.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from praxisd.kernel.clock import zone
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Call, FhirAnswer, FhirPage, FhirResource, SearchParam
from praxisd.kernel.store import Tx
from praxisd.model.fhir_matching import matches
from praxisd.model.fhir_search import SearchQuery
from praxisd.model.fhir_search_values import DateRange, Token
from praxisd.model.people import Patient, mask_patient
from praxisd.services.directory import claims, fhir_shapes, finding, person_store, records, store

PAGE = 50
LARGEST_PAGE = 200
PATIENT_PROFILE = "https://gematik.de/fhir/isik/v3/Basismodul/StructureDefinition/ISiKPatient"
_OPEN = frozenset({"_id", "identifier", "active"})
"""What a masked actor may still search by: ids and states, no personal facts."""
_NAMES = frozenset({"name", "family", "given"})
Query = SearchQuery
Dict = dict[str, Any]
T = TypeVar("T")


def read_patient(call: Call, id_: str) -> Dict:
    """The patient, or a portal's own statement."""
    with call.read() as tx:
        return fhir_shapes.patient_to_fhir(finding.read(tx, id_))


def search_patients(call: Call, query: Query) -> FhirPage:
    """All conditions of the query, in id order.

    Without conditions, or with ones the database can narrow, the total is told. With others alone (`gender`) reading
    stops when the page is full, unless `_total=accurate` asks for more: FHIR leaves that to the server.
    """
    size = _size(query)
    with call.read() as tx:
        finding.refuse_masked(tx, any(p.name not in _OPEN for p in query.params))
        table, conditions = finding.frame(tx)
        if not query.params:
            total = person_store.count(tx, table, conditions)
            found, cursor = person_store.scan(tx, table, conditions, None, query.cursor, size)
            return FhirPage(_shown(call, found), total, cursor)
        narrowed = _narrow(table, query)
        here = _zone(tx)

        def fits(patient: Patient) -> bool:
            return matches(_shown(call, [patient])[0], query, here, base=call.base_url)

        if narrowed or query.total == "accurate" or not size:
            hits, _ = person_store.scan(tx, table, [*conditions, *narrowed], fits, None, None)
            page, cursor = _cut(query, hits, lambda one: one.id)
            return FhirPage(_shown(call, page), len(hits), cursor)
        found, cursor = person_store.scan(tx, table, conditions, fits, query.cursor, size)
        return FhirPage(_shown(call, found), None, cursor)


def _shown(call: Call, patients: Sequence[Patient]) -> list[Dict]:
    """As resources, masked where the caller may not see who it is."""
    masked = call.actor.masked
    return [fhir_shapes.patient_to_fhir(mask_patient(one) if masked else one) for one in patients]


def _narrow(table: Any, query: Query) -> list[Any]:
    """Conditions for the database that leave at least all hits."""
    conditions: list[Any] = []
    for param in query.params:
        if param.missing is not None:
            continue
        texts = [value for value in param.values if isinstance(value, str)]
        if param.name in _NAMES and len(param.values) == 1 and texts:
            words = finding.spellings(texts[0])
            conditions += person_store.narrow(table, words=words, inside=param.modifier == "contains")
        elif param.name == "_id" and param.modifier is None:
            ids = [value.code for value in param.values if isinstance(value, Token) and value.code]
            conditions.append(person_store.among(table, ids))
        elif param.name == "birthdate":
            conditions += _born(table, param)
    return conditions


def _born(table: Any, param: Any) -> list[Any]:
    """The written day narrows only a plain equality on a whole day; partial dates and prefixes are compared later."""
    days = [value for value in param.values if isinstance(value, DateRange)]
    if len(days) != 1 or days[0].prefix != "eq" or days[0].end - days[0].start > 90_000:
        return []
    # A day in the practice's zone: its noon lies on that day in UTC for every zone praxisd serves.
    return person_store.narrow(table, birth_date=person_store.utc_day(days[0].start + 43_200))


def create_patient(call: Call, resource: Dict) -> FhirAnswer:
    """Tell who a patient is: 201 with a new record, 200 with the one that is certainly meant."""
    tx = call.writing
    person = msgspec.structs.replace(fhir_shapes.patient_from_fhir(resource), id="")
    outcome = claims.claim(tx, person)
    shown = finding.read(tx, outcome.shown)
    status = 201 if outcome.created else 200
    return FhirAnswer(status, fhir_shapes.patient_to_fhir(shown), shown.version)


def read_practitioner(call: Call, id_: str) -> Dict:
    """One practitioner; for portals only a released, active one."""
    with call.read() as tx:
        found = records.outward(tx, store.practitioners.need(tx, id_))
    if call.actor.portal is not None and not (found.released and found.active):
        raise not_found("Practitioner")
    return fhir_shapes.practitioner_to_fhir(found)


def search_practitioners(call: Call, query: Query) -> FhirPage:
    """Practitioners this caller may see."""
    with call.read() as tx:
        found = store.practitioners.all(tx, *_seen(call, store.PRACTITIONER))
        shown = [fhir_shapes.practitioner_to_fhir(records.outward(tx, one)) for one in found]
        return _search(tx, call, query, shown)


def read_location(call: Call, id_: str) -> Dict:
    """One place; for portals only a released, active one."""
    with call.read() as tx:
        found = records.outward(tx, store.locations.need(tx, id_))
    if call.actor.portal is not None and not (found.released and found.active):
        raise not_found("Location")
    return fhir_shapes.location_to_fhir(found, call.actor.organization)


def search_locations(call: Call, query: Query) -> FhirPage:
    """Places this caller may see."""
    with call.read() as tx:
        found = store.locations.all(tx, *_seen(call, store.LOCATION))
        here = call.actor.organization
        shown = [fhir_shapes.location_to_fhir(records.outward(tx, one), here) for one in found]
        return _search(tx, call, query, shown)


def read_organization(call: Call, id_: str) -> Dict:
    """The practice; for people and programs of the practice also organizations it knows of."""
    if call.actor.portal is not None and id_ != call.actor.organization:
        raise not_found("Organization")
    with call.read() as tx:
        return fhir_shapes.organization_to_fhir(store.organizations.need(tx, id_))


def search_organizations(call: Call, query: Query) -> FhirPage:
    """Organizations this caller may see."""
    with call.read() as tx:
        found = store.organizations.all(tx)
        if call.actor.portal is not None:
            found = [one for one in found if one.id == call.actor.organization]
        return _search(tx, call, query, map(fhir_shapes.organization_to_fhir, found))


def _seen(call: Call, table: Any) -> list[Any]:
    return [store.visible(table)] if call.actor.portal is not None else []


def _zone(tx: Tx) -> Any:
    practice = store.organizations.get(tx, tx.organization)
    return zone("Europe/Berlin" if practice is None else practice.zone)


def _search(tx: Tx, call: Call, query: Query, resources: Iterable[Dict]) -> FhirPage:
    here, known = _zone(tx), {one["id"]: one for one in resources}

    def follow(type_: str, id_: str) -> Dict | None:
        return known.get(id_) if type_ == query.resource else None

    hits = [one for one in known.values() if matches(one, query, here, base=call.base_url, follow=follow)]
    return _page(query, hits)


def _page(query: Query, hits: Sequence[Dict]) -> FhirPage:
    found, cursor = _cut(query, hits, lambda one: one["id"])
    return FhirPage(found, len(hits), cursor)


def _size(query: Query) -> int:
    return min(PAGE if query.count is None else query.count, LARGEST_PAGE)


def _cut(query: Query, hits: Sequence[T], id_of: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """At most `_count` hits after the cursor, which is the id of the last one shown."""
    size = _size(query)
    rest = [one for one in hits if query.cursor is None or id_of(one) > query.cursor]
    return rest[:size], (id_of(rest[size - 1]) if len(rest) > size > 0 else None)


_ID = SearchParam("_id", "token", "http://hl7.org/fhir/SearchParameter/Resource-id")


def _params(type_: str, *names: tuple[str, str]) -> tuple[SearchParam, ...]:
    place = "http://hl7.org/fhir/SearchParameter"
    return (_ID, *(SearchParam(name, kind, f"{place}/{type_}-{name}") for name, kind in names))


_PERSON = (
    ("active", "token"),
    ("family", "string"),
    ("given", "string"),
    ("identifier", "token"),
    ("name", "string"),
)

FHIR = (
    FhirResource(
        type="Patient",
        read=read_patient,
        search=search_patients,
        read_permission="directory.patient.read",
        params=_params(
            "Patient", *_PERSON, ("birthdate", "date"), ("email", "token"), ("gender", "token"), ("phone", "token"),
            ("telecom", "token"),
        ),
        profile=PATIENT_PROFILE,
        create=create_patient,
        create_permission="directory.patient.create",
    ),
    FhirResource(
        type="Practitioner",
        read=read_practitioner,
        search=search_practitioners,
        read_permission="directory.practitioner.read",
        params=_params("Practitioner", *_PERSON),
    ),
    FhirResource(
        type="Location",
        read=read_location,
        search=search_locations,
        read_permission="directory.location.read",
        params=(
            *_params("Location", ("identifier", "token"), ("name", "string"), ("status", "token")),
            SearchParam("partof", "reference", "http://hl7.org/fhir/SearchParameter/Location-partof", ("Location",)),
            SearchParam(
                "organization", "reference", "http://hl7.org/fhir/SearchParameter/Location-organization",
                ("Organization",),
            ),
        ),
        includes=("Location:partof", "Location:organization"),
    ),
    FhirResource(
        type="Organization",
        read=read_organization,
        search=search_organizations,
        read_permission="directory.organization.read",
        params=_params("Organization", ("active", "token"), ("identifier", "token"), ("name", "string")),
    ),
)  # fmt: skip
