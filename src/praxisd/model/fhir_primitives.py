"""FHIR R4 primitive types: annotations for the structs, and the checks behind them.

Every alias carries its FHIR name in `Meta.extra["fhir"]`, so that validation and XML need no second list.
Patterns: FHIR R4 datatypes.html.
"""

import binascii
import re
from collections.abc import Callable
from decimal import Decimal as ExactDecimal
from typing import Annotated, Any

from msgspec import Meta

from praxisd.model.fhir_times import is_date, is_date_time, is_instant, is_time

MAX_INT = 2_147_483_647
MAX_STRING = 1_048_576  # characters; "strings SHALL NOT exceed 1 MB"

String = Annotated[str, Meta(extra={"fhir": "string"})]
Markdown = Annotated[str, Meta(extra={"fhir": "markdown"})]
Code = Annotated[str, Meta(extra={"fhir": "code"})]
Id = Annotated[str, Meta(extra={"fhir": "id"})]
Uri = Annotated[str, Meta(extra={"fhir": "uri"})]
Url = Annotated[str, Meta(extra={"fhir": "url"})]
Canonical = Annotated[str, Meta(extra={"fhir": "canonical"})]
Oid = Annotated[str, Meta(extra={"fhir": "oid"})]
Uuid = Annotated[str, Meta(extra={"fhir": "uuid"})]
Base64Binary = Annotated[str, Meta(extra={"fhir": "base64Binary"})]
Instant = Annotated[str, Meta(extra={"fhir": "instant"})]
DateTime = Annotated[str, Meta(extra={"fhir": "dateTime"})]
Date = Annotated[str, Meta(extra={"fhir": "date"})]
Time = Annotated[str, Meta(extra={"fhir": "time"})]
Xhtml = Annotated[str, Meta(extra={"fhir": "xhtml"})]
Boolean = Annotated[bool, Meta(extra={"fhir": "boolean"})]
Integer = Annotated[int, Meta(ge=-MAX_INT - 1, le=MAX_INT, extra={"fhir": "integer"})]
UnsignedInt = Annotated[int, Meta(ge=0, le=MAX_INT, extra={"fhir": "unsignedInt"})]
PositiveInt = Annotated[int, Meta(ge=1, le=MAX_INT, extra={"fhir": "positiveInt"})]
Decimal = Annotated[ExactDecimal, Meta(extra={"fhir": "decimal"})]
# A nested resource of any type, kept as a plain dict: unknown types must survive inside a Bundle.
AnyResource = Annotated[dict[str, Any], Meta(extra={"fhir": "resource"})]
# XML writes these two as attributes of the element, not as children.
ElementId = Annotated[str, Meta(extra={"fhir": "string", "attribute": True})]
ExtensionUrl = Annotated[str, Meta(extra={"fhir": "uri", "attribute": True})]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CODE = re.compile(r"[^\s]+(?:\s[^\s]+)*")
_URI = re.compile(r"\S+")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Characters that neither FHIR strings nor XML 1.0 allow; refusing them keeps JSON and XML equal in what they
# can say.
FORBIDDEN_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def valid_id(text: str) -> bool:
    """True for a FHIR id: 1 to 64 letters, digits, hyphens, dots."""
    return _ID.fullmatch(text) is not None


def _base64(text: str) -> bool:
    """True for base64 with padding; white space between characters is allowed by the standard."""
    try:
        binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text.strip())


def _string(text: str) -> bool:
    return 0 < len(text) <= MAX_STRING


def _uri(text: str) -> bool:
    return _URI.fullmatch(text) is not None and len(text) <= MAX_STRING


def _exact_number(value: int | float | ExactDecimal) -> bool:
    """Finite, of a size a ledger could hold: a number of 10**9 digits is an attack, not a measurement."""
    number = value if isinstance(value, ExactDecimal) else ExactDecimal(str(value))
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= 400 and len(number.as_tuple().digits) <= 60


_TEXT_CHECKS: dict[str, Callable[[str], bool]] = {
    "string": _string,
    "markdown": _string,
    "code": lambda text: _CODE.fullmatch(text) is not None,
    "id": valid_id,
    "uri": _uri,
    "url": _uri,
    "canonical": _uri,
    "oid": lambda text: _OID.fullmatch(text) is not None,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    "base64Binary": _base64,
    "instant": is_instant,
    "dateTime": is_date_time,
    "date": is_date,
    "time": is_time,
}
_WHOLE_NUMBERS = {
    "integer": (-MAX_INT - 1, MAX_INT),
    "unsignedInt": (0, MAX_INT),
    "positiveInt": (1, MAX_INT),
}


def primitive_fault(kind: str, value: object) -> str | None:
    """Why `value` (str, int, bool, Decimal, float) is no FHIR primitive of `kind`; None if it is one."""
    check = _TEXT_CHECKS.get(kind)
    if check is not None:
        if not isinstance(value, str):
            return f"expected a JSON string for {kind}"
        if not check(value) or FORBIDDEN_CHARACTERS.search(value):
            return f"not a valid {kind}"
        return None
    if kind == "boolean":
        return None if isinstance(value, bool) else "expected true or false"
    if kind == "decimal":
        if isinstance(value, bool) or not isinstance(value, int | float | ExactDecimal):
            return "expected a JSON number"
        return None if _exact_number(value) else "number out of range"
    low, high = _WHOLE_NUMBERS[kind]
    if isinstance(value, bool) or not isinstance(value, int):
        return f"expected a whole JSON number for {kind}"
    return None if low <= value <= high else f"{kind} out of range"
