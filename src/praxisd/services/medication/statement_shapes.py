"""REST shapes of statements, risks and notices: what the door `/api/v1/medication` takes and gives."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.clock import format_rfc3339
from praxisd.model.statement import (
    FromSet,
    PartialDay,
    Risk,
    RiskKind,
    Statement,
    StatementSource,
    StatementStatus,
    Taken,
)
from praxisd.services.medication.check_shapes import Id, In, Out, SetId

Day = Annotated[PartialDay, Meta(max_length=10)]
Name = Annotated[str, Meta(max_length=1_000)]
Dosage = Annotated[str, Meta(max_length=2_000)]
Note = Annotated[str, Meta(max_length=20_000)]
Pzn = Annotated[str, Meta(min_length=1, max_length=32)]


class ListSearch(In, frozen=True, kw_only=True):
    """Whose list; by POST, for an address would stand in logs. Without `ended`, what is over and what was a mistake stays out."""

    patient: Id
    ended: bool = False


class StatementIn(In, frozen=True, kw_only=True):
    """A new line: a `product` of the data set, a package number (`pzn`), or free `text`. Status `entered-in-error` is for
    DELETE.
    """

    patient: Id
    text: Name = ""
    product: SetId | None = None
    pzn: Pzn | None = None
    status: Literal["active", "completed", "intended", "stopped", "on-hold", "unknown", "not-taken"] = (
        "active"
    )
    dosage: Dosage | None = None
    since: Day | None = None
    until: Day | None = None
    as_needed: bool = False
    source: Literal["practice", "patient"] = "practice"
    note: Note | None = None


class StatementChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay."""

    text: Name | UnsetType = UNSET
    product: SetId | None | UnsetType = UNSET
    pzn: Pzn | None | UnsetType = UNSET
    status: StatementStatus | UnsetType = UNSET
    dosage: Dosage | None | UnsetType = UNSET
    since: Day | None | UnsetType = UNSET
    until: Day | None | UnsetType = UNSET
    as_needed: bool | UnsetType = UNSET
    source: Literal["practice", "patient"] | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET


class StatementView(Out, frozen=True, kw_only=True):
    """A line of the list. `known`: its product is known, so that it can be checked; false: free text."""

    id: str
    version: int
    patient: str
    text: str
    product: str | None
    known: bool
    pzn: str | None
    from_set: FromSet | None
    substances: tuple[Taken, ...]
    atc: str | None
    status: StatementStatus
    dosage: str | None
    since: str | None
    until: str | None
    as_needed: bool
    source: StatementSource
    note: str | None
    recorded_at: str
    recorded_by: str


class Statements(Out, frozen=True, kw_only=True):
    """A patient's list in the order in which it was entered. `patient`: the record that goes on after merges; `ended`: how
    many lines were left out.
    """

    patient: str
    statements: list[StatementView]
    ended: int


class RiskIn(In, frozen=True, kw_only=True):
    """A new risk: a `condition` of the data set, or free `text` (then `kind` says what it is)."""

    patient: Id
    text: Name = ""
    condition: SetId | None = None
    kind: RiskKind = "condition"
    since: Day | None = None
    note: Note | None = None


class RiskChange(In, frozen=True, kw_only=True):
    """Fields to change; those left out stay. `active` false: it is over."""

    text: Name | UnsetType = UNSET
    condition: SetId | None | UnsetType = UNSET
    kind: RiskKind | UnsetType = UNSET
    since: Day | None | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class RiskView(Out, frozen=True, kw_only=True):
    """A risk. `known`: it is a condition of the data set, so that drugs can be held against it; false: free text."""

    id: str
    version: int
    patient: str
    text: str
    condition: str | None
    known: bool
    kind: RiskKind
    since: str | None
    note: str | None
    active: bool
    source: StatementSource
    recorded_at: str
    recorded_by: str


class Risks(Out, frozen=True, kw_only=True):
    """A patient's risks in the order in which they were entered; see Statements."""

    patient: str
    risks: list[RiskView]
    ended: int


def statement_view(one: Statement) -> StatementView:
    """The statement as the door shows it."""
    return StatementView(
        id=one.id,
        version=one.version,
        patient=one.patient,
        text=one.text,
        product=one.product,
        known=one.product is not None,
        pzn=one.pzn,
        from_set=one.from_set,
        substances=one.substances,
        atc=one.atc,
        status=one.status,
        dosage=one.dosage,
        since=one.since,
        until=one.until,
        as_needed=one.as_needed,
        source=one.source,
        note=one.note,
        recorded_at=format_rfc3339(one.recorded_at),
        recorded_by=one.recorded_by,
    )


def risk_view(one: Risk) -> RiskView:
    """The risk as the door shows it."""
    return RiskView(
        id=one.id,
        version=one.version,
        patient=one.patient,
        text=one.text,
        condition=one.condition,
        known=one.condition is not None,
        kind=one.kind,
        since=one.since,
        note=one.note,
        active=one.active,
        source=one.source,
        recorded_at=format_rfc3339(one.recorded_at),
        recorded_by=one.recorded_by,
    )


class NoticeQuery(In, frozen=True, kw_only=True):
    """Notices that are valid today; `since` (YYYY-MM-DD): also those that ended since. At most `limit`, the newest first."""

    since: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class NoticeView(Out, frozen=True, kw_only=True):
    """A notice of the data set („zusätzliche Info") in the caller's language."""

    id: str
    valid_from: str
    valid_until: str | None
    level: Literal["info", "warning", "alert"]
    title: str
    body: str
    product: str | None
    substance: str | None
    url: str | None
    source: str
    seen: bool


class Notices(Out, frozen=True, kw_only=True):
    """`unread`: how many valid ones this seat or person has not seen. `version` is null where no notices are here."""

    notices: list[NoticeView]
    unread: int
    version: str | None
    sample: bool


class NoticesSeen(In, frozen=True, kw_only=True):
    """Ids of notices that were read."""

    notices: Annotated[tuple[SetId, ...], Meta(max_length=200)]


class SeenOut(Out, frozen=True, kw_only=True):
    """How many are still unread."""

    unread: int
