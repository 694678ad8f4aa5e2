"""Answer the question for free slots: from memory while nothing changed, else from the kept bitmaps."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import HealthcareService, Schedule, Slot
from praxisd.services.calendar import rules, store
from praxisd.services.calendar.shapes import SlotOut, SlotQuery, Slots, at, instant
from praxisd.services.calendar.view import State, Views, views

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def free(
    house: "House",
    tx: Tx,
    service_id: str,
    begin: int,
    end: int,
    *,
    must: tuple[str, ...] = (),
    limit: int = 200,
    duration: int | None = None,
    state: State | None = None,
) -> rules.Found:
    """Free times of one appointment type, as this actor may see and book them; `state`: the calendar, if known.

    Problems: calendar.range_reversed, calendar.range_too_long (400), calendar.service_unknown (422).
    """
    rules.check_range(begin, end)
    view = views(house)
    state = state or view.state(tx)
    calendar = state.calendar
    service = calendar.service_for(tx.actor, service_id)
    if service is None:
        raise Problem("calendar.service_unknown", 422)
    schedules = calendar.for_actor(tx.actor)
    if any(one not in schedules for one in must):
        raise Problem("calendar.schedule_unknown", 422)
    known = view.known(tx, state, _used(service, schedules), rules.span_of(begin, end, calendar.almanac.zone))
    return rules.free_slots(
        service,
        schedules,
        calendar.almanac,
        known,
        begin,
        end,
        tx.now,
        limit=limit,
        must=must,
        duration=duration,
    )


def _used(service: HealthcareService, schedules: Mapping[str, Schedule]) -> tuple[str, ...]:
    return tuple(sorted({name for group in service.groups for name in group if name in schedules}))


def _key(actor: Actor, query: SlotQuery) -> tuple[object, ...]:
    return (actor.organization, actor.portal is not None, query)


def kept(call: Call) -> Answer | None:
    """The answer from memory, if nothing in any calendar changed since and no instant passed that changes it.

    Another period is cut out of the plan that is kept for these days: that takes less than to hand it over to a
    thread. Only where this process alone owns the database; runs on the event loop and touches no database.
    """
    view = views(call.house)
    if not call.house.store.alone:
        return None
    now, revision = call.house.clock.now(), view.revision(call.actor.organization)
    found = view.answers.get(_key(call.actor, call.query))
    if found is not None:
        made, until, data, tag = found
        if made == revision and (until is None or now < until):
            return Answer(data, etag=tag)
    state = view.unchanged(call.actor.organization, revision, now)
    return None if state is None else _cut_out(call, view, state, revision, now)


def _cut_out(call: Call, view: Views, state: State, revision: int, now: int) -> Answer | None:
    query: SlotQuery = call.query
    begin, end = period(query)
    almanac = state.calendar.almanac
    service = state.calendar.service_for(call.actor, query.service)
    if service is None or service.duration is None:
        return None
    schedules = state.calendar.for_actor(call.actor)
    known = state.known.get((_used(service, schedules), rules.span_of(begin, end, almanac.zone)))
    must = _must(query)
    if known is None or known.held or not rules.quick(known, service, must):
        return None
    found = rules.free_slots(
        service, schedules, almanac, known, begin, end, now, limit=query.limit, must=must
    )
    return _answer(call, view, found, almanac.zone, revision)


def slots(call: Call) -> Answer:
    """Free times of an appointment type between `from` and `to`, one deterministic combination of columns per start."""
    query: SlotQuery = call.query
    begin, end = period(query)
    view = views(call.house)
    # Before the snapshot: a change after it makes the kept answer stale, never fresh.
    revision = view.revision(call.actor.organization)
    with call.read() as tx:
        if not call.house.store.alone:
            same = _unchanged(call, tx)
            if same is not None:
                return same
        state = view.state(tx, revision)
        found = free(
            call.house, tx, query.service, begin, end, must=_must(query), limit=query.limit, state=state
        )
        mark = revision if call.house.store.alone else _signature(tx)
    return _answer(call, view, found, state.calendar.almanac.zone, mark)


class Period(Protocol):
    """A question about a period: `from`/`to`, and the cursor of the page before."""

    @property
    def from_(self) -> str:
        """RFC 3339."""
        ...

    @property
    def to(self) -> str:
        """RFC 3339."""
        ...

    @property
    def cursor(self) -> str | None:
        """The `next` of the page before."""
        ...


def period(query: Period) -> tuple[int, int]:
    """The instants asked about; Problems of a period and calendar.cursor_invalid (400)."""
    begin, end = instant(query.from_, "from"), instant(query.to, "to")
    rules.check_range(begin, end)
    if query.cursor is not None:
        if not query.cursor.isascii() or not query.cursor.isdigit():
            raise Problem("calendar.cursor_invalid", 400)
        begin = max(begin, int(query.cursor))
        if begin >= end:
            raise Problem("calendar.cursor_invalid", 400)
    return begin, end


def _must(query: SlotQuery) -> tuple[str, ...]:
    return (query.schedule,) if query.schedule else ()


def _answer(call: Call, view: Views, found: rules.Found, zone: ZoneInfo, mark: int) -> Answer:
    """Encode, and remember under the state it was made from."""
    told = found.told
    rows: Any = [told.get(one.start) or _told(told, one, zone) for one in found.slots]
    data = msgspec.json.encode(Slots(slots=rows, next=str(found.slots[-1].start + 1) if found.more else None))
    tag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    view.keep(_key(call.actor, call.query), (mark, found.stable_until, data, tag))
    return Answer(data, etag=tag)


def _told(told: dict[int, Any], one: Slot, zone: ZoneInfo) -> msgspec.Raw:
    made = told[one.start] = _encoded(one, zone)
    return made


@lru_cache(maxsize=8_192)
def _encoded(one: Slot, zone: ZoneInfo) -> msgspec.Raw:
    """One slot as JSON: the answers before and after a booking share nearly all of theirs."""
    out = SlotOut(
        start=at(one.start, zone), end=at(one.end, zone), schedules=one.schedules, service=one.service
    )
    return msgspec.Raw(msgspec.json.encode(out))


def _signature(tx: Tx) -> int:
    """One number for the state of all columns: with several nodes it tells whether anything changed."""
    if tx.store.alone:
        return 0
    return hash((store.counter(tx, "config"), tuple(sorted(store.revisions(tx).items()))))


def _unchanged(call: Call, tx: Tx) -> Answer | None:
    found = views(call.house).answers.get(_key(call.actor, call.query))
    if found is None or found[0] != _signature(tx):
        return None
    if found[1] is not None and call.house.clock.now() >= found[1]:
        return None
    return Answer(found[2], etag=found[3])
