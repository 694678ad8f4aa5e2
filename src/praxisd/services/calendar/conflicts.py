"""Conflicts found: what came from outside meets what is here. Each pair is one finding, and told once (SPEC 3.9).

A conflict has one side from outside, an appointment or a blocker of a portal, and all that stands in its way here. This
file finds and notes them; `settling` ends them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import conflict_store, repeating, rules, store, view_store
from praxisd.services.calendar.conflict_store import Found
from praxisd.services.calendar.view import views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TAKEN, ABSENT, BLOCKER = "calendar.conflict_taken", "calendar.conflict_absent", "calendar.conflict_blocker"
CODES = (TAKEN, ABSENT, BLOCKER)


def note_conflict(
    tx: Tx,
    *,
    appointment: str | None,
    others: Sequence[str],
    code: str,
    portal: str | None,
    start: int,
    end: int,
    schedule: str,
) -> str | None:
    """Note what stands in the way of one side from outside; its id, or None where all of it is known already.

    `others` are owners: `Appointment/<id>`, `Reservation/<id>`, `Absence/<id>` and the like. `portal`: its id or name.
    A pair that a person settled is not told again; one that went away by itself and is back is.
    """
    side = side_of(appointment, portal, schedule, start, end)
    before = conflict_store.of_side(tx, side)
    settled = {
        owner for one in before if one.settled_at is not None and one.how != "gone" for owner in one.others
    }
    new = [owner for owner in dict.fromkeys(others) if owner not in settled]
    there = next((one for one in before if one.settled_at is None), None)
    if there is not None:
        new = [owner for owner in new if owner not in there.others]
    if not new:
        return None
    if there is not None:
        more = msgspec.structs.replace(there, others=(*there.others, *new))
        found = conflict_store.save(tx, more)
    else:
        found = Found(
            id=new_id(),
            version=1,
            appointment=appointment,
            code=code,
            found_at=tx.now,
            settled_at=None,
            how=None,
            others=tuple(new),
            portal=portal,
            schedule=schedule,
            start=start,
            end=end,
            side=side,
        )
        conflict_store.add(tx, found)
    tell(tx, "conflict.found", found)
    return found.id


def tell(tx: Tx, type_: str, one: Found, how: str | None = None) -> None:
    """The event about a conflict: of its appointment, where the side from outside is one (as ever), else of itself."""
    subject = ("Appointment", one.appointment) if one.appointment else ("Conflict", one.id)
    events.note(tx, type_, *subject, version=one.version, conflict=one.id, how=how)


def side_of(appointment: str | None, portal: str | None, schedule: str, start: int, end: int) -> str:
    """The side from outside in one word: the appointment, or the blocker by where and when it stands."""
    if appointment is not None:
        return f"Appointment/{appointment}"
    text = f"{portal}|{schedule}|{start}|{end}"
    return f"Blocker/{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def in_the_way(tx: Tx, schedules: Sequence[str], start: int, end: int, but: Iterable[str] = ()) -> list[str]:
    """Owners of what takes one of these columns in [start, end) now, in a fixed order; without lapsed holds."""
    left_out = set(but)
    rows = store.busy_rows(tx, start, end, schedules)
    return sorted({row[3] for row in rows if (row[4] is None or row[4] > tx.now) and row[3] not in left_out})


def absences(house: "House", tx: Tx, schedules: Sequence[str], start: int, end: int) -> list[str]:
    """`Absence/<id>` of the column's or the practice's absences on the local days of [start, end)."""
    zone = views(house).calendar(tx).almanac.zone
    first, last = rules.local_date(start, zone), rules.local_date(max(start, end - 1), zone)
    return [
        f"Absence/{one.id}"
        for one in view_store.absences(tx, first.isoformat(), last.isoformat())
        if (one.schedule is None or one.schedule in schedules)
        and next(repeating.periods(one, first, last), None) is not None
    ]


def of_appointment(house: "House", tx: Tx, one: Appointment) -> list[str]:
    """All that stands in the way of an appointment now, as owners: occupations first, then absences."""
    before, after = one.buffer_before * 60, one.buffer_after * 60
    own = (f"Appointment/{one.id}",)
    rows = in_the_way(tx, one.schedules, one.start - before, one.end + after, own)
    return rows + absences(house, tx, one.schedules, one.start, one.end)


def open_conflicts(tx: Tx) -> list[Found]:
    """All that wait for a person, oldest first."""
    return conflict_store.unsettled(tx)


def conflict(tx: Tx, id_: str) -> Found | None:
    """One of them, settled or not."""
    return conflict_store.get(tx, id_)


def conflict_of(tx: Tx, appointment: str) -> str | None:
    """The open conflict of an appointment from outside, if there is one."""
    side = side_of(appointment, None, "", 0, 0)
    return next((one.id for one in conflict_store.of_side(tx, side) if one.settled_at is None), None)
