"""Answer the question for free slots: from memory while nothing changed, else from the kept bitmaps."""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call
from praxisd.kernel.store import Tx
from praxisd.services.calendar import rules, store
from praxisd.services.calendar.shapes import SlotOut, SlotQuery, Slots, at, instant
from praxisd.services.calendar.view import views

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
) -> rules.Found:
    """Free times of one appointment type, as this actor may see and book them.

    Problems: calendar.range_reversed, calendar.range_too_long (400), calendar.service_unknown (422).
    """
    rules.check_range(begin, end)
    view = views(house)
    calendar = view.calendar(tx)
    service = calendar.service_for(tx.actor, service_id)
    if service is None:
        raise Problem("calendar.service_unknown", 422)
    schedules = calendar.for_actor(tx.actor)
    if any(one not in schedules for one in must):
        raise Problem("calendar.schedule_unknown", 422)
    used = sorted({name for group in service.groups for name in group if name in schedules})
    over = rules.span_of(begin, end, calendar.almanac.zone)
    busy, held = view.bits(tx, used, over)
    return rules.free_slots(
        service,
        schedules,
        calendar.almanac,
        busy,
        begin,
        end,
        tx.now,
        limit=limit,
        held=held,
        must=must,
        duration=duration,
    )


def _key(actor: Actor, query: SlotQuery) -> tuple[object, ...]:
    return (actor.organization, actor.portal is not None, query)


def kept(call: Call) -> Answer | None:
    """The answer from memory, if nothing in any calendar changed since and no instant passed that changes it.

    Only where this process alone owns the database; runs on the event loop and touches no database.
    """
    view = views(call.house)
    found = view.answers.get(_key(call.actor, call.query))
    if found is None or not call.house.store.alone:
        return None
    revision, until, data, tag = found
    if revision != view.revision or (until is not None and call.house.clock.now() >= until):
        return None
    return Answer(data, etag=tag)


def slots(call: Call) -> Answer:
    """Free times of an appointment type between `from` and `to`, one deterministic combination of columns per start."""
    query: SlotQuery = call.query
    begin, end = instant(query.from_), instant(query.to)
    rules.check_range(begin, end)
    if query.cursor is not None:
        if not query.cursor.isascii() or not query.cursor.isdigit():
            raise Problem("calendar.cursor_invalid", 400)
        begin = max(begin, int(query.cursor))
        if begin >= end:
            raise Problem("calendar.cursor_invalid", 400)
    view = views(call.house)
    revision = (
        view.revision
    )  # before the snapshot: a change after it makes the kept answer stale, never fresh
    with call.read() as tx:
        if not call.house.store.alone:
            same = _unchanged(call, tx)
            if same is not None:
                return same
        must = (query.schedule,) if query.schedule else ()
        found = free(call.house, tx, query.service, begin, end, must=must, limit=query.limit)
        zone = view.calendar(tx).almanac.zone
        signature = _signature(tx)
    rows = [
        SlotOut(start=at(s.start, zone), end=at(s.end, zone), schedules=s.schedules, service=s.service)
        for s in found.slots
    ]
    data = msgspec.json.encode(Slots(slots=rows, next=str(found.slots[-1].start + 1) if found.more else None))
    tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    state = revision if call.house.store.alone else signature
    view.keep(_key(call.actor, query), (state, found.stable_until, data, tag))
    return Answer(data, etag=tag)


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
