"""Busy times entered at a portal („blockers“) and what stands for them here: reservations of what is free of their time.

What the practice itself booked there is a conflict, told once. A portal shows the bookings of its patients as busy times
too: where one of these stands here, it stands for its blocker, whichever of the two came first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, OnlineCalendar, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import cycle_store, digest, engine_rules, engine_store
from praxisd.services.portals.engine_rules import Span
from praxisd.services.portals.portal import Blocker, Period
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BLOCKED = "portals.blocker_conflict"
DAY_S = 86_400
LONGEST_S = 366 * DAY_S
"""What is busy for longer is reserved in pieces. Seconds; the calendar takes none that are longer."""
_APPOINTMENT, _RESERVATION = "Appointment/", "Reservation/"
_TAKES = (_APPOINTMENT, "Hold/", "Offer/")
"""Owners beside which nothing can be reserved."""


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in a column. `rows`: (start, end, owner). `own`: owners that are the portal's own bookings.

    `proposed`: times of own bookings that found no room here; that is told already.
    """

    rows: Sequence[tuple[int, int, str]]
    own: Collection[str]
    proposed: Sequence[Span]

    def reserved(self, id_: str) -> Span | None:
        """From when to when a reservation takes the column; None if it does not."""
        mine = [(start, end) for start, end, owner in self.rows if owner == f"{_RESERVATION}{id_}"]
        return (min(mine)[0], max(end for _, end in mine)) if mine else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ought to stand here for a blocker. `against`: appointments of the practice in its time."""

    parts: tuple[Span, ...]
    against: tuple[str, ...]


def cut(each: Blocker, period: Period, here: tzinfo) -> Span:
    """What concerns us of a blocker: the local days of the period. Reversed or empty where nothing does."""
    last = digest.midnight(period.end + DAY_S + 7_200, here)  # a day may have 25 hours
    return max(each.start, digest.midnight(period.start, here)), min(each.end, last)


def wanted(span: Span, column: Column, now: int) -> Wanted:
    """What ought to stand for [start, end) in a column."""
    start, end = span
    taken = [(low, high) for low, high, owner in column.rows if owner.startswith(_TAKES)]
    free = engine_rules.outside([span], [*taken, *column.proposed], ())
    against = {
        owner
        for low, high, owner in column.rows
        if owner.startswith(_APPOINTMENT) and owner not in column.own
        and low < end and high > max(start, now)
        and not any(low < until and high > begin for begin, until in column.proposed)
    }  # fmt: skip
    return Wanted(tuple(piece for part in free for piece in _pieces(part)), tuple(sorted(against)))


def _pieces(part: Span) -> list[Span]:
    start, end = part
    return [(at, min(at + LONGEST_S, end)) for at in range(start, end, LONGEST_S)]


def look(tx: Tx, portal: str, schedule: str, span: Span, lock: bool = False) -> Column:
    """What stands in a column. `lock`: it is about to be changed, others wait."""
    start, end = span
    rows = calendar.standing(tx, schedule, start - 1, end + 1, lock=lock)
    unplaced = {
        one.appointment: (one.start, one.end)
        for one in calendar.open_conflicts(tx)
        if one.appointment and one.schedule == schedule and one.start < end and one.end > start
    }
    ids = {owner.removeprefix(_APPOINTMENT) for _, _, owner in rows if owner.startswith(_APPOINTMENT)}
    own = cycle_store.own_bookings(tx, portal, ids | unplaced.keys()) if ids or unplaced else set()
    standing = {f"{_APPOINTMENT}{id_}" for id_ in own & ids}
    return Column(rows, standing, [at for id_, at in unplaced.items() if id_ in own])


def differing(
    tx: Tx, portal: str, link: OnlineCalendar, period: Period, here: tzinfo, got: dict[str, Blocker]
) -> tuple[list[str], list[tuple[Blocker, Span]]]:
    """(ids of blockers that are gone or over, blockers with what concerns us of them): all that is not here as it ought to be."""
    known = cycle_store.blockers(tx, portal, link.id)
    begins = digest.midnight(period.start, here)
    over = [
        remote for remote, row in known.items()
        if (row.end <= begins or (remote not in got and row.end > period.start and row.start < period.end))
        and not (row.start == row.end and remote in got)
    ]  # fmt: skip
    unread = [(each, (0, 0)) for remote, each in got.items() if each.unread and remote not in known]
    spans = {remote: cut(each, period, here) for remote, each in got.items() if not each.unread}
    spans = {remote: (start, end) for remote, (start, end) in spans.items() if start < end}
    if not spans:
        return over, unread
    hull = min(start for start, _ in spans.values()), max(end for _, end in spans.values())
    column = look(tx, portal, link.schedule, hull)
    found: list[tuple[Blocker, Span]] = list(unread)
    for remote, span in spans.items():
        each, row = got[remote], known.get(remote)
        if not _as_it_ought(tx, each, row, column, wanted(span, column, tx.now)):
            found.append((each, span))
    return over, found


def unchanged(tx: Tx, portal: str, link: str, schedule: str) -> list[str]:
    """Reservations that stand for busy times of this calendar and that the desk has left as they were made."""
    known = cycle_store.blockers(tx, portal, link).values()
    kept = {id_: made for row in known for id_, made in cycle_store.reservations(row).items()}
    if not kept:
        return []
    start, end = _hull(*kept.values())
    stands: dict[str, Span] = {}
    for low, high, owner in calendar.standing(tx, schedule, start - 1, end + 1):
        stands[owner] = _hull((low, high), stands.get(owner, (low, high)))
    return [id_ for id_, made in kept.items() if stands.get(f"{_RESERVATION}{id_}") == made]


def _as_it_ought(tx: Tx, each: Blocker, row: Any, column: Column, ought: Wanted) -> bool:
    if row is None or (row.start, row.end) != (each.start, each.end):
        return False
    kept = cycle_store.reservations(row)
    stands = [column.reserved(id_) for id_ in kept]
    if stands != list(kept.values()) or len(stands) != len(ought.parts) or set(stands) != set(ought.parts):
        return False
    told = None if row.conflict is None else calendar.conflict(tx, row.conflict)
    if not ought.against:
        return told is None or told.settled_at is not None
    return told is not None and told.how != "gone" and set(ought.against) <= set(told.others)


def settle(
    house: "House", tx: Tx, portal: OnlinePortal, link: OnlineCalendar, each: Blocker, span: Span
) -> None:
    """Let a blocker stand here as it ought to: in one step, so that nothing of its time is free in between."""
    if each.unread:  # it is known to be there, no more
        cycle_store.put_blocker(
            tx, portal.id, link.id, each.id, start=0, end=0, reservations={}, conflict=None
        )
        return
    row = cycle_store.blockers(tx, portal.id, link.id).get(each.id)
    kept = {} if row is None else cycle_store.reservations(row)
    column = look(tx, portal.id, link.schedule, _hull(span, *kept.values()), lock=True)
    ought = wanted(span, column, tx.now)
    ids = _reserve(house, tx, portal, link, column, kept, ought.parts)
    conflict = None if row is None else row.conflict
    same = row is not None and (row.start, row.end) == (each.start, each.end)
    if not (same and ought.against):
        end_conflict(house, tx, conflict)
        conflict = None
    if ought.against:
        found = calendar.note_conflict(
            tx, appointment=None, others=ought.against, code=BLOCKED, portal=portal.name, start=each.start,
            end=each.end, schedule=link.schedule,
        )  # fmt: skip
        conflict = found or conflict
    cycle_store.put_blocker(
        tx, portal.id, link.id, each.id, start=each.start, end=each.end, reservations=ids, conflict=conflict
    )


def _hull(*spans: Span) -> Span:
    return min(start for start, _ in spans), max(end for _, end in spans)


def _reserve(
    house: "House",
    tx: Tx,
    portal: OnlinePortal,
    link: OnlineCalendar,
    column: Column,
    kept: Mapping[str, Span],
    parts: Sequence[Span],
) -> dict[str, Span]:
    """Reservations at exactly these times: those that stand so stay, others are changed, made or taken back.

    What the desk has put to another time or length is the desk's from then on, and stays as it is.
    """
    ours = [id_ for id_, made in kept.items() if column.reserved(id_) == made]
    stands = {kept[id_]: id_ for id_ in ours}
    spare = [id_ for id_ in ours if kept[id_] not in parts or stands[kept[id_]] != id_]
    found = {}
    for part in parts:
        id_ = stands.get(part)
        while id_ is None and spare:
            id_ = _moved(house, tx, link, spare.pop(0), part)
        found[id_ or _made(house, tx, portal, link, part)] = part
    for id_ in spare:
        drop_reservation(house, tx, id_)
    return found


def _moved(house: "House", tx: Tx, link: OnlineCalendar, id_: str, part: Span) -> str | None:
    """The reservation, now at this time; None if the desk has deleted it."""
    try:
        one = calendar.edit_reservation(
            house, tx, id_, None, schedules=(link.schedule,), start=part[0], end=part[1]
        )
    except Problem as problem:
        if problem.code != "http.not_found":
            raise
        return None
    return one.id


def _made(house: "House", tx: Tx, portal: OnlinePortal, link: OnlineCalendar, part: Span) -> str:
    title = house.texts.get("portals.blocker.title", directory.organization(tx).language, portal=portal.name)
    one = calendar.add_reservation(
        house, tx, schedules=(link.schedule,), start=part[0], end=part[1], title=title
    )
    return one.id


def give_up(house: "House", tx: Tx, schedule: str, row: Any) -> None:
    """A blocker is no more: neither are its reservations and its conflict. What the desk made of them stays."""
    kept = cycle_store.reservations(row)
    if kept:
        column = look(tx, row.portal, schedule, _hull(*kept.values()), lock=True)
        for id_, made in kept.items():
            if column.reserved(id_) == made:
                drop_reservation(house, tx, id_)
    end_conflict(house, tx, row.conflict)


def drop_reservation(house: "House", tx: Tx, id_: str) -> None:
    """Take a blocker's reservation back; nothing happens where the desk has deleted it before."""
    try:
        calendar.drop_reservation(house, tx, id_, None)
    except Problem as problem:
        if problem.code != "http.not_found":
            raise


