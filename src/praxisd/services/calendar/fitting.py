"""Who fits into a time that became free: the next of the queue, with the start and the columns it would be.

Only reads; what is found is looked at again under the locks of the offer.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import FROZEN, Appointment, HealthcareService
from praxisd.model.waiting import WaitingEntry
from praxisd.services.calendar import rules, store, waiting_rules, waiting_store
from praxisd.services.calendar.view import Calendar, views
from praxisd.services.calendar.waiting_store import Round
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LOOKED_AT = 500
"""So many of the queue are asked whether they fit."""


_Tried = dict[tuple[str, tuple[str, ...], int, str], tuple[str, ...] | None]
"""What `rules.place` said of (type, columns wanted, start, column that must take part): many wait for the same."""


class Fit(NamedTuple):
    """An appointment that could be offered."""

    entry: WaitingEntry
    start: int
    end: int
    schedules: tuple[str, ...]


def fits(house: "House", tx: Tx, one: Round) -> Iterator[Fit]:
    """Who fits, first come first; each with its best time. Not those who have an open offer or were asked before,
    nor the dead."""
    calendar = views(house).calendar(tx)
    busy: rules.Rows | None = None
    tried: _Tried = {}
    for entry in waiting_store.queue(tx, one.id, LOOKED_AT):
        service = calendar.services.get(entry.service)
        if service is None or not any(name in group for group in service.groups for name in one.schedules):
            continue
        busy = _busy(tx, one) if busy is None else busy
        found = _best(tx, calendar, one, entry, busy, tried)
        if found is not None and bookable(tx, entry):
            yield found


def _busy(tx: Tx, one: Round) -> rules.Rows:
    """What is taken around the gap, by others than the round itself; a day on both sides covers what may reach out."""
    found: dict[str, list[tuple[int, int]]] = {}
    for schedule, start, end, owner, expires in store.busy_rows(tx, one.start - 130_000, one.end + 130_000):
        if owner != one.owner and (expires is None or expires > tx.now):
            found.setdefault(schedule, []).append((start, end))
    return found


def _best(
    tx: Tx, calendar: Calendar, one: Round, entry: WaitingEntry, busy: rules.Rows, tried: _Tried
) -> Fit | None:
    service = calendar.services[entry.service]
    if not service.active or service.duration is None:
        return None
    before = _replaced_start(tx, entry)
    if before is not None and before <= one.start:
        return None
    wanted = entry.schedules
    kind = service
    if wanted:
        groups = waiting_rules.narrowed(service.groups, wanted)
        kind = msgspec.structs.replace(service, groups=groups)
    zone, length = calendar.almanac.zone, service.duration * 60
    buffers = (service.buffer_before * 60, service.buffer_after * 60)
    usable = [n for n in one.schedules if any(n in group for group in kind.groups)]
    for start in waiting_rules.starts((one.start, one.end), length, service.start_every, buffers, zone):
        if before is not None and start >= before:
            continue
        if not waiting_rules.could_come(entry, start, start + length, tx.now, zone):
            continue
        for column in usable:
            key = (service.id, wanted, start, column)
            if key not in tried:
                tried[key] = _place(tx, calendar, kind, start, column, busy)
            chosen = tried[key]
            if chosen is not None:
                return Fit(entry, start, start + length, chosen)
    return None


def _place(
    tx: Tx, calendar: Calendar, kind: HealthcareService, start: int, column: str, busy: rules.Rows
) -> tuple[str, ...] | None:
    try:
        return rules.place(
            kind,
            calendar.schedules,
            calendar.almanac,
            start,
            start + (kind.duration or 0) * 60,
            busy=busy,
            now=tx.now,
            must=(column,),
            ignore_notice=True,
        )
    except Problem:
        return None


def _replaced_start(tx: Tx, entry: WaitingEntry) -> int | None:
    """When the appointment begins that would be given up; None if there is none to give up."""
    found = given_up(tx, entry)
    return None if found is None else found.start


def given_up(tx: Tx, entry: WaitingEntry, lock: bool = False) -> Appointment | None:
    """The appointment given up for an earlier one, while it is the same patient's and still to come. `lock`: others wait."""
    if entry.replaces is None:
        return None
    get = store.locked_appointment if lock else store.APPOINTMENTS.get
    found = get(tx, entry.replaces)
    return (
        found if found is not None and found.status not in FROZEN and found.patient == entry.patient else None
    )


def bookable(tx: Tx, entry: WaitingEntry) -> bool:
    """Whether appointments may be made for who waits: not for the dead, nor for records out of use."""
    found = directory.contacts(tx, [entry.patient]).get(entry.patient)
    return found is not None and found.active and not found.dead and found.merged_into is None


def earlier(tx: Tx, entry: WaitingEntry, start: int) -> bool:
    """Whether this is earlier than what would be given up for it (True where nothing would)."""
    before = _replaced_start(tx, entry)
    return before is None or start < before


def by_hand(
    house: "House", tx: Tx, entry: WaitingEntry, start: int, must: tuple[str, ...], round_: Round | None
) -> tuple[tuple[str, ...], int]:
    """(columns, end) of an offer that the desk makes. Raises what a booking there would raise; the times that the patient
    named do not bind the desk, which has spoken with them.
    """
    calendar = views(house).calendar(tx)
    service = calendar.services.get(entry.service)
    if service is None or not service.active or service.duration is None:
        raise Problem("calendar.service_unknown", 422)
    if start <= tx.now:
        raise Problem("calendar.too_soon", 422, minutes=0)
    end = start + service.duration * 60
    busy: dict[str, list[tuple[int, int]]] = {}
    own = round_.owner if round_ is not None else ""
    low, high = start - service.buffer_before * 60, end + service.buffer_after * 60
    for schedule, first, last, owner, expires in store.busy_rows(tx, low, high):
        if owner != own and (expires is None or expires > tx.now):
            busy.setdefault(schedule, []).append((first, last))
    found = rules.place(
        service,
        calendar.schedules,
        calendar.almanac,
        start,
        end,
        busy=busy,
        now=tx.now,
        must=must,
        ignore_notice=True,
    )
    return found, end
