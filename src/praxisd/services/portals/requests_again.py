"""What is known is told again: nothing new, another time or column, another text, a cancellation, another person.

Three rules. What the sender said before is no news, whatever became of our answers (`There`). A booked appointment goes to
another time only if that is free, and only where an authenticated program tells of its own booking by the same person;
else it stays, and the request asks the desk (`deciding.ASKS`). Another person is never taken for the one that is known.
"""

import hashlib
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, There, Told
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deciding, requests_store, store
from praxisd.services.portals.requests_block import (
    LONGEST_S,
    ORIGINAL_MOST,
    Incoming,
    Taken,
    appointment_of,
    block,
    safe,
    tell,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CANCELS_UNKNOWN = "portals.cancels_unknown"
NUMBER_TAKEN = "portals.number_taken"
CHANGE_LATE = "portals.change_late"
PERSON_CHANGED = "portals.person_changed"
DIVIDER = "\n\n— — —\n\n"
_ENDED = ("refused", "withdrawn", "expired")
_CAME = ("arrived", "fulfilled", "noshow")


def told_again(house: "House", tx: Tx, known: BookingRequest, said: Incoming) -> Taken | Incoming:
    """What follows from it; an Incoming is to be taken in as a booking of its own."""
    if said.origin == "portal" and not _nobody_alike(known.told, said.told):
        known = _called_otherwise(tx, known, said)
    elif _others(known.told, said.told):
        reason = said.reason if said.cancelled else NUMBER_TAKEN
        remote = f"{said.remote}#{_mark(*_names(said.told))}"
        return replace(said, remote=remote, at_once=False, reason=reason)
    more = safe(said.original, ORIGINAL_MOST).strip()
    new_words = bool(more) and more not in known.original
    moves = not said.cancelled and said.start is not None and _differs(tx, known, said)
    if new_words:
        waits = known.state in requests_store.WAITING
        if not said.cancelled and not moves and not waits:
            # Nobody looks at what is decided: what else was written about it is a message of its own.
            return replace(said, remote=f"{said.remote}#{_mark(more)}", start=None, end=None)
        if moves and waits and known.start is not None and not _sure(known, said, None):
            return replace(said, remote=f"{said.remote}#{_mark(more)}", at_once=False, reason=NUMBER_TAKEN)
        text = f"{known.original}{DIVIDER}{more}".strip()[-ORIGINAL_MOST:]
        known = store.REQUESTS.save(tx, msgspec.structs.replace(known, original=text))
        tell(tx, "request.changed", known)
    one = appointment_of(tx, known)
    if said.cancelled:
        return _cancelled(house, tx, known, said, one, new_words)
    return _moves(house, tx, known, said, one, new_words) if moves else "known"


def _called_otherwise(tx: Tx, known: BookingRequest, said: Incoming) -> BookingRequest:
    """A portal's id means one booking: another name, or day of birth, under it is a correction that the desk judges."""
    if not _others(known.told, said.told):
        return known
    new = msgspec.structs.replace(known, told=said.told)
    if not said.cancelled and known.state in ("open", "accepted") and known.reason is None:
        new = msgspec.structs.replace(new, reason=PERSON_CHANGED)
    new = store.REQUESTS.save(tx, new)
    tell(tx, "request.changed", new)
    return new


def _mark(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:16]


def _names(told: Told) -> tuple[str, str, str]:
    """What tells a person from others, as it is compared: family name, first given name, day of birth."""
    family, given = (
        unicodedata.normalize("NFKC", one).casefold().split() for one in (told.family, told.given)
    )
    return " ".join(family), given[0] if given else "", told.birth_date.strip()


def _others(known: Told, said: Told) -> bool:
    """True if both say something of the person that cannot be true of one person."""
    return any(a and b and a != b for a, b in zip(_names(known), _names(said), strict=True))


def _nobody_alike(known: Told, said: Told) -> bool:
    """True if family name, given name and day of birth are told by both, and none of them is the same."""
    return all(a and b and a != b for a, b in zip(_names(known), _names(said), strict=True))


def _same(known: Told, said: Told) -> bool:
    """True if both tell the same family name and day of birth."""
    (family, _, born), (family_, _, born_) = _names(known), _names(said)
    return bool(family and born) and (family, born) == (family_, born_) and not _others(known, said)


def _sure(known: BookingRequest, said: Incoming, one: Appointment | None) -> bool:
    """True if what is said of this appointment may be done without a person.

    A portal with access data may change its own bookings. An address of ours that nobody can guess counts like that for
    what waits; a booked appointment it changes for the same person only. Whoever writes a message is not known: it may
    change what nobody has decided, if it names the person.
    """
    if said.cancelled and said.reason is not None:
        return False
    if said.origin == "portal":
        return True
    stands = one is not None and one.status in deciding.STANDS
    if said.origin == "hook":
        return not stands or _same(known.told, said.told)
    return not stands and _same(known.told, said.told)


def _there(tx: Tx, known: BookingRequest) -> There:
    return known.there or There(start=known.wished if known.wished is not None else known.start)


def _differs(tx: Tx, known: BookingRequest, said: Incoming) -> bool:
    """True if the sender says another time or column than before, or than we told it since."""
    before = _there(tx, known)
    if said.start != requests_store.told_there(tx, known, "accepted", "moved"):
        return True
    if said.schedule is None or said.schedule == before.schedule:
        return False
    return before.schedule is not None or known.appointment is None


def _moves(
    house: "House", tx: Tx, known: BookingRequest, said: Incoming, one: Appointment | None, new_words: bool
) -> Taken:
    start = int(said.start or 0)
    before = _there(tx, known)
    other_column = said.schedule is not None and before.schedule not in (None, said.schedule)
    there = There(
        start=start,
        schedule=said.schedule or before.schedule,
        answer=requests_store.last_answer(tx, known.id),
    )
    if known.state in _ENDED:
        return _once_more(house, tx, known, said, there)
    if start == known.start and one is not None and not (other_column and said.schedule not in one.schedules):
        return _as_here(house, tx, known, one, there)
    if one is not None and one.status in _CAME:
        return _too_late(tx, known, there)
    stands = one is not None and one.status in deciding.STANDS
    if stands and said.original and not new_words:
        return "known"  # the same message again, which was decided on
    if one is not None and stands and not _sure(known, said, one):
        return _ask(tx, known, one, deciding.CHANGES, there, start, said.schedule if other_column else None)
    _other_time(house, tx, known, said, one, there, said.schedule if other_column else None)
    return "new"


def _as_here(house: "House", tx: Tx, known: BookingRequest, one: Appointment, there: There) -> Taken:
    """The sender says what stands here: the patient took the proposed time, or is content with the booked one after all."""
    known = store.REQUESTS.save(tx, msgspec.structs.replace(known, there=there))
    if known.state == "asked":
        deciding.answered(house, tx, known, True)
        return "new"
    if known.state == "open" and known.reason == deciding.CHANGES and one.status in deciding.STANDS:
        deciding.kept(house, tx, known, one)
        return "new"
    return "known"


def _once_more(house: "House", tx: Tx, known: BookingRequest, said: Incoming, there: There) -> Taken:
    """What was over is booked again: at a time that was not refused, or one that its own portal had cancelled."""
    start, before = int(said.start or 0), _there(tx, known)
    had = {
        known.start,
        known.wished,
        before.start,
        *(row.start for row in requests_store.answers(tx, known.id)),
    }
    revived = said.origin == "portal" and known.state == "withdrawn" and before.start is None
    if start <= tx.now or (start in had and not revived):
        return "known"
    base = msgspec.structs.replace(
        known, state="open", start=start, end=_sane(start, said.end), service=said.service or known.service,
        schedule=said.schedule or known.schedule, appointment=None, wished=None, until=None, reason=None, answer=None,
        decided=None, by=None, there=there,
    )  # fmt: skip
    new, _ = block(house, tx, base, said.note)
    tell(tx, "request.changed", store.REQUESTS.save(tx, new))
    return "new"


def _sane(start: int, end: int | None) -> int | None:
    return end if end is not None and start < end <= start + LONGEST_S else None


def _other_time(
    house: "House",
    tx: Tx,
    known: BookingRequest,
    said: Incoming,
    one: Appointment | None,
    there: There,
    column: str | None,
) -> None:
    """The patient has chosen another time (`column`: in another calendar) there.

    It is blocked in place of the old one, and the desk decides (anew). A booked one stays where the new time is not free.
    """
    start = int(there.start or 0)
    end = _sane(start, said.end)
    if end is None and known.end is not None and known.start is not None:
        end = start + known.end - known.start
    made = None if one is None else _moved(house, tx, one, start, end, column, said.service)
    if made is None and one is not None and one.status in deciding.STANDS:
        _ask(tx, known, one, deciding.CHANGES, there, start, column)
        return
    new = msgspec.structs.replace(
        known, state="open", start=start, end=end, schedule=said.schedule or known.schedule, wished=None, until=None,
        answer=None, reason=None, decided=None, by=None, there=there,
    )  # fmt: skip
    if made is None:
        note = said.note or (one.note or "" if one is not None else "")
        if one is not None:
            calendar.cancel(house, tx, one.id)
        new = msgspec.structs.replace(new, appointment=None, service=said.service or known.service)
        new, _ = block(house, tx, new, note)
    else:
        new = msgspec.structs.replace(new, start=made.start, end=made.end, service=made.service)
    requests_store.no_answer(tx, known.id)  # the portal knows better what the patient wants
    new = store.REQUESTS.save(tx, new)
    deciding.settle_messages(house, tx, known)
    tell(tx, "request.changed", new)


def _moved(
    house: "House",
    tx: Tx,
    one: Appointment,
    start: int,
    end: int | None,
    column: str | None,
    service: str | None,
) -> Appointment | None:
    """The appointment at its new place, pending; None where it cannot go there, and nothing has changed then."""
    service = service if column is not None and service is not None else one.service
    try:
        if one.status in ("pending", "proposed"):
            if service != one.service:
                return None
            minutes = None if end is None else (end - start) // 60
            columns = None if column is None else (column,)
            return calendar.reschedule(house, tx, one.id, start, minutes, columns)
        wish = calendar.Wish(
            service=service, start=start, end=end, schedules=one.schedules if column is None else (column,),
            outside_hours=True, status="pending",
        )  # fmt: skip
        return calendar.move(house, tx, one.id, wish)
    except Problem:
        return None


def _ask(
    tx: Tx,
    known: BookingRequest,
    one: Appointment | None,
    reason: str,
    there: There,
    wished: int | None = None,
    column: str | None = None,
) -> Taken:
    """The appointment stays as it is; the request says what is wanted, and a person decides."""
    state = "open" if known.state == "accepted" else known.state
    new = msgspec.structs.replace(known, state=state, reason=reason, there=there)
    if wished is not None and one is not None:
        schedule = column or (one.schedules[0] if one.schedules else known.schedule)
        new = msgspec.structs.replace(new, wished=wished, schedule=schedule)
    if state == "open":
        new = msgspec.structs.replace(new, decided=None, by=None)
        if one is not None:
            new = msgspec.structs.replace(new, start=one.start, end=one.end)
    if reason == deciding.CHANGES:
        requests_store.no_answer(tx, known.id)
    tell(tx, "request.changed", store.REQUESTS.save(tx, new))
    return "new"


def _too_late(tx: Tx, known: BookingRequest, there: There) -> Taken:
    """The patient is here already, or it is over: the appointment stays, the request says what came too late."""
    new = msgspec.structs.replace(known, there=there, reason=CHANGE_LATE)
    tell(tx, "request.changed", store.REQUESTS.save(tx, new))
    return "known"


def _cancelled(
    house: "House", tx: Tx, known: BookingRequest, said: Incoming, one: Appointment | None, new_words: bool
) -> Taken:
    """The patient cancelled it where it was booked; that the practice did so too changes nothing."""
    if known.reason == CANCELS_UNKNOWN or known.state in _ENDED:
        return "known"
    if known.state == "accepted" and said.portal is not None:
        last = requests_store.answers(tx, known.id)
        if last and last[-1].kind == "cancelled":
            return "known"
    before = _there(tx, known)
    there = There(schedule=before.schedule, answer=requests_store.last_answer(tx, known.id))
    if one is not None and one.status in _CAME:
        return "known" if before.start is None else _too_late(tx, known, there)
    if not _sure(known, said, one):
        if not new_words or known.reason == deciding.CANCELS:
            return "known"
        return _ask(tx, known, one, deciding.CANCELS, before)
    known = store.REQUESTS.save(tx, msgspec.structs.replace(known, there=there))
    deciding.withdrawn(house, tx, known)
    return "cancelled"
