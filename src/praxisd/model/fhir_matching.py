"""Does a resource (a plain dict) meet a search? For tables small enough to filter in memory.

Rules: FHIR R4 search.html § token, string, date, reference. `:not` includes resources without the element, as
the guide demands of service-type and specialty.
"""

import unicodedata
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import Any

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_parameters import Declared
from praxisd.model.fhir_search import SearchParam, SearchQuery
from praxisd.model.fhir_search_values import Composite, DateRange, Ref, Token, Value, parse_reference
from praxisd.model.fhir_times import date_range

Follow = Callable[[str, str], dict[str, Any] | None]
_PAST, _FUTURE = -(10**12), 10**12  # open ends of a Period


def matches(
    resource: dict[str, Any],
    query: SearchQuery,
    zone: tzinfo,
    *,
    base: str = "",
    follow: Follow | None = None,
) -> bool:
    """True when every condition holds. `follow(type, id)` reads the target of a chained reference."""
    return all(param_matches(resource, param, zone, base=base, follow=follow) for param in query.params)


def param_matches(
    resource: dict[str, Any],
    param: SearchParam,
    zone: tzinfo,
    *,
    base: str = "",
    follow: Follow | None = None,
) -> bool:
    """True when one condition holds."""
    known = param.declared
    if known.kind == "composite":
        found = elements(resource, known.paths[0])
        if param.missing is not None:
            return param.missing != bool(found)
        return any(_composite_matches(item, known, value) for item in found for value in param.values)
    found = [item for path in known.paths for item in elements(resource, path)]
    if known.only is not None:
        key, wanted = known.only
        found = [item for item in found if isinstance(item, dict) and item.get(key) == wanted]
    if param.missing is not None:
        return param.missing != bool(found)
    if param.chain is not None:
        return _chain_matches(found, param, zone, base, follow)
    if known.kind == "token":
        return token_matches(found, param.values, known.system) != (param.modifier == "not")
    if known.kind == "string":
        return string_matches(found, param.values, param.modifier)
    if known.kind == "date":
        return date_matches(found, param.values, zone)
    if known.kind == "reference":
        return reference_matches(found, param.values, base)
    return any(item == value for item in found for value in param.values)


def elements(resource: Any, path: str) -> list[Any]:
    """All values at a dotted path, lists flattened."""
    found = [resource]
    for name in path.split("."):
        below = [item[name] for item in found if isinstance(item, dict) and name in item]
        found = [one for item in below for one in (item if isinstance(item, list) else [item])]
    return [item for item in found if item is not None]


def token_matches(found: Iterable[Any], values: Iterable[Value], system: str = "") -> bool:
    """Codes, booleans, Coding, CodeableConcept, Identifier or ContactPoint against tokens; `system` is of
    plain codes.
    """
    pairs = [pair for item in found for pair in _tokens(item, system)]
    return any(
        (value.system is None or value.system == where) and (value.code is None or value.code == code)
        for value in values
        if isinstance(value, Token)
        for where, code in pairs
    )


def _tokens(item: Any, system: str) -> list[tuple[str, str | None]]:
    if isinstance(item, bool):
        return [("", "true" if item else "false")]
    if isinstance(item, str):
        return [(system, item)]
    if not isinstance(item, dict):
        return []
    if "coding" in item or "text" in item:
        return [pair for coding in item.get("coding", ()) for pair in _tokens(coding, "")]
    code = item.get("code", item.get("value"))
    return [(item.get("system", ""), code if isinstance(code, str) else None)]


def fold(text: str) -> str:
    """For comparing without case, accents and doubled blanks."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def string_matches(found: Iterable[Any], values: Iterable[Value], modifier: str | None = None) -> bool:
    """Strings, or any text inside a HumanName or Address: starts with (default), contains, or exactly."""
    texts = [text for item in found for text in _texts(item)]
    for value in values:
        if not isinstance(value, str):
            continue
        if modifier == "exact":
            hit = value in texts
        elif modifier == "contains":
            hit = any(fold(value) in fold(text) for text in texts)
        else:
            hit = any(fold(text).startswith(fold(value)) for text in texts)
        if hit:
            return True
    return False


def _texts(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    if isinstance(item, list):
        return [text for one in item for text in _texts(one)]
    if isinstance(item, dict):
        return [
            text
            for name, one in item.items()
            if name not in ("use", "type", "id", "period", "extension") and not name.startswith("_")
            for text in _texts(one)
        ]
    return []


def date_matches(found: Iterable[Any], values: Iterable[Value], zone: tzinfo) -> bool:
    """Dates, dateTimes, instants or Periods against prefixed dates; days are meant in `zone`."""
    ranges = [covered for item in found if (covered := _range(item, zone)) is not None]
    return any(
        _date_holds(value, start, end)
        for value in values
        if isinstance(value, DateRange)
        for start, end in ranges
    )


def _range(item: Any, zone: tzinfo) -> tuple[int, int] | None:
    try:
        if isinstance(item, dict):
            start, end = item.get("start"), item.get("end")
            return (
                date_range(start, zone)[0] if start else _PAST,
                date_range(end, zone)[1] if end else _FUTURE,
            )
        if isinstance(item, str):
            return date_range(item, zone)
    except FhirError:
        return None  # a stored date that is none matches nothing
    return None


def _date_holds(value: DateRange, start: int, end: int) -> bool:
    inside = value.start <= start and end <= value.end
    if value.prefix == "eq":
        return inside
    if value.prefix == "ne":
        return not inside
    if value.prefix == "gt":
        return end > value.end
    if value.prefix == "lt":
        return start < value.start
    if value.prefix == "ge":
        return end > value.end or inside
    if value.prefix == "le":
        return start < value.start or inside
    if value.prefix == "sa":
        return start >= value.end
    if value.prefix == "eb":
        return end <= value.start
    return start < value.end and value.start < end


def reference_matches(found: Iterable[Any], values: Iterable[Value], base: str = "") -> bool:
    """References (dicts with `reference`) against wanted ones; a wanted id without a type fits any type."""
    wanted = [value for value in values if isinstance(value, Ref)]
    return any(_same(value, ref) for ref in _references(found, base) for value in wanted)


def _references(found: Iterable[Any], base: str) -> list[Ref]:
    texts = [item.get("reference") for item in found if isinstance(item, dict)]
    return [
        ref for text in texts if isinstance(text, str) and (ref := parse_reference(text, base)) is not None
    ]


def _same(wanted: Ref, found: Ref) -> bool:
    if wanted.url is not None or found.url is not None:
        return wanted.url == found.url
    return wanted.id == found.id and (wanted.type is None or found.type is None or wanted.type == found.type)


def _chain_matches(
    found: Iterable[Any], param: SearchParam, zone: tzinfo, base: str, follow: Follow | None
) -> bool:
    if follow is None or param.chain is None:
        raise FhirError("fhir.search_value", param.name, "chains are not supported here")
    for ref in _references(found, base):
        if ref.id is None or ref.type not in (None, param.target):
            continue
        target = follow(param.target or "", ref.id)
        if target is not None and param_matches(target, param.chain, zone, base=base, follow=follow):
            return True
    return False


def _composite_matches(item: Any, known: Declared, value: Value) -> bool:
    return isinstance(value, Composite) and all(
        token_matches(elements(item, path), (part,))
        for path, part in zip(known.paths[1:], value.parts, strict=True)
    )
