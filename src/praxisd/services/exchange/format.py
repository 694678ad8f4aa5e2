"""The contract of formats: how records come out of a file of another program, and go into one.

A Format only reads and writes. It decides nothing about people, knows no database, and keeps no more than one record (and
what a person's lines share) in memory, however long the file is. Read in the same way twice, a file gives the same
things under the same numbers: a take-over that was cut off is taken up by them.

Adapters live in `formats/`; each passes `praxisd.testing.format_suite`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, Protocol

import msgspec

from praxisd.model.exchange import KIND_OF, Kind, Taken

HEAD = 65_536
"""Bytes from the beginning of a file that `sniff` is shown."""
Progress = Callable[[int], None]
"""Told how many bytes have been read so far; the number never falls."""


class Found(NamedTuple):
    """One record. `no` runs from 1 through the file, `line` is where it begins (1 is the first)."""

    no: int
    line: int
    claim: Taken

    @property
    def kind(self) -> Kind:
        """`patient`, `treatment`, …"""
        return KIND_OF[type(self.claim)]

    @property
    def source_id(self) -> str | None:
        """The number the old program gave to this record."""
        return self.claim.source_id


class Warning_(NamedTuple):
    """Something is odd at a line (0: the whole file); reading goes on.

    `code` is `exchange.<format>_<what>` with `<code>.title` in both texts; `params` are technical (a field's number, a
    length), never what stands in a field.
    """

    line: int
    code: str
    params: Mapping[str, str | int] = MappingProxyType({})


class Left(NamedTuple):
    """Something praxisd has no record for: counted and named in the report, never dropped silently.

    `what` is the format's own key (`6220`, a column's heading, a resource type), `label` what it is called, or "".
    """

    line: int
    what: str
    label: str = ""
    times: int = 1


Read = Found | Warning_ | Left


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How to read; None: the format finds out. `mapping` and what stands above it are for tables (CSV).

    `date_order` says how 01/02/03 is meant: `dmy`, `mdy` or `ymd`. `century`: the year up to which two digits mean the
    present century (None: a birth never lies in the future).
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    date_order: str | None = None
    century: int | None = None
    mapping: dict[str, str] | None = None
    what: Kind = "patient"
    country: str = "DE"
    zone: str = "Europe/Berlin"
    today: date | None = None


class WriteOptions(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How to write; None: as the format likes best. `variant` for families (`gdt`, `bdt`); `base` names this installation
    in FHIR addresses; `sender` and `receiver` are xDT's short names."""

    encoding: str | None = None
    delimiter: str | None = None
    variant: str | None = None
    sender: str | None = None
    receiver: str | None = None
    zone: str = "Europe/Berlin"
    today: date | None = None
    language: str = "de"


class Written(NamedTuple):
    """What was written: records, and (what → how often) what the format cannot say."""

    records: int
    left: dict[str, int]


class Format(Protocol):
    """A way of writing records down."""

    name: str
    """`csv`, `xdt`: a stable code."""
    media_type: str
    extension: str
    """Without a dot: `ndjson`."""
    kinds_in: tuple[Kind, ...]
    kinds_out: tuple[Kind, ...]

    def sniff(self, head: bytes) -> float:
        """How much the beginning of a file (at most `HEAD` bytes) looks like this format: 0 not at all, 1 certainly."""
        ...

    def read(self, stream: BinaryIO, options: ReadOptions, progress: Progress) -> Iterator[Read]:
        """What stands in the file, in its order, in bounded memory. Raises nothing for what is in it: it warns.

        Only a file that is none of this format at all is refused: Problem `exchange.not_this_format` (422).
        """
        ...

    def write(self, records: Iterable[Taken], stream: BinaryIO, options: WriteOptions) -> Written:
        """Write records, persons before what is about them. What cannot be written in the wanted encoding is a Problem
        `exchange.cannot_say` (422) that names the field, never its content. Reading what was written gives the records
        again, as far as `left` does not name them.
        """
        ...


def nothing(_read: int) -> None:
    """Progress that nobody watches."""


def numbered(records: Iterable[tuple[int, Taken] | Warning_ | Left]) -> Iterator[Read]:
    """Give each (line, record) its running number."""
    no = 0
    for one in records:
        if isinstance(one, Warning_ | Left):
            yield one
            continue
        no += 1
        yield Found(no, one[0], one[1])
