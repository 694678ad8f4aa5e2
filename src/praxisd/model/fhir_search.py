"""Reading a FHIR search (FHIR R4 search.html): what is asked, fully typed, without touching any data.

Unknown parameters are collected; with `Prefer: handling=strict` they are an error, otherwise they are ignored
and left out of the self link, as R4 § "Handling Errors" says. Wrong values and unsupported modifiers are
always errors.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import tzinfo
from typing import Literal
from urllib.parse import urlencode

from msgspec import Struct

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_parameters import PARAMETERS, Declared, declared
from praxisd.model.fhir_search_values import (
    MAX_VALUE,
    DateRange,
    Ref,
    Value,
    parse_composite,
    parse_date_value,
    parse_reference,
    parse_token,
    split,
    unescape,
)

MAX_PARAMETERS = 100
MAX_CHOICES = 500  # values joined by commas in one parameter
MAX_CHAIN = 4
_MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"not"}),
    "string": frozenset({"exact", "contains"}),
    "date": frozenset(),
    "uri": frozenset(),
    "reference": frozenset(),
    "composite": frozenset(),
}


class SearchParam(Struct, frozen=True):
    """One condition. Several values mean "or"; several params of a query mean "and".

    `modifier` is not, exact or contains; `missing` is set for `:missing` (then there are no values). `chain`
    is a condition on the resources that this reference points to, which are of type `target`.
    """

    name: str
    declared: Declared
    values: tuple[Value, ...] = ()
    modifier: str | None = None
    missing: bool | None = None
    target: str | None = None
    chain: "SearchParam | None" = None


class Include(Struct, frozen=True):
    """`_include=Slot:schedule:Schedule`: source type, its reference parameter, perhaps a target type."""

    source: str
    param: str
    target: str | None = None
    iterate: bool = False


class SearchQuery(Struct, frozen=True, kw_only=True):
    """A search of one resource type. `used` are the pairs that were understood, for the self link."""

    resource: str
    params: tuple[SearchParam, ...] = ()
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()  # (name, descending)
    count: int | None = None
    total: Literal["none", "estimate", "accurate"] | None = None
    summary: Literal["true", "text", "data", "count", "false"] | None = None
    elements: tuple[str, ...] = ()
    format: str | None = None
    cursor: str | None = None
    unknown: tuple[str, ...] = ()
    used: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> list[SearchParam]:
        """All conditions on one parameter."""
        return [param for param in self.params if param.name == name]

    def link(self, address: str, cursor: str | None = None) -> str:
        """`address` with the understood parameters, and another page's cursor if given."""
        pairs = [(name, value) for name, value in self.used if name != "_cursor" or cursor is None]
        if cursor is not None:
            pairs.append(("_cursor", cursor))
        return f"{address}?{urlencode(pairs)}" if pairs else address


class Prefer(Struct, frozen=True):
    """The Prefer header (RFC 7240) as FHIR uses it; `returning` is minimal, representation or
    OperationOutcome.
    """

    strict: bool = False
    respond_async: bool = False
    returning: str | None = None


def parse_prefer(header: str | None) -> Prefer:
    """Read a Prefer header; unknown preferences are ignored, as RFC 7240 says."""
    found: dict[str, str] = {}
    for item in (header or "").split(","):
        name, _, value = item.split(";", 1)[0].strip().partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return Prefer(found.get("handling") == "strict", "respond-async" in found, found.get("return") or None)


def parse_search(
    pairs: Iterable[tuple[str, str]],
    resource: str,
    zone: tzinfo,
    *,
    now: int,
    base: str = "",
    strict: bool = False,
    supported: Collection[str] | None = None,
) -> SearchQuery:
    """Read decoded query pairs in their order.

    `zone` gives meaning to days, `now` (epoch seconds) to the prefix `ap`, `base` is our FHIR address.
    `supported` limits the parameters of `resource` to those the caller can serve. Raises FhirError:
    fhir.search_value, fhir.search_modifier, and with `strict` fhir.unknown_parameter.
    """
    reader = _Reader(resource, zone, now, base, supported)
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_PARAMETERS:
            raise FhirError("fhir.search_value", "", f"more than {MAX_PARAMETERS} parameters")
        reader.take(name, value)
    if strict and reader.unknown:
        # The name is the caller's own text; only the parameter is repeated, never its value.
        raise FhirError("fhir.unknown_parameter", reader.unknown[0][:64], "unknown search parameter")
    return reader.query()


