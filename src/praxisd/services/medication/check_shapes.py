"""REST shapes of the check: what is asked, and an answer that says as much of what it does not know as of what it found."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.services.medication.checking_rules import Kind, Severity

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
SetId = Annotated[str, Meta(min_length=1, max_length=200)]
Some = Annotated[tuple[SetId, ...], Meta(max_length=50)]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class CheckIn(In, frozen=True, kw_only=True):
    """What is to be held against each other: a patient's list and risks, and products, substances and conditions of the data
    set beside them (what if this were given?). `version`: of the data set, where two are here.
    """

    patient: Id | None = None
    products: Some = ()
    substances: Some = ()
    conditions: Some = ()
    version: Annotated[str, Meta(max_length=64)] | None = None


class Via(Out, frozen=True, kw_only=True):
    """Through what an entry meets a drug: one of its substances, a class, the beginning of its ATC code."""

    kind: Literal["substance", "class", "atc"]
    id: str
    name: str


class Side(Out, frozen=True, kw_only=True):
    """One of two things that concern each other. `id`: of the statement, product, substance, risk or condition."""

    kind: Literal["statement", "product", "substance", "risk", "condition"]
    id: str
    name: str
    via: Via | None = None


class FindingOut(Out, frozen=True, kw_only=True):
    """One entry of the data set that concerns the list, in its words; duplicates have no entry, and no source.

    `more`: further lines of which the same is said, where a duplicate is in more than two.
    """

    kind: Kind
    severity: Severity
    severity_name: str
    rule: str | None
    a: Side
    b: Side | None
    more: list[Side] = []
    mechanism: str | None
    effect: str
    action: str | None
    evidence: str | None
    source: str | None
    source_url: str | None
    source_date: str | None


class Unknown(Out, frozen=True, kw_only=True):
    """What could not be looked up, wholly or in part. `why` in words, `code` for machines."""

    kind: Literal["statement", "product", "substance", "risk", "condition"]
    id: str
    text: str
    code: str
    why: str


class Covered(Out, frozen=True, kw_only=True):
    """What was looked at: drugs that have a substance or a code, different substances, pairs of drugs, conditions.

    `left_out`: lines of the list that are over, were never taken or were entered by mistake.
    """

    drugs: int
    substances: int
    pairs: int
    conditions: int
    left_out: int


class SetOut(Out, frozen=True, kw_only=True):
    """The edition of the data set that was asked. `state` as in `GET /medication/sets`."""

    version: str
    released: str
    sample: bool
    state: str
    source: str


class CheckOut(Out, frozen=True, kw_only=True):
    """The answer. `complete` is always false: no answer means that there is no interaction. `summary` says so in words."""

    findings: list[FindingOut]
    unknown: list[Unknown]
    covered: Covered
    not_covered: list[str]
    not_covered_texts: list[str]
    summary: str
    warning: str | None
    set: SetOut
    complete: Literal[False] = False


class Condition(Out, frozen=True, kw_only=True):
    """A condition, an allergy or a state that the data set has entries about."""

    id: str
    name: str
    kind: Literal["condition", "allergy", "state"]
    icd10: str | None


class Conditions(Out, frozen=True, kw_only=True):
    """All there are, by name."""

    conditions: list[Condition]
