"""Tables of the directory for the console: patients (searched, sorted and cut by the database), staff, places, mandators."""

from collections.abc import Mapping
from typing import Any

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.service import Call
from praxisd.model.people import Patient, licensed
from praxisd.services.directory import claims, finding, person_store, records, store

PATIENTS_ALLOWED = "directory.patient.write"
"""Who works with patients. Whoever may only read single records (a portal its own, the service partner masked) may not
leaf through all of them."""
_SORTS: Mapping[str, str] = {"id": "id", "family": "family", "birthDate": "birth_date"}


def _personal(key: str, *, sortable: bool = False, kind: Any = "text") -> Column:
    return Column(key, kind, sortable=sortable, personal=True)


def _patients(call: Call, query: ListingQuery) -> ListingPage:
    # The order of names would tell about names.
    order = "id" if call.actor.masked else query.sort or PATIENTS.sort
    with call.read() as tx:
        conditions = [person_store.unmerged()]
        if query.text.strip():
            conditions += finding.conditions(tx, query.text)
        if "active" in query.filters:
            conditions.append(person_store.active(query.filters["active"]))
        total = person_store.count(tx, store.PATIENT, conditions)
        found = person_store.sorted_page(
            tx,
            conditions,
            _SORTS[order.removeprefix("-")],
            down=order.startswith("-"),
            offset=query.offset,
            limit=query.limit,
        )
    rows = [Row(id=one.id, cells=_patient(one)) for one in found]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


def _patient(one: Patient) -> dict[str, Any]:
    numbers = [c for c in one.telecom if c.system in ("phone", "sms") and c.use != "old"]
    return {
        "family": one.family,
        "given": one.given,
        "birthDate": one.birth_date,
        "phone": next((c.value for c in numbers if c.use != "mobile"), None),
        "mobile": one.mobile,
        "email": one.email,
        "active": one.active,
    }


PATIENTS = Listing(
    "directory.patients",
    PATIENTS_ALLOWED,
    (
        _personal("family", sortable=True),
        _personal("given"),
        _personal("birthDate", sortable=True, kind="date"),
        _personal("phone"),
        _personal("mobile"),
        _personal("email"),
        Column("active", "flag", filter=True),
    ),
    _patients,
    text=True,
    sort="family",
    problems=((403, "directory.search_masked"),),
)


def _practitioners(call: Call, query: ListingQuery) -> ListingPage:
    outside = call.actor.portal is not None
    with call.read() as tx:
        found = store.practitioners.all(tx, *([store.visible(store.PRACTITIONER)] if outside else []))
    rows = [
        Row(
            id=one.id,
            cells={
                "family": one.family,
                "given": one.given,
                "prefix": one.prefix,
                "phone": None if outside else one.phone,
                "active": one.active,
                "released": one.released,
            },
        )
        for one in found
    ]
    return arrange(PRACTITIONERS, rows, query)


PRACTITIONERS = Listing(
    "directory.practitioners",
    "directory.practitioner.read",
    (
        Column("family", sortable=True),
        Column("given", sortable=True),
        Column("prefix"),
        Column("phone"),
        Column("active", "flag", filter=True),
        Column("released", "flag", filter=True),
    ),
    _practitioners,
    text=True,
    sort="family",
)


def _locations(call: Call, query: ListingQuery) -> ListingPage:
    outside = call.actor.portal is not None
    with call.read() as tx:
        known = store.locations.all(tx, *([store.visible(store.LOCATION)] if outside else []))
        found = [records.outward(tx, one) for one in known]
    names = {one.id: one.name for one in found}
    rows = [
        Row(
            id=one.id,
            cells={
                "name": one.name,
                "kind": one.kind,
                "partOf": names.get(one.part_of or ""),
                "active": one.active,
                "released": one.released,
            },
        )
        for one in found
    ]
    return arrange(LOCATIONS, rows, query)


LOCATIONS = Listing(
    "directory.locations",
    "directory.location.read",
    (
        Column("name", sortable=True),
        Column(
            "kind",
            "choice",
            sortable=True,
            filter=True,
            choices=("chair", "room", "site"),
            words="location_kind",
        ),
        Column("partOf", sortable=True),
        Column("active", "flag", filter=True),
        Column("released", "flag", filter=True),
    ),
    _locations,
    text=True,
    sort="name",
)


def _mandators(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        today = local_date(tx.now, zone(claims.organization(tx).zone))
        found = store.mandators.all(tx)
    rows = [
        Row(
            id=one.id,
            cells={
                "name": one.name,
                "licenceNumber": one.licence_number,
                "licenceFrom": None if one.licence_from is None else one.licence_from.isoformat(),
                "licenceTo": None if one.licence_to is None else one.licence_to.isoformat(),
                "default": one.default,
                "active": one.active,
            },
            alert=one.active and not licensed(one, today),
        )
        for one in found
    ]
    return arrange(MANDATORS, rows, query)


MANDATORS = Listing(
    "directory.mandators",
    "directory.mandator.read",
    (
        Column("name", sortable=True),
        Column("licenceNumber"),
        Column("licenceFrom", "date", sortable=True),
        Column("licenceTo", "date", sortable=True),
        Column("default", "flag"),
        Column("active", "flag", filter=True),
    ),
    _mandators,
    text=True,
    sort="name",
    problems=((409, "directory.organization_missing"),),
)
LISTINGS = (PATIENTS, PRACTITIONERS, LOCATIONS, MANDATORS)
