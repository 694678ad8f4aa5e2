"""FHIR R4 in files: a Bundle (JSON), or ndjson as bulk data is exchanged (HL7 Bulk Data: one resource a line).

Each resource is validated as on the FHIR door; one that is not valid is named by line and element and left out.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import Kind, Taken, TakenPatient
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_shapes import SHAPES, dump_json, load_json
from praxisd.model.fhir_validation import check
from praxisd.services.exchange.format import (
    Left,
    Progress,
    Read,
    ReadOptions,
    Warning_,
    WriteOptions,
    Written,
    numbered,
)
from praxisd.services.exchange.formats import fhir_claims, fhir_scan

SYNTAX, INVALID, CUT = "exchange.fhir_syntax", "exchange.fhir_invalid", "exchange.fhir_cut"
CODES = (SYNTAX, INVALID, CUT, fhir_claims.INCOMPLETE)
_KINDS: tuple[Kind, ...] = ("patient", "treatment", "medication", "risk")
_OUT: tuple[Kind, ...] = (*_KINDS, "appointment")
Dict = dict[str, Any]


class _Reader:
    """Turns pieces of a file into records."""

    def __init__(self, bundle: bool) -> None:
        self._bundle = bundle
        self._names: dict[str, str] = {}

    def read(self, pieces: Iterator[fhir_scan.Piece]) -> Iterator[tuple[int, Taken] | Warning_ | Left]:
        for line, data in pieces:
            if data is None:
                yield Warning_(line, CUT)
                continue
            yield self._one(line, data)

    def _one(self, line: int, data: bytes) -> tuple[int, Taken] | Warning_ | Left:
        try:
            value = load_json(data.decode("utf-8"))
        except (ValueError, ArithmeticError, RecursionError):
            return Warning_(line, SYNTAX)
        url = value.get("fullUrl") if isinstance(value, dict) and self._bundle else None
        resource = value.get("resource", value) if isinstance(value, dict) and self._bundle else value
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        try:
            if kind not in SHAPES and isinstance(kind, str) and kind not in fhir_claims.LOOSE:
                return Left(line, kind[:60])
            if kind not in fhir_claims.LOOSE:
                check(resource)
            id_ = str(resource.get("id") or (fhir_claims.tail(url) if isinstance(url, str) else ""))
            made = fhir_claims.read(resource, id_)
        except FhirError as error:
            return Warning_(line, INVALID, {"element": error.path[:100]})
        except fhir_claims.Unreadable as error:
            return Warning_(line, fhir_claims.INCOMPLETE, {"element": error.element})
        except (AttributeError, KeyError, TypeError, ValueError):  # of a type whose shape is not known here
            return Warning_(line, INVALID, {"element": str(kind)[:100]})
        if made is None:
            return Left(line, str(kind)[:60])
        if isinstance(made, TakenPatient):
            if isinstance(url, str) and fhir_claims.tail(url) != made.source_id:
                self._names[url] = made.source_id or ""
            if id_ != made.source_id:
                self._names[f"Patient/{id_}"] = made.source_id or ""
            return line, made if made.source_id else msgspec.structs.replace(made, source_id=None)
        reference = made.patient
        number = self._names.get(reference, fhir_claims.tail(reference))
        return line, msgspec.structs.replace(made, patient=number)


class _Fhir:
    kinds_in = _KINDS
    kinds_out = _OUT

    def __init__(self, name: str, media_type: str, extension: str) -> None:
        self.name, self.media_type, self.extension = name, media_type, extension

    def _refuse(self) -> Problem:
        return Problem("exchange.not_this_format", 422, format=self.name)


class Bundle(_Fhir):
    """One Bundle of type `collection`, or a single resource."""

    def sniff(self, head: bytes) -> float:
        """A JSON object with a resourceType, over more than one line or with entries."""
        text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if text[:1] != b"{" or b'"resourceType"' not in text:
            return 0.0
        return 0.95 if b'"Bundle"' in text[:4096] else 0.5

    def read(self, stream: BinaryIO, options: ReadOptions, progress: Progress) -> Iterator[Read]:
        """Entries in their order."""
        _begin(stream, self)
        reader = _Reader(bundle=True)
        yield from numbered(reader.read(fhir_scan.entries(stream, progress)))

    def write(self, records: Iterable[Taken], stream: BinaryIO, options: WriteOptions) -> Written:
        """Entries one by one; the Bundle is never in memory."""
        first = True

        def put(resource: Dict) -> None:
            nonlocal first
            entry = {"fullUrl": f"{BASE}/{resource['resourceType']}/{resource['id']}", "resource": resource}
            stream.write((b"" if first else b",\n") + dump_json(entry))
            first = False

        stream.write(b'{"resourceType":"Bundle","type":"collection","entry":[\n')
        done = _write(records, options, put)
        stream.write(b"\n]}\n" if not first else b"]}\n")
        return done


BASE = "https://praxisd.org/fhir/export"
"""What entries' addresses begin with: the resources of an export are nowhere to be read."""


class Lines(_Fhir):
    """One resource a line."""

    def sniff(self, head: bytes) -> float:
        """Several lines that are objects with a resourceType each."""
        lines = [one for one in head.lstrip(b"\xef\xbb\xbf").split(b"\n") if one.strip()]
        good = [one for one in lines if one.lstrip()[:1] == b"{" and b'"resourceType"' in one]
        if not good or lines[0].strip()[:1] != b"{" or not lines[0].strip().endswith(b"}"):
            return 0.0
        if b'"Bundle"' in lines[0][:200]:
            return 0.0
        return 0.96 if len(good) > 1 else 0.7

    def read(self, stream: BinaryIO, options: ReadOptions, progress: Progress) -> Iterator[Read]:
        """Lines in their order."""
        _begin(stream, self)
        reader = _Reader(bundle=False)
        yield from numbered(reader.read(fhir_scan.lines(stream, progress)))

    def write(self, records: Iterable[Taken], stream: BinaryIO, options: WriteOptions) -> Written:
        """A line each."""
        return _write(records, options, lambda resource: stream.write(dump_json(resource) + b"\n"))


def _begin(stream: BinaryIO, one: _Fhir) -> None:
    head = stream.read(4096)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        raise one._refuse()
    stream.seek(-len(head), 1)


def _write(records: Iterable[Taken], options: WriteOptions, put: Callable[[Dict], Any]) -> Written:
    done, left = 0, dict[str, int]()
    for one in records:
        resource, lost = fhir_claims.write(one, options.zone)
        put(resource)
        done += 1
        for name in lost:
            left[name] = left.get(name, 0) + 1
    return Written(done, left)


FORMAT = Bundle("fhir-bundle", "application/fhir+json; charset=utf-8", "json")
LINES = Lines("fhir-ndjson", "application/fhir+ndjson; charset=utf-8", "ndjson")
