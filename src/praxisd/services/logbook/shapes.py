"""What the doors of the logbook take and give."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.services.logbook.entries import Kind, Level, LogEntry

Moment = Annotated[str, Meta(max_length=40)]
Source = Annotated[str, Meta(min_length=1, max_length=100)]
Sources = Annotated[list[Source], Meta(max_length=100)]
Levels = Annotated[list[Level], Meta(max_length=4)]
Codes = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=50)]
Words = Annotated[str, Meta(max_length=200)]


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share."""


class EntriesIn(_In, frozen=True):
    """Entries of a program with a key, in the order of their numbers."""

    entries: Annotated[list[LogEntry], Meta(min_length=1, max_length=200)]


class TakenOut(_Out, frozen=True):
    """All up to this number is on disk: a spool may forget it."""

    upto: int


class Filter(_In, frozen=True):
    """Which entries: all conditions hold together; left out or empty means any. `to` is excluded."""

    from_: Moment | None = msgspec.field(name="from", default=None)
    to: Moment | None = None
    levels: Levels = []
    sources: Sources = []
    codes: Codes = []
    words: Words = ""


class SearchIn(Filter, frozen=True):
    """A page, newest first; with `after` (the `last` of an answer) what came since, in order of arrival."""

    cursor: Cursor | None = None
    after: Annotated[str, Meta(pattern=r"^[0-9]{1,18}\Z")] | None = None
    limit: Limit = 50


class ExportIn(Filter, frozen=True):
    """What to save, and in which form."""

    format: Literal["ndjson", "csv"] = "ndjson"


class EntryOut(_Out, frozen=True):
    """An entry. `at` by the source's clock, `receivedAt` by ours. `pseudonyms` are ids; `patient` is there only while „Diagnose"
    keeps it, and for those who may see it.
    """

    id: str
    at: str
    received_at: str
    source: str
    source_name: str
    seq: int
    level: Level
    kind: Kind
    code: str
    fields: dict[str, Any]
    pseudonyms: dict[str, Any]
    patient: dict[str, Any] | None
    text: str


class EntriesOut(_Out, frozen=True):
    """`next`: the cursor of older ones. `last`: ask with it as `after` for what comes."""

    entries: list[EntryOut]
    next: str | None
    last: str


class SourceOut(_Out, frozen=True):
    """Who sends: a seat, a key, the server. `upto`: its highest number."""

    source: str
    name: str
    upto: int
    entries: int
    first_at: str
    last_at: str


class SourcesOut(_Out, frozen=True):
    """All sources."""

    sources: list[SourceOut]


class DayOut(_Out, frozen=True):
    """Warnings and errors of a day (UTC)."""

    day: str
    warnings: int
    errors: int


class StatisticsOut(_Out, frozen=True):
    """How full the logbook is. Bytes; `limitBytes` from which on the oldest go; days in UTC."""

    debug: int
    info: int
    warnings: int
    errors: int
    used_bytes: int
    disk_bytes: int
    limit_bytes: int
    days: int
    warning_days: int
    oldest_at: str | None
    newest_at: str | None
    last_days: list[DayOut]
    diagnose_until: str | None


class DiagnoseIn(_In, frozen=True):
    """Keep patient values for so many hours from now; 0 ends it."""

    hours: Annotated[int, Meta(ge=0, le=24)]


class DiagnoseOut(_Out, frozen=True):
    """Until when patient values are kept, or null."""

    until: str | None
