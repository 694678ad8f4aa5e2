"""What the doors of take-overs and exports take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.model.exchange import Kind
from praxisd.services.exchange.takeover_terms import State

Text = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=40)]
Mapping = Annotated[dict[Text, Word], Meta(max_length=500)]
Action = Literal["new", "merged", "same", "refused", "doubt"]
ItemState = Literal["looked", "applied", "back", "kept", "changed"]


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    pass


class BringQuery(_In, frozen=True):
    """`format` where it is known; else it is found out."""

    format: Word | None = None


class OptionsIn(_In, frozen=True):
    """How to read; see `ReadOptions`. What is left out is found out."""

    encoding: Word | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
    header: bool | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    century: Annotated[int, Meta(ge=0, le=99)] | None = None
    mapping: Mapping | None = None
    what: Kind = "patient"


class LookIn(_In, frozen=True):
    """How to look. `leads`: fields in which the file overwrites; `origin`: a short word for the program the file is from;
    `remember`: keep the mapping under this name."""

    format: Word | None = None
    options: OptionsIn = OptionsIn()
    leads: Annotated[list[Word], Meta(max_length=20)] = []
    origin: Word = ""
    remember: Text = ""


class UndoIn(_In, frozen=True):
    """What becomes of records that somebody has changed since: they stay, or go as far as nothing of others is lost."""

    changed: Literal["keep", "take"] | None = None


class PreviewIn(OptionsIn, frozen=True):
    """How to read the beginning of a table."""


class ColumnOut(_Out, frozen=True):
    """A column: what it may be, how sure that is, and how its dates are written. `dates.order` null with `ambiguous`: a
    person has to say."""

    name: str
    field: str | None
    confidence: float
    date_order: str | None = None
    date_ambiguous: bool = False
    date_mixed: bool = False
    date_example: str = ""


class PreviewOut(_Out, frozen=True):
    """The beginning of a table as it would be read. `mappingId`: these columns were read before, and as shown."""

    encoding: str
    encoding_sure: bool
    encodings: list[str]
    delimiter: str
    header: bool
    columns: list[ColumnOut]
    rows: list[list[str]]
    fields: list[str]
    needed: list[list[str]]
    mapping_id: str | None
    mapping_name: str | None
    date_order: str | None
    date_ambiguous: bool


class ProgressOut(_Out, frozen=True):
    """How far the work is."""

    done: int
    total: int


class ReasonOut(_Out, frozen=True):
    """Something that was counted: its code in words."""

    code: str
    text: str
    count: int


class LeftOut(_Out, frozen=True):
    """What praxisd has no record for."""

    what: str
    label: str
    count: int


class CountsOut(_Out, frozen=True):
    """What becomes of the records, by kind of record; reasons, damaged numbers, warnings and what is left out, by words."""

    new: int
    merged: int
    same: int
    refused: int
    doubt: int
    kinds: dict[str, dict[str, int]]
    reasons: list[ReasonOut]
    flaws: list[ReasonOut]
    warnings: list[ReasonOut]
    left_out: list[LeftOut]


class TakeoverOut(_Out, frozen=True):
    """A take-over. `waiting`: records that somebody has changed since, met by an undo; `kept`: of these, what stays. `code` and
    `problem` say why it failed."""

    id: str
    name: str
    format: str
    bytes: int
    sha256: str
    state: State
    progress: ProgressOut
    counts: CountsOut
    options: OptionsIn
    leads: list[str]
    origin: str
    waiting: int
    kept: int
    code: str
    problem: str
    source_gone: bool
    created_at: str
    created_by: str
    changed_at: str


class TakeoversOut(_Out, frozen=True):
    """A page of take-overs, the newest first."""

    takeovers: list[TakeoverOut]
    next: str | None


class ItemsIn(_In, frozen=True):
    """Which records to show; `flawed`: only those with a damaged number."""

    action: Action | None = None
    state: ItemState | None = None
    flawed: bool = False
    cursor: Cursor | None = None
    limit: Limit = 50


class ItemOut(_Out, frozen=True):
    """What becomes of a record. `fields` are filled; `differs` are different and stay; `name` is that of a known patient."""

    no: int
    kind: Kind
    line: int
    source_id: str | None
    action: Action
    state: ItemState
    code: str
    text: str
    flaw: str
    flaw_text: str
    fields: list[str]
    differs: list[str]
    patient: str | None
    name: str | None


class ItemsOut(_Out, frozen=True):
    """A page of records in the order of the file."""

    items: list[ItemOut]
    next: str | None


class WarningsIn(_In, frozen=True):
    """Which warnings to show."""

    cursor: Cursor | None = None
    limit: Limit = 50


class WarningOut(_Out, frozen=True):
    """A warning about a line (0: the whole file)."""

    line: int
    code: str
    text: str


class WarningsOut(_Out, frozen=True):
    """A page of warnings in the order of the file; the first 1,000 are kept, all are counted."""

    warnings: list[WarningOut]
    next: str | None


class FormatOut(_Out, frozen=True):
    """A format: what it can bring and give out."""

    name: str
    label: str
    extension: str
    brings: list[Kind]
    gives: list[Kind]


class FormatsOut(_Out, frozen=True):
    """All formats."""

    formats: list[FormatOut]


class MappingOut(_Out, frozen=True):
    """A remembered way to read a table."""

    id: str
    name: str
    options: OptionsIn
    used_at: str


class MappingsOut(_Out, frozen=True):
    """All of them, the last used first."""

    mappings: list[MappingOut]


class ExportIn(_In, frozen=True):
    """What to give out, and how. A table (CSV) holds one kind; `medication` of FHIR and xDT comes with its people."""

    what: Literal["patients", "appointments", "medication"]
    format: Word
    encoding: Word | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
