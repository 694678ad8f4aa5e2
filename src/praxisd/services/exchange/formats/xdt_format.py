"""xDT as a Format: persons with what they always take and their risks out of BDT and GDT, and into them.

What the treatment itself is (findings, diagnoses, prescriptions, cases) praxisd has no record for: it is counted and named.
A file is read twice: once for its charset, once for what stands in it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import Kind, Taken, TakenMedication, TakenPatient, TakenRisk
from praxisd.services.exchange.format import (
    HEAD,
    Left,
    Progress,
    Read,
    ReadOptions,
    Warning_,
    WriteOptions,
    Written,
    numbered,
)
from praxisd.services.exchange.formats import xdt_charset, xdt_people, xdt_saying, xdt_writing
from praxisd.services.exchange.formats.xdt_charset import Belief
from praxisd.services.exchange.formats.xdt_lines import lines
from praxisd.services.exchange.formats.xdt_records import Record, records
from praxisd.services.exchange.formats.xdt_words import (
    CASES,
    CODES,
    LAB,
    LABELS,
    MASTER,
    RECORDS,
    SILENT,
    Line,
    Notice,
)

CODE = "exchange.xdt_"
NOT_THIS = "exchange.not_this_format"
GDT_VERSION, BDT_VERSION = "02.10", "02/94"


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Reading:
    """One file that is being read: what it is written in, and what is said about single lines on the way."""

    def __init__(self, belief: Belief) -> None:
        self.charset = belief.charset
        self.notices: list[Notice] = []

    def text(self, line: Line) -> str:
        """A content as text; a line in another charset than its file is read in its own."""
        data = line.content
        charset = self.charset
        if not data.isascii():
            other = xdt_charset.better(data, charset)
            if other is not None:
                charset = other
                self.notices.append(Notice(line.no, "charset_mixed", {"field": line.field, "charset": other}))
        text = xdt_charset.decode(data, charset)
        if "\ufffd" in text:
            self.notices.append(Notice(line.no, "characters", {"field": line.field, "charset": charset}))
        if _CONTROL.search(text):
            self.notices.append(Notice(line.no, "control", {"field": line.field}))
            text = _CONTROL.sub(" ", text)
        return text


def believed(belief: Belief) -> Iterator[Notice]:
    """What has to be said about the charset: what is believed, and why, unless it is what was declared."""
    told: dict[str, str | int] = {"charset": belief.charset, "words": belief.words}
    if belief.lied:
        yield Notice(0, "charset_lied", {**told, "declared": belief.declared})
    elif belief.why == "words":
        yield Notice(0, "charset_guessed" if belief.sure else "charset_unsure", told)


class Xdt:
    """Reads BDT and GDT, writes both; knows LDT when it sees it."""

    name = "xdt"
    media_type = "application/octet-stream"
    extension = "bdt"
    kinds_in: tuple[Kind, ...] = ("patient", "medication", "risk")
    kinds_out: tuple[Kind, ...] = ("patient", "medication", "risk")

    def sniff(self, head: bytes) -> float:
        """See Format."""
        good = odd = 0
        begun = False
        for one in lines(_Bytes(head[:HEAD])):
            if isinstance(one, Line):
                if one.declared == one.size:
                    good += 1
                elif one.declared >= 9:
                    odd += 1
                begun = begun or one.field == "8000"
            elif one.code == "unreadable":
                odd += 1
        if not good and not begun:
            return 0.0
        share = good / (good + odd)
        return max(share, 0.6) if begun else share * 0.7

    def read(self, stream: BinaryIO, options: ReadOptions, progress: Progress) -> Iterator[Read]:
        """See Format. Charsets for `encoding`: cp437, cp850, cp1252, iso8859-15, utf-8, 7bit."""
        return numbered(self._read(stream, options, progress))

    def _read(
        self, stream: BinaryIO, options: ReadOptions, progress: Progress
    ) -> Iterator[tuple[int, Taken] | Warning_ | Left]:
        start = stream.tell()
        head = stream.read(HEAD)
        if head.strip(b"\x00\x1a\r\n\t ") and not self.sniff(head):
            raise Problem(NOT_THIS, 422, format=self.name)
        stream.seek(start)
        belief = xdt_charset.find(_Halved(stream, progress, 0), options.encoding)
        size = stream.tell() - start
        stream.seek(start)
        yield from (_warning(notice) for notice in believed(belief))
        reading, left, lab = Reading(belief), _LeftOver(), False
        counted = _Halved(stream, progress, size)
        for one in records(lines(counted), xdt_people.WANTED):
            if isinstance(one, Notice):
                yield _warning(one)
                continue
            if one.kind in LAB and not lab:
                lab = True
                yield Warning_(one.line, f"{CODE}ldt")
            yield from self._record(one, reading, left)
        progress(size)
        yield from left.all()

    def _record(
        self, record: Record, reading: Reading, left: "_LeftOver"
    ) -> Iterator[tuple[int, Taken] | Warning_]:
        kind = record.kind
        if kind in LAB or kind in CASES:
            left.add(record.line, kind, RECORDS[kind])
            return
        # The fields of a person mean the same in each kind of record: one whose kind nobody can read is not lost.
        master = kind in MASTER or kind not in RECORDS
        for field, times in record.left.items():
            if field not in SILENT and not field.startswith("81"):
                left.add(record.line, field, LABELS.get(field, ""), times)
        for said in xdt_people.people(record, reading.text):
            for notice in reading.notices:
                yield _warning(notice)
            reading.notices.clear()
            if isinstance(said, Notice):
                if master or said.code == "no_number":
                    yield _warning(said)
                if said.code == "no_number":
                    field = str(said.params["field"])
                    left.add(said.line, field, LABELS.get(field, ""))
            elif master or not isinstance(said.claim, TakenPatient):
                yield said.line, said.claim

    def write(self, records: Iterable[Taken], stream: BinaryIO, options: WriteOptions) -> Written:
        """See Format. `variant`: `bdt` (one data package) or `gdt` (a 6301 for each person, no medication)."""
        charset = xdt_charset.known(options.encoding or "cp1252")
        if charset not in CODES:
            raise Problem(xdt_writing.CANNOT, 422, field="9106", encoding=options.encoding)
        return _Writer(stream, options, charset).all(records)


class _Writer:
    def __init__(self, stream: BinaryIO, options: WriteOptions, charset: str) -> None:
        self._stream = stream
        self._options = options
        self._charset = charset
        self._style: xdt_saying.Style = "gdt" if options.variant == "gdt" else "bdt"
        self._left: dict[str, int] = {}
        self._package = 0
        self._count = 0

    def all(self, records: Iterable[Taken]) -> Written:
        """Frame, persons, frame."""
        bdt = self._style == "bdt"
        if bdt:
            self._frame()
        fields: list[tuple[str, str]] = []
        number: str | None = None
        for one in records:
            if isinstance(one, TakenPatient):
                self._put(fields)
                fields, number = xdt_saying.patient(one, self._style, self._left), one.source_id
                self._count += 1
            elif bdt and isinstance(one, TakenMedication | TakenRisk):
                if one.patient != number:
                    self._put(fields)
                    fields, number = [("3000", one.patient)], one.patient
                fields.append(("3652" if isinstance(one, TakenMedication) else "3656", one.text))
                self._lost(one)
                self._count += 1
            else:
                kind = type(one).__name__.removeprefix("Taken").lower()
                self._left[kind] = self._left.get(kind, 0) + 1
        self._put(fields)
        if bdt:
            self._close()
        return Written(self._count, self._left)

    def _lost(self, one: TakenMedication | TakenRisk) -> None:
        kind = "medication" if isinstance(one, TakenMedication) else "risk"
        for name in one.__struct_fields__:
            if name in ("patient", "text"):
                continue
            value = getattr(one, name)
            if value is not None and not (name == "status" and value == "unknown"):
                self._left[f"{kind}.{name}"] = self._left.get(f"{kind}.{name}", 0) + 1

    def _write(self, kind: str, fields: xdt_writing.Fields) -> None:
        data = xdt_writing.record(kind, fields, self._charset)
        self._package += len(data)
        self._stream.write(data)

    def _put(self, fields: list[tuple[str, str]]) -> None:
        if not fields:
            return
        if self._style == "gdt":
            fields = [*gdt_head(self._options.receiver, self._options.sender, self._charset), *fields]
            self._write("6301", fields)
        else:
            self._write("6100", fields)

    def _frame(self) -> None:
        day = self._options.today
        dated = [("9103", f"{day:%d%m%Y}")] if day else []
        self._write("0020", [*dated, ("9106", CODES[self._charset])])
        self._package = 0
        self._write("0022", [("9213", BDT_VERSION)])

    def _close(self) -> None:
        digits = 8
        empty = len(xdt_writing.record("0023", [("9202", "0" * digits)], self._charset))
        self._write("0023", [("9202", f"{self._package + empty:0{digits}d}")])
        self._write("0021", [])


def gdt_head(receiver: str | None, sender: str | None, charset: str) -> list[tuple[str, str]]:
    """How a record of GDT begins: who writes to whom, in which charset, in which version."""
    said = [("8315", receiver or ""), ("8316", sender or ""), ("9206", CODES[charset]), ("9218", GDT_VERSION)]
    return [(field, value) for field, value in said if value]


class _LeftOver:
    """What is not taken over, by what it is: where it was first, and how often."""

    def __init__(self) -> None:
        self._found: dict[str, Left] = {}

    def add(self, line: int, what: str, label: str = "", times: int = 1) -> None:
        old = self._found.get(what)
        self._found[what] = (
            Left(line, what, label, times) if old is None else old._replace(times=old.times + times)
        )

    def all(self) -> Iterator[Left]:
        yield from self._found.values()


class _Halved:
    """A stream that is read twice tells its progress by halves: `size` 0 in the first turn, its bytes in the second."""

    def __init__(self, stream: BinaryIO, progress: Progress, size: int) -> None:
        self._stream, self._progress, self._size, self._read = stream, progress, size, 0

    def read(self, most: int = -1) -> bytes:
        data = self._stream.read(most)
        self._read += len(data)
        self._progress((self._size + self._read) // 2)
        return data


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, most: int = -1) -> bytes:
        data, self._data = self._data, b""
        return data


def _warning(notice: Notice) -> Warning_:
    return Warning_(notice.line, f"{CODE}{notice.code}", notice.params)


FORMAT = Xdt()
