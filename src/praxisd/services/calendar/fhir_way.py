"""Which appointment type and which columns a FHIR booking means: taken from what was said, never guessed between two."""

from itertools import islice, product
from typing import Any, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.model.fhir_search_values import Ref
from praxisd.model.scheduling import HealthcareService, Schedule
from praxisd.services.calendar import fhir_codes, placing
from praxisd.services.calendar.fhir_shapes import Sight

Dict = dict[str, Any]
_NEXT = frozenset(
    f"calendar.{name}" for name in ("slot_taken", "outside_hours", "absent", "holiday", "schedule_unfit")
)
_MOST_WAYS = 16


class Period(NamedTuple):
    """One referenced slot: its column, time, whether part of it may be taken, and the type it was computed for."""

    schedule: str
    start: int
    end: int
    partly: bool
    service: HealthcareService | None


def service_of(
    sight: Sight,
    resource: Dict,
    periods: list[Period],
    must: tuple[str, ...],
    named: list[Ref],
    minutes: int,
) -> HealthcareService | None:
    """The appointment type: of the slots, of a participant, or by its coding; never a guess between two."""
    codes_known = {
        (c.system, c.code)
        for codes in (
            *(fhir_codes.service_types(s) for s in sight.services.values()),
            *(s.service_type for s in sight.schedules.values()),
        )
        for c in codes
    }
    codes_known |= {(None, code) for _, code in codes_known}
    for one in resource.get("serviceType", ()):
        codings = fhir_codes.codes_of([one])
        if codings and not any((c.system, c.code) in codes_known for c in codings):
            raise Problem("calendar.service_type_unknown", 422)
    chosen = {p.service.id for p in periods if p.service}
    chosen |= {ref.id for ref in named if ref.type == "HealthcareService" and ref.id}
    if len(chosen) > 1:
        raise Problem("calendar.slot_mismatch", 422)
    if chosen:
        return sight.services[chosen.pop()]
    wanted = fhir_codes.codes_of(resource.get("serviceType"))
    able = [
        s
        for s in sight.services.values()
        if s.active and s.groups and all(any(m in group for group in s.groups) for m in must)
    ]
    if wanted:
        fitting = [s for s in able if _offers(s, wanted)]
        by_column = [m for m in must if any(_meets(c, wanted) for c in sight.schedules[m].service_type)]
        able = fitting if fitting or not by_column else able
    elif not must:
        able = []
    exact = [s for s in able if s.duration == minutes] or [s for s in able if s.duration is None] or able
    if len(exact) > 1:
        raise Problem("calendar.service_ambiguous", 422)
    if exact:
        return exact[0]
    if sight.tx.actor.portal is not None or not must:
        raise Problem("calendar.service_unknown", 422)
    return None


def _offers(service: HealthcareService, wanted: tuple[Any, ...]) -> bool:
    return any(_meets(code, wanted) for code in fhir_codes.service_types(service))


def _meets(code: Any, wanted: tuple[Any, ...]) -> bool:
    return any(w.code == code.code and w.system in (None, code.system) for w in wanted)


def columns_of(
    call: Call,
    sight: Sight,
    service: HealthcareService | None,
    start: int,
    end: int,
    must: tuple[str, ...],
    named: list[Ref],
) -> tuple[str, ...]:
    """The columns that take part: those of the slots, else one of each practitioner and place that was named."""
    if must:
        return must
    usable: list[Schedule] = [
        s
        for s in sight.schedules.values()
        if service is None or any(s.id in group for group in service.groups)
    ]
    choices: list[list[str]] = []
    for ref in named:
        if ref.type == "HealthcareService":
            continue
        field = "practitioner" if ref.type == "Practitioner" else "location"
        own = sorted((s.order, s.no, s.id) for s in usable if getattr(s, field) == ref.id)
        if own:
            choices.append([id_ for *_, id_ in own])
        elif field == "practitioner":
            raise Problem("calendar.schedule_unfit", 422)
    last: Problem | None = None
    for way in islice(product(*choices), _MOST_WAYS):
        columns = tuple(dict.fromkeys(way))
        if not columns:
            return ()
        try:
            return placing.choose(
                call.house, call.writing, service.id if service else None, start, end, columns, False
            )
        except Problem as problem:
            if problem.code not in _NEXT:
                raise
            last = problem
    if last is not None:
        raise last
    return ()
