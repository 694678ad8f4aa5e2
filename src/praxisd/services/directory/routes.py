"""REST doors of the practice, its mandators, practitioners and places. Patients: `patient_routes`."""

from typing import Any

from praxisd.kernel.errors import not_found
from praxisd.kernel.resource import Records
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.people import Mandator, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.services.directory import records, shapes, store
from praxisd.services.directory.claims import organization
from praxisd.services.directory.patient_routes import PATIENT_ROUTES
from praxisd.services.directory.treatment_routes import TREATMENT_ROUTES

_BAD = ((422, "directory.text_invalid"), (422, "directory.code_invalid"), (422, "directory.name_missing"))
_SAVE = ((404, "http.not_found"), (412, "resource.stale"), (423, "seats.locked"), (423, "seats.lock_lost"))
_PLACE = ((422, "directory.location_unknown"), (422, "directory.location_loop"))


def _page(call: Call, kind: Records[Any], *, shut: Any = None) -> tuple[list[Any], str | None]:
    conditions = [shut] if shut is not None and call.actor.portal is not None else []
    with call.read() as tx:
        found, cursor = kind.page(tx, *conditions, after=call.query.cursor, limit=call.query.limit)
        shown = [records.bare(records.outward(tx, one)) for one in found]
    return shown, cursor


def _one(call: Call, kind: Records[Any]) -> Answer:
    with call.read() as tx:
        found = records.outward(tx, kind.need(tx, call.path["id"]))
    if call.actor.portal is not None and not (found.released and found.active):
        raise not_found(kind.kind)
    return Answer(records.bare(found), version=found.version)


def _create(call: Call, kind: Records[Any], record: Any) -> Answer:
    made = records.create(call.writing, kind, record)
    return Answer(records.bare(made), 201, version=made.version)


def _change(call: Call, kind: Records[Any], id_: str) -> Answer:
    fields = shapes.given_fields(call.body)
    saved = records.change(call.writing, kind, id_, fields, call.if_match, call.fence)
    return Answer(records.bare(saved), version=saved.version)


def list_practitioners(call: Call) -> shapes.Practitioners:
    """Practitioners in id order; a portal sees the released, active ones."""
    found, cursor = _page(call, store.practitioners, shut=store.visible(store.PRACTITIONER))
    return shapes.Practitioners(practitioners=found, next=cursor)


def read_practitioner(call: Call) -> Answer:
    """One practitioner."""
    return _one(call, store.practitioners)


def create_practitioner(call: Call) -> Answer:
    """A new practitioner, not released unless it says so."""
    return _create(call, store.practitioners, Practitioner(**shapes.given_fields(call.body)))


def change_practitioner(call: Call) -> Answer:
    """Change the given fields."""
    return _change(call, store.practitioners, call.path["id"])


def list_locations(call: Call) -> shapes.Locations:
    """Places in id order; a portal sees the released, active ones."""
    found, cursor = _page(call, store.locations, shut=store.visible(store.LOCATION))
    return shapes.Locations(locations=found, next=cursor)


def read_location(call: Call) -> Answer:
    """One place."""
    return _one(call, store.locations)


def create_location(call: Call) -> Answer:
    """A new place, not released unless it says so."""
    return _create(call, store.locations, Location(**shapes.given_fields(call.body)))


def change_location(call: Call) -> Answer:
    """Change the given fields."""
    return _change(call, store.locations, call.path["id"])


def list_mandators(call: Call) -> shapes.Mandators:
    """Mandators in id order."""
    found, cursor = _page(call, store.mandators)
    return shapes.Mandators(mandators=found, next=cursor)


def read_mandator(call: Call) -> Answer:
    """One mandator."""
    with call.read() as tx:
        found = store.mandators.need(tx, call.path["id"])
    return Answer(found, version=found.version)


def create_mandator(call: Call) -> Answer:
    """A new mandator."""
    return _create(call, store.mandators, Mandator(**shapes.given_fields(call.body)))


def change_mandator(call: Call) -> Answer:
    """Change the given fields."""
    return _change(call, store.mandators, call.path["id"])


def read_organization(call: Call) -> Answer:
    """The practice."""
    with call.read() as tx:
        found = organization(tx)
    return Answer(records.bare(found), version=found.version)


def change_organization(call: Call) -> Answer:
    """Change the given fields of the practice."""
    organization(call.writing)
    return _change(call, store.organizations, call.actor.organization)


def _kind(
    noun: str, plural: str, one: type, many: type, new: type, change: type, bad: tuple[tuple[int, str], ...]
) -> tuple[Route, ...]:
    """The four operations of a kind of record; their functions carry the kind's name."""
    here = globals()
    read, write = f"directory.{noun}.read", f"directory.{noun}.write"
    tags = (plural,)
    return (
        Route(
            "GET", f"/{plural}", f"{plural}.list", here[f"list_{plural}"], read,
            answer=many, query=shapes.ListQuery, tags=tags,
        ),
        Route(
            "POST", f"/{plural}", f"{plural}.create", here[f"create_{noun}"], write,
            answer=one, body=new, status=201, problems=(*_BAD, *bad), tags=tags,
        ),
        Route(
            "GET", f"/{plural}/{{id}}", f"{plural}.read", here[f"read_{noun}"], read,
            answer=one, problems=((404, "http.not_found"),), tags=tags,
        ),
        Route(
            "PATCH", f"/{plural}/{{id}}", f"{plural}.change", here[f"change_{noun}"], write,
            answer=one, body=change, problems=(*_SAVE, *_BAD, *bad), tags=tags,
        ),
    )  # fmt: skip


ROUTES = (
    *_kind(
        "practitioner", "practitioners", Practitioner, shapes.Practitioners,
        shapes.PractitionerIn, shapes.PractitionerChange, (),
    ),
    *_kind("location", "locations", Location, shapes.Locations, shapes.LocationIn, shapes.LocationChange, _PLACE),
    *_kind(
        "mandator", "mandators", Mandator, shapes.Mandators,
        shapes.MandatorIn, shapes.MandatorChange, ((422, "directory.licence_reversed"),),
    ),
    Route(
        "GET", "/organization", "organization.read", read_organization, "directory.organization.read",
        answer=Organization, problems=((409, "directory.organization_missing"),), tags=("organization",),
    ),
    Route(
        "PATCH", "/organization", "organization.change", change_organization, "directory.organization.write",
        answer=Organization, body=shapes.OrganizationChange,
        problems=(
            *_SAVE, *_BAD, (400, "clock.unknown_zone"), (422, "directory.region_unknown"),
            (409, "directory.organization_missing"),
        ),
        tags=("organization",),
    ),
    *PATIENT_ROUTES,
    *TREATMENT_ROUTES,
)  # fmt: skip
