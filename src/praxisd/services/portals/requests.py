"""Requests come in: whoever is told of gets a record (or a decision waits), and the time is blocked until the desk decides.

Idempotent: what is known by its sender's id is known (the database is the judge, on two nodes too). A request
whose time or person could not be read, or that the calendar refused, is kept all the same; a person completes it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.model.portals import BookingRequest, OnlinePortal, Origin, Told
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import deciding, engine_blockers, requests_store, store
from praxisd.services.portals.desk_settings import BLOCK_MINUTES

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Taken = Literal["new", "known", "cancelled"]
CANCELS_UNKNOWN = "portals.cancels_unknown"
ORIGINAL_MOST = 40_000
"""Letters of all messages about one booking that are kept."""
DIVIDER = "\n\n— — —\n\n"
_REMOTE_MOST = 500


@dataclass(frozen=True, slots=True)
class Incoming:
    """A booking as it came. `at_once`: accept it without a person where nothing is in doubt. `word`: the type as written."""

    origin: Origin
    remote: str
    told: Told = field(default_factory=Told)
    start: int | None = None
    end: int | None = None
    service: str | None = None
    schedule: str | None = None
    word: str = ""
    note: str = ""
    portal: OnlinePortal | None = None
    source: str | None = None
    original: str = ""
    subject: str = ""
    cancelled: bool = False
    at_once: bool = False


def receive(house: "House", tx: Tx, said: Incoming) -> Taken:
    """Take in a booking, what changed about a known one, or that it is cancelled; whoever hands it over."""
    with _acting_for(
        tx, None
    ):  # what is in the calendar is ours, also where the portal has another name by now
        return _receive(house, tx, said)


@contextmanager
def _acting_for(tx: Tx, portal: str | None) -> Iterator[None]:
    """As the same actor, for this portal or for none."""
    actor = tx.actor
    tx.actor = replace(actor, portal=portal)
    try:
        yield
    finally:
        tx.actor = actor


def _receive(house: "House", tx: Tx, said: Incoming) -> Taken:
    owner = said.portal.id if said.portal else ""
    if said.cancelled:
        known = requests_store.of_remote(tx, said.origin, owner, remote_of(said.remote))
        if known is None:
            return _enter(house, tx, said) if said.original else "known"
        if known.reason == CANCELS_UNKNOWN:
            return "known"
        return _cancelled(house, tx, known, said)
    return _enter(house, tx, said)


def _enter(house: "House", tx: Tx, said: Incoming) -> Taken:
    # A cancellation of what nobody knows is kept as a message to be read; it books nothing.
    reads = not said.cancelled
    request = BookingRequest(
        id=new_id(),
        origin=said.origin,
        received=tx.now,
        portal=said.portal.id if said.portal else None,
        source=said.source,
        remote=remote_of(said.remote),
        told=_whole(said.told),
        start=said.start if reads else None,
        end=said.end if reads else None,
        service=said.service,
        schedule=said.schedule,
        original=_safe(said.original, ORIGINAL_MOST),
        subject=_safe(said.subject, 200),
        word=_safe(said.word, 200),
        reason=None if reads else CANCELS_UNKNOWN,
    )
    new = store.REQUESTS.offer(tx, request)
    if new is None:
        known = requests_store.of_remote(tx, said.origin, request.portal or "", request.remote)
        return "known" if known is None else _again(house, tx, known, said)
    request, sure = block(house, tx, new, said.note, said.at_once)
    request = store.REQUESTS.save(tx, request)
    tell(tx, "request.received", request)
    if sure and said.at_once:
        deciding.accepted(house, tx, request, calendar.get(tx, str(request.appointment)))
    return "new"


def _whole(told: Told) -> Told:
    return Told(**{name: _safe(value, 254) for name, value in msgspec.structs.asdict(told).items()})


def _safe(text: str, most: int) -> str:
    """The text without what no database keeps: null characters, half surrogates."""
    return text[:most].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def remote_of(told: str) -> str:
    """The sender's id as it is kept; of one that is no reasonable id its digest."""
    kept = _safe(told, _REMOTE_MOST)
    return kept if kept == told else f"sha256:{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()}"