class _Reader:
    def __init__(
        self, resource: str, zone: tzinfo, now: int, base: str, supported: Collection[str] | None
    ) -> None:
        self.resource, self.zone, self.now, self.base = resource, zone, now, base
        self.supported = supported
        self.params: list[SearchParam] = []
        self.includes: list[Include] = []
        self.revincludes: list[Include] = []
        self.control: dict[str, str] = {}
        self.sort: tuple[tuple[str, bool], ...] = ()
        self.unknown: list[str] = []
        self.used: list[tuple[str, str]] = []

    def take(self, name: str, value: str) -> None:
        if not value.strip():
            return  # R4: "empty parameters ... are not an error"
        if name in _CONTROL:
            self.control[name] = _CONTROL[name](value.strip(), name)
        elif name == "_sort":
            if not self.take_sort(value):
                return
        elif name.split(":", 1)[0] in ("_include", "_revinclude"):
            if not self.take_include(name, value.strip()):
                return
        else:
            param = self.param(self.resource, name, value, 1)
            if param is None:
                self.unknown.append(name)
                return
            self.params.append(param)
        self.used.append((name, value))

    def param(self, resource: str, name: str, value: str, depth: int) -> SearchParam | None:
        """One condition, or None when the parameter (or one in the chain) is unknown."""
        head, dot, rest = name.partition(".")
        base_name, _, modifier = head.partition(":")
        known = declared(resource, base_name)
        if known is None or (depth == 1 and self.supported is not None and base_name not in self.supported):
            return None
        if modifier == "missing" and not dot:
            if value not in ("true", "false"):
                raise FhirError("fhir.search_value", name[:64], "expected true or false")
            return SearchParam(base_name, known, missing=value == "true")
        if dot:
            return self.chained(known, base_name, modifier, rest, value, depth)
        target = None
        if modifier and known.kind == "reference" and modifier in known.targets:
            target, modifier = modifier, ""
        elif modifier and modifier not in _MODIFIERS[known.kind]:
            raise FhirError("fhir.search_modifier", name[:64], "this modifier is not supported here")
        texts = list(split(value, ","))
        if len(texts) > MAX_CHOICES:
            raise FhirError("fhir.search_value", name[:64], f"more than {MAX_CHOICES} values")
        targets = (target,) if target else known.targets
        values = tuple(self.value(text, known, targets, base_name) for text in texts if text)
        if not values:
            return None
        return SearchParam(base_name, known, values, modifier or None, target=target)

    def chained(
        self, known: Declared, name: str, modifier: str, rest: str, value: str, depth: int
    ) -> SearchParam | None:
        if known.kind != "reference" or depth >= MAX_CHAIN:
            raise FhirError(
                "fhir.search_value", name, "a chain must follow references, at most three of them"
            )
        if modifier and modifier not in known.targets:
            raise FhirError(
                "fhir.search_modifier", f"{name}:{modifier}"[:64], "the reference has no such target type"
            )
        first = re.split(r"[.:]", rest, maxsplit=1)[0]
        targets = [modifier] if modifier else [t for t in known.targets if declared(t, first) is not None]
        if len(targets) > 1:
            raise FhirError("fhir.search_value", name, "name the target type, as in actor:Practitioner.name")
        chain = self.param(targets[0], rest, value, depth + 1) if targets else None
        return SearchParam(name, known, target=targets[0], chain=chain) if chain is not None else None

    def value(self, text: str, known: Declared, targets: tuple[str, ...], name: str) -> Value:
        if len(text) > MAX_VALUE:
            raise FhirError("fhir.search_value", name, "the value is too long")
        if known.kind == "token":
            return parse_token(text, name)
        if known.kind == "date":
            return parse_date_value(text, self.zone, self.now, name)
        if known.kind == "composite":
            return parse_composite(text, name, len(known.paths) - 1)
        if known.kind == "reference":
            found = parse_reference(unescape(text), self.base, targets)
            if found is None:
                raise FhirError("fhir.search_value", name, "expected Type/id, an id, or an address")
            return found
        return unescape(text)

    def take_sort(self, value: str) -> bool:
        """Keep the order; False (and unknown) when it names a parameter that does not exist."""
        keys = [(key.removeprefix("-"), key.startswith("-")) for key in value.split(",") if key]
        if not all(declared(self.resource, name) for name, _ in keys):
            self.unknown.append("_sort")
            return False
        self.sort = tuple(keys)
        return True

    def take_include(self, name: str, value: str) -> bool:
        """Add an include; False (and unknown) when it names something that does not exist."""
        head, _, modifier = name.partition(":")
        parts = value.split(":")
        known = declared(parts[0], parts[1]) if len(parts) in (2, 3) else None
        target = parts[2] if len(parts) == 3 else None
        reverse = head == "_revinclude"
        fits = (
            known is not None
            and known.kind == "reference"
            and modifier in ("", "iterate", "recurse")
            and (target is None or target in known.targets)
            and (not reverse or modifier != "" or self.resource in known.targets)
            and (reverse or modifier != "" or parts[0] == self.resource)
        )
        if not fits:
            self.unknown.append(name)
            return False
        found = Include(parts[0], parts[1], target, modifier != "")
        (self.revincludes if reverse else self.includes).append(found)
        return True

    def query(self) -> SearchQuery:
        count = self.control.get("_count")
        return SearchQuery(
            resource=self.resource,
            params=tuple(self.params),
            includes=tuple(self.includes),
            revincludes=tuple(self.revincludes),
            sort=self.sort,
            count=int(count) if count is not None else None,
            total=self.control.get("_total"),  # type: ignore[arg-type]
            summary=self.control.get("_summary"),  # type: ignore[arg-type]
            elements=tuple(
                part.strip() for part in self.control.get("_elements", "").split(",") if part.strip()
            ),
            format=self.control.get("_format"),
            cursor=self.control.get("_cursor"),
            unknown=tuple(self.unknown),
            used=tuple(self.used),
        )


