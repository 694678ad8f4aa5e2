"""REST shapes of treatments: what the door `/api/v1/treatments` takes and gives."""

from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from praxisd.model.people import Treatment, treatment_status
from praxisd.services.directory.shapes import Id, In, Limit, Note, Out

Mark = Annotated[str, Meta(max_length=64, pattern=r"^\d{4}-\d\d-\d\d~[A-Za-z0-9\-.]+$")]


class TreatmentQuery(In, frozen=True, kw_only=True):
    """Whose treatments; nobody named: all. `cursor` is the `next` of the page before."""

    patient: Id | None = None
    cursor: Mark | None = None
    limit: Limit = 50


class TreatmentSearch(TreatmentQuery, frozen=True, kw_only=True):
    """As TreatmentQuery, by POST: an address would stand in logs."""


class TreatmentIn(In, frozen=True, kw_only=True):
    """A new treatment. Without `mandator` the default one is meant, without `opened` today."""

    patient: Id
    mandator: Id | None = None
    opened: date | None = None
    closed: date | None = None
    note: Note | None = None


class TreatmentChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay, null opens a closed treatment again and clears a note."""

    patient: Id | UnsetType = UNSET
    mandator: Id | UnsetType = UNSET
    opened: date | UnsetType = UNSET
    closed: date | None | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET


class TreatmentView(Out, frozen=True, kw_only=True):
    """A treatment. `patient` and `note` are null for who may not see patients; `status` is how it stands today."""

    id: str
    version: int
    patient: str | None
    mandator: str
    mandator_name: str
    opened: date
    closed: date | None
    note: str | None
    status: Literal["planned", "active", "finished"]


class Treatments(Out, frozen=True, kw_only=True):
    """A page of treatments, the one opened last first."""

    treatments: list[TreatmentView]
    next: str | None = None


def view(one: Treatment, mandators: dict[str, str], today: date, *, masked: bool) -> TreatmentView:
    """The treatment as the door shows it; `mandators` are names by id."""
    return TreatmentView(
        id=one.id,
        version=one.version,
        patient=None if masked else one.patient,
        mandator=one.mandator,
        mandator_name=mandators.get(one.mandator, ""),
        opened=one.opened,
        closed=one.closed,
        note=None if masked else one.note,
        status=treatment_status(one, today),
    )
