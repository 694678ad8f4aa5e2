"""Does the judge see? Faults are planted into a copy of what a torture really brought; each must be found.

A checker that finds nothing is worth nothing until it has found something.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from praxisd.testing.torture_check import check_feed, check_history, check_state
from praxisd.testing.torture_history import Record, Shown
from praxisd.testing.torture_state import OCCUPYING, Busy, Kept, State

Plant = Callable[[Sequence[Record], State], tuple[Sequence[Record], State] | None]


def unproven(records: Sequence[Record], state: State) -> list[str]:
    """Names of planted faults that were not found, or that this history was too poor to plant; empty is good."""
    blind = []
    for kind, plants in PLANTS.items():
        for plant in plants:
            made = plant(records, state)
            if made is None:
                blind.append(f"{kind} ({plant.__name__}: nothing to plant it in)")
                continue
            seen = {v.kind for v in (*check_state(made[1]), *check_history(made[0], made[1]))}
            if kind not in seen:
                blind.append(f"{kind} ({plant.__name__}: seen {sorted(seen)})")
    if not _feed_is_checked(state):
        blind.append("feed")
    return blind


def _standing(state: State) -> list[Kept]:
    return [one for one in state.appointments.values() if one.status in OCCUPYING and one.schedules]


def _granted(records: Sequence[Record], state: State) -> Record | None:
    """A booking whose appointment still stands as it was booked."""
    for r in records:
        one = r.appointment
        if r.op == "book" and r.outcome == "done" and r.tag and one and not r.key and not one.partial:
            kept = state.appointments.get(one.id)
            if kept is not None and kept.status in OCCUPYING and kept.version == one.version == 1:
                return r
    return None


def _without(state: State, id_: str) -> State:
    """The state as if an appointment had never been, rows and events included."""
    return replace(
        state,
        appointments={k: v for k, v in state.appointments.items() if k != id_},
        busy=tuple(b for b in state.busy if b.owner != f"Appointment/{id_}"),
        events=tuple(e for e in state.events if e.appointment != id_),
    )


def _with(state: State, one: Kept, *, like: str) -> State:
    """The state with one more appointment, whole: rows, and the events of `like`."""
    first, last = one.start - one.before * 60, one.end + one.after * 60
    rows = tuple(Busy(s, first, last, "appointment", True, f"Appointment/{one.id}") for s in one.schedules)
    notes = tuple(replace(e, appointment=one.id) for e in state.events if e.appointment == like)
    return replace(
        state,
        appointments={**state.appointments, one.id: one},
        busy=state.busy + rows,
        events=state.events + notes,
    )


def double_booking(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """A second appointment over half of the time of one that stands."""
    for one in _standing(state):
        half = (one.end - one.start) // 2
        twin = replace(one, id="planted", start=one.start + half, end=one.end + half)
        return records, _with(state, twin, like=one.id)
    return None


def buffer_overlap(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """An appointment in nothing but another's buffer."""
    for one in _standing(state):
        if one.after:
            start = one.end + one.before * 60
            twin = replace(one, id="planted", start=start, end=start + 300)
            return records, _with(state, twin, like=one.id)
    return None