def tell(tx: Tx, type_: str, request: BookingRequest) -> None:
    """The event about a request; it is its portal's own."""
    events.note(
        tx,
        type_,
        "BookingRequest",
        request.id,
        version=request.version,
        portal=portal_name(tx, request),
        origin=request.origin,
        appointment=request.appointment,
    )


def portal_name(tx: Tx, request: BookingRequest) -> str | None:
    """The name of the portal whose booking it is, if one's."""
    if request.portal is None or request.origin == "api":
        return request.portal
    found = store.PORTALS.get(tx, request.portal)
    return None if found is None else found.name


def block(
    house: "House", tx: Tx, request: BookingRequest, note: str = "", at_once: bool = False
) -> tuple[BookingRequest, bool]:
    """The request with its person and its time in the calendar, as far as both are known; not stored yet.

    The second value: nothing is in doubt, and with `at_once` the appointment is booked already.
    """
    outcome = _recognised(tx, request) if request.patient is None else None
    patient = outcome.patient if outcome else request.patient
    found = outcome.found if outcome else request.found
    name = portal_name(tx, request)
    request = msgspec.structs.replace(request, patient=patient, found=found)
    if request.start is None or (request.service is None and request.schedule is None):
        return request, False
    sure = found in ("certain", "new") and request.service is not None
    end = _end(house, tx, request)
    column = engine_blockers.give_way(house, tx, request, request.start, end) or request.schedule
    wish = calendar.Wish(
        service=request.service,
        start=request.start,
        end=end,
        schedules=(column,) if column else (),
        patient=patient,
        note=_safe(note, 2000) or None,
        status="booked" if at_once and sure else "pending",
        extra={"alias": outcome.shown} if outcome and name is not None else {},
    )
    try:
        made, conflict = calendar.request(house, tx, wish, created_by_portal=name)
    except Problem as problem:
        return msgspec.structs.replace(request, reason=problem.code), False
    done = msgspec.structs.replace(request, appointment=made.id, start=made.start, end=made.end, reason=None)
    return done, at_once and conflict is None and made.status == "booked"


def complete(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    *,
    told: Told,
    start: int | None,
    service: str | None,
    schedule: str | None,
    minutes: int | None,
) -> BookingRequest:
    """A person fills in what could not be read. `portals.time_past` (422), and the Problems of `calendar.reschedule`.

    Who was told of is looked up, if nobody was yet; the time is blocked, or blocked anew.
    """
    if start is not None and start != request.start and start <= tx.now:
        raise Problem("portals.time_past", 422)
    length = None if request.end is None or request.start is None else request.end - request.start
    same = service == request.service
    length = minutes * 60 if minutes is not None else length if same else None
    end = None if start is None or length is None else start + length
    new = msgspec.structs.replace(
        request, told=told, start=start, end=end, service=service, schedule=schedule, reason=None
    )
    one = _appointment(tx, request)
    if one is not None and one.status in ("pending", "proposed"):
        if same and schedule == request.schedule:
            if (start, end) != (request.start, request.end) and start is not None:
                one = calendar.reschedule(house, tx, one.id, start, minutes)
        else:
            calendar.cancel(house, tx, one.id)
            one = None
    if one is None:
        new, _ = block(house, tx, msgspec.structs.replace(new, appointment=None))
    else:
        new = msgspec.structs.replace(new, start=one.start, end=one.end)
        outcome = _recognised(tx, new) if request.patient is None else None
        if outcome is not None:
            calendar.change(house, tx, one.id, patient=outcome.patient)
            new = msgspec.structs.replace(new, patient=outcome.patient, found=outcome.found)
    new = store.REQUESTS.save(tx, new)
    tell(tx, "request.changed", new)
    return new


def _recognised(tx: Tx, request: BookingRequest) -> directory.Outcome | None:
    """Whose booking it is, told by its portal; None where too little was told, or it cannot be true: a person completes it."""
    told = request.told
    if not (told.family.strip() and told.given.strip() and len(told.birth_date) == 10):
        return None
    try:
        with _acting_for(tx, portal_name(tx, request)):
            return directory.recognise(tx, claim_of(told))
    except Problem:
        return None


def claim_of(told: Told) -> PatientClaim:
    """What was told, as the directory compares it."""
    return PatientClaim(
        family=told.family,
        given=told.given,
        birth_date=told.birth_date or None,
        phone=told.phone or None,
        email=told.email or None,
    )


