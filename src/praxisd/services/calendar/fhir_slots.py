"""Slots on the FHIR door: computed ones, imported ones, and what is left of a long one.

A computed slot stands for one column, one appointment type and one start; its id says so and stays readable. Slots of
the past that no appointment names are gone, as the guide demands.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, FhirPage
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_matching import matches, param_matches
from praxisd.model.fhir_search import SearchParam, SearchQuery, window
from praxisd.model.fhir_search_values import DateRange, Token
from praxisd.model.scheduling import OCCUPYING, HealthcareService, ImportedSlot, Schedule
from praxisd.services.calendar import fhir_codes, fhir_store, finding, rules, store
from praxisd.services.calendar.fhir_shapes import Sight

Dict = dict[str, Any]
LEAST_S = rules.UNIT
"""An imported free slot counts as free while so much of it is left, in seconds."""
_WINDOW_S = rules.RANGE_DAYS * 86_400
_ALL = 1_000_000


class Entry(NamedTuple):
    """A slot found, by its place in the order of answers; `show` builds it."""

    start: int
    id: str
    show: Callable[[], Dict]


def read(call: Call, id_: str) -> Dict:
    """One slot by its id; 404 for unknown ones, hidden ones, and past ones that nothing names."""
    with call.read() as tx:
        found = find(Sight(call.house, tx, call.base_url), id_)
    if found is None:
        raise not_found("Slot")
    return found


def find(sight: Sight, id_: str) -> Dict | None:
    """The slot as it is now, or None."""
    parsed = rules.read_slot_id(id_)
    if parsed is not None:
        return _computed(sight, *parsed)
    one = store.IMPORTED_SLOTS.get(sight.tx, id_)
    if one is None or one.schedule not in sight.schedules:
        return None
    if one.end <= sight.tx.now and not fhir_store.naming(sight.tx, id_):
        return None
    return sight.imported(one, imported_status(sight, [one])[one.id])


def pair(sight: Sight, column_no: int, service_no: int) -> tuple[Schedule, HealthcareService] | None:
    """Column and type by their numbers, if the caller may see both and they belong together."""
    column = next((s for s in sight.schedules.values() if s.no == column_no), None)
    service = next((s for s in sight.services.values() if s.no == service_no), None)
    if column is None or service is None or service.duration is None:
        return None
    return (column, service) if any(column.id in group for group in service.groups) else None


def _computed(sight: Sight, column_no: int, service_no: int, start: int) -> Dict | None:
    both = pair(sight, column_no, service_no)
    if both is None:
        return None
    column, service = both
    linked = [
        one
        for one in fhir_store.standing(sight.tx, start, start + 1)
        if one.start == start and one.service == service.id and column.id in one.schedules
    ]
    if not linked and start < sight.tx.now:
        return None
    if any(one.status in OCCUPYING for one in linked) or start < sight.tx.now:
        return sight.computed(column, service, start, "busy")
    found = finding.free(sight.house, sight.tx, service.id, start, start + 1, must=(column.id,), limit=1)
    return sight.computed(column, service, start, "free" if found.slots else "busy")


def imported_status(sight: Sight, slots: Iterable[ImportedSlot]) -> dict[str, str]:
    """What is true now: a free slot is busy once less than five minutes of it are left, absences counted.

    In a column that is no longer in use it is `busy-unavailable`.
    """
    wanted = list(slots)
    result: dict[str, str] = {one.id: one.status for one in wanted}
    free = [one for one in wanted if one.status == "free"]
    if not free:
        return result
    now = sight.tx.now
    names = sorted({one.schedule for one in free})
    first, last = min(one.start for one in free), max(one.end for one in free)
    busy: dict[str, list[tuple[int, int]]] = {}
    for name, start, end, _owner, expires in store.busy_rows(sight.tx, first, last, names):
        if expires is None or expires > now:
            busy.setdefault(name, []).append((start, end))
    for one in free:
        column = sight.schedules.get(one.schedule)
        taken = [*busy.get(one.schedule, ()), *_away(sight, one)]
        if column is not None and not column.active:
            result[one.id] = "busy-unavailable"
        elif not room(max(one.start, now), one.end, taken):
            result[one.id] = "busy"
    return result


def _away(sight: Sight, one: ImportedSlot) -> Iterator[tuple[int, int]]:
    """The days of a slot on which its column, or the whole practice, is absent."""
    almanac = sight.calendar.almanac
    on, last = rules.local_date(one.start, almanac.zone), rules.local_date(one.end - 1, almanac.zone)
    while on <= last:
        if almanac.absent(one.schedule, on):
            begin, units = rules.day_bounds(on, almanac.zone)
            yield begin, begin + units * rules.UNIT
        on += timedelta(days=1)


def room(start: int, end: int, busy: Iterable[tuple[int, int]]) -> bool:
    """True if some gap of five minutes is left between the occupied periods."""
    at = start
    for low, high in sorted(busy):
        if high <= at:
            continue
        if min(low, end) - at >= LEAST_S:
            return True
        at = max(at, high)
    return end - at >= LEAST_S


def search(call: Call, query: SearchQuery) -> FhirPage:
    """Slots of the columns asked for, in order of time. Without a start: from now; at most 92 days."""
    with call.read() as tx:
        sight = Sight(call.house, tx, call.base_url)
        named = query.get("_id")
        if named:
            return _named(call, sight, query, named)
        return _page(call, sight, query)


def _named(call: Call, sight: Sight, query: SearchQuery, named: list[SearchParam]) -> FhirPage:
    ids = sorted({v.code for v in named[0].values if isinstance(v, Token) and v.code})
    slots = [slot for id_ in ids if (slot := find(sight, id_)) is not None]
    follow = follower(call)
    hits = [s for s in slots if matches(s, query, sight.zone, base=call.base_url, follow=follow)]
    return FhirPage(hits, len(hits))


def _page(call: Call, sight: Sight, query: SearchQuery) -> FhirPage:
    count = query.count or 0
    low, high, exact = _window(sight, query)
    cursor = _cursor(query.cursor)
    whole = count == 0 or query.total == "accurate" or not exact
    begin = low if cursor is None or whole else max(low, cursor[0])
    columns = _columns(call, sight, query)
    limit = _ALL if whole else count + 2
    entries = heapq.merge(
        *_free(sight, query, columns, begin, high, limit),
        _taken(sight, query, columns, begin, high),
        _imported(sight, query, columns, begin, high, limit, "start" not in {p.name for p in query.params}),
        key=lambda e: (e.start, e.id),
    )
    shown: list[Dict] = []
    last: Entry | None = None
    total, more, seen = 0, False, set()
    for entry in entries:
        if entry.id in seen or (
            not exact and not matches(entry.show(), query, sight.zone, base=call.base_url)
        ):
            continue
        seen.add(entry.id)
        total += 1
        if cursor is not None and (entry.start, entry.id) <= cursor:
            continue
        if len(shown) < count:
            shown.append(entry.show())
            last = entry
        else:
            more = more or count > 0
            if not whole:
                break
    known = total if whole or (cursor is None and not more) else None
    return FhirPage(shown, known, f"{last.start}.{last.id}" if more and last is not None else None)


def _window(sight: Sight, query: SearchQuery) -> tuple[int, int, bool]:
    """([low, high) of starts, whether these bounds say all that was asked about the start)."""
    low, high = window(query, "start")
    if low is None:
        low = sight.tx.now if high is None else min(sight.tx.now, high - 1)
    if high is None:
        high = low + _WINDOW_S
    if high <= low:
        high = low + 1
    if high - low > _WINDOW_S + 3_600:
        raise Problem("calendar.range_too_long", 400, days=rules.RANGE_DAYS)
    exact = all(
        p.missing is None
        and len(p.values) == 1
        and isinstance(p.values[0], DateRange)
        and p.values[0].prefix != "ne"
        for p in query.get("start")
    )
    return low, high, exact


def _cursor(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    start, _, id_ = text.partition(".")
    if not start.isdecimal() or not start.isascii() or len(start) > 12 or not id_:
        raise FhirError("fhir.search_value", "_cursor", "not a cursor of ours")
    return int(start), id_


def _columns(call: Call, sight: Sight, query: SearchQuery) -> list[Schedule]:
    """The columns that the conditions on the schedule leave, chained ones included."""
    asked = query.get("schedule")
    if not asked:
        return list(sight.schedules.values())
    known = {s.id: s for s in sight.schedules.values()}
    follow = follower(call, {("Schedule", s): sight.schedule(one) for s, one in known.items()})
    return [
        one
        for one in known.values()
        if all(
            param_matches(
                {"schedule": {"reference": f"Schedule/{one.id}"}},
                p,
                sight.zone,
                base=call.base_url,
                follow=follow,
            )
            for p in asked
        )
    ]


def follower(
    call: Call, known: dict[tuple[str, str], Dict] | None = None
) -> Callable[[str, str], Dict | None]:
    """Reads the targets of chained references through the declarations of all services; each once."""
    seen: dict[tuple[str, str], Dict | None] = dict(known or {})

    def follow(type_: str, id_: str) -> Dict | None:
        if (type_, id_) not in seen:
            one = call.house.registry.fhir.get(type_)
            seen[type_, id_] = None
            if one is not None and call.actor.may(one.read_permission):
                try:
                    seen[type_, id_] = one.read(call, id_)
                except Problem as problem:
                    if problem.status != 404:
                        raise
        return seen[type_, id_]

    return follow


def _fits(sight: Sight, query: SearchQuery, show: Callable[[], Dict]) -> bool:
    """All conditions but those on schedule and start, which are met already."""
    rest = [p for p in query.params if p.name not in ("schedule", "start")]
    if not rest:
        return True
    slot = show()
    return all(param_matches(slot, p, sight.zone) for p in rest)


def _wants(sight: Sight, query: SearchQuery, status: str) -> bool:
    return all(param_matches({"status": status}, p, sight.zone) for p in query.get("status"))


def _free(
    sight: Sight, query: SearchQuery, columns: list[Schedule], begin: int, high: int, limit: int
) -> Iterator[list[Entry]]:
    """For each column and type the free starts, in order."""
    first = max(begin, sight.tx.now)
    if first >= high or not _wants(sight, query, "free"):
        return
    for column in columns:
        for service in fhir_codes.serving(column.id, sight.services):
            some = _entry(sight, column, service, 0, "free")
            if service.duration is None or not _fits(sight, query, some.show):
                continue
            found = finding.free(
                sight.house, sight.tx, service.id, first, high, must=(column.id,), limit=limit
            )
            yield sorted(_entry(sight, column, service, slot.start, "free") for slot in found.slots)


def _entry(sight: Sight, column: Schedule, service: HealthcareService, start: int, status: str) -> Entry:
    id_ = rules.slot_id(column.no, service.no, start)
    return Entry(start, id_, partial(sight.computed, column, service, start, status))


def _taken(sight: Sight, query: SearchQuery, columns: list[Schedule], begin: int, high: int) -> list[Entry]:
    """Computed slots that appointments stand on."""
    known = {c.id: c for c in columns}
    found: list[Entry] = []
    if not _wants(sight, query, "busy"):
        return found
    for one in fhir_store.standing(sight.tx, begin, high):
        service = sight.services.get(one.service or "")
        if one.status not in OCCUPYING or service is None or service.duration is None:
            continue
        if one.start < begin or one.start % 60 or one.end - one.start != service.duration * 60:
            continue
        for id_ in one.schedules:
            entry = _entry(sight, known[id_], service, one.start, "busy") if id_ in known else None
            if entry is not None and _fits(sight, query, entry.show):
                found.append(entry)
    return sorted(found, key=lambda e: (e.start, e.id))


def _imported(
    sight: Sight,
    query: SearchQuery,
    columns: list[Schedule],
    begin: int,
    high: int,
    limit: int,
    open_start: bool,
) -> list[Entry]:
    ids = [c.id for c in columns]
    if not ids:
        return []
    slots = fhir_store.imported(sight.tx, begin, high, ids, limit)
    if open_start:  # nobody asked for a start: what has begun and is not over is still there
        slots = [*fhir_store.running(sight.tx, begin, ids), *slots]
    status = imported_status(sight, slots)
    past = sight.tx.now
    found = []
    for one in slots:
        if one.end <= past and not fhir_store.naming(sight.tx, one.id):
            continue
        entry = Entry(one.start, one.id, partial(sight.imported, one, status[one.id]))
        if _fits(sight, query, entry.show):
            found.append(entry)
    return sorted(found, key=lambda e: (e.start, e.id))
