"""FHIR formats: which of JSON and XML the caller wants, and bytes from and to resources (FHIR R4 http.html § 3.1.0.1.5)."""

from typing import Any, Literal
from urllib.parse import parse_qsl

from praxisd.kernel.errors import Problem
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_json_patch import parse_json_patch
from praxisd.model.fhir_shapes import dump_json
from praxisd.model.fhir_validation import parse_json
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml
from praxisd.web.request import Request

Format = Literal["json", "xml"]
MEDIA: dict[Format, str] = {
    "json": "application/fhir+json; charset=UTF-8",
    "xml": "application/fhir+xml; charset=UTF-8",
}
JSON_PATCH = "application/json-patch+json"
FORM = "application/x-www-form-urlencoded"
_KINDS: dict[str, Format] = {
    "json": "json",
    "xml": "xml",
    "application/fhir+json": "json",
    "application/fhir+xml": "xml",
    "application/json": "json",
    "application/xml": "xml",
    "text/json": "json",
    "text/xml": "xml",
}
_WIDE = ("*/*", "application/*")
_UTF8 = ("", "utf-8", "utf8", "us-ascii")


def read_format(text: str) -> Format | None:
    """The format a `_format` value names, or None; the plus sign may have become a space on its way."""
    return _KINDS.get(text.split(";", 1)[0].strip().lower().replace(" ", "+"))


def chosen(request: Request) -> tuple[Format | None, bool]:
    """(the format of the answer, whether FHIR was asked for by name). None: nothing we have is acceptable.

    `_format` wins over Accept; the highest weight wins, JSON among equals unless XML stands first.
    """
    query = request.scope["query_string"]
    if b"_format" in query:
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            if name == "_format" and value:
                return read_format(value), True
    accept = request.header(b"accept")
    if not accept:
        return "json", False
    best: tuple[float, Format, bool] | None = None
    for part in accept.split(","):
        media, weight = _weighted(part)
        kind = _KINDS.get(media) or ("json" if media in _WIDE else None)
        if kind is not None and weight > 0 and (best is None or weight > best[0]):
            best = (weight, kind, media in _KINDS)
    return (None, False) if best is None else best[1:]


def _weighted(part: str) -> tuple[str, float]:
    media, *parameters = (one.strip().lower() for one in part.split(";"))
    for one in parameters:
        if one.startswith("q="):
            try:
                return media, float(one[2:])
            except ValueError:
                return media, 0.0
    return media, 1.0


def content_type(request: Request) -> str:
    """The media type of the body, lower case, without parameters; 415 for a compressed one or another character set."""
    media, _, rest = (request.header(b"content-type") or "").partition(";")
    charset = ""
    for one in rest.split(";"):
        name, _, value = one.strip().lower().partition("=")
        charset = value.strip('" ') if name == "charset" else charset
    if charset not in _UTF8 or (request.header(b"content-encoding") or "identity").lower() != "identity":
        raise Problem("http.unsupported_media_type", 415)
    return media.strip().lower()


class Body:
    """Reads the body of one write. `expected`: the resource types it may be; with `patch` also a JSON Patch, which is
    read as the list of its operations; with `anything` bytes of any other type (FHIR: Binary as itself).
    """

    def __init__(self, expected: tuple[str, ...], *, patch: bool = False, anything: bool = False) -> None:
        self._expected = expected
        self._patch = patch
        self._anything = anything
        self._media = ""

    def check_type(self, request: Request, content: bytes) -> None:
        """415 for anything but FHIR in JSON or XML (and what the operation takes besides)."""
        if self._anything:
            self._media = (request.header(b"content-type") or "").strip()
            if _KINDS.get(self._media.split(";", 1)[0].strip().lower()) is None and self._media:
                return
        self._media = content_type(request)
        if self._media not in _KINDS and not (self._patch and self._media == JSON_PATCH):
            raise Problem("http.unsupported_media_type", 415)

    def read(self, content: bytes) -> Any:
        """The checked resource, or the operations of a JSON Patch, or (media type, bytes). Raises FhirError."""
        kind = _KINDS.get(self._media)
        if kind is None:
            return (self._media, content) if self._anything else parse_json_patch(content)
        return parse(content, kind, self._expected)


def parse(content: bytes, kind: Format, expected: tuple[str, ...]) -> dict[str, Any]:
    """One checked resource. Raises FhirError."""
    if not content.strip():
        raise FhirError("fhir.syntax", "", "the body is empty")
    return parse_json(content, expected) if kind == "json" else parse_xml(content, expected)


def written(resource: dict[str, Any], kind: Format) -> bytes:
    """The resource as bytes; `fhir.not_acceptable` (406) for one that XML cannot hold."""
    if kind == "json":
        return dump_json(resource)
    try:
        return to_xml(resource)
    except FhirError as error:
        raise Problem("fhir.not_acceptable", 406, detail=error.diagnostics) from None