def _end(house: "House", tx: Tx, request: BookingRequest) -> int | None:
    """Until when the time is blocked; None leaves it to the type. What says nothing of its length gets the usual one."""
    if request.end is not None:
        return request.end
    kind = calendar.views(house).calendar(tx).services.get(request.service or "")
    if kind is not None and kind.duration:
        return None
    return int(request.start or 0) + int(house.settings.get(tx, BLOCK_MINUTES)) * 60


def _again(house: "House", tx: Tx, known: BookingRequest, said: Incoming) -> Taken:
    """What is known is told again: nothing, another time, or another text."""
    more = _safe(said.original, ORIGINAL_MOST).strip()
    if more and more not in known.original:
        if known.state not in requests_store.WAITING and said.start in (None, known.start):
            # Nobody looks at what is decided: what else was written about it is a message of its own.
            mark = hashlib.sha256(more.encode("utf-8", "replace")).hexdigest()[:16]
            return _enter(house, tx, replace(said, remote=f"{said.remote}#{mark}", start=None, end=None))
        text = f"{known.original}{DIVIDER}{more}".strip()[-ORIGINAL_MOST:]
        known = store.REQUESTS.save(tx, msgspec.structs.replace(known, original=text))
        tell(tx, "request.changed", known)
    if said.start is None or said.start == known.start:
        if said.start is not None and known.state == "asked":
            deciding.answered(
                house, tx, known, True
            )  # the portal asked the patient, who took the proposed time
            return "new"
        return "known"
    if known.state in ("refused", "withdrawn", "expired") or _of_before(tx, known, said.start):
        return "known"
    _other_time(house, tx, known, said)
    return "new"


def _of_before(tx: Tx, known: BookingRequest, start: int) -> bool:
    """True if this is a time of before, and the portal has not heard of ours yet; else the patient has changed it."""
    told = requests_store.answers(tx, known.id)
    if known.state != "accepted" or not told:
        return start == known.wished
    last = told[-1]
    if last.state == "sent":
        return False
    return last.state == "open" or start in {known.wished, *(row.start for row in told)}


def _other_time(house: "House", tx: Tx, known: BookingRequest, said: Incoming) -> None:
    """The patient has chosen another time there: it is blocked in place of the old one, and the desk decides (anew)."""
    start = int(said.start or 0)
    length = None if known.end is None or known.start is None else known.end - known.start
    end = said.end or (None if length is None else start + length)
    changed = msgspec.structs.replace(
        known, state="open", start=start, end=end, wished=None, until=None, answer=None, reason=None
    )
    before = _appointment(tx, known)
    moved = before is not None and _moved(house, tx, before, start, end)
    if not moved:
        if before is not None:
            calendar.cancel(house, tx, before.id)
        changed, _ = block(house, tx, msgspec.structs.replace(changed, appointment=None))
    changed = store.REQUESTS.save(tx, changed)
    deciding.settle_messages(house, tx, known)
    tell(tx, "request.changed", changed)


def _moved(house: "House", tx: Tx, one: Appointment, start: int, end: int | None) -> bool:
    minutes = None if end is None else (end - start) // 60
    try:
        if one.status in ("pending", "proposed"):
            calendar.reschedule(house, tx, one.id, start, minutes)
        else:
            wish = calendar.Wish(
                service=one.service, start=start, end=end, schedules=one.schedules, outside_hours=True, status="pending"
            )  # fmt: skip
            calendar.move(house, tx, one.id, wish)
    except Problem:
        return False
    return True


def _appointment(tx: Tx, request: BookingRequest) -> Appointment | None:
    if request.appointment is None:
        return None
    try:
        return calendar.get(tx, request.appointment)
    except Problem:
        return None


def _cancelled(house: "House", tx: Tx, known: BookingRequest, said: Incoming) -> Taken:
    """The patient cancelled it where it was booked; that the practice did so too changes nothing."""
    if known.state not in ("open", "asked", "accepted"):
        return "known"
    if known.state == "accepted" and said.portal is not None:
        last = requests_store.answers(tx, known.id)
        if last and last[-1].kind == "cancelled":
            return "known"
    deciding.withdrawn(house, tx, known)
    return "cancelled"
