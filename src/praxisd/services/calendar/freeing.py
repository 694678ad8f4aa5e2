"""Time that became free is noted in the transaction that freed it, for the waiting list: once, whoever looks at it later.

As long as nobody waits this costs one look. What is noted are the open hours of it, cut into times that one round can
offer; whether they are still free is seen when the round is looked at.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Absence, Appointment, Reservation
from praxisd.services.calendar import repeating, rules, waiting_rules, waiting_store
from praxisd.services.calendar.view import views
from praxisd.services.calendar.waiting_rules import Freed, Time

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OFFERS = "calendar.waiting_offers"
AHEAD_DAYS = 92
"""Farther ahead there is always something free: nothing is offered there."""
_MOST = 200
"""Rounds from one change."""


def given_up(
    house: "House",
    tx: Tx,
    old: Appointment | Reservation,
    new: Appointment | Reservation | None = None,
) -> None:
    """An appointment or reservation gave up its time, or part of it (`new`: what it takes now)."""
    if waiting_store.anybody(tx):
        version = new.version if new is not None else old.version + 1
        source = f"{type(old).__name__}/{old.id}/{version}"
        freed(house, tx, source, waiting_rules.given_up(old, new))


def absence_gone(house: "House", tx: Tx, one: Absence) -> None:
    """An absence was taken back: the hours of its days are open again."""
    if not waiting_store.anybody(tx):
        return
    calendar = views(house).calendar(tx)
    zone = calendar.almanac.zone
    first = rules.local_date(tx.now, zone)
    last = first + timedelta(days=AHEAD_DAYS)
    columns = [one.schedule] if one.schedule else [s.id for s in calendar.schedules.values() if s.active]
    times: list[Freed] = []
    for low, high in repeating.periods(one, first, last):
        days = rules.span(max(low, first), min(high, last), zone)
        times += [((column,), days.start, days.end) for column in columns]
    freed(house, tx, f"Absence/{one.id}", times)


def freed(house: "House", tx: Tx, source: str, times: Iterable[Freed]) -> None:
    """Note these times, each once per `source`."""
    found = _open_pieces(house, tx, times)
    automatic = bool(house.settings.get(tx, OFFERS)) if found else False
    for number, (schedules, start, end) in enumerate(found[:_MOST]):
        one = waiting_store.Round(
            id=new_id(),
            source=f"{source}/{number}",
            schedules=schedules,
            start=start,
            end=end,
            automatic=automatic,
            found_at=tx.now,
            next_at=tx.now,
        )
        waiting_store.add_round(tx, one)


def _open_pieces(house: "House", tx: Tx, times: Iterable[Freed]) -> list[Freed]:
    """The open hours of the times from now on, cut; columns with the same piece together, in order of start."""
    calendar = views(house).calendar(tx)
    almanac = calendar.almanac
    until = tx.now + AHEAD_DAYS * 86_400
    same: dict[Time, list[str]] = {}
    for schedules, start, end in times:
        low, high = max(start, tx.now), min(end, until)
        if low >= high:
            continue
        first, last = rules.local_date(low, almanac.zone), rules.local_date(high - 1, almanac.zone)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        for name in schedules:
            column = calendar.schedules.get(name)
            if column is None or not column.active:
                continue
            hours = [(max(a, low), min(b, high)) for on in days for a, b in almanac.periods(column, on)]
            for piece in waiting_rules.pieces((a, b) for a, b in hours if a < b):
                same.setdefault(piece, []).append(name)
    return [(_once(names), *piece) for piece, names in sorted(same.items())]


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
