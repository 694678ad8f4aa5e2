"""What seats and services write into the logbook: structured, each value with its class, read strictly at every door.

`patient` values belong nowhere: a seat drops them at the source, the door drops them again (`rules.judged`), unless the
practice has switched „Diagnose" on for a while.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.errors import Problem

Level = Literal["debug", "info", "warning", "error"]
Kind = Literal["status", "error"]
Class = Literal["tech", "pseudonym", "patient"]
BAD = "logbook.bad_entry"
UNREADABLE = "logbook.unreadable"
"""The code under which an entry is kept that could not be read: its number is used up, its content is not kept."""
# `$` would let a line end pass.
Code = Annotated[str, Meta(pattern=r"^[a-z0-9_.]{1,64}\Z")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}\Z")]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
Value = Annotated[str, Meta(max_length=200)] | Annotated[int, Meta(ge=-(2**53), le=2**53)] | float | bool


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value and what it is: `tech` of the program, `pseudonym` an id that means nothing outside, `patient` of a person."""

    class_: Class = msgspec.field(name="class")
    value: Value


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One entry. `seq` is the source's own number, never used twice; `at` RFC 3339 by its clock; `text` is tech only."""

    seq: Seq
    at: Annotated[str, Meta(max_length=40)]
    level: Level
    kind: Kind = "status"
    code: Code
    fields: Annotated[dict[Name, Field], Meta(max_length=40)] = {}
    text: Annotated[str, Meta(max_length=2000)] | None = None


class _Numbered(msgspec.Struct, frozen=True):
    seq: Seq


_entry: "msgspec.json.Decoder[LogEntry]" = msgspec.json.Decoder(LogEntry)
_numbered: "msgspec.json.Decoder[_Numbered]" = msgspec.json.Decoder(_Numbered)


def read(given: "Iterable[LogEntry | msgspec.Raw | bytes]", now: str) -> list[LogEntry]:
    """Entries as they came over a line. One that cannot be read keeps its number (else a spool would stand still for ever).

    Problem `logbook.bad_entry` (400) for one without a number. `now` is the time (RFC 3339) an unreadable one gets.
    """
    return [one if isinstance(one, LogEntry) else _read(one, now) for one in given]


def _read(raw: "msgspec.Raw | bytes", now: str) -> LogEntry:
    try:
        return _entry.decode(raw)
    except msgspec.DecodeError:
        pass
    try:
        seq = _numbered.decode(raw).seq
    except msgspec.DecodeError:
        raise Problem(BAD, 400) from None
    return LogEntry(seq=seq, at=now, level="warning", kind="error", code=UNREADABLE)