def lost_booking(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """A booking that was answered 201 and is nowhere."""
    found = _granted(records, state)
    return (records, _without(state, found.appointment.id)) if found and found.appointment else None


def lost_move(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """The last acknowledged state of an appointment, a move if there is one, and the time that is stored is another."""
    for r in sorted(records, key=lambda r: r.op != "move"):
        one = r.appointment
        kept = state.appointments.get(one.id) if one else None
        if r.outcome == "done" and one and kept and kept.version == one.version:
            off = replace(kept, start=kept.start + 60)
            return records, replace(state, appointments={**state.appointments, kept.id: off})
    return None


def missing_row(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """An appointment that lacks a row, one over two columns if there is one."""
    for one in sorted(_standing(state), key=lambda k: -len(k.schedules)):
        gone = next(b for b in state.busy if b.owner == f"Appointment/{one.id}")
        return records, replace(state, busy=tuple(b for b in state.busy if b is not gone))
    return None


def orphan_rows(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """Rows of an appointment that is not there."""
    row = Busy("nowhere", 0, 60, "appointment", True, "Appointment/planted")
    return records, replace(state, busy=(*state.busy, row))


def missing_event(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """A record without its event."""
    return records, replace(state, events=state.events[1:])


def two_bookings_for_one_wish(
    records: Sequence[Record], state: State
) -> tuple[Sequence[Record], State] | None:
    """The same wish stored twice, at another time."""
    found = _granted(records, state)
    if found is None or found.appointment is None:
        return None
    one = state.appointments[found.appointment.id]
    far = replace(one, id="planted", start=one.start + 10**7, end=one.end + 10**7)
    return records, _with(state, far, like=one.id)


def effect_of_a_refusal(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """A booking that was refused, and is there."""
    found = _granted(records, state)
    if found is None:
        return None
    refused = msgspec.structs.replace(
        found, outcome="refused", status=409, code="calendar.slot_taken", appointment=None
    )
    return [r if r is not found else refused for r in records], state


def second_promise(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """Two bookings promised for one time, of which the database kept only one."""
    found = _granted(records, state)
    if found is None or found.appointment is None:
        return None
    other = msgspec.structs.replace(found.appointment, id="planted")
    more = msgspec.structs.replace(found, tag=None, appointment=other)
    return [*records, more], state


def promise_changed(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """One version shown in two states."""
    found = _granted(records, state)
    if found is None or found.appointment is None:
        return None
    other = msgspec.structs.replace(found.appointment, start=found.appointment.start + 300)
    return [*records, msgspec.structs.replace(found, op="read", tag=None, appointment=other)], state


def stale_read(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """An old version shown after a newer one was acknowledged."""
    for r in records:
        one = r.appointment
        if r.outcome == "done" and one and (one.version or 0) > 1 and not r.replayed:
            old = msgspec.structs.replace(one, version=1, partial=True)
            late = msgspec.structs.replace(
                r, op="read", start=r.end + 1, end=r.end + 2, appointment=old, tag=None
            )
            return [*records, late], state
    return None


def two_answers(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """One Idempotency-Key that was answered in two ways."""
    for r in records:
        if r.key and r.outcome == "done" and r.appointment:
            other = msgspec.structs.replace(
                r, appointment=msgspec.structs.replace(r.appointment, id="planted")
            )
            return [*records, other], state
    return None


def server_error(records: Sequence[Record], state: State) -> tuple[Sequence[Record], State] | None:
    """An answer 500."""
    return [*records, msgspec.structs.replace(records[0], outcome="refused", status=500, code=None)], state


PLANTS: dict[str, tuple[Plant, ...]] = {
    "overlap": (double_booking, buffer_overlap),
    "lost": (lost_booking, lost_move),
    "rows": (missing_row,),
    "orphan_rows": (orphan_rows,),
    "events": (missing_event,),
    "two_effects": (two_bookings_for_one_wish,),
    "refused_effect": (effect_of_a_refusal,),
    "double_promise": (second_promise,),
    "two_truths": (promise_changed,),
    "went_back": (stale_read,),
    "two_answers": (two_answers,),
    "server_error": (server_error,),
}
"""What is planted, by the kind of violation that must be found."""


def _feed_is_checked(state: State) -> bool:
    """A feed that shows all is good, and one that misses the last version of one is not."""
    feed: dict[str, Shown | None] = {
        k.id: Shown(
            id=k.id, version=k.version, status=k.status, start=k.start, end=k.end, schedules=k.schedules
        )
        for k in state.appointments.values()
    }
    if not feed or check_feed(None, feed, state):
        return False
    stale = next(iter(feed))
    return all(
        check_feed(None, wrong, state)
        for wrong in ({k: v for k, v in feed.items() if k != stale}, {**feed, stale: None})
    )