def _number(value: str, name: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise FhirError("fhir.search_value", name, "expected a whole number, 0 or more")
    return value


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def read(value: str, name: str) -> str:
        if value not in allowed:
            raise FhirError("fhir.search_value", name, f"expected one of {', '.join(allowed)}")
        return value

    return read


def _short(value: str, name: str) -> str:
    if len(value) > MAX_VALUE:
        raise FhirError("fhir.search_value", name, "the value is too long")
    return value


_CONTROL = {
    "_count": _number,
    "_total": _one_of("none", "estimate", "accurate"),
    "_summary": _one_of("true", "text", "data", "count", "false"),
    "_elements": _short,
    "_format": _short,
    "_pretty": _short,
    "_cursor": _short,
}
SUPPORTED_TYPES = frozenset(PARAMETERS)


def instant_bounds(value: DateRange) -> tuple[int | None, int | None] | None:
    """Half-open bounds [low, high) for a column of epoch seconds; None for `ne`, which is no single range.

    Such a column has the precision of a second: `gt2026-11-22T09:00:00Z` starts at 09:00:01, `gt2026-11-22`
    at the next midnight.
    """
    if value.prefix in ("eq", "ap"):
        return value.start, value.end
    if value.prefix in ("gt", "sa"):
        return value.end, None
    if value.prefix in ("lt", "eb"):
        return None, value.start
    if value.prefix == "ge":
        return value.start, None
    return (None, value.end) if value.prefix == "le" else None


def window(query: SearchQuery, name: str) -> tuple[int | None, int | None]:
    """The tightest [low, high) that holds every hit on an epoch column, from all conditions on `name`.

    A wider frame for reading rows: conditions with several values, `ne` or `:missing` leave it as it is, so
    matching must still be done on what was read.
    """
    low: int | None = None
    high: int | None = None
    for param in query.get(name):
        if len(param.values) != 1 or not isinstance(param.values[0], DateRange):
            continue
        bounds = instant_bounds(param.values[0])
        if bounds is None:
            continue
        low = bounds[0] if low is None else max(low, bounds[0]) if bounds[0] is not None else low
        high = bounds[1] if high is None else min(high, bounds[1]) if bounds[1] is not None else high
    return low, high


def reference_ids(param: SearchParam, kind: str) -> set[str]:
    """Ids of type `kind` that a plain reference condition names (an id without type counts)."""
    return {
        value.id
        for value in param.values
        if isinstance(value, Ref) and value.id is not None and value.type in (None, kind)
    }