def end_conflict(house: "House", tx: Tx, id_: str | None) -> None:
    """A blocker that is gone stands against nothing; nothing happens where a person settled it before."""
    found = None if id_ is None else calendar.conflict(tx, id_)
    if found is not None and found.settled_at is None:
        calendar.settle_conflict(house, tx, found.id, "gone")


def give_way(house: "House", tx: Tx, request: BookingRequest, start: int, end: int | None) -> str | None:
    """A booking of a portal comes in whose blocker is here already: it takes the place of what was reserved for that.

    Only where nothing but such reservations stands at its time. Returns the column; None where nothing was to be done. A
    request that names no column has the one in which a blocker begins with it. `end` None: as long as the type.
    """
    portal = None if request.portal is None or request.origin == "api" else PORTALS.get(tx, request.portal)
    if portal is None:
        return None
    schedule = request.schedule
    kind = calendar.views(house).calendar(tx).services.get(request.service or "")
    low, high = start, start + (kind.duration or 0) * 60 if end is None and kind else end or start
    if kind is not None:
        low, high = low - kind.buffer_before * 60, high + kind.buffer_after * 60
    for link in engine_store.calendars(tx, portal.id):
        if schedule not in (None, link.schedule):
            continue
        if schedule is None and kind and not any(link.schedule in group for group in kind.groups):
            continue
        rows = [
            row for row in cycle_store.blockers(tx, portal.id, link.id).values()
            if row.start < high and row.end > low and row.reservation is not None
        ]  # fmt: skip
        if rows and (schedule is not None or any(row.start == start for row in rows)):
            made = [span for row in rows for span in cycle_store.reservations(row).values()]
            column = look(tx, portal.id, link.schedule, _hull((low, high), *made), lock=True)
            ours = {f"{_RESERVATION}{id_}" for row in rows for id_ in cycle_store.reservations(row)}
            if all(owner in ours for at, to, owner in column.rows if at < high and to > low):
                for row in rows:
                    _shrink(house, tx, portal, link, column, row, (low, high))
                return link.schedule
    return None


def _shrink(
    house: "House",
    tx: Tx,
    portal: OnlinePortal,
    link: OnlineCalendar,
    column: Column,
    row: Any,
    away: Span,
) -> None:
    """Reserve what is reserved for a blocker without the time that its booking takes."""
    kept = cycle_store.reservations(row)
    spans = [made for id_, made in kept.items() if column.reserved(id_) == made]
    ids = _reserve(house, tx, portal, link, column, kept, engine_rules.outside(spans, [away], ()))
    cycle_store.put_blocker(
        tx,
        portal.id,
        link.id,
        row.remote,
        start=row.start,
        end=row.end,
        reservations=ids,
        conflict=row.conflict,
    )
