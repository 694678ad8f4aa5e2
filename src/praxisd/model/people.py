"""People: patients, practitioners, mandators and treatments, and what they share (contacts, addresses, identifiers).

JSON names are camelCase as in FHIR R4. Dates are local dates; a date of birth may be partial ("1980", "1980-05"), so it
stays text. `extra` holds FHIR elements that the fields cannot say, as JSON text: a decoded number would lose its zeros
(1.50), and a record that came from outside goes back whole.
"""

from datetime import date
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from praxisd.model.scheduling import Code

Gender = Literal["male", "female", "other", "unknown"]
"""FHIR R4 value set administrative-gender."""

MASK = "•••"
"""What stands in place of a name for someone who may not see it."""


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One way to reach someone (FHIR ContactPoint). `value` is kept as it was told."""

    system: Literal["phone", "fax", "email", "pager", "url", "sms", "other"]
    value: str
    use: Literal["home", "work", "temp", "old", "mobile"] | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A postal address (FHIR Address). `country` is an ISO 3166 code where known."""

    use: Literal["home", "work", "temp", "old", "billing"] | None = None
    line: tuple[str, ...] = ()
    city: str | None = None
    district: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Identifier(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A number someone gave to a person or place (FHIR Identifier): insurance number, LANR, number in another system."""

    value: str
    system: str | None = None
    type: Code | None = None
    use: Literal["usual", "official", "temp", "secondary", "old"] | None = None


class CodeIn(Code, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A Code as it comes in. Unknown fields are refused at the door, yet not in what is stored: a newer program may
    have written there, and the older one must go on reading while both run."""


class ContactIn(Contact, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A Contact as it comes in."""


class AddressIn(Address, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An Address as it comes in."""


class IdentifierIn(Identifier, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An Identifier as it comes in."""

    type: CodeIn | None = None


def plain(value: Any) -> Any:
    """A value that came in, with the structs above as those that are stored."""
    if isinstance(value, tuple):
        return tuple(plain(one) for one in value)
    if isinstance(value, CodeIn | ContactIn | AddressIn | IdentifierIn):
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return type(value).__bases__[0](**fields)
    return value


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A name and how to reach it. `given` and `prefix` hold all given names and titles, divided by spaces."""

    id: str = ""
    version: int = 1
    family: str
    given: str = ""
    prefix: str | None = None
    telecom: tuple[Contact, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    active: bool = True

    @property
    def phone(self) -> str | None:
        """The number to call or write to: a mobile one first."""
        numbers = [c for c in self.telecom if c.system in ("phone", "sms") and c.use != "old"]
        return next((c.value for c in sorted(numbers, key=lambda c: c.use != "mobile")), None)

    @property
    def mobile(self) -> str | None:
        """The number that was told to be a mobile one."""
        return next(
            (c.value for c in self.telecom if c.system in ("phone", "sms") and c.use == "mobile"), None
        )

    @property
    def email(self) -> str | None:
        """The first e-mail address."""
        return next((c.value for c in self.telecom if c.system == "email" and c.use != "old"), None)

    @property
    def display(self) -> str:
        """`Dr. Anna Müller`."""
        return full_name(self.prefix, self.given, self.family)


def full_name(prefix: str | None, given: str, family: str) -> str:
    """`Dr. Anna Müller`: how a name is shown."""
    return " ".join(part for part in (prefix, given, family) if part)


class Practitioner(Person, frozen=True, kw_only=True):
    """Someone who treats („Behandler“). Only a released one is visible to booking portals."""

    released: bool = False
    specialties: tuple[Code, ...] = ()
    extra: str | UnsetType = UNSET


class Patient(Person, frozen=True, kw_only=True):
    """A patient of the practice, or (for a portal, under an alias) what that portal told about one.

    `birth_date` is YYYY, YYYY-MM or YYYY-MM-DD. `deceased` is the day of death; `deceased_undated` says that the person
    has died on a day nobody told. `merged_into` is the record that goes on in place of this one. `unconfirmed`: it may
    be a duplicate and a person has to decide. `portal` is the booking portal that first brought it.
    """

    birth_date: str | None = None
    gender: Gender | None = None
    deceased: date | None = None
    deceased_undated: bool = False
    address: tuple[Address, ...] = ()
    language: str | None = None
    note: str | None = None
    merged_into: str | None = None
    unconfirmed: bool = False
    portal: str | None = None
    extra: str | UnsetType = UNSET

    @property
    def dead(self) -> bool:
        """True if the person has died, dated or not."""
        return self.deceased is not None or self.deceased_undated

    @property
    def bookable(self) -> bool:
        """True if appointments may be made for this record."""
        return self.active and not self.dead and self.merged_into is None


class PatientClaim(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What someone tells about a patient when booking or creating one; the directory finds out who it is.

    `phone` and `email` are the short form of `telecom`.
    """

    family: str = ""
    given: str = ""
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None
    prefix: str | None = None
    gender: Gender | None = None
    telecom: tuple[ContactIn, ...] = ()
    address: tuple[AddressIn, ...] = ()
    language: str | None = None
    identifiers: tuple[IdentifierIn, ...] = ()
    note: str | None = None


class Mandator(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An accounting unit („Mandant“) with its licence. What it has to pay for messages is kept by `messaging`.

    The licence is valid from `licence_from` to `licence_to`, both inclusive local dates, None being open. `default`
    marks the one that counts where no treatment names another.
    """

    id: str = ""
    version: int = 1
    name: str
    licence_number: str | None = None
    licence_from: date | None = None
    licence_to: date | None = None
    default: bool = False
    active: bool = True


def licensed(mandator: Mandator, day: date) -> bool:
    """True if the mandator has a licence number and `day` lies in its time."""
    begun = mandator.licence_from is None or mandator.licence_from <= day
    return (
        bool(mandator.licence_number)
        and begun
        and (mandator.licence_to is None or day <= mandator.licence_to)
    )


class Treatment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A patient's treatment („Behandlung“, FHIR EpisodeOfCare) in one accounting unit: who pays for messages to a patient.

    `opened` and `closed` are its first and last day, local dates; `closed` None: it goes on. `entered` grows with each
    treatment that is entered: of two opened on one day the one entered last counts. `extra`: see above.
    """

    id: str = ""
    version: int = 1
    patient: str
    mandator: str
    opened: date
    closed: date | None = None
    note: str | None = None
    entered: str = ""
    extra: str | UnsetType = UNSET


def treatment_status(treatment: Treatment, day: date) -> Literal["planned", "active", "finished"]:
    """How a treatment stands on `day`, in FHIR's words. One that is closed today is finished."""
    if treatment.opened > day:
        return "planned"
    return "finished" if treatment.closed is not None and treatment.closed <= day else "active"


def mask_patient(patient: Patient) -> Patient:
    """The record without anything personal (SPEC 12.4 „Wartungsmodus“): id, version and states stay."""
    return Patient(
        id=patient.id,
        version=patient.version,
        family=MASK,
        given=MASK,
        active=patient.active,
        merged_into=patient.merged_into,
        unconfirmed=patient.unconfirmed,
        portal=patient.portal,
    )
