"""What lies in the age file: lines of JSON; a manifest, records, and an end that counts and proves them.

    {"format": "praxisd-laptop", "schema": 1, "way": "out", "loan": …}
    {"kind": "Patient", "id": …, "doc": {…}}
    {"end": 17, "sha256": …, "proof": …}

`proof` is an HMAC over all lines before it with the secret of the loan, which went out with it: only who got the file of
this very loan can have made the one that comes back.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from praxisd.kernel.errors import Problem

FORMAT, SCHEMA = "praxisd-laptop", 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who, what and until when. Times are epoch seconds. `way`: `out` or `back`.

    `recipient` and `secret` go out: what comes back is sealed for the first and proved with the second. `laptop` is the
    folder it was opened in, `number` counts what came back from it, from 1; `last`: the laptop has ended with it. `patients`
    are those the loan is about.
    """

    format: str = FORMAT
    schema: int = SCHEMA
    way: str
    loan: str
    organization: str
    practice: str = ""
    label: str = ""
    program: str = ""
    made_at: int
    out_at: int = 0
    until: int = 0
    recipient: str = ""
    secret: str = ""
    laptop: str = ""
    number: int = 0
    last: bool = False
    patients: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record; `doc` None: it was there and was taken away."""

    kind: str
    id: str
    patient: str = ""
    doc: dict[str, Any] | None = None


class _Head(msgspec.Struct, frozen=True):
    format: str = ""
    schema: int = 0


class _End(msgspec.Struct, frozen=True):
    end: int
    sha256: str
    proof: str


class Content(NamedTuple):
    """A file that was read to its end."""

    manifest: Manifest
    lines: tuple[Line, ...]
    sha256: str


_manifest = msgspec.json.Decoder(Manifest)
_line = msgspec.json.Decoder(Line)
_end = msgspec.json.Decoder(_End)
_head = msgspec.json.Decoder(_Head)


def write(manifest: Manifest, lines: Iterable[Line], secret: str) -> tuple[bytes, str]:
    """(the content to be sealed, its SHA-256)."""
    encode = msgspec.json.encode
    parts = [encode(manifest), *(encode(one) for one in lines)]
    body = b"".join(part + b"\n" for part in parts)
    digest = hashlib.sha256(body).hexdigest()
    end = _End(len(parts) - 1, digest, _proof(body, secret))
    return body + encode(end) + b"\n", digest


def read(data: bytes, way: str, secret: str | None = None) -> Content:
    """The content, proved: counted, by its digest and (with a `secret`, else that of the manifest) by its proof.

    Problems (422): `exchange.file_foreign` for something else, or for a file that goes the other way, `exchange.file_newer`,
    `exchange.file_damaged`.
    """
    head, _, _ = data.partition(b"\n")
    try:
        known = _head.decode(head)
    except msgspec.DecodeError:
        known = _Head()
    if known.format != FORMAT:
        raise Problem("exchange.file_foreign", 422)
    if known.schema > SCHEMA:
        raise Problem("exchange.file_newer", 422)
    manifest = manifest_of(data)
    if manifest.way != way:
        raise Problem(
            f"exchange.file_goes_{manifest.way}" if manifest.way in WAYS else "exchange.file_foreign", 422
        )
    body, mark, last = data.removesuffix(b"\n").rpartition(b"\n")
    body += mark
    digest = hashlib.sha256(body).hexdigest()
    try:
        end = _end.decode(last)
        lines = tuple(_line.decode(one) for one in body.split(b"\n")[1:-1])
    except msgspec.DecodeError:
        raise Problem("exchange.file_damaged", 422) from None
    proof = _proof(body, manifest.secret if secret is None else secret)
    if end.end != len(lines) or end.sha256 != digest or not hmac.compare_digest(end.proof, proof):
        raise Problem("exchange.file_damaged", 422)
    return Content(manifest, lines, digest)


WAYS = ("out", "back")


def manifest_of(data: bytes) -> Manifest:
    """The manifest alone, of a file that is not proved yet: for finding out whose it is."""
    try:
        return _manifest.decode(data.partition(b"\n")[0])
    except msgspec.DecodeError:
        raise Problem("exchange.file_foreign", 422) from None


def _proof(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
