"""Holds: a slot kept for a caller until it expires by itself (SPEC 1.3)."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Hold
from praxisd.services.calendar import hold_store, placing, store
from praxisd.services.calendar.view import touch

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def place(
    house: "House", tx: Tx, service: str, start: int, schedules: tuple[str, ...], seconds: int | None
) -> Hold:
    """Hold a slot for the caller. Raises what a booking raises, and calendar.too_many_holds (429)."""
    longest = house.settings.get(tx, "calendar.hold_seconds")
    if tx.actor.portal is not None:
        allowed = house.settings.get(tx, "calendar.holds_per_key")
        if int(tx.value(hold_store.COUNT, holder=tx.actor.label, moment=tx.now)) >= allowed:
            raise Problem(
                "calendar.too_many_holds",
                429,
                retry=True,
                headers={"Retry-After": str(longest)},
                allowed=allowed,
            )
    kind = placing.service_of(house, tx, service)
    end = placing.end_of(kind, start, None)
    chosen = placing.choose(house, tx, service, start, end, schedules, False)
    hold = Hold(
        id=new_id(),
        service=service,
        schedules=chosen,
        start=start,
        end=end,
        expires=tx.now + min(seconds or longest, longest),
        portal=tx.actor.portal,
    )
    before, after = (kind.buffer_before * 60, kind.buffer_after * 60) if kind else (0, 0)
    try:
        store.occupy(tx, chosen, start - before, end + after, "hold", f"Hold/{hold.id}", hold.expires)
    except Violation:
        raise Problem("calendar.slot_taken", 409) from None
    tx.run(
        hold_store.ADD,
        id=hold.id,
        service=service,
        schedules=msgspec.json.encode(chosen).decode(),
        start=start,
        end=end,
        holder=tx.actor.label,
        expires_at=hold.expires,
    )
    events.note(tx, "slot.held", "Hold", hold.id, portal=tx.actor.portal)
    return hold


def take(tx: Tx, id_: str, service: str | None, start: int, end: int) -> Hold:
    """The caller's own, unexpired hold of exactly this slot, used up.

    Raises calendar.hold_unknown (422), calendar.hold_expired (409), calendar.hold_differs (422).
    """
    row = tx.first(hold_store.GET, id=id_)
    if row is None or row.holder != tx.actor.label:
        raise Problem("calendar.hold_unknown", 422)
    if row.expires_at <= tx.now:
        raise Problem("calendar.hold_expired", 409)
    if (row.service, row.start, row.end) != (service, start, end):
        raise Problem("calendar.hold_differs", 422)
    tx.run(hold_store.DROP, id=id_)
    chosen = msgspec.json.decode(row.schedules, type=tuple[str, ...])
    return Hold(
        id=id_, service=row.service, schedules=chosen, start=row.start, end=row.end, expires=row.expires_at
    )


def release(house: "House", tx: Tx, id_: str) -> None:
    """Give a hold back before it expires; 404 for one that is not the caller's."""
    row = tx.first(hold_store.GET, id=id_)
    if row is None or row.holder != tx.actor.label:
        raise not_found("Hold")
    _drop(house, tx, {id_: msgspec.json.decode(row.schedules, type=list[str])})
    events.note(tx, "slot.released", "Hold", id_, portal=tx.actor.portal)


def sweep(house: "House", tx: Tx) -> int:
    """Delete up to 200 lapsed holds of this organization; returns how many."""
    rows = tx.tuples(hold_store.LAPSED, moment=tx.now)
    _drop(house, tx, {id_: msgspec.json.decode(schedules, type=list[str]) for id_, schedules in rows})
    return len(rows)


def _drop(house: "House", tx: Tx, lapsed: dict[str, list[str]]) -> None:
    """Holds first, then all their columns at once: the order in which a booking takes a hold and its columns."""
    for id_ in lapsed:
        tx.run(hold_store.DROP, id=id_)
    touch(house, tx, sorted({one for schedules in lapsed.values() for one in schedules}))
    for id_ in lapsed:
        store.vacate(tx, f"Hold/{id_}")
