"""What the doors of loans, conflicts and the laptop take and give."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.services.exchange.laptop_returning import Report

Id = Annotated[str, Meta(min_length=1, max_length=64)]
LoanState = Literal["out", "over", "back", "revoked"]
"""`over`: its time has passed and it has not come back for the last time."""


class _In(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What comes in: a misspelt field is refused."""


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is answered."""


class LoanIn(_In, frozen=True):
    """Patients to take along, until the end of which day, and how the file is sealed: either a passphrase, or the recipient
    (`age1…`) whose key opens it."""

    patients: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=2_000)]
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    until: date
    passphrase: Annotated[str, Meta(max_length=1_024)] | None = None
    recipient: Annotated[str, Meta(max_length=200)] | None = None


class LoansQuery(_In, frozen=True):
    """`patient`: only loans with this one."""

    patient: Id | None = None


class Passphrase(_Out, frozen=True):
    """A passphrase that nobody guesses; it is not kept here."""

    passphrase: str


class LoanOut(_Out, frozen=True):
    """A loan. `number`: how many times it came back; `conflicts`: how many decisions about it wait."""

    id: str
    label: str
    state: LoanState
    person: str
    out_at: str
    until: str
    sealed: Literal["passphrase", "key"]
    patients: int
    number: int
    back_at: str | None
    ended_at: str | None
    conflicts: int


class Loans(_Out, frozen=True):
    """The newest first."""

    loans: list[LoanOut]


class ConflictOut(_Out, frozen=True):
    """What a person decides: a field (`path`) of a record on both sides. A side that is absent: nothing stands there.

    `field` is the first part of the path; `why` is the code of the reason, `reason` its words.
    """

    id: str
    loan: str
    label: str
    kind: str
    record: str
    patient: str
    patient_name: str | None
    path: str
    field: str
    why: str
    reason: str
    found_at: str
    base: Any | UnsetType = UNSET
    ours: Any | UnsetType = UNSET
    theirs: Any | UnsetType = UNSET


class Conflicts(_Out, frozen=True):
    """The oldest first."""

    conflicts: list[ConflictOut]


class ChoiceIn(_In, frozen=True):
    """`ours` stays, `theirs` is taken, or the `own` value that comes along."""

    choice: Literal["ours", "theirs", "own"]
    value: Any | UnsetType = UNSET


class LaptopOut(_Out, frozen=True):
    """Whether this is a laptop, of which practice, until when. `over`: it can only be read; `packed`: how often it was
    packed for the practice."""

    laptop: bool
    practice: str | None = None
    label: str | None = None
    since: str | None = None
    until: str | None = None
    over: bool = False
    packed: int = 0
    packed_at: str | None = None


class PackIn(_In, frozen=True):
    """`last`: from now on the laptop can only be read. Without a passphrase the practice's own key opens the file."""

    last: bool = False
    passphrase: Annotated[str, Meta(max_length=1_024)] | None = None


__all__ = [
    "ChoiceIn",
    "ConflictOut",
    "Conflicts",
    "LaptopOut",
    "LoanIn",
    "LoanOut",
    "LoanState",
    "Loans",
    "LoansQuery",
    "PackIn",
    "Passphrase",
    "Report",
]
