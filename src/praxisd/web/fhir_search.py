"""Search on the FHIR door: pairs of the query become a typed question, the service's page a searchset Bundle.

Unknown parameters are ignored and named in the Bundle unless the caller asked for strict handling; the self link says
what was used (FHIR R4 search.html § errors). `_include` and `_revinclude` go by the declarations of the services.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import replace

from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call, FhirResource
from praxisd.model.fhir_bundle import searchset, unknown_parameters
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_matching import elements
from praxisd.model.fhir_parameters import declared
from praxisd.model.fhir_search import Include, SearchQuery, parse_search
from praxisd.model.fhir_search_values import parse_reference

Dict = dict[str, Any]
Pairs = list[tuple[str, str]]
PAGE = 50
LARGEST_PAGE = 200
MOST_INCLUDED = 1000
"""More resources than this do not come along with one page; what is missing can be read by its reference."""
_MOST_PAIRS = 100


def read_pairs(text: bytes) -> Pairs:
    """Decoded name=value pairs of a query or form; Problem `http.malformed_query` (400)."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PAIRS
        )
    except ValueError:
        raise Problem("http.malformed_query", 400) from None
    if any("\0" in name or "\0" in value for name, value in pairs):  # no database keeps it
        raise Problem("http.malformed_query", 400)
    return pairs


def question(call: Call, one: FhirResource, pairs: Pairs, strict: bool) -> SearchQuery:
    """The pairs as a question this resource can answer. Raises FhirError."""
    taken, left = _served(one, pairs)
    if strict and left:
        raise FhirError("fhir.unknown_parameter", left[0][:64], "unknown search parameter")
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
    query = parse_search(
        taken,
        one.type,
        zone,
        now=call.house.clock.now(),
        base=call.base_url,
        strict=strict,
        supported={param.name for param in one.params},
    )
    count = PAGE if query.count is None else min(query.count, LARGEST_PAGE)
    if query.summary == "count":
        count = 0
    return replace(query, count=count, unknown=(*left, *query.unknown))


def _served(one: FhirResource, pairs: Pairs) -> tuple[Pairs, list[str]]:
    """Pairs we serve, and names of those that FHIR knows but this door does not (sorting, parts, iteration)."""
    taken: Pairs = []
    left: list[str] = []
    for name, value in pairs:
        head, _, modifier = name.partition(":")
        if head in ("_include", "_revinclude"):
            declared_ = one.includes if head == "_include" else one.revincludes
            good = not modifier and ":".join(value.split(":")[:2]) in declared_
        else:
            good = name not in ("_sort", "_elements") and (
                name != "_summary" or value in ("count", "false", "")
            )
        if good or not value.strip():
            taken.append((name, value))
        else:
            left.append(name)
    return taken, left


def bundle(call: Call, one: FhirResource, query: SearchQuery) -> Dict:
    """The searchset of one page."""
    page = one.search(call, query)
    address = f"{call.base_url}/{one.type}"
    shown = list(page.resources) if query.count else []
    following = page.next if query.count else None
    return searchset(
        shown,
        base=call.base_url,
        self_url=query.link(address),
        next_url=None if following is None else query.link(address, following),
        total=None if query.total == "none" and query.count else page.total,
        included=_along(call, query, shown),
        outcome=unknown_parameters(query.unknown),
    )


def _along(call: Call, query: SearchQuery, matches: Sequence[Dict]) -> list[Dict]:
    found: dict[tuple[str, str], Dict] = {}
    for include in query.includes:
        for type_, id_ in _targets(call, include, matches):
            if (type_, id_) not in found and len(found) < MOST_INCLUDED:
                resource = _read(call, type_, id_)
                if resource is not None:
                    found[type_, id_] = resource
    for include in query.revincludes:
        for resource in _pointing(call, include, matches):
            if len(found) < MOST_INCLUDED:
                found.setdefault((resource["resourceType"], resource["id"]), resource)
    return list(found.values())


def _targets(call: Call, include: Include, matches: Iterable[Dict]) -> Iterator[tuple[str, str]]:
    known = declared(include.source, include.param)
    if known is None:
        return
    for match in matches:
        for path in known.paths:
            for item in elements(match, path):
                text = item.get("reference") if isinstance(item, dict) else None
                ref = parse_reference(text, call.base_url, known.targets) if isinstance(text, str) else None
                if ref is None or ref.id is None or ref.type is None:
                    continue
                if ref.type == include.target or (include.target is None and ref.type in known.targets):
                    yield ref.type, ref.id


def _read(call: Call, type_: str, id_: str) -> Dict | None:
    other = call.house.registry.fhir.get(type_)
    if other is None or not call.actor.may(other.read_permission):
        return None
    try:
        return other.read(call, id_)
    except Problem as problem:
        if problem.status in (404, 410):
            return None
        raise


def _pointing(call: Call, include: Include, matches: Sequence[Dict]) -> Iterator[Dict]:
    """Resources of the source type that point to one of the matches."""
    other = call.house.registry.fhir.get(include.source)
    if other is None or not matches or not call.actor.may(other.read_permission):
        return
    wanted = ",".join(f"{match['resourceType']}/{match['id']}" for match in matches)
    query = question(call, other, [(include.param, wanted), ("_count", str(LARGEST_PAGE))], strict=True)
    seen = 0
    while True:
        page = other.search(call, query)
        yield from page.resources
        seen += len(page.resources)
        if page.next is None or seen >= MOST_INCLUDED:
            return
        query = replace(query, cursor=page.next)
