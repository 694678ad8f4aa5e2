"""REST shapes of the directory: what the door `/api/v1` takes and gives."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.clock import format_rfc3339
from praxisd.model.people import (
    Address,
    AddressIn,
    CodeIn,
    Contact,
    ContactIn,
    Gender,
    Identifier,
    IdentifierIn,
    Mandator,
    Patient,
    Practitioner,
    plain,
)
from praxisd.model.places import Location, LocationKind

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Text = Annotated[str, Meta(max_length=1000)]
Note = Annotated[str, Meta(max_length=20_000)]
Day = Annotated[str, Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", examples=["1980-05-17"])]
Contacts = Annotated[tuple[ContactIn, ...], Meta(max_length=20)]
Addresses = Annotated[tuple[AddressIn, ...], Meta(max_length=20)]
Identifiers = Annotated[tuple[IdentifierIn, ...], Meta(max_length=50)]
Codes = Annotated[tuple[CodeIn, ...], Meta(max_length=50)]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class ListQuery(In, frozen=True, kw_only=True):
    """A page of a list; `cursor` is the `next` of the page before."""

    cursor: Cursor | None = None
    limit: Limit = 50


class PractitionerIn(In, frozen=True, kw_only=True):
    """A new practitioner."""

    family: Name
    given: Text = ""
    prefix: Text | None = None
    telecom: Contacts = ()
    identifiers: Identifiers = ()
    active: bool = True
    released: bool = False
    specialties: Codes = ()


class PractitionerChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay."""

    family: Name | UnsetType = UNSET
    given: Text | UnsetType = UNSET
    prefix: Text | None | UnsetType = UNSET
    telecom: Contacts | UnsetType = UNSET
    identifiers: Identifiers | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    released: bool | UnsetType = UNSET
    specialties: Codes | UnsetType = UNSET


class Practitioners(Out, frozen=True, kw_only=True):
    """A page of practitioners."""

    practitioners: list[Practitioner]
    next: str | None = None


class LocationIn(In, frozen=True, kw_only=True):
    """A new place; `partOf` is the id of the place it lies in."""

    name: Name
    kind: LocationKind
    part_of: Id | None = None
    telecom: Contacts = ()
    active: bool = True
    released: bool = False


class LocationChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay."""

    name: Name | UnsetType = UNSET
    kind: LocationKind | None | UnsetType = UNSET
    part_of: Id | None | UnsetType = UNSET
    telecom: Contacts | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    released: bool | UnsetType = UNSET


class Locations(Out, frozen=True, kw_only=True):
    """A page of places."""

    locations: list[Location]
    next: str | None = None


class MandatorIn(In, frozen=True, kw_only=True):
    """A new mandator; making it the default takes that from the one before."""

    name: Name
    licence_number: Text | None = None
    licence_from: date | None = None
    licence_to: date | None = None
    default: bool = False
    active: bool = True


class MandatorChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay."""

    name: Name | UnsetType = UNSET
    licence_number: Text | None | UnsetType = UNSET
    licence_from: date | None | UnsetType = UNSET
    licence_to: date | None | UnsetType = UNSET
    default: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Mandators(Out, frozen=True, kw_only=True):
    """A page of mandators."""

    mandators: list[Mandator]
    next: str | None = None


class OrganizationChange(In, frozen=True, kw_only=True):
    """Fields of the practice to change; those left out stay."""

    name: Name | UnsetType = UNSET
    zone: Text | UnsetType = UNSET
    region: Text | UnsetType = UNSET
    language: Text | UnsetType = UNSET
    telecom: Contacts | UnsetType = UNSET
    address: Addresses | UnsetType = UNSET
    identifiers: Identifiers | UnsetType = UNSET


class PatientView(Out, frozen=True, kw_only=True):
    """A patient as this caller may see it. `phone`, `mobile` and `email` are the ones to use, out of `telecom`."""

    id: str
    version: int
    family: str
    given: str
    prefix: str | None
    birth_date: str | None
    gender: Gender | None
    deceased: date | None
    phone: str | None
    mobile: str | None
    email: str | None
    telecom: tuple[Contact, ...]
    address: tuple[Address, ...]
    language: str | None
    identifiers: tuple[Identifier, ...]
    note: str | None
    active: bool
    deceased_undated: bool | UnsetType = UNSET
    unconfirmed: bool | UnsetType = UNSET
    merged_into: str | UnsetType = UNSET
    portal: str | UnsetType = UNSET


class PatientSearch(In, frozen=True, kw_only=True):
    """Whom to find. Names and text by the beginnings of words, in any spelling; `birthDate` may be partial."""

    family: Text | None = None
    given: Text | None = None
    text: Text | None = None
    birth_date: Day | None = None
    phone: Text | None = None
    email: Text | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class PatientChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay, null clears. `phone` and `email` change the one that is shown."""

    family: Name | UnsetType = UNSET
    given: Text | UnsetType = UNSET
    prefix: Text | None | UnsetType = UNSET
    birth_date: Day | None | UnsetType = UNSET
    gender: Gender | None | UnsetType = UNSET
    deceased: date | None | UnsetType = UNSET
    deceased_undated: bool | UnsetType = UNSET
    phone: Text | None | UnsetType = UNSET
    email: Text | None | UnsetType = UNSET
    telecom: Contacts | UnsetType = UNSET
    address: Addresses | UnsetType = UNSET
    language: Text | None | UnsetType = UNSET
    identifiers: Identifiers | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Patients(Out, frozen=True, kw_only=True):
    """A page of patients."""

    patients: list[PatientView]
    next: str | None = None


class MatchView(Out, frozen=True, kw_only=True):
    """Two records side by side that may be one person; `reason` says why."""

    id: str
    reason: str
    created_at: str
    patient: PatientView
    candidate: PatientView


class Matches(Out, frozen=True, kw_only=True):
    """A page of open decisions."""

    matches: list[MatchView]
    next: str | None = None


class Decision(In, frozen=True, kw_only=True):
    """`same`: the new record goes on in the known one. `different`: two people."""

    outcome: Literal["same", "different"]


class MergeIn(In, frozen=True, kw_only=True):
    """The id of the record that goes on in this one."""

    drop: Id


class Merged(Out, frozen=True, kw_only=True):
    """A merge; `id` undoes it."""

    id: str
    patient: PatientView


def view(patient: Patient, *, outside: bool = False) -> PatientView:
    """The patient as the door shows it; `outside` (portals) leaves out what only the practice knows."""
    shown = PatientView(
        id=patient.id,
        version=patient.version,
        family=patient.family,
        given=patient.given,
        prefix=patient.prefix,
        birth_date=patient.birth_date,
        gender=patient.gender,
        deceased=patient.deceased,
        phone=patient.phone,
        mobile=patient.mobile,
        email=patient.email,
        telecom=patient.telecom,
        address=patient.address,
        language=patient.language,
        identifiers=patient.identifiers,
        note=patient.note,
        active=patient.active,
    )
    if outside:
        return shown
    return msgspec.structs.replace(
        shown,
        deceased_undated=patient.deceased_undated,
        unconfirmed=patient.unconfirmed,
        merged_into=patient.merged_into or UNSET,
        portal=patient.portal or UNSET,
    )


def given_fields(body: msgspec.Struct) -> dict[str, Any]:
    """The fields a body gives, by field name, as they are stored."""
    return {
        name: plain(value) for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET
    }


def moment(epoch: int) -> str:
    """RFC 3339, UTC."""
    return format_rfc3339(epoch)
