"""CSV: tables of any program. Which column is what comes from a mapping; a person confirms it in the wizard.

Damage by spreadsheets is named, not mended: numbers in scientific notation, postal codes without their zero. Cells that
cannot be read are left out of their record with a warning; the record stays.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, BinaryIO

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import KINDS, Kind, Taken
from praxisd.services.exchange.format import (
    HEAD,
    Found,
    Left,
    Progress,
    Read,
    ReadOptions,
    Warning_,
    WriteOptions,
    Written,
)
from praxisd.services.exchange.formats import csv_cells, csv_guess, csv_words

CELL_MOST = 131_072
"""Characters of one cell; a longer one is a quotation mark that nobody closed."""
BYTES, LONG, WIDTH = "exchange.csv_bytes", "exchange.csv_quote_open", "exchange.csv_width"
ENCODING_GUESSED = "exchange.csv_encoding_guessed"
CODES = (BYTES, LONG, WIDTH, ENCODING_GUESSED, *csv_cells.CODES)


class _Counted(io.RawIOBase):
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream, self._progress, self._done = stream, progress, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self._done += len(piece)
        self._progress(self._done)
        return len(piece)


class Csv:
    """The format."""

    name = "csv"
    media_type = "text/csv; charset=utf-8"
    extension = "csv"
    kinds_in: tuple[Kind, ...] = KINDS
    kinds_out: tuple[Kind, ...] = KINDS

    def sniff(self, head: bytes) -> float:
        """Columns of equal number, and headings that are known."""
        if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return 0.0
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
            return 0.0
        text = csv_guess.text_of(head, csv_guess.encoding(head)[0])
        mark, sure = csv_guess.delimiter(text)
        rows = csv_guess.table(text, mark, 3)
        if not rows or len(rows[0]) < 2:
            return 0.0
        known = max(len(csv_words.mapping(rows[0], kind)) for kind in KINDS)
        return min(0.95, 0.35 * sure + 0.2 * min(known, 3))

    def read(self, stream: BinaryIO, options: ReadOptions, progress: Progress) -> Iterator[Read]:
        """Rows as records of the kind `options.what`."""
        head = stream.read(HEAD)
        encoding, sure = (options.encoding, 1.0) if options.encoding else csv_guess.encoding(head)
        text = csv_guess.text_of(head, encoding)
        mark = options.delimiter or csv_guess.delimiter(text)[0]
        first = csv_guess.table(text, mark, 1)
        if not first:
            raise Problem("exchange.not_this_format", 422, format=self.name)
        header = csv_guess.has_header(first[0], options.what) if options.header is None else options.header
        names = headings(first[0], header)
        fields = _fields(names, options)
        if sure < 1.0:
            yield Warning_(0, ENCODING_GUESSED, {"encoding": encoding})
        for one, name in enumerate(names):
            if one not in fields and (options.mapping or {}).get(name) != csv_words.IGNORED:
                yield Left(1, name[:100], "", 0)
        unread = [one for one in range(len(names)) if one not in fields]
        yield from self._rows(
            _again(stream, head, progress), encoding, mark, header, len(names), fields, unread, names, options
        )

    def _rows(
        self, raw: io.RawIOBase, encoding: str, mark: str, header: bool, width: int,
        fields: dict[int, str], unread: list[int], names: list[str], options: ReadOptions,
    ) -> Iterator[Read]:  # fmt: skip
        name = "utf-8-sig" if encoding == "utf-8" else encoding
        file = io.TextIOWrapper(io.BufferedReader(raw, 1 << 16), encoding=name, errors="replace", newline="")
        cells = csv_cells.Cells(options, options.today or date.today())
        ignored = {one for one in unread if (options.mapping or {}).get(names[one]) == csv_words.IGNORED}
        number, begun, skipped = 0, 1, not header
        for line, row in _lines(file, mark):
            at, begun = begun, line + 1
            if row is None:
                yield Warning_(at, LONG)
                continue
            if not any(cell.strip() for cell in row):
                continue
            if not skipped:
                skipped = True
                continue
            if len(row) != width:
                yield Warning_(at, WIDTH, {"expected": width, "found": len(row)})
            if any("\ufffd" in cell for cell in row):
                yield Warning_(at, BYTES, {"encoding": encoding})
            for one in unread:
                if one not in ignored and one < len(row) and row[one].strip():
                    yield Left(at, names[one][:100])
            told = {field: csv_cells.plain(row[one]) for one, field in fields.items() if one < len(row)}
            record, warnings = cells.record({key: value for key, value in told.items() if value})
            for code, field in warnings:
                yield Warning_(at, code, {"field": field})
            if record is not None:
                number += 1
                yield Found(number, at, record)

    def write(self, records: Iterable[Taken], stream: BinaryIO, options: WriteOptions) -> Written:
        """One kind per file: the kind of the first record; a column for each field."""
        encoding = options.encoding or "utf-8"
        # The mark at the beginning tells a spreadsheet that this is UTF-8.
        file = io.TextIOWrapper(stream, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")
        writer = csv.writer(file, delimiter=options.delimiter or ";", lineterminator="\r\n")
        done, left, kind = 0, dict[str, int](), None
        for one in records:
            which = csv_cells.kind(one)
            if kind is None:
                kind = which
                writer.writerow(csv_cells.COLUMNS[kind])
            if which != kind:
                left[which] = left.get(which, 0) + 1
                continue
            row, lost = csv_cells.row(one)
            for name in lost:
                left[name] = left.get(name, 0) + 1
            try:
                for cell in row:
                    cell.encode(encoding)
            except UnicodeEncodeError:
                raise Problem("exchange.cannot_say", 422, field=kind, encoding=encoding) from None
            writer.writerow(row)
            done += 1
        if kind is None:
            writer.writerow(csv_cells.COLUMNS["patient"])
        file.flush()
        file.detach()
        return Written(done, left)


def _again(stream: BinaryIO, head: bytes, progress: Progress) -> io.RawIOBase:
    """The stream from its beginning on."""
    stream.seek(-len(head), io.SEEK_CUR)
    return _Counted(stream, progress)


def _lines(file: Any, mark: str) -> Iterator[tuple[int, list[str] | None]]:
    """(last line of the row, its cells); None for a row that no quotation mark ends."""
    csv.field_size_limit(CELL_MOST)
    reader = csv.reader(file, delimiter=mark)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, None
            continue
        yield reader.line_num, row


def headings(row: list[str], header: bool) -> list[str]:
    """Names of columns, each once: `Telefon`, `Telefon (2)`; without headings `1`, `2`."""
    names: list[str] = []
    for number, cell in enumerate(row, 1):
        name = cell.strip() if header and cell.strip() else str(number)
        count = sum(one == name or one.startswith(f"{name} (") for one in names)
        names.append(f"{name} ({count + 1})" if count else name)
    return names


def _fields(names: list[str], options: ReadOptions) -> dict[int, str]:
    """Column → field, by the mapping that was given, else by the headings. Problem `exchange.mapping_missing` (422)."""
    if options.mapping is not None:
        chosen = {name: field for name, field in options.mapping.items() if field != csv_words.IGNORED}
    else:
        chosen = {name: one.field for name, one in csv_words.mapping(names, options.what).items()}
    known = csv_words.FIELDS[options.what]
    fields = {n: chosen[name] for n, name in enumerate(names) if chosen.get(name) in known}
    told = set(fields.values())
    for group in csv_words.NEEDED[options.what]:
        if not told & set(group):
            raise Problem("exchange.mapping_missing", 422, field=group[0])
    return fields


FORMAT = Csv()
