"""What a patient takes, and what speaks against taking something: records of the medication of one patient.

A statement is FHIR R4's MedicationStatement in praxisd's own fields. What it is *called* is always kept as it was entered;
which product it is stands beside it and only where that was certain (never guessed from a name).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

StatementStatus = Literal[
    "active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"
]
"""FHIR R4 valueset-medication-statement-status, required."""
StatementSource = Literal["practice", "patient", "import", "laptop"]
RiskKind = Literal["condition", "allergy", "state"]
"""An illness, an allergy, or a state that passes (pregnancy, breast-feeding)."""
TAKEN: frozenset[str] = frozenset({"active", "intended", "on-hold", "unknown"})
"""States in which something may be in the body, or soon: what is checked. Nobody knows is not nobody takes."""
PartialDay = Annotated[str, msgspec.Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", examples=["2026-03"])]
"""YYYY, YYYY-MM or YYYY-MM-DD: people remember no more."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A substance of a product as it was when the statement was entered. `strength` as in the data set, with its unit."""

    id: str
    name: str
    strength: str | None = None


class FromSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which data set said what the product is."""

    element: str
    version: str


class Statement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a patient's list (FHIR MedicationStatement).

    `text` is the name as people read it. `product` is the data set's id where the product is known for certain; without it
    the line is free text. `substances` and `atc` are what the data set `from_set` said when the line was entered: they stay
    readable when a newer edition has no such product. `recorded_at` in epoch seconds; `recorded_by` is the label of an
    actor, never a name. `extra` is what a FHIR resource said beyond these fields.
    """

    id: str = ""
    version: int = 1
    patient: str
    text: str
    product: str | None = None
    pzn: str | None = None
    from_set: FromSet | None = None
    substances: tuple[Taken, ...] = ()
    atc: str | None = None
    status: StatementStatus = "active"
    dosage: str | None = None
    since: PartialDay | None = None
    until: PartialDay | None = None
    as_needed: bool = False
    source: StatementSource = "practice"
    note: str | None = None
    recorded_at: int = 0
    recorded_by: str = ""
    extra: str | UnsetType = UNSET


class Risk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A condition, an allergy or a state of a patient that may speak against a drug.

    `condition` is the data set's id; without it the risk is free text, which no rule can look at. `active` False: it is over.
    """

    id: str = ""
    version: int = 1
    patient: str
    kind: RiskKind = "condition"
    text: str
    condition: str | None = None
    since: PartialDay | None = None
    note: str | None = None
    active: bool = True
    source: StatementSource = "practice"
    recorded_at: int = 0
    recorded_by: str = ""
