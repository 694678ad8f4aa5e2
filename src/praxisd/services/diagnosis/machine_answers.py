"""What the operations on computers take and give."""

from typing import Annotated

import msgspec

from praxisd.model.machine import MachineFacts
from praxisd.model.requirement import Role
from praxisd.services.diagnosis.machine_words import FactRow

Short = Annotated[str, msgspec.Meta(max_length=64)]


class MachineIn(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A computer tells of itself: what it measured, and which role it has in the practice (null: none said)."""

    facts: MachineFacts
    role: Role | None = None


class MachineEntry(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A computer of the practice. `at` (RFC 3339) is when it was measured; `here`: it is the one praxisd runs on.

    `stale`: it has not told for so long that what is known may no longer be true. `name_faults`: what is wrong with its name.
    """

    host: str
    here: bool
    role: Role | None
    at: str
    stale: bool
    os: str
    name_faults: list[str]


class MachineList(msgspec.Struct, rename="camel", frozen=True):
    """All computers that are known, this one first."""

    machines: list[MachineEntry]


class MachineOut(MachineEntry, frozen=True, kw_only=True, rename="camel"):
    """A computer with all that is known of it: the facts as data, and as rows in words."""

    facts: MachineFacts
    rows: list[FactRow]


class RequirementQuery(msgspec.Struct, rename="camel", frozen=True):
    """Of which software, on which computer (this one if left out), and in which role (its own if left out)."""

    software: Short
    host: Short = ""
    role: Role | None = None


class RequirementLine(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One requirement and its verdict. `text` is the source's; `why` says in words why it could not be determined.

    `state` is fulfilled, not_fulfilled or undetermined, `code` the reason's. `question`: what the source leaves open.
    """

    id: str
    kind: str
    level: str
    text: str
    state: str
    wanted: str
    measured: str
    code: str
    why: str
    question: str | None


class ProductNote(msgspec.Struct, rename="camel", frozen=True):
    """Something to know of a product's source: when or about what, and the text."""

    text: str
    about: str = ""
    date: str = ""


class SourceNote(msgspec.Struct, rename="camel", frozen=True):
    """The document the requirements come from. `stand` is its date, `age_days` how old that is today."""

    title: str
    version: str
    stand: str
    url: str
    age_days: int


class RequirementsOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The requirements of a product of a computer. Without a role (null) no requirement applies and there are no lines."""

    software: str
    product: str
    product_name: str
    origin: str
    source: SourceNote
    host: str
    role: Role | None
    at: str
    lines: list[RequirementLine]
    questions: list[ProductNote]
    changes: list[ProductNote]
